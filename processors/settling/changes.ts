// Verdicts beside what is stored → what has to change, column by column, each with its reason. Money of a row that is to
// carry it again is left to the price book.

import { amountColumns } from '../../schemas/amounts.ts'
import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { unit, usageUnits } from '../../schemas/usage.ts'
import { callKinds } from '../dialect.ts'
import { type CallConditions, conditionsText, parseConditions } from '../pricing/conditions.ts'
import { providerId } from '../response-id.ts'
import { storedUsage } from '../stored-usage.ts'
import { attemptsOf } from './attempts.ts'
import { completed, inOrder } from './complete.ts'
import { mannerOf } from './manner.ts'
import { type CallRecord, keyOf, sumsUsage, type Verdict } from './record.ts'
import { type SentSum, withoutRoundsBefore } from './rounds.ts'
import { settle } from './settle.ts'

/** A span as it is stored now; counts and money as text. Field names are the columns'. */
export interface Stored {
  readonly project_id: string
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string
  readonly kind: string
  readonly span_kind: string
  readonly scope_name: string
  readonly name: string
  readonly service: string
  readonly status: string
  /** Unix microseconds. */
  readonly start_us: string
  readonly end_us: string
  readonly request_model: string
  readonly response_model: string
  readonly response_id: string
  readonly input_tokens: string | null
  readonly output_tokens: string | null
  readonly cache_read_tokens: string
  readonly cache_write_tokens: string
  readonly reasoning_tokens: string
  readonly usage_other: Readonly<Record<string, number>>
  readonly usage_rule: string
  readonly service_tier: string
  /** JSON, '' for none. */
  readonly price_conditions: string
  readonly user_id: string
  readonly session_id: string
  readonly feature: string
  readonly team: string
  readonly customer: string
  readonly step: string
  readonly input_class: string
  readonly collection: string
  readonly env: string
  readonly agent_name: string
  readonly tool_name: string
  readonly prompt_name: string
  readonly prompt_version: string
  readonly cost_status: string
  readonly cost_reason: string
  readonly cost_flags: string
  readonly counted_as: string
  readonly attempt: number
  readonly attempts: number
  readonly provider: string
  readonly model: string
  readonly input_cost: string | null
  readonly cache_read_cost: string | null
  readonly cache_write_cost: string | null
  readonly output_cost: string | null
  readonly other_cost: string | null
  readonly total_cost: string | null
  readonly pricing_currency: string
  readonly pricing_currency_cost: string | null
  readonly price_entry: string
  readonly price_book: string
  readonly wasted_cost: string | null
  readonly revision: number
}

export interface Change {
  readonly stored: Stored
  /** `demoted`, `promoted`, `renamed`, `reduced`, `completed`, `inherited`, `grouped`, joined by commas. */
  readonly reason: string
  readonly evidence: string
  /** Column → new value as text; '' for NULL where the column can be NULL. */
  readonly columns: Readonly<Record<string, string>>
  /** The row as its price is to be found for, by the price book; null where its money stays, or goes. */
  readonly priceAs: Stored | null
}

const otherSlots: ReadonlyMap<string, number> = new Map(
  usageUnits.flatMap(({ key }, slot) => (key === null ? [] : [[key, slot] as const])),
)

/** A span of which the ledger says that it is no call of its own, whatever surrounds it. */
const fixedReasons: ReadonlySet<string> = new Set(['replayed', 'not_a_model_call'])

export function recordOf(stored: Stored): CallRecord {
  const usage = storedUsage(stored)
  const isCall = callKinds.has(stored.kind) && stored.cost_reason !== 'replayed'
  const isCarrier = !callKinds.has(stored.kind) && sumsUsage(usage)
  return {
    traceId: stored.trace_id,
    spanId: stored.span_id,
    parentId: stored.parent_span_id,
    scope: stored.scope_name,
    manner: mannerOf(stored),
    project: stored.project_id,
    resource: stored.service,
    role: isCall ? 'call' : isCarrier ? 'carrier' : 'none',
    start: Number(stored.start_us),
    end: Number(stored.end_us),
    requestModel: stored.request_model,
    responseModel: stored.response_model,
    usage,
    // A client of a gateway knows the answer by the gateway's word for it.
    responseId: providerId(stored.response_id),
    isError: stored.status === 'error',
    isAssumed: stored.usage_rule === 'inclusive:assumed',
    isServer: stored.span_kind === 'server',
    isEvent: stored.span_kind === 'event',
  }
}

