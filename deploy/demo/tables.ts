// Tables of text for a terminal: calls, scores and the two totals.

import { formatPicoUsd } from '../../schemas/money.ts'
import type { Comparison } from './comparison.ts'
import type { LedgerCall, LedgerScore } from './ledger.ts'

/** Every call of the ledger, in the order they were made; `workflows` names traces. */
export function callsTable(calls: readonly LedgerCall[], workflows: ReadonlyMap<string, string>): string {
  return table(
    ['time', 'workflow', 'model', 'fresh', 'read', 'write 5m', 'write 1h', 'output', 'cost USD', 'status'],
    calls.map((call) => [
      call.time.slice(0, 12),
      workflows.get(call.traceId) ?? '-',
      `${call.provider} ${call.responseModel || call.requestModel}`,
      ...(call.usage === null
        ? ['-', '-', '-', '-', '-']
        : [
            call.usage.input,
            call.usage.cacheRead,
            call.usage.cacheWrite5m,
            call.usage.cacheWrite1h,
            call.usage.output,
          ].map(String)),
      call.picoUsd !== null ? formatPicoUsd(call.picoUsd) : call.costStatus === 'not_billed' ? '-' : 'unknown',
      [call.costStatus, call.costReason, call.failureClass].filter((word) => word !== '').join(' '),
    ]),
    new Set([3, 4, 5, 6, 7]),
  )
}

/** Every score, with what it judges and what that cost. */
export function scoresTable(scores: readonly LedgerScore[]): string {
  return table(
    ['name', 'value', 'label', 'source', 'judges', 'model', 'cost USD'],
    scores.map((score) => [
      score.name,
      score.value === null ? '-' : String(score.value),
      score.label || '-',
      score.source,
      score.isResolved ? `${score.target} ${(score.spanId || score.traceId).slice(0, 16)}` : 'not found yet',
      score.model || '-',
      score.picoUsd === null ? 'unknown' : formatPicoUsd(score.picoUsd),
    ]),
    new Set([1]),
  )
}

/** Invoice and ledger side by side, a line a model. */
export function totalsTable({ lines, invoicePicoUsd, ledgerPicoUsd }: Comparison): string {
  const models = new Map<string, { billed: bigint; counted: bigint; responses: number; differences: number }>()
  for (const compared of lines) {
    if (compared.kind === 'failed') continue
    const name =
      'line' in compared
        ? `${compared.line.provider} ${compared.line.model}`
        : `${compared.call.provider} ${compared.call.responseModel || compared.call.requestModel}`
    const model = models.get(name) ?? { billed: 0n, counted: 0n, responses: 0, differences: 0 }
    models.set(name, model)
    if ('line' in compared) {
      model.responses++
      model.billed += compared.line.picoUsd
    }
    if ('call' in compared) model.counted += compared.call.picoUsd ?? 0n
    if (['different', 'missing', 'extra'].includes(compared.kind)) model.differences++
  }
  const rows = [...models]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { billed, counted, responses, differences }]) => [
      name,
      String(responses),
      formatPicoUsd(billed),
      formatPicoUsd(counted),
      differences > 0 ? `${differences} different` : billed === counted ? 'equal' : 'equal but for the unknown',
    ])
  const responses = String(lines.filter((compared) => 'line' in compared).length)
  rows.push(['total', responses, formatPicoUsd(invoicePicoUsd), formatPicoUsd(ledgerPicoUsd), ''])
  return table(['model', 'responses', 'invoice USD', 'ledger USD', ''], rows, new Set([1]))
}

/** Columns as wide as their widest cell; those of `right` aligned to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
