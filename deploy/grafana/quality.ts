// The board "Spanledger: quality": how good the answers were, what a good one costs, and whether to believe it.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { board, classic, dataSource } from './board.ts'
import { chart, choice, type Override, points, stat, table, traceLink } from './panels.ts'
import { named, pick, question, scoped } from './sql.ts'

/** Which scores count, beside the scope of the board. */
const chosen = { name: 'score', sources: 'source' }

function quality(by: string, step = "'none'"): string {
  return question('quality', { by: `'${by}'`, step }, undefined, chosen)
}

const share = (name: string, displayName: string): Override => [name, { unit: 'percentunit', decimals: 1, displayName }]
const dollars = (name: string, displayName: string, decimals = 6): Override => [
  name,
  { unit: 'currencyUSD', decimals, displayName },
]

const lines = [
  ...['group', 'votes', 'positive_share', 'positive_share_low', 'positive_share_high', 'negative_share', 'avg_value'],
  ...['rated_share', 'calls', 'unpriced_calls', 'avg_cost', 'total_cost', 'cost_per_positive'],
]

/** Columns of `lines`, the first under the name of its dimension. */
function shown(dimension: string): readonly Override[] {
  return [
    ['group', { displayName: dimension }],
    share('positive_share', 'positive'),
    share('positive_share_low', 'from'),
    share('positive_share_high', 'to'),
    share('negative_share', 'negative'),
    ['avg_value', { decimals: 3, displayName: 'mean value' }],
    share('rated_share', 'rated'),
    ['unpriced_calls', { displayName: 'unpriced' }],
    dollars('avg_cost', 'USD a call'),
    dollars('total_cost', 'spend', 4),
    dollars('cost_per_positive', 'USD per positive'),
  ]
}

const tradeOff = ['group', 'avg_cost', 'positive_share', 'calls', 'votes', 'cost_per_positive']

function tradeOffShown(dimension: string): readonly Override[] {
  return [
    ['group', { displayName: dimension }],
    dollars('avg_cost', 'USD a call'),
    ['positive_share', { unit: 'percentunit', decimals: 1, displayName: 'positive share', min: 0, max: 1 }],
    ['calls', { unit: 'short' }],
    dollars('cost_per_positive', 'USD per positive'),
  ]
}

const judgedOnly = '\nWHERE isNotNull(q.avg_cost) AND isNotNull(q.positive_share)'
const row1 = { y: 0, w: 4, h: 4 }

const stats = [
  stat({
    id: 1,
    title: 'Votes',
    description:
      'Scores that say good, bad or neutral, the newest of each author on one target. Signals of rules and of use are none. View votes.',
    at: { x: 0, ...row1 },
    unit: 'short',
    noValue: 'none',
    sql: pick(['sum(q.votes) AS votes'], quality('all')),
  }),
  stat({
    id: 2,
    title: 'Positive share',
    description:
      'Good votes of all votes. Few votes say little: see the interval in the tables below. View votes, of the scores and sources chosen.',
    at: { x: 4, ...row1 },
    unit: 'percentunit',
    decimals: 1,
    noValue: 'no votes',
    sql: pick(['any(q.positive_share) AS positive_share'], quality('all')),
  }),
  stat({
    id: 3,
    title: 'Pass rate',
    description: 'Good votes of those that are good or bad; neutral ones do not count. View votes.',
    at: { x: 8, ...row1 },
    unit: 'percentunit',
    decimals: 1,
    noValue: 'no votes',
    sql: pick(['any(q.pass_rate) AS pass_rate'], quality('all')),
  }),
  stat({
    id: 4,
    title: 'Rated share',
    description:
      'Share of the calls that a vote judges, by themselves or with their whole trace. The rest of the spend was bought without knowing what for. Views votes and llm_calls.',
    at: { x: 12, ...row1 },
    unit: 'percentunit',
    decimals: 2,
    noValue: 'no calls',
    sql: pick(['any(q.rated_share) AS rated_share'], quality('all')),
  }),
  stat({
    id: 5,
    title: 'Cost per positive',
    description:
      'All spend of the product’s calls, failed and unrated ones included, for each good vote. Empty without one. Views votes and llm_calls.',
    at: { x: 16, ...row1 },
    unit: 'currencyUSD',
    decimals: 6,
    noValue: 'no good vote',
    sql: pick(['any(q.cost_per_positive) AS cost_per_positive'], quality('all')),
  }),
  stat({
    id: 6,
    title: 'Cost of judging',
    description:
      'Calls that evaluators made, in USD; they are in no other figure of this board. What scores report of their own cost is in the table below. View llm_calls.',
    at: { x: 20, ...row1 },
    unit: 'currencyUSD',
    decimals: 4,
    noValue: 'none known',
    sql: `SELECT sumIf(q.total_cost, q.how = 'calls') AS cost
FROM
(
${question('feedback_judging_cost')}
) AS q`,
  }),
]