/** What has to change of these spans; all spans of a trace are to be among them. A trace sent to two projects is two. */
export function changesOf(spans: readonly Stored[], sums: readonly SentSum[] = []): Change[] {
  return [...Map.groupBy(spans, ({ project_id }) => project_id).values()].flatMap((of) => changesOfProject(of, sums))
}

function changesOfProject(spans: readonly Stored[], sums: readonly SentSum[]): Change[] {
  const { records, before } = withoutRoundsBefore(spans, spans.map(recordOf), sums)
  const verdicts = settle(records)
  const byKey = new Map(spans.map((stored, i) => [keyOf(records[i]!), stored]))
  const isOwnCall = (i: number): boolean => records[i]!.role === 'call' && verdicts[i]!.reason === ''
  const twinsOf = new Map<CallRecord, Twin[]>()
  for (const [i, { reason, countedAs, evidence }] of verdicts.entries()) {
    if (reason !== 'duplicate' || countedAs === null) continue
    const twins = twinsOf.get(countedAs) ?? []
    twinsOf.set(countedAs, twins)
    twins.push({ record: records[i]!, stored: spans[i]!, evidence })
  }
  const sumsOf = new Map<CallRecord, CallRecord[]>()
  for (const [i, { reason, countedAs }] of verdicts.entries())
    if (reason === 'aggregate' && countedAs !== null && isSumOfOne(records[i]!, countedAs))
      sumsOf.set(countedAs, [...(sumsOf.get(countedAs) ?? []), records[i]!])
  for (const twins of twinsOf.values()) {
    const order = inOrder(twins.map(({ record }) => record))
    twins.sort((a, b) => order.indexOf(a.record) - order.indexOf(b.record))
  }
  const attempts = attemptsOf(records.filter((_, i) => isOwnCall(i)))
  return spans.flatMap((stored, i) => {
    const columns: Record<string, string> = {}
    const reasons: string[] = []
    const verdict = verdicts[i]!
    const isPromoted = judge(stored, records[i]!, verdict, columns, reasons)
    const roundBefore = before.get(records[i]!)
    const isReduced = roundBefore !== undefined && reduce(stored, records[i]!, columns, reasons)
    const twins = twinsOf.get(records[i]!) ?? []
    let isPriced = isPromoted || (isReduced && isOwnCall(i) && !isFixed(stored))
    const sumsOfOne = sumsOf.get(records[i]!) ?? []
    if (isOwnCall(i) && twins.length + sumsOfOne.length > 0)
      isPriced = complete(stored, records[i]!, { twins, sumsOfOne }, columns, reasons) || isPriced
    inherit([stored, ...twins.map(({ stored: twin }) => twin)], byKey, columns, reasons)
    const attempt = attempts.get(records[i]!)
    if (attempt !== undefined) {
      const { failed } = attempt
      const wasted = wastedCost(failed.map((each) => byKey.get(keyOf(each))))
      const isSame =
        stored.attempt === attempt.attempt &&
        stored.attempts === attempt.attempts &&
        wasted === (stored.wasted_cost ?? '')
      if (!isSame) {
        columns['attempt'] = String(attempt.attempt)
        columns['attempts'] = String(attempt.attempts)
        columns['wasted_cost'] = wasted
        reasons.push('grouped')
      }
    }
    if (reasons.length === 0) return []
    const told = reasons.includes('completed') ? (twins[0]?.evidence ?? 'sum') : verdict.evidence
    const evidence = told === '' && isReduced ? `round ${roundBefore.spanId}` : told
    return [{ stored, reason: reasons.join(','), evidence, columns, priceAs: isPriced ? asked(stored, columns) : null }]
  })
}

