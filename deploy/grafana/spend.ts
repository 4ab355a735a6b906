// The board "Spanledger: spend": how much, is it complete, on what, by whom, and what to look at next.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { board, classic, dataSource } from './board.ts'
import { chart, choice, type Link, type Override, stat, table, thresholds, traceLink } from './panels.ts'
import { latency, spendByModel, top, total } from './shapes.ts'
import { named, pick, question, scoped, spend, timeZone, usage, windowBefore } from './sql.ts'

const uid = 'sl-spend'
const money = { unit: 'currencyUSD', decimals: 2 }

/** To one panel of this board, full screen, with range and variables. */
function panelLink(title: string, id: number): Link {
  return { title, url: `/d/${uid}?\${__url_time_range}&\${__all_variables}&viewPanel=${id}` }
}

const modelLink: Link = {
  title: 'This model only',
  url: `/d/${uid}?\${__url_time_range}&\${datasource:queryparam}&\${project:queryparam}&\${env:queryparam}&\${service:queryparam}&var-model=\${__value.raw:percentencode}`,
}

const modelColumn: Override = ['model', { links: [modelLink] }]
const costColumn: Override = ['total_cost', { unit: 'currencyUSD', decimals: 4, displayName: 'cost' }]
const statusColours = [
  { type: 'value', options: { error: { color: 'red', index: 0 }, ok: { color: 'green', index: 1 } } },
]
const unpricedColumn: Override = [
  'unpriced_calls',
  {
    displayName: 'unpriced',
    'custom.cellOptions': { type: 'color-text' },
    thresholds: thresholds([
      [null, 'text'],
      [1, 'red'],
    ]).build(),
  },
]
const tokenColumns: readonly Override[] = [
  ['input_tokens', { unit: 'short', displayName: 'input' }],
  ['cache_read_tokens', { unit: 'short', displayName: 'cache read' }],
  ['output_tokens', { unit: 'short', displayName: 'output' }],
]

const costOfPositive = [
  ...[
    'group',
    'calls',
    'unpriced_calls',
    'priced_share',
    'total_cost',
    'votes',
    'positive',
    'negative',
    'positive_share',
  ],
  ...['positive_share_low', 'positive_share_high', 'cost_per_positive'],
]
const row1 = { y: 0, h: 4 }

const stats = [
  stat({
    id: 1,
    title: 'Spend',
    description:
      'Cost of all model calls in the range, failed ones included, in USD. Calls without a price are not in it: see the two panels beside. Empty, not 0, when nothing is priced. Table llm_calls.',
    at: { x: 0, w: 4, ...row1 },
    ...money,
    series: true,
    noValue: 'nothing priced',
    link: panelLink('Spend by model', 10),
    sql: total(spend, ['costed_calls', 'total_cost']),
  }),
  stat({
    id: 2,
    title: 'Unpriced calls',
    description:
      'Calls whose cost is unknown or only partly known; they are missing from every total of this board. When red: open the table of unpriced models, add a price, reprice. Table llm_calls.',
    at: { x: 4, w: 4, ...row1 },
    unit: 'short',
    series: true,
    noValue: 'no calls',
    steps: [
      [null, 'green'],
      [1, 'red'],
    ],
    link: panelLink('Which models', 20),
    sql: total('sum(u.unpriced_calls)', ['unpriced_calls']),
  }),
  stat({
    id: 3,
    title: 'Priced share',
    description:
      'Share of the billable calls that have a whole price. Failed calls that used nothing do not count. When red, the spend is too low by an unknown amount. Table llm_calls.',
    at: { x: 8, w: 4, ...row1 },
    unit: 'percentunit',
    decimals: 1,
    noValue: 'no calls',
    steps: [
      [null, 'red'],
      [0.95, 'orange'],
      [0.999, 'green'],
    ],
    link: panelLink('Which models', 20),
    sql: `SELECT sum(u.priced_calls) / nullIf(sum(u.priced_calls) + sum(u.unpriced_calls), 0) AS priced_share
FROM ${usage([], ['priced_calls', 'unpriced_calls'])}`,
  }),
  stat({
    id: 4,
    title: 'Spend, window before',
    description:
      'The same figure for the range of equal length just before this one: is the spend normal? Its unpriced calls stand below it. Table llm_calls.',
    at: { x: 12, w: 4, ...row1 },
    ...money,
    noValue: 'nothing priced',
    overrides: [['unpriced_calls', { unit: 'short', decimals: 0, displayName: 'unpriced calls' }]],
    sql: `SELECT ${spend} AS spend, sum(u.unpriced_calls) AS unpriced_calls
FROM ${usage([], ['unpriced_calls', 'costed_calls', 'total_cost'], windowBefore)}`,
  }),
  stat({
    id: 5,
    title: 'Calls',
    description:
      'Calls of a model: language, embedding, rerank, image, audio; every attempt counts. Spans that only repeat or sum other spans are not calls. Table llm_calls.',
    at: { x: 16, w: 4, ...row1 },
    unit: 'short',
    series: true,
    noValue: 'no calls',
    link: panelLink('Calls by price status', 11),
    sql: total('sum(u.calls)', ['calls']),
  }),
  stat({
    id: 6,
    title: 'Error share',
    description: 'Share of calls that failed. When red: see errors by class, then the latest calls. Table llm_calls.',
    at: { x: 20, w: 4, ...row1 },
    unit: 'percentunit',
    decimals: 2,
    noValue: 'no calls',
    steps: [
      [null, 'green'],
      [0.02, 'orange'],
      [0.05, 'red'],
    ],
    link: panelLink('Errors by class', 14),
    sql: `SELECT sum(u.errors) / nullIf(sum(u.calls), 0) AS error_share
FROM ${usage([], ['errors', 'calls'])}`,
  }),
]

