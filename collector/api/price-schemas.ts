// Bodies, queries and answers of /api/prices as JSON Schema: for /openapi.json and the serialiser. Bodies are checked by
// processors/pricing/custom, the same code that reads the file, so that both doors say the same.

import { conditionNames } from '../../processors/pricing/file.ts'
import { usageUnits } from '../../schemas/usage.ts'
import { problems } from './schemas.ts'

const string = { type: 'string' } as const
const stringOrNull = { type: ['string', 'null'] } as const
const names = { type: 'array', items: string } as const
const open = { type: 'object', additionalProperties: true } as const
const nameOrNames = { type: ['string', 'array'], items: string } as const
const decimal = { type: ['string', 'number'], description: 'Exact as written: 0.10 is no double here.' } as const
const rates = {
  type: 'object',
  additionalProperties: decimal,
  description: `Amount by unit: ${usageUnits.map(({ name }) => name).join(', ')}.`,
} as const

export const finding = {
  type: 'object',
  properties: {
    entry: { ...string, description: 'List, index and name of the record; empty for the only one or the whole.' },
    field: { ...string, description: 'Path within the record, such as `rates.input`.' },
    message: { ...string, description: 'What is wrong, and what would be right.' },
    line: { type: 'integer', description: 'Of the text, from 1; 0 for none.' },
  },
} as const

/** As all problems, with each finding where a record is wrong. */
export const priceProblems = {
  ...problems,
  '400': { type: 'object', properties: { detail: string, findings: { type: 'array', items: finding } } },
} as const

export const priceRecord = {
  type: 'object',
  required: ['model'],
  description: 'A price, discount, plan or alias, as in the file. JSON or YAML.',
  properties: {
    kind: { ...string, enum: ['price', 'discount', 'plan', 'alias'], default: 'price' },
    provider: { ...string, description: 'Who bills; of an alias: who is reported, or left out for any.' },
    model: { ...nameOrNames, description: 'Ids, prefixes as `acme-*`, or `*`; of an alias: the model it stands for.' },
    project: nameOrNames,
    organisation: nameOrNames,
    validFrom: { ...string, description: 'Instant or date, UTC; absent: always.' },
    validTo: { ...string, description: 'First instant it no longer holds.' },
    recordedAt: { ...string, description: 'Since when it is known; absent: from now on.' },
    note: string,
    when: { ...open, description: `Conditions: ${conditionNames.join(', ')}, schedule.` },
    rates,
    bands: { type: 'array', items: open, description: 'Higher bands: `{over, inclusive, thinking, rates}`.' },
    per: { type: ['object', 'string', 'number'], additionalProperties: true },
    minimum: open,
    currency: { ...string, default: 'USD' },
    percent: { ...decimal, description: 'Of a discount: off the list.' },
    units: { ...nameOrNames, description: 'Of a discount: only these.' },
    fee: { ...open, description: 'Of a plan: `{amount, currency, period}`.' },
    name: { ...string, description: 'Of an alias: what calls report, or a prefix as `openai/*`.' },
    to: { ...string, description: 'Of an alias: provider of the model; absent: the same.' },
  },
} as const

export const keptRecord = {
  type: 'object',
  properties: {
    id: string,
    source: { ...string, enum: ['file', 'api'] },
    entry: { ...string, description: 'Id of the price entry, as on the rows it prices.' },
    seen_at: { ...string, description: 'When the collector first saw it as it is.' },
    record: open,
  },
} as const

export const priceBook = { ...string, description: 'Version of the price book in use.' } as const

export const keptRecords = {
  type: 'object',
  properties: {
    price_book: priceBook,
    overrides: { type: 'array', items: keptRecord },
    organisations: { type: 'object', additionalProperties: names },
    calendars: { type: 'object', additionalProperties: names },
    file_findings: { ...names, description: 'What is wrong with the file now; an earlier one is in force then.' },
  },
} as const

export const taken = {
  type: 'object',
  properties: { price_book: { ...priceBook, description: 'Version from now on.' }, override: keptRecord },
} as const

export const priceEntry = {
  type: 'object',
  properties: {
    id: string,
    provider: string,
    models: { ...names, description: 'Ids, prefixes with a star.' },
    scope: { ...open, description: 'Projects or organisations; empty for everybody.' },
    conditions: open,
    valid_from: stringOrNull,
    valid_to: stringOrNull,
    recorded_at: string,
    announced: { type: 'boolean' },
    currency: string,
    per: { type: 'object', additionalProperties: { type: 'integer' } },
    bands: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          over_input_tokens: { type: ['integer', 'null'], description: 'Null for the first band.' },
          inclusive: { type: 'boolean' },
          thinking: { type: 'boolean', description: 'For calls with reasoning tokens alone.' },
          rates: { type: 'object', additionalProperties: string },
        },
      },
    },
    minimum: { type: 'object', additionalProperties: string },
    fixed_charge: { ...open, description: 'Of a plan: amount, currency and period; calls themselves cost 0.' },
    source: names,
    confidence: string,
  },
} as const

export const entriesFilter = {
  type: 'object',
  properties: {
    provider: { ...string, description: 'In any spelling.' },
    model: { ...string, description: 'As calls name it.' },
    at: { ...string, description: 'Instant or date, UTC; now when not given.' },
    limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  },
} as const

export const entriesAnswer = {
  type: 'object',
  properties: {
    price_book: priceBook,
    at: string,
    total: { type: 'integer', description: 'Entries found; `limit` of them are listed.' },
    entries: { type: 'array', items: priceEntry },
    chosen: {
      type: ['object', 'null'],
      properties: { entry: stringOrNull, match: stringOrNull, reason: string },
      description: 'With provider and model: what prices a call that reports no conditions, or why nothing does.',
    },
  },
} as const

export const suggestFilter = {
  type: 'object',
  required: ['model'],
  properties: { provider: string, model: { type: 'string', minLength: 1, maxLength: 512 } },
} as const

export const suggestAnswer = {
  type: 'object',
  properties: {
    provider: string,
    model: string,
    priced: { type: 'boolean' },
    entry: stringOrNull,
    reason: { ...string, description: 'Why it has no price; empty when it has.' },
    suggestion: {
      type: ['object', 'null'],
      properties: { provider: string, model: string },
      description: 'A model that may be meant; for a person to confirm.',
    },
    override: {
      type: ['object', 'null'],
      properties: { id: string, body: open },
      description: 'What to PUT to /api/prices/overrides/{id} if it is meant.',
    },
  },
} as const

export const validateAnswer = {
  type: 'object',
  properties: { valid: { type: 'boolean' }, records: { type: 'integer' }, findings: { type: 'array', items: finding } },
} as const
