// The provider's invoice against the ledger, line by line. Pure: two lists in, one verdict a line out.

import type { BilledUsage, InvoiceLine } from './invoice.ts'
import type { LedgerCall } from './ledger.ts'

/** What became of one billed response, or of one call that nobody billed. */
export type ComparedLine =
  /** The same tokens and the same amount. */
  | { readonly kind: 'equal'; readonly line: InvoiceLine; readonly call: LedgerCall }
  /** In the ledger as a call of unknown cost, because its telemetry reports no usage. */
  | { readonly kind: 'unknown'; readonly line: InvoiceLine; readonly call: LedgerCall }
  | { readonly kind: 'different'; readonly line: InvoiceLine; readonly call: LedgerCall }
  /** Billed, and not in the ledger. */
  | { readonly kind: 'missing'; readonly line: InvoiceLine }
  /** A failed call that carries no money, as it should. */
  | { readonly kind: 'failed'; readonly call: LedgerCall }
  /** In the ledger, and not billed. */
  | { readonly kind: 'extra'; readonly call: LedgerCall }

export interface Comparison {
  readonly lines: readonly ComparedLine[]
  readonly invoicePicoUsd: bigint
  /** The part of the invoice whose usage no telemetry reports. */
  readonly unknownPicoUsd: bigint
  readonly ledgerPicoUsd: bigint
  /** Every line is accounted for, and the ledger's total is the invoice's less what no telemetry reports. */
  readonly isEqual: boolean
}

/**
 * Pairs each billed response with its call: by response id where the telemetry has one, else by model and tokens. A call without
 * usage is accepted as `unknown` only in a trace of `unreportedTraces`.
 */
export function compare(
  invoice: readonly InvoiceLine[],
  calls: readonly LedgerCall[],
  unreportedTraces: ReadonlySet<string>,
): Comparison {
  const open = new Set(calls)
  const pairs = new Map<InvoiceLine, LedgerCall>()
  const rules: readonly ((line: InvoiceLine, call: LedgerCall) => boolean)[] = [
    (line, call) => line.responseId !== null && line.responseId === call.responseId,
    (line, call) => isSameModel(line, call) && isUnnamed(line, call) && isSameUsage(line.usage, call.usage),
    (line, call) => isSameModel(line, call) && isUnnamed(line, call) && call.usage === null && isPossiblyBilled(call),
  ]
  for (const isPair of rules)
    for (const line of invoice) {
      if (pairs.has(line)) continue
      const call = [...open].find((candidate) => isPair(line, candidate))
      if (call === undefined) continue
      pairs.set(line, call)
      open.delete(call)
    }
  const lines: ComparedLine[] = [
    ...invoice.map((line) => verdict(line, pairs.get(line), unreportedTraces)),
    ...[...open].map((call): ComparedLine => ({ kind: isFailedUnbilled(call) ? 'failed' : 'extra', call })),
  ]
  const invoicePicoUsd = sum(invoice.map(({ picoUsd }) => picoUsd))
  const unknownPicoUsd = sum(lines.map((line) => (line.kind === 'unknown' ? line.line.picoUsd : 0n)))
  const ledgerPicoUsd = sum(calls.map(({ picoUsd }) => picoUsd ?? 0n))
  const isAccounted = lines.every(({ kind }) => kind === 'equal' || kind === 'unknown' || kind === 'failed')
  return {
    lines,
    invoicePicoUsd,
    unknownPicoUsd,
    ledgerPicoUsd,
    isEqual: isAccounted && ledgerPicoUsd === invoicePicoUsd - unknownPicoUsd,
  }
}

function verdict(line: InvoiceLine, call: LedgerCall | undefined, unreportedTraces: ReadonlySet<string>): ComparedLine {
  if (call === undefined) return { kind: 'missing', line }
  if (call.usage === null && call.picoUsd === null && unreportedTraces.has(call.traceId))
    return { kind: 'unknown', line, call }
  const isEqual = isSameModel(line, call) && isSameUsage(line.usage, call.usage) && line.picoUsd === call.picoUsd
  return { kind: isEqual ? 'equal' : 'different', line, call }
}

/** Instrumentations report the model asked for, the one that answered, or both. */
function isSameModel(line: InvoiceLine, call: LedgerCall): boolean {
  const reported = call.responseModel || call.requestModel
  return line.provider === call.provider && (reported === line.model || reported === line.requestModel)
}

/** One of the two has no response id: they cannot be told apart by it. */
function isUnnamed(line: InvoiceLine, call: LedgerCall): boolean {
  return line.responseId === null || call.responseId === ''
}

function isSameUsage(billed: BilledUsage, counted: BilledUsage | null): boolean {
  return (
    counted !== null &&
    billed.input === counted.input &&
    billed.cacheRead === counted.cacheRead &&
    billed.cacheWrite5m === counted.cacheWrite5m &&
    billed.cacheWrite1h === counted.cacheWrite1h &&
    billed.output === counted.output
  )
}

function isPossiblyBilled(call: LedgerCall): boolean {
  return call.status !== 'error'
}

function isFailedUnbilled(call: LedgerCall): boolean {
  return call.status === 'error' && call.costStatus === 'not_billed' && call.picoUsd === null
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
