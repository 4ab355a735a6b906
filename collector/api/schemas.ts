// Bodies, queries and answers of the API as JSON Schema: what is checked, what is serialised and what /openapi.json says are
// these. Names and meanings that AgentCost has are kept; ours are added.

import { scoreSources } from '../../processors/evaluation-attributes.ts'
import { implicitPrefix, implicitSignals } from '../../processors/implicit-signals.ts'

const signalNames = Object.keys(implicitSignals)
  .map((signal) => implicitPrefix + signal)
  .join(', ')

/** Longest texts, in UTF-16 units, and longest lists. */
export const feedbackLimits = {
  id: 256,
  name: 128,
  comment: 10_000,
  tags: 50,
  tag: 128,
  metadataKeys: 50,
  metadataKey: 128,
  metadataBytes: 16_384,
  listed: 1000,
  costUsd: 1000,
} as const

const text = (maxLength: number, description: string) => ({ type: ['string', 'null'], maxLength, description }) as const
const id = (description: string) => text(feedbackLimits.id, description)

export const feedbackBody = {
  type: 'object',
  properties: {
    trace_id: id('Trace that is judged: the one of the call, any short text. Or name a response or a session.'),
    score: {
      type: 'integer',
      enum: [-1, 0, 1],
      description: `1 thumbs up, 0 neutral, -1 thumbs down. May be left out only with a name of a signal: ${signalNames}.`,
    },
    comment: text(feedbackLimits.comment, 'What the author wrote.'),
    source: { type: ['string', 'null'], enum: [...scoreSources, null], description: '`user` when not given.' },
    user_id: id('Author. Of several votes of one author on one target the newest counts.'),
    tags: {
      type: ['array', 'null'],
      maxItems: feedbackLimits.tags,
      items: { type: 'string', maxLength: feedbackLimits.tag },
    },
    metadata: {
      type: ['object', 'null'],
      maxProperties: feedbackLimits.metadataKeys,
      propertyNames: { type: 'string', maxLength: feedbackLimits.metadataKey },
      additionalProperties: true,
      description: '`prompt_id` and `prompt_version` count as the prompt when the judged call names none.',
    },
    id: { ...id('Idempotency key: sent again, the same feedback is one; changed, it is replaced.'), minLength: 1 },
    span_id: id('Span of the trace that is judged.'),
    response_id: id("The provider's id of the answer that is judged; it goes before trace and span."),
    session_id: id('Session that is judged.'),
    run_name: text(feedbackLimits.name, 'Run of a dataset that this is a result of.'),
    dataset: text(feedbackLimits.name, 'Dataset of the run.'),
    item_id: id('Item of the dataset that was judged.'),
    evaluator: text(feedbackLimits.name, 'What judged, for a source other than `user`.'),
    evaluator_version: text(feedbackLimits.name, 'Its version; judges are compared with people by both.'),
    cost: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: feedbackLimits.costUsd,
      description: 'USD that the evaluation has cost.',
    },
    name: text(feedbackLimits.name, '`user_feedback` when not given and the source is `user`.'),
  },
} as const

const string = { type: 'string' } as const
const count = { type: 'integer' } as const
const numberOrNull = { type: ['number', 'null'] } as const
const integerOrNull = { type: ['integer', 'null'] } as const

const storedFields = {
  id: string,
  trace_id: string,
  score: { ...integerOrNull, description: '1, 0 or -1; null for a score that says neither.' },
  comment: string,
  source: string,
  user_id: { ...string, description: 'Author.' },
  tags: { type: 'array', items: string },
  metadata: { type: 'object', additionalProperties: true },
  org_id: { ...string, description: 'Project.' },
  created_at: { type: 'number', description: 'Unix seconds.' },
  name: string,
  span_id: string,
  response_id: string,
  session_id: string,
  run_name: string,
  dataset: string,
  item_id: string,
  evaluator: string,
  evaluator_version: string,
  cost: { ...numberOrNull, description: 'USD that the evaluation has cost; null when nobody said.' },
} as const

export const storedFeedback = { type: 'object', properties: storedFields } as const

