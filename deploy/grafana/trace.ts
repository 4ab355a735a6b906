// The board "Spanledger: trace": one trace, what each of its calls cost, and which price entry and rule said so.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { type Dashboard, TextBoxVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { board, classic, dataSource } from './board.ts'
import { stat, table, thresholds, traces } from './panels.ts'

/** Ids are lower hex; a constant, so that the bloom filter on the trace id is used. */
const chosen = 'lower(trim(${trace_id:sqlstring}))'

/**
 * The chosen trace within the range of the link that led here, an hour wider on both sides so that it is not cut.
 * Without a trace the condition is constant and nothing is read.
 */
function within(trace: string, time: string): string {
  return `${trace} = ${chosen} AND ${chosen} != ''
AND ${time} >= $__fromTime - 3600 AND ${time} <= $__toTime + 3600`
}

/** What the ledger says of a span, first among its tags: the way from a number to its proof. */
const ledgerTags = [
  ['spanledger.cost_usd', 'toString(m.total_cost)'],
  ['spanledger.cost_status', 'm.cost_status'],
  ['spanledger.cost_reason', 'm.cost_reason'],
  ['spanledger.cost_flags', 'm.cost_flags'],
  ['spanledger.price_entry', 'm.price_entry'],
  ['spanledger.price_book', 'm.price_book'],
  ['spanledger.counted_as', 'm.counted_as'],
  ['spanledger.reported_cost_usd', 'toString(m.reported_cost)'],
  ['spanledger.input_tokens', 'toString(m.input_tokens)'],
  ['spanledger.cache_read_tokens', 'toString(nullIf(m.cache_read_tokens, 0))'],
  ['spanledger.cache_write_tokens', 'toString(nullIf(m.cache_write_tokens, 0))'],
  ['spanledger.output_tokens', 'toString(m.output_tokens)'],
  ['spanledger.reasoning_tokens', 'toString(nullIf(m.reasoning_tokens, 0))'],
  ['spanledger.usage_rule', 'm.usage_rule'],
  ['spanledger.dialect', 'm.dialect'],
] as const

function pairs(attributes: string): string {
  return `arrayMap(k -> map('key', k, 'value', ${attributes}[k]), arraySort(mapKeys(${attributes})))`
}

const waterfall = `SELECT
  t.TraceId AS traceID,
  t.SpanId AS spanID,
  t.ParentSpanId AS parentSpanID,
  t.ServiceName AS serviceName,
  t.SpanName AS operationName,
  toUnixTimestamp64Nano(t.Timestamp) / 1e6 AS startTime,
  t.Duration / 1e6 AS duration,
  arrayConcat(
    arrayMap(p -> map('key', p.1, 'value', ifNull(p.2, '')), arrayFilter(p -> p.2 != '', [
      ${ledgerTags.map(([key, value]) => `('${key}', CAST(${value}, 'Nullable(String)'))`).join(',\n      ')}
    ])),
    ${pairs('t.SpanAttributes')}
  ) AS tags,
  ${pairs('t.ResourceAttributes')} AS serviceTags,
  multiIf(t.StatusCode IN ('Error', 'STATUS_CODE_ERROR'), 2, t.StatusCode IN ('Ok', 'STATUS_CODE_OK'), 1, 0) AS statusCode,
  t.StatusMessage AS statusMessage,
  t.SpanKind AS kind
FROM otel_traces AS t
ANY LEFT JOIN
(
  SELECT *
  FROM spans AS s FINAL
  WHERE ${within('s.trace_id', 's.start_time')}
) AS m ON m.span_id = t.SpanId
WHERE ${within('t.TraceId', 't.Timestamp')}
ORDER BY startTime, spanID
LIMIT 5000`

const spansTable = `SELECT
  s.start_time AS start_time,
  s.span_id AS span_id,
  s.parent_span_id AS parent_span_id,
  s.kind AS kind,
  s.name AS name,
  s.service AS service,
  s.provider AS provider,
  s.model AS model,
  s.input_tokens AS input_tokens,
  s.cache_read_tokens AS cache_read_tokens,
  s.output_tokens AS output_tokens,
  toString(s.total_cost) AS cost_usd,
  s.cost_status AS cost_status,
  s.cost_reason AS cost_reason,
  s.counted_as AS counted_as,
  s.price_entry AS price_entry,
  s.price_book AS price_book,
  s.usage_rule AS usage_rule,
  s.attempt AS attempt,
  s.duration_ns / 1e6 AS duration_ms,
  s.status AS status,
  s.failure_class AS failure_class
FROM spans AS s FINAL
WHERE ${within('s.trace_id', 's.start_time')}
ORDER BY start_time, span_id
LIMIT 5000`

