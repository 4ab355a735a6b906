// spanledger reconcile: proves that the rollups are the sum of the rows, and puts right what is not.

import { type Command, exitCode } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { periodOf, periodOptions } from '../command-times.ts'
import { reconcile } from '../reconciling/reconcile.ts'
import { inLedgerTurn } from '../repricing/publish.ts'
import { section } from '../words-table.ts'

export default {
  name: 'reconcile',
  summary: 'Prove that the rollups are the sum of the rows, and put right what is not',
  options: [...periodOptions, { flag: 'check', doc: 'Only tell what differs; nothing is written' }],
  async run(context) {
    const { from, to } = periodOf(context)
    const isDry = context.has('check')
    const span = { fromMs: from.epochMilliseconds, toMs: to.epochMilliseconds }
    const found = await withLedger(
      context.config,
      (clickhouse, { database }) =>
        reconcile(
          { clickhouse, isDry, inTurn: (work) => (isDry ? work() : inLedgerTurn({ clickhouse, database }, work)) },
          span,
        ),
      { requestTimeoutMs: 600_000 },
    )
    const { differences, differenceUsd } = found
    context.print({ from: from.toString(), to: to.toString(), repaired: !isDry, ...found }, () => {
      if (differences.length === 0) return `Every group of the rollups from ${from} to ${to} is the sum of its rows.\n`
      const rows = differences.map(({ table, group, counters }) => ({
        table,
        group: Object.values(group).join(' · '),
        calls: Number(counters['calls'] ?? 0),
        total_cost: counters['total_cost'] ?? '0',
      }))
      const done = isDry
        ? 'Nothing was written.'
        : 'Put right by appended rows; ledger_corrections has them, reason reconciled.'
      return `${section('Rollup less rows', rows, { table: 'rollup', group: 'group', calls: 'calls', total_cost: 'USD' })}
Difference ${differenceUsd} USD in ${differences.length} groups. ${done}
`
    })
    return differences.length === 0 ? exitCode.done : exitCode.finding
  },
} satisfies Command