export const listedFeedback = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      ...storedFields,
      value: numberOrNull,
      label: string,
      data_type: { ...string, description: '`text` and `correction` are no votes.' },
      text: string,
      config: { ...string, description: 'Version of the configuration that judged it.' },
      violation: { ...string, description: 'How it breaks its configuration; then it is in no figure.' },
      error_type: { ...string, description: 'Set when an evaluation failed.' },
      resolved: { type: 'boolean', description: 'The judged call was found; the fields below are its.' },
      target: string,
      target_trace_id: string,
      target_span_id: string,
      provider: string,
      model: { ...string, description: '`mixed` for a trace that used several.' },
      feature: string,
      prompt_name: string,
      prompt_version: string,
      span_cost: { ...numberOrNull, description: 'USD; null when unknown.' },
    },
  },
} as const

const voteCounts = { total: count, positive: count, negative: count, neutral: count } as const

export const feedbackSummary = {
  type: 'object',
  properties: {
    ...voteCounts,
    positive_pct: numberOrNull,
    negative_pct: numberOrNull,
    positive_low_pct: { ...numberOrNull, description: 'With the next: 95 % interval of the positive share (Wilson).' },
    positive_high_pct: numberOrNull,
    superseded: { ...count, description: 'Kept, but the author has voted anew.' },
    without_verdict: { ...count, description: 'Scores that say neither good nor bad.' },
    failed: { ...count, description: 'Evaluations that failed.' },
    unresolved: { ...count, description: 'Votes whose call has not been found.' },
    flagged: { ...count, description: 'Scores that break their configuration; left out of all figures.' },
  },
} as const

export const traceScore = {
  type: 'object',
  properties: {
    trace_id: string,
    ...voteCounts,
    score: { ...numberOrNull, description: '(positive − negative) ÷ total.' },
  },
} as const

const qualityFields = {
  total_feedback: count,
  positive: count,
  negative: count,
  neutral: count,
  positive_pct: numberOrNull,
  negative_pct: numberOrNull,
  avg_score: numberOrNull,
  avg_cost: { ...numberOrNull, description: 'USD a call, over all priced calls of the group.' },
  cost_per_positive: { ...numberOrNull, description: 'All spend of the group ÷ positives; null without one.' },
  calls: integerOrNull,
  priced_calls: integerOrNull,
  priced_share: { ...numberOrNull, description: 'Share of the billed calls that the costs cover.' },
  total_cost: { ...numberOrNull, description: 'USD.' },
} as const

export const modelQuality = {
  type: 'object',
  properties: {
    model: string,
    ...qualityFields,
    positive_low_pct: numberOrNull,
    positive_high_pct: numberOrNull,
    unpriced_calls: integerOrNull,
    rated_calls: integerOrNull,
    rated_share: numberOrNull,
  },
} as const

export const promptQuality = {
  type: 'object',
  properties: { prompt_id: string, version: { type: ['integer', 'string'] }, ...qualityFields },
} as const

export const problem = { type: 'object', properties: { detail: string } } as const

/** What any route may answer besides its own. */
export const problems = { '4xx': problem, '5xx': problem } as const

export const projectFilter = {
  project: { type: 'string', description: "The caller's own project; naming another one is refused." },
} as const

export const listFilters = {
  type: 'object',
  properties: {
    ...projectFilter,
    model: string,
    score: { type: 'integer', enum: [-1, 0, 1] },
    source: { type: 'string', enum: scoreSources },
    name: string,
    limit: { type: 'integer', minimum: 1, maximum: feedbackLimits.listed, default: 100 },
  },
} as const

const flagged = {
  type: 'integer',
  enum: [0, 1],
  description: '1: scores that break their configuration count as well.',
} as const
const period = {
  from: { type: 'string', description: 'ISO 8601.' },
  to: { type: 'string', description: 'Not included.' },
} as const

export const summaryFilters = {
  type: 'object',
  properties: { ...projectFilter, ...period, flagged },
} as const

export const qualityFilters = {
  type: 'object',
  properties: {
    ...projectFilter,
    ...period,
    name: { type: 'string', description: 'Only scores of this name.' },
    sources: {
      type: ['string', 'array'],
      items: { type: 'string', enum: scoreSources },
      description: `Only those of these sources: ${scoreSources.join(', ')}.`,
    },
    flagged,
  },
} as const

export const question = {
  type: 'object',
  properties: {
    id: string,
    title: string,
    description: string,
    params: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: string,
          type: string,
          default: { ...string, description: 'SQL expression.' },
          choices: { type: 'array', items: string },
        },
      },
    },
  },
} as const