/** Fills what the verdict changes; true when the row is to carry money again. */
function judge(
  stored: Stored,
  record: CallRecord,
  verdict: Verdict,
  columns: Record<string, string>,
  reasons: string[],
): boolean {
  if (record.role === 'none' || fixedReasons.has(stored.cost_reason)) return false
  const countedAs = verdict.countedAs?.spanId ?? ''
  const wasOut = stored.cost_reason === 'aggregate' || stored.cost_reason === 'duplicate'
  if (verdict.reason === '') {
    if (!wasOut) return false
    columns['counted_as'] = ''
    reasons.push('promoted')
    return true
  }
  // A figure that the user gave for this very span stands: it is no repetition of anything.
  if (stored.cost_status === 'reported') return false
  if (stored.cost_reason === verdict.reason && stored.counted_as === countedAs) return false
  columns['cost_reason'] = verdict.reason
  columns['counted_as'] = countedAs
  if (!wasOut) {
    for (const name of amountColumns) columns[name] = ''
    for (const name of ['cost_flags', 'pricing_currency', 'price_entry', 'price_book'] as const) columns[name] = ''
    columns['cost_status'] = 'not_billed'
    columns['model'] = stored.response_model || stored.request_model
    if (stored.cost_flags.split(',').includes('provider_inferred')) columns['provider'] = ''
  }
  reasons.push(wasOut ? 'renamed' : 'demoted')
  return false
}

/** A sum that is as large as one call has nothing else in it: its split is that call's. */
function isSumOfOne({ usage: sum }: CallRecord, { usage }: CallRecord): boolean {
  return sum[unit.input]! > 0 && sum[unit.input] === usage[unit.input] && sum[unit.output] === usage[unit.output]
}

/** Leaves a round of a tool loop its own counts; true when it had more. */
function reduce(stored: Stored, { usage }: CallRecord, columns: Record<string, string>, reasons: string[]): boolean {
  const [input, output] = [String(usage[unit.input]), String(usage[unit.output])]
  if (stored.input_tokens === input && stored.output_tokens === output) return false
  columns['input_tokens'] = input
  columns['output_tokens'] = output
  reasons.push('reduced')
  return true
}

/** A figure of the user's own. */
function isFixed({ cost_status }: Stored): boolean {
  return cost_status === 'reported' || cost_status === 'estimated'
}

/** Longer texts are no names; they stay on the span that has them. */
const inheritedCharsMax = 1000

const inheritedColumns = [
  'user_id',
  'session_id',
  'feature',
  'team',
  'customer',
  'step',
  'input_class',
  'collection',
  'env',
  'agent_name',
  'tool_name',
  'prompt_name',
] as const

interface Twin {
  readonly record: CallRecord
  readonly stored: Stored
  readonly evidence: string
}

/** Fills what a carrier lacks and its twins tell; true when its price is to be found again. */
function complete(
  stored: Stored,
  record: CallRecord,
  { twins, sumsOfOne }: { readonly twins: readonly Twin[]; readonly sumsOfOne: readonly CallRecord[] },
  columns: Record<string, string>,
  reasons: string[],
): boolean {
  // A figure that the user gave stands, and an estimate is no report to complete.
  if (stored.cost_status === 'reported' || stored.cost_status === 'estimated' || stored.cost_reason === 'bad_quantity')
    return false
  const before = Object.keys(columns).length
  const usage = completed(record, [...twins.map((twin) => twin.record), ...sumsOfOne])
  if (usage !== null) {
    for (const [name, slot] of Object.entries(tokenColumns)) {
      if (Object.is(usage[slot], record.usage[slot])) continue
      columns[name] = String(usage[slot])
    }
    const other = Object.fromEntries(
      [...otherSlots].flatMap(([key, slot]) => (usage[slot]! >= 0 ? [[key, usage[slot]!]] : [])),
    )
    if (JSON.stringify(other) !== JSON.stringify(inSlotOrder(stored.usage_other)))
      columns['usage_other'] = JSON.stringify(other)
    if (!stored.usage_rule.endsWith(fromTwin)) columns['usage_rule'] = `${stored.usage_rule}${fromTwin}`
  }
  const isUnnamed = stored.provider === '' || stored.cost_flags.split(',').includes('provider_inferred')
  const named = twins.find(
    ({ stored: twin }) => twin.provider !== '' && !twin.cost_flags.split(',').includes('provider_inferred'),
  )
  if (isUnnamed && named !== undefined) columns['provider'] = named.stored.provider
  for (const { stored: twin } of twins) {
    const said = columns['price_conditions'] ?? stored.price_conditions
    const all = conditionsWith(said, twin.price_conditions)
    if (all !== said) columns['price_conditions'] = all
    if (stored.service_tier === '' && twin.service_tier !== '') columns['service_tier'] ??= twin.service_tier
  }
  if (Object.keys(columns).length === before) return false
  reasons.push('completed')
  return true
}