/** The lines of the table by model, by something else that calls may name. */
function by(part: {
  readonly id: number
  readonly dimension: 'feature' | 'team' | 'env' | 'customer'
  readonly name?: string
  readonly of: string
  readonly at: { readonly x: number; readonly y: number }
}): ReturnType<typeof table> {
  const { id, dimension, name = dimension, of, at } = part
  return table({
    id,
    title: `By ${name}`,
    description: `The same ${of}; [none] are calls that name none. Question quality.`,
    at: { ...at, w: 12, h: 8 },
    overrides: shown(dimension),
    sql: pick(lines, quality(dimension)),
  })
}

const main = [
  points({
    id: 10,
    title: 'Cost against quality, by model',
    description:
      'A point a model, as large as its calls: to the right dearer, up better liked. Look for what is up and left. Models without votes or without a price are missing here and in the table below. Question quality.',
    at: { x: 0, y: 4, w: 12, h: 9 },
    x: 'avg_cost',
    y: 'positive_share',
    size: 'calls',
    unit: 'short',
    overrides: tradeOffShown('model'),
    sql: pick(tradeOff, quality('model'), judgedOnly),
  }),
  points({
    id: 11,
    title: 'Cost against quality, by version of a prompt',
    description:
      'A point a version, as large as its calls: to the right dearer, up better liked. A new version should move up or left. Question quality.',
    at: { x: 12, y: 4, w: 12, h: 9 },
    x: 'avg_cost',
    y: 'positive_share',
    size: 'calls',
    unit: 'short',
    overrides: tradeOffShown('prompt'),
    sql: pick(tradeOff, quality('prompt'), judgedOnly),
  }),
  table({
    id: 12,
    title: 'By model',
    description:
      'Votes with the 95 % interval of the positive share, how many calls were rated, and what the calls cost; "mixed" are votes on traces of several models. Question quality.',
    at: { x: 0, y: 13, w: 24, h: 8 },
    overrides: shown('model'),
    sql: pick(lines, quality('model')),
  }),
  table({
    id: 13,
    title: 'By version of a prompt',
    description:
      'The same for each version of each prompt; [none] are calls that name no prompt. A vote whose call was not found counts where its sender named the prompt. Question quality.',
    at: { x: 0, y: 21, w: 24, h: 8 },
    overrides: shown('prompt'),
    sql: pick(lines, quality('prompt')),
  }),
  chart({
    id: 14,
    title: 'Positive share over time, by model',
    description:
      'By the day of the call that was judged, or by its hour in ranges of up to two days; stretches without a vote are left out. Question quality.',
    at: { x: 0, y: 29, w: 12, h: 8 },
    unit: 'percentunit',
    decimals: 1,
    max: 1,
    style: 'lines',
    label: '${__field.labels.model}',
    sql: pick(
      ['assumeNotNull(q.time) AS time', 'q.group AS model', 'q.positive_share AS positive_share'],
      quality('model', "if($__toTime - $__fromTime > 172800, 'day', 'hour')"),
      '\nWHERE q.votes > 0\nORDER BY time, model',
    ),
  }),
  table({
    id: 15,
    title: 'Pass rate by release',
    description:
      'Good votes of those that are good or bad, for each release of the service, with the 95 % interval: two releases whose intervals overlap may be equally good. Question quality.',
    at: { x: 12, y: 29, w: 12, h: 8 },
    overrides: [
      ['group', { displayName: 'release' }],
      share('pass_rate', 'pass rate'),
      share('pass_rate_low', 'from'),
      share('pass_rate_high', 'to'),
      dollars('avg_cost', 'USD a call'),
    ],
    sql: pick(
      ['group', 'votes', 'pass_rate', 'pass_rate_low', 'pass_rate_high', 'calls', 'avg_cost'],
      quality('release'),
    ),
  }),
  by({ id: 16, dimension: 'feature', of: 'as by model, for each feature', at: { x: 0, y: 37 } }),
  by({ id: 17, dimension: 'team', of: 'for the team that a call is for', at: { x: 12, y: 37 } }),
  by({ id: 22, dimension: 'env', name: 'environment', of: 'for each environment', at: { x: 0, y: 45 } }),
  by({ id: 23, dimension: 'customer', of: 'for the customer that a call is for', at: { x: 12, y: 45 } }),
  table({
    id: 18,
    title: 'Distribution of scores',
    description:
      'How many scores of each name lie where: numbers in ten bins of equal width, or each by itself where there are no more than ten; labels of those without a number. Question score_distribution.',
    at: { x: 0, y: 53, w: 12, h: 9 },
    overrides: [
      ['bin_from', { decimals: 3, displayName: 'from' }],
      ['bin_to', { decimals: 3, displayName: 'to' }],
      ['share', { unit: 'percentunit', decimals: 1, min: 0, max: 1, 'custom.cellOptions': { type: 'gauge' } }],
    ],
    sql: pick(
      ['name', 'bin_from', 'bin_to', 'label', 'scores', 'share'],
      question('score_distribution', {}, undefined, chosen),
    ),
  }),
  table({
    id: 19,
    title: 'Do judges agree with people?',
    description:
      'Each judge against people’s votes on the same target. Kappa is agreement beyond chance: below 0.4 a judge says little about what people think. Question feedback_agreement.',
    at: { x: 12, y: 53, w: 12, h: 9 },
    overrides: [share('agreement', 'agreement'), share('by_chance', 'by chance'), ['kappa', { decimals: 2 }]],
    sql: question('feedback_agreement'),
  }),
  table({
    id: 20,
    title: 'Failed evaluations',
    description:
      'Evaluations that ended in an error, newest first; they have no value and count nowhere. The trace id leads to what they were to judge; many of one kind mean a broken judge. Question failed_evaluations.',
    at: { x: 0, y: 62, w: 24, h: 8 },
    overrides: [['trace_id', { links: [traceLink], 'custom.width': 120 }]],
    sql: question('failed_evaluations', {}, undefined, chosen),
  }),
  table({
    id: 21,
    title: 'What judging costs',
    description:
      'Calls that evaluators made, by evaluator and model; and, as "reported", what scores said of their own cost. An evaluator may do both: do not add the two. Question feedback_judging_cost.',
    at: { x: 0, y: 70, w: 24, h: 8 },
    overrides: [
      ['unpriced_calls', { displayName: 'unpriced' }],
      ['input_tokens', { unit: 'short', displayName: 'input' }],
      ['output_tokens', { unit: 'short', displayName: 'output' }],
      dollars('total_cost', 'cost'),
    ],
    sql: question('feedback_judging_cost'),
  }),
]

/** What the scores of the range have, narrowed by the project alone. */
function values(column: string, within: string): string {
  return `SELECT DISTINCT ${named(`v.${column}`)} AS value
FROM votes AS v
WHERE $__timeFilter(v.target_time)
AND ${within}
ORDER BY value
LIMIT 500`
}

export function qualityBoard(): Dashboard {
  const ofProject = scoped('v', ['project'])
  const builder = board(
    'quality',
    'How good the answers were by models, prompts and releases, what a good one costs, and whether judges agree with people.',
  )
    .uid('sl-quality')
    .time({ from: 'now-7d', to: 'now' })
    .withVariable(dataSource().current({ text: '', value: '' }))
    .withVariable(choice('project', 'Project', values('project_id', '1 = 1')))
    .withVariable(choice('env', 'Environment', values('env', ofProject)))
    .withVariable(choice('service', 'Service', values('service', ofProject)))
    .withVariable(choice('model', 'Model', values('model', ofProject)))
    .withVariable(choice('score', 'Score', values('name', ofProject)))
    .withVariable(choice('source', 'Source', values('source', ofProject)))
  for (const panel of [...stats, ...main]) builder.withPanel(panel)
  return classic(builder.build())
}