const main = [
  chart({
    id: 10,
    title: 'Spend by model',
    description:
      'Cost in USD per bucket, the eight dearest models of the range and all others together, so that the bars add up to the spend. Models without a price draw nothing: see unpriced models. The first and last bucket are cut by the range. Up to 7 days from llm_calls, beyond by whole hours from usage_hourly.',
    at: { x: 0, y: 4, w: 16, h: 9 },
    ...money,
    style: 'bars',
    label: '${__field.labels.model}',
    sql: spendByModel('$__timeInterval(u.at)'),
  }),
  chart({
    id: 11,
    title: 'Calls by price status',
    description:
      'How many calls each bucket of the spend stands for, and how many of them it misses. Calls that failed before anything was used are "not billed". Sources as for the spend.',
    at: { x: 16, y: 4, w: 8, h: 9 },
    unit: 'short',
    decimals: 0,
    style: 'bars',
    label: '${__field.name}',
    overrides: [
      ['priced', { color: { mode: 'fixed', fixedColor: 'green' } }],
      ['unpriced', { color: { mode: 'fixed', fixedColor: 'red' } }],
      ['not billed', { color: { mode: 'fixed', fixedColor: 'gray' } }],
    ],
    sql: `SELECT $__timeInterval(u.at) AS time, sum(u.priced_calls) AS priced, sum(u.unpriced_calls) AS unpriced,
  sum(u.calls) - priced - unpriced AS \`not billed\`
FROM ${usage([], ['calls', 'priced_calls', 'unpriced_calls'])}
GROUP BY time
ORDER BY time`,
  }),
  chart({
    id: 12,
    title: 'Tokens by kind',
    description:
      'Reported tokens, every one in exactly one kind: input is what was neither read from nor written to a cache, output is without reasoning. Calls that reported no tokens are missing. Sources as for the spend.',
    at: { x: 0, y: 13, w: 12, h: 8 },
    unit: 'short',
    style: 'bars',
    label: '${__field.name}',
    sql: `SELECT $__timeInterval(u.at) AS time,
  sum(u.input_tokens) - sum(u.cache_read_tokens) - sum(u.cache_write_tokens) AS input,
  sum(u.cache_read_tokens) AS \`cache read\`,
  sum(u.cache_write_tokens) AS \`cache write\`,
  sum(u.output_tokens) - sum(u.reasoning_tokens) AS output,
  sum(u.reasoning_tokens) AS reasoning
FROM ${usage([], ['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens'])}
GROUP BY time
ORDER BY time`,
  }),
  chart({
    id: 13,
    title: 'Cache share of input',
    description:
      'Input tokens read from a cache over all input tokens, by model, in each bucket. A fall means dearer input: look for a changed prompt prefix. Sources as for the spend.',
    at: { x: 12, y: 13, w: 12, h: 8 },
    unit: 'percentunit',
    decimals: 1,
    max: 1,
    style: 'lines',
    label: '${__field.labels.model}',
    sql: `SELECT $__timeInterval(u.at) AS time, ${named('u.model')} AS model,
  sum(u.cache_read_tokens) / nullIf(sum(u.input_tokens), 0) AS cache_share
FROM ${usage(['model'], ['cache_read_tokens', 'input_tokens'])}
GROUP BY time, model
HAVING isNotNull(cache_share)
ORDER BY time, model`,
  }),
  table({
    id: 16,
    title: 'Top users',
    description:
      'The 20 dearest users and all others in one line, so that the lines add up to the spend; [none] are calls that named no user. Table llm_calls.',
    at: { x: 0, y: 21, w: 12, h: 8 },
    overrides: [costColumn, unpricedColumn, ['cost_share', { unit: 'percentunit', decimals: 1 }]],
    sql: question('cost_by_user', { limit: '20' }),
  }),
  table({
    id: 17,
    title: 'Top features',
    description:
      'The 20 dearest features and all others in one line; [none] are calls that named no feature. Sources as for the spend.',
    at: { x: 12, y: 21, w: 12, h: 8 },
    overrides: [costColumn, unpricedColumn, ['cost_share', { unit: 'percentunit', decimals: 1 }]],
    sql: top('feature', 'features', 20),
  }),
  table({
    id: 18,
    title: 'Cost per positive, by model',
    description:
      'All spend of the calls of a model, failed and unrated ones included, over its positive votes. Empty without one. Read it with the number of votes and the 95 % interval of the positive share; "mixed" are votes on traces that used several models. Calls made by evaluators are left out. Views llm_calls and votes.',
    at: { x: 0, y: 29, w: 12, h: 8 },
    overrides: [
      ['group', { displayName: 'model', links: [modelLink] }],
      costColumn,
      unpricedColumn,
      ['priced_share', { unit: 'percentunit', decimals: 1 }],
      ['positive_share', { unit: 'percentunit', decimals: 1 }],
      ['positive_share_low', { unit: 'percentunit', decimals: 1, displayName: 'from' }],
      ['positive_share_high', { unit: 'percentunit', decimals: 1, displayName: 'to' }],
      ['cost_per_positive', { unit: 'currencyUSD', decimals: 6 }],
    ],
    sql: pick(costOfPositive, question('quality')),
  }),
  table({
    id: 20,
    title: 'Unpriced models',
    description:
      'What every total misses, by model and reason, with the newest example. cost_reason says what to do: an unknown model needs a price entry, missing usage needs the instrumentation. Table llm_calls.',
    at: { x: 12, y: 29, w: 12, h: 8 },
    overrides: [
      modelColumn,
      ...tokenColumns,
      ['priced_part', { unit: 'currencyUSD', decimals: 4 }],
      ['reported_cost', { unit: 'currencyUSD', decimals: 4 }],
      ['trace_id', { links: [traceLink] }],
    ],
    sql: question('unpriced_calls'),
  }),
  table({
    id: 27,
    title: 'Reported costs beside our prices',
    description:
      'Models whose senders report a cost, by what they report it in: drift is the same difference on nearly every call since first_day, so our price or theirs is not the one in force; differs has no one ratio, often a kind of token read otherwise. Ratio is reported over ours. Table llm_calls.',
    at: { x: 0, y: 37, w: 24, h: 8 },
    overrides: [
      modelColumn,
      [
        'verdict',
        {
          'custom.cellOptions': { type: 'color-text' },
          mappings: [
            {
              type: 'value',
              options: {
                drift: { color: 'red', index: 0 },
                differs: { color: 'orange', index: 1 },
                agrees: { color: 'green', index: 2 },
              },
            },
          ],
        },
      ],
      ...['ratio', 'ratio_low', 'ratio_high'].map((column): Override => [column, { decimals: 4 }]),
      ...['our_cost', 'reported_cost', 'difference'].map(
        (column): Override => [column, { unit: 'currencyUSD', decimals: 4 }],
      ),
    ],
    sql: question('price_drift'),
  }),
  table({
    id: 19,
    title: 'Latest calls',
    description:
      'The newest 50 calls with their exact cost and the price entry it came from; the trace id leads to the whole trace. Table llm_calls.',
    at: { x: 0, y: 45, w: 24, h: 10 },
    overrides: [
      ['trace_id', { links: [traceLink], 'custom.width': 120 }],
      modelColumn,
      ...tokenColumns,
      ['duration_ms', { unit: 'ms', decimals: 0, displayName: 'duration' }],
      ['total_cost', { displayName: 'cost USD', 'custom.align': 'right' }],
      ['status', { mappings: statusColours, 'custom.cellOptions': { type: 'color-text' } }],
    ],
    sql: `SELECT * REPLACE (toString(total_cost) AS total_cost)
FROM
(
${question('latest_calls')}
)
ORDER BY start_time DESC, trace_id, span_id`,
  }),
]

