// Bodies and answers of /api/score-configs as JSON Schema: for /openapi.json and the serialiser. Bodies are checked by
// processors/score-configs/read.ts, the code that reads the file, so that both say the same.

import { configTypes } from '../../processors/score-configs/config.ts'

const string = { type: 'string' } as const
const number = { type: 'number' } as const

const configFields = {
  type: { ...string, enum: configTypes },
  range: {
    type: 'object',
    properties: { min: number, max: number },
    description: 'Of a numeric score; both ends belong to it.',
  },
  categories: {
    type: 'array',
    items: {
      type: 'object',
      properties: { label: string, value: number, verdict: { ...string, enum: ['good', 'bad'] } },
    },
    description: 'Of a categorical score: all labels there are, and which are good or bad.',
  },
  direction: { ...string, enum: ['high', 'low'], description: 'Which values are better; `low`: true is bad.' },
  threshold: { ...number, description: 'Good from here on, itself included; what is beyond is bad.' },
  on_violation: {
    ...string,
    enum: ['flag', 'refuse'],
    description: 'A score that breaks it is kept and in no figure, or refused.',
  },
  one_vote: {
    ...string,
    enum: ['author', 'none'],
    description: '`author`: the newest of an author on a target counts. `none`: each counts.',
  },
  description: string,
} as const

export const scoreConfigBody = { type: 'object', required: ['type'], properties: configFields } as const

export const scoreConfig = {
  type: 'object',
  properties: {
    name: string,
    ...configFields,
    id: { ...string, description: "As `configId` of Langfuse's scores." },
    version: { ...string, description: 'Name and a hash; stands on the scores it judges.' },
    source: { ...string, enum: ['file', 'api'] },
    since: { ...string, description: 'When it was set.' },
  },
} as const

export const scoreConfigList = {
  type: 'object',
  properties: {
    score_configs: { type: 'array', items: scoreConfig },
    file_findings: {
      type: 'array',
      items: string,
      description: 'What is wrong with the file now; an earlier one is in force then.',
    },
  },
} as const

export const nameParam = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 1, maxLength: 128 } },
} as const