/** At the end of `usage_rule` where a part of the counts is from another record of the call. */
const fromTwin = '+twin'

const tokenColumns: Readonly<Record<string, number>> = {
  input_tokens: unit.input,
  output_tokens: unit.output,
  cache_read_tokens: unit.cacheRead,
  cache_write_tokens: unit.cacheWrite,
  reasoning_tokens: unit.reasoning,
}

function inSlotOrder(other: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries([...otherSlots.keys()].flatMap((key) => (key in other ? [[key, other[key]!]] : [])))
}

/** JSON of conditions, with those of another that it says nothing of. */
function conditionsWith(said: string, other: string): string {
  if (other === '' || other === said) return said
  const own = parseConditions(said)
  const more = Object.entries(parseConditions(other)).filter(
    ([name, value]) => value !== '' && own[name as keyof CallConditions] === '',
  )
  return more.length === 0 ? said : conditionsText({ ...own, ...Object.fromEntries(more) })
}

/** A row with its changes, as the price book is asked for it. */
function asked(stored: Stored, columns: Readonly<Record<string, string>>): Stored {
  const { usage_other, ...text } = columns
  const other = usage_other === undefined ? stored.usage_other : (JSON.parse(usage_other) as Record<string, number>)
  const isNamed = columns['provider'] !== undefined && columns['provider'] !== ''
  return { ...stored, ...text, usage_other: other, ...(isNamed ? { cost_flags: '' } : {}), revision: stored.revision }
}

/** Attribution a span does not carry comes from the nearest above it that does, then from other records of its call. */
function inherit(
  [stored, ...twins]: readonly [Stored, ...Stored[]],
  byKey: ReadonlyMap<string, Stored>,
  columns: Record<string, string>,
  reasons: string[],
): void {
  let isInherited = false
  for (const name of inheritedColumns) {
    if (stored[name] !== '') continue
    const isMeant = (span: Stored): boolean => span[name] !== '' && span[name].length <= inheritedCharsMax
    const above =
      nearest(stored, byKey, isMeant) ??
      firstOf(twins, (twin) => (isMeant(twin) ? twin : nearest(twin, byKey, isMeant)))
    if (above === undefined) continue
    columns[name] = above[name]
    // Name and version are of one span, never of two.
    if (name === 'prompt_name') columns['prompt_version'] = above.prompt_version
    isInherited = true
  }
  if (isInherited) reasons.push('inherited')
}

function firstOf(spans: readonly Stored[], find: (span: Stored) => Stored | undefined): Stored | undefined {
  for (const span of spans) {
    const found = find(span)
    if (found !== undefined) return found
  }
  return undefined
}

const depthMax = 512

function nearest(
  stored: Stored,
  byKey: ReadonlyMap<string, Stored>,
  isMeant: (span: Stored) => boolean,
): Stored | undefined {
  let above = byKey.get(parentKey(stored))
  for (let depth = 0; above !== undefined && depth < depthMax; depth++) {
    if (isMeant(above)) return above
    above = byKey.get(parentKey(above))
  }
  return undefined
}

function parentKey({ project_id, trace_id, parent_span_id }: Stored): string {
  return keyOf({ project: project_id, traceId: trace_id, spanId: parent_span_id })
}

/** As text, '' where no failed attempt has a cost. */
function wastedCost(failed: readonly (Stored | undefined)[]): string {
  const costs = failed.flatMap((stored) => (stored?.total_cost ? [parsePicoUsd(stored.total_cost)] : []))
  return costs.length === 0 ? '' : formatPicoUsd(costs.reduce((sum, each) => sum + each, 0n))
}