const details = [
  new RowBuilder('Errors, latency and waste')
    .id(90)
    .collapsed(true)
    .gridPos({ x: 0, y: 55, w: 24, h: 1 })
    .withPanel(
      chart({
        id: 14,
        title: 'Errors by class',
        description:
          'Failed calls by what failed. Rate limits and time-outs point at the provider or the retry policy, malformed output and schema violations at the prompt. Table llm_calls.',
        at: { x: 0, y: 56, w: 12, h: 8 },
        unit: 'short',
        decimals: 0,
        style: 'bars',
        label: '${__field.labels.failure_class}',
        sql: `SELECT $__timeInterval(c.start_time) AS time, if(c.failure_class = '', 'other', c.failure_class) AS failure_class, count() AS errors
FROM llm_calls AS c
WHERE $__timeFilter(c.start_time)
AND c.status = 'error'
AND ${scoped('c')}
GROUP BY time, failure_class
ORDER BY time, failure_class`,
      }),
    )
    .withPanel(
      chart({
        id: 15,
        title: 'Latency by model, p50 and p95',
        description:
          'Duration of the calls that succeeded, the five models with most calls. A quantile of each bucket, not an average of them. Table llm_calls.',
        at: { x: 12, y: 56, w: 12, h: 8 },
        unit: 'ms',
        decimals: 0,
        style: 'lines',
        label: '${__field.labels.model} ${__field.name}',
        sql: latency(5),
      }),
    )
    .withPanel(
      table({
        id: 22,
        title: 'Errors by model',
        description:
          'Each class of failure a model showed, with the error rate of the model over the whole range and the cost of its failed calls where known. Table llm_calls.',
        at: { x: 0, y: 64, w: 12, h: 8 },
        overrides: [
          modelColumn,
          ['error_rate', { unit: 'percentunit', decimals: 2 }],
          ['failed_cost', { unit: 'currencyUSD', decimals: 4 }],
        ],
        sql: question('error_rate'),
      }),
    )
    .withPanel(
      table({
        id: 23,
        title: 'Latency and time to first token, by model',
        description:
          'Quantiles over the whole range. The time to the first token covers only the calls that reported it. Table llm_calls.',
        at: { x: 12, y: 64, w: 8, h: 8 },
        overrides: [
          modelColumn,
          ...['p50_ms', 'p95_ms', 'p99_ms', 'p95_ttft_ms'].map(
            (column): Override => [column, { unit: 'ms', decimals: 0 }],
          ),
        ],
        sql: question('latency_by_model'),
      }),
    )
    .withPanel(
      stat({
        id: 24,
        title: 'Cost of failed attempts',
        description:
          'What retries cost: the failed attempts of calls that were tried more than once, as far as it is known. Table llm_calls.',
        at: { x: 20, y: 64, w: 4, h: 8 },
        ...money,
        noValue: 'none known',
        sql: `SELECT sum(c.wasted_cost) AS wasted_cost
FROM llm_calls AS c
WHERE $__timeFilter(c.start_time)
AND ${scoped('c')}`,
      }),
    ),
  new RowBuilder('Days and models')
    .id(91)
    .collapsed(true)
    .gridPos({ x: 0, y: 72, w: 24, h: 1 })
    .withPanel(
      chart({
        id: 25,
        title: 'Spend per day, last 30 days',
        description:
          'Cost in USD per day of your time zone, whatever range is chosen above; the first day is cut. In a zone that is off by half an hour, the half hour around midnight counts to the day its hour began in. Table usage_hourly, the broken first and last hour from llm_calls.',
        at: { x: 0, y: 73, w: 24, h: 8 },
        ...money,
        style: 'bars',
        label: '${__field.labels.model}',
        timeFrom: '30d',
        sql: spendByModel(`toDate(u.at, ${timeZone})`),
      }),
    )
    .withPanel(
      table({
        id: 26,
        title: 'Models',
        description:
          'All models of the range with calls, coverage, tokens and cost; avg_cost is over wholly priced calls. Table llm_calls.',
        at: { x: 0, y: 81, w: 24, h: 8 },
        overrides: [
          modelColumn,
          costColumn,
          unpricedColumn,
          ...tokenColumns,
          ['priced_share', { unit: 'percentunit', decimals: 1 }],
          ['avg_cost', { unit: 'currencyUSD', decimals: 6 }],
        ],
        sql: question('cost_by_model'),
      }),
    ),
]

/** Values of a dimension in the range, from the rollup, narrowed by the project alone. */
function values(column: string, within: string): string {
  return `SELECT DISTINCT ${named(`h.${column}`)} AS value
FROM usage_hourly AS h
WHERE h.hour >= toStartOfHour($__fromTime, 'UTC') AND h.hour <= $__toTime
AND ${within}
ORDER BY value
LIMIT 500`
}

export function spendBoard(): Dashboard {
  const builder = board('spend', 'What was spent on model calls, on what, by whom, and how much of it is known.')
    .uid(uid)
    .refresh('1m')
    .withVariable(dataSource().current({ text: '', value: '' }))
    .withVariable(choice('project', 'Project', values('project_id', '1 = 1')))
    .withVariable(choice('env', 'Environment', values('env', scoped('h', ['project']))))
    .withVariable(choice('service', 'Service', values('service', scoped('h', ['project']))))
    .withVariable(choice('model', 'Model', values('model', scoped('h', ['project']))))
  for (const panel of [...stats, ...main]) builder.withPanel(panel)
  for (const row of details) builder.withRow(row)
  return classic(builder.build())
}
