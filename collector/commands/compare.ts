// spanledger compare: two runs of a dataset side by side, score by score. Asks schemas/queries/compare_runs.sql, as the API does.

import { type Command, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { loadQueries, type QueryRow, runQuery } from '../queries.ts'
import { section, shown } from '../words-table.ts'

export default {
  name: 'compare',
  summary: 'Compare two runs of a dataset: scores, wins and losses item by item, cost and latency',
  arguments: { usage: 'RUN_A RUN_B', min: 2, max: 2 },
  options: [
    { flag: 'project', value: 'NAME', doc: 'Project (default)' },
    { flag: 'dataset', value: 'NAME', doc: 'Only results of this dataset (all)' },
    { flag: 'name', value: 'NAME', doc: 'Only scores of this name (all)' },
  ],
  async run(context) {
    const [a = '', b = ''] = context.arguments
    if (a === '' || b === '' || a === b) throw new UsageError('compare takes the names of two different runs')
    const project = context.option('project') ?? 'default'
    const query = loadQueries().find(({ id }) => id === 'compare_runs')
    if (query === undefined) throw new Error('schemas/queries/compare_runs.sql is missing')
    const params = { project, a, b, dataset: context.option('dataset'), name: context.option('name') }
    const rows = await withLedger(context.config, (clickhouse) => runQuery(clickhouse, query, params))
    for (const [side, run] of [
      ['a', a],
      ['b', b],
    ] as const)
      if (!rows.some((row) => Number(row[`${side}_items`]) + Number(row[`${side}_failed`]) > 0))
        throw new UsageError(`project ${project} has no scores of run "${run}"`)
    context.print({ project, a, b, scores: rows }, () => words(a, b, rows))
    return exitCode.done
  },
} satisfies Command

function words(a: string, b: string, rows: readonly QueryRow[]): string {
  const lines = rows.map((row) => ({
    ...row,
    value: interval(row, 'value'),
    pass: interval(row, 'pass'),
    items: `${row['a_items']} / ${row['b_items']}`,
    failed: `${row['a_failed']} / ${row['b_failed']}`,
    wins: `${row['b_wins']} / ${row['a_wins']} / ${row['ties']}`,
  }))
  return [
    `A is ${shown(a)}, B is ${shown(b)}; differences are what B has more, with 95 % intervals\n`,
    section('Scores', lines, {
      name: 'score',
      better: 'better',
      items: 'items A / B',
      failed: 'failed A / B',
      a_mean: 'mean A',
      b_mean: 'mean B',
      value: 'difference',
      a_pass_rate: 'passed A',
      b_pass_rate: 'passed B',
      pass: 'difference',
      wins: 'B wins / A wins / ties',
    }),
    section('Cost and latency of the calls judged', lines, {
      name: 'score',
      a_cost: 'USD A',
      b_cost: 'USD B',
      a_cost_per_trace: 'USD a trace A',
      b_cost_per_trace: 'USD a trace B',
      a_unpriced_calls: 'unpriced A',
      b_unpriced_calls: 'unpriced B',
      a_latency_ms: 'median ms A',
      b_latency_ms: 'median ms B',
      a_latency_p95_ms: 'p95 ms A',
      b_latency_p95_ms: 'p95 ms B',
    }),
  ].join('\n')
}

/** `0.1 (-0.07 to 0.27)`; without an interval when there is too little for one. */
function interval(row: QueryRow, name: string): string {
  const [difference, low, high] = [row[`${name}_difference`], row[`${name}_low`], row[`${name}_high`]]
  if (difference === null || difference === undefined) return '-'
  return low === null ? shown(difference) : `${shown(difference)} (${shown(low)} to ${shown(high)})`
}