const total = (columns: string) => `SELECT ${columns}
FROM llm_calls AS c
WHERE ${within('c.trace_id', 'c.start_time')}`

const top = { y: 0, w: 6, h: 4 }

const panels = [
  stat({
    id: 1,
    title: 'Cost of the trace',
    description:
      'Cost of the model calls of this trace in USD; each call once, however many spans show it. Empty when nothing is priced: see unpriced calls. Table llm_calls.',
    at: { x: 0, ...top },
    unit: 'currencyUSD',
    decimals: 6,
    noValue: 'nothing priced',
    sql: total('sum(c.total_cost) AS cost'),
  }),
  stat({
    id: 2,
    title: 'Calls and unpriced calls',
    description: 'Model calls of this trace, and those of them whose cost is unknown or partly known. Table llm_calls.',
    at: { x: 6, ...top },
    unit: 'short',
    decimals: 0,
    steps: [[null, 'text']],
    overrides: [
      [
        'unpriced',
        {
          thresholds: thresholds([
            [null, 'green'],
            [1, 'red'],
          ]).build(),
        },
      ],
    ],
    sql: total("count() AS calls, countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced"),
  }),
  stat({
    id: 3,
    title: 'Tokens in and out',
    description: 'Input, cached part included, and output, reasoning included, as far as reported. Table llm_calls.',
    at: { x: 12, ...top },
    unit: 'short',
    noValue: 'not reported',
    sql: total('sum(c.input_tokens) AS input, sum(c.output_tokens) AS output'),
  }),
  stat({
    id: 4,
    title: 'Duration',
    description: 'From the first start to the last end of all spans of the trace. Table spans.',
    at: { x: 18, ...top },
    unit: 'ms',
    decimals: 0,
    noValue: 'no trace',
    sql: `SELECT if(count() > 0, (max(toUnixTimestamp64Nano(s.start_time) + s.duration_ns) - min(toUnixTimestamp64Nano(s.start_time))) / 1e6, NULL) AS duration_ms
FROM spans AS s FINAL
WHERE ${within('s.trace_id', 's.start_time')}`,
  }),
  traces({
    id: 5,
    title: 'Trace',
    description:
      'The spans as a waterfall. The first tags of a span say what it cost and by which price entry and rule. View otel_traces.',
    at: { x: 0, y: 4, w: 24, h: 16 },
    sql: waterfall,
  }),
  table({
    id: 6,
    title: 'Spans and their cost',
    description:
      'Every span of the trace with the verdict of the ledger. not_billed spans repeat or sum others; counted_as names the one that carries the money. Table spans.',
    at: { x: 0, y: 20, w: 24, h: 10 },
    overrides: [
      ['duration_ms', { unit: 'ms', decimals: 1, displayName: 'duration' }],
      ['cost_usd', { displayName: 'cost USD', 'custom.align': 'right' }],
      ['input_tokens', { unit: 'short', displayName: 'input' }],
      ['cache_read_tokens', { unit: 'short', displayName: 'cache read' }],
      ['output_tokens', { unit: 'short', displayName: 'output' }],
    ],
    sql: spansTable,
  }),
  table({
    id: 7,
    title: 'Scores',
    description: 'Feedback and evaluations of this trace and its spans, whenever they were given. View current_scores.',
    at: { x: 0, y: 30, w: 24, h: 7 },
    sql: `SELECT s.created_at AS created_at, s.name AS name, s.value AS value, s.label AS label, toInt32(s.verdict) AS verdict,
  s.source AS source, s.evaluator AS evaluator, s.span_id AS span_id, s.comment AS comment
FROM current_scores AS s
WHERE s.trace_id = ${chosen} AND ${chosen} != ''
ORDER BY created_at DESC
LIMIT 200`,
  }),
]

export function traceBoard(): Dashboard {
  const builder = board('trace', 'One trace: its spans, what each call cost, and why.')
    .uid('sl-trace')
    .withVariable(dataSource())
    .withVariable(new TextBoxVariableBuilder('trace_id').label('Trace id').defaultValue(''))
  for (const panel of panels) builder.withPanel(panel)
  return classic(builder.build())
}
