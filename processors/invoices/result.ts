// An import beside the ledger, as a whole: totals, lines and findings by provider, which add up to the last pico.

import { compareGroup } from './compare.ts'
import { amountOf, type Finding, type Line, type LineState, type PriceHints } from './finding.ts'
import type { InvoiceFormat } from './format.ts'
import type { ImportedBill } from './import.ts'
import type { LedgerCell } from './ledger.ts'
import type { Note } from './line.ts'
import { kindName, type MapFile } from './map.ts'
import { alike, atPrice, type Part, priceOf, sumOf } from './parts.ts'
import { type Group, type Prepared, prepare } from './prepare.ts'

export interface ProviderTotals {
  readonly provider: string
  /** Pico-USD, credits and discounts included; null = the sources have no money. */
  readonly bill: bigint | null
  readonly billBeforeCredits: bigint | null
  readonly ledger: bigint
  /** Bill − ledger, which is the sum of the findings; at our prices where the bill has no money. */
  readonly difference: bigint
  readonly otherCurrencies: ReadonlyMap<string, bigint>
}

export interface InvoiceResult {
  readonly days: readonly string[]
  readonly totals: readonly ProviderTotals[]
  readonly lines: readonly Line[]
  /** Never merged: one place each. */
  readonly findings: readonly Finding[]
  readonly notes: readonly Note[]
  /** Nothing but rounding is between bill and ledger. */
  readonly isMatched: boolean
}

export interface InvoiceInputs {
  readonly bill: ImportedBill
  readonly ledger: readonly LedgerCell[]
  readonly hints: PriceHints
  readonly map: MapFile
  /** Providers of the ledger that the bill is for, whether or not it has lines of them. */
  readonly providers: readonly string[]
  /** Unix milliseconds: days that ended shortly before are not final. */
  readonly asOf: number
}

/** Providers of the ledger whose calls are on the bill of one of them. */
const billedAs: Readonly<Record<string, string>> = {
  'azure.ai.inference': 'azure.ai.openai',
  'azure.ai.foundry': 'azure.ai.openai',
}

export function billingProvider(provider: string): string {
  return billedAs[provider] ?? provider
}

export function compareInvoice(inputs: InvoiceInputs): InvoiceResult {
  const { bill, asOf } = inputs
  const days = new Set(bill.days)
  const ledger = inputs.ledger.filter(({ day }) => days.has(day))
  const providers = [
    ...new Set([...bill.cells.map(({ provider }) => provider), ...inputs.providers.map(billingProvider)]),
  ].sort()
  const open = openDays(bill, asOf)
  const results = providers.map((provider) => ofProvider(provider, { ...inputs, ledger }, open))
  const findings = results.flatMap((each) => each.findings)
  return {
    days: bill.days,
    totals: results.map(({ totals }) => totals),
    lines: results.flatMap(({ lines }) => lines),
    findings,
    notes: [...bill.notes, ...results.flatMap(({ notes }) => notes)],
    isMatched: findings.every(({ category }) => category === 'rounding'),
  }
}

const dayMs = 86_400_000
/** A Pacific day ends up to so much later than its name in UTC. */
const zoneMs = { UTC: 0, 'America/Los_Angeles': 8 * 3_600_000 }

/** Days whose figures may still change. */
function openDays({ days, formats }: ImportedBill, asOf: number): ReadonlySet<string> {
  const wait = Math.max(0, ...formats.map(({ finalAfterDays, zone }) => finalAfterDays * dayMs + zoneMs[zone]))
  return new Set(days.filter((day) => Date.parse(`${day}T00:00:00Z`) + dayMs + wait > asOf))
}

function ofProvider(provider: string, inputs: InvoiceInputs, open: ReadonlySet<string>) {
  const { bill, hints, map } = inputs
  const ledger = inputs.ledger.filter((cell) => billingProvider(cell.provider) === provider)
  const cells = bill.cells.filter((cell) => cell.provider === provider)
  const decimals = new Map(
    bill.formats.flatMap(({ id, decimals: of }) => (of === undefined ? [] : [[id, of] as const])),
  )
  const usageFormats = new Set(bill.formats.filter(({ role }) => role === 'usage').map(({ id }) => id))
  const prepared = prepare(provider, { cells, ledger, hints, map, usageFormats, decimals })
  const unmapped = new Set(prepared.apart.filter(({ category }) => category === 'unmapped name').map(({ day }) => day))
  const incomplete = new Set(bill.notes.filter(({ kind }) => kind === 'incomplete').map(({ day }) => day))
  const tolerance = toleranceOf(
    cells.map(({ format }) => format),
    bill.formats,
  )
  const lines = prepared.groups.flatMap(linesOf)
  const compared = prepared.groups.flatMap((group) =>
    compareGroup(group, {
      hints,
      isIncomplete: (day) => incomplete.has(day) || incomplete.has(''),
      hasUnmapped: (day) => unmapped.has(day),
      tolerance,
    }),
  )
  const findings = [
    ...prepared.apart,
    ...acrossDays(constantDiscount(compared, lines)),
    ...lost(provider, prepared),
  ].map((finding) =>
    open.has(finding.day) && finding.category !== 'rounding'
      ? { ...finding, category: 'provisional' as const }
      : finding,
  )
  const ledgerTotal = ledger.reduce((all, { amount }) => all + (amount ?? 0n), 0n)
  const difference = findings.reduce((all, finding) => all + amountOf(finding), 0n)
  if (prepared.billTotal !== null && prepared.billTotal - ledgerTotal !== difference)
    throw new Error(
      `findings of ${provider} sum to ${difference}, bill − ledger is ${prepared.billTotal - ledgerTotal}`,
    )
  const credits = prepared.apart
    .filter(({ category }) => category === 'discount')
    .reduce((all, each) => all + amountOf(each), 0n)
  const totals: ProviderTotals = {
    provider,
    bill: prepared.billTotal,
    billBeforeCredits: prepared.billTotal === null ? null : prepared.billTotal - credits,
    ledger: ledgerTotal,
    difference,
    otherCurrencies: prepared.otherCurrencies,
  }
  return {
    totals,
    findings,
    notes: prepared.notes,
    lines: [...lines, ...apartLines(prepared.apart)].map((line) => withState(line, findings)),
  }
}

/** Half a unit of the last decimal a row, and a pico for the ledger's own rounding. */
function toleranceOf(used: readonly string[], formats: readonly InvoiceFormat[]): (rows: number) => bigint {
  const decimals = formats.filter(({ id }) => used.includes(id)).flatMap(({ decimals: of }) => of ?? [])
  const unit = decimals.length === 0 ? 2n : 10n ** BigInt(12 - Math.min(...decimals))
  return (rows) => (BigInt(rows) * unit) / 2n
}

/** What rounding each cell to a pico has lost or won. */
function lost(provider: string, { roundedAway, groups }: Prepared): Finding[] {
  if (roundedAway === 0n) return []
  const place = { day: groups[0]?.day ?? '', provider, account: '', model: '', kind: '' }
  return [
    {
      ...place,
      category: 'rounding',
      cause: 'finer than 1e-12 USD',
      evidence: 'decimals of the bill',
      quantity: 0n,
      quantityPart: 0n,
      pricePart: roundedAway,
      label: '',
    },
  ]
}

/** What is missing on one day and too much, to the token, on the day beside it: calls that midnight cuts, or a zone misread. */
function acrossDays(findings: readonly Finding[]): Finding[] {
  const keyOf = ({ day, account, model, kind, quantity }: Finding) => [day, account, model, kind, quantity].join('\n')
  const open = findings.filter(
    ({ category, quantity, evidence }) =>
      quantity !== 0n && (category !== 'counted twice' || evidence.startsWith('by elimination')),
  )
  const keys = new Set(open.map(keyOf))
  return findings.map((finding) => {
    const isOpen = open.includes(finding) && finding.category !== 'non-token line'
    const isMirrored =
      isOpen &&
      [-1, 1].some((step) =>
        keys.has(keyOf({ ...finding, day: nextDay(finding.day, step), quantity: -finding.quantity })),
      )
    if (!isMirrored) return finding
    return {
      ...finding,
      category: 'unexplained',
      cause: 'booked to the neighbouring day',
      evidence: 'the same quantity with the other sign on the day beside it',
    }
  })
}

function nextDay(day: string, step: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + step * dayMs).toISOString().slice(0, 10)
}

/** One factor on every line is a contract, or a unit; on some lines it is a price. */
function constantDiscount(findings: readonly Finding[], lines: readonly Line[]): Finding[] {
  const factor = /^bill price is (\S+) x ours$/
  const own = findings.filter(({ cause }) => factor.test(cause))
  const factors = new Set(own.map(({ cause }) => cause))
  const kinds = new Set(own.map(({ model, kind }) => `${model}\n${kind}`))
  const [first] = factors
  const isSame = factors.size === 1 && kinds.size >= 3 && lines.every((line) => !isPricedAlike(line))
  if (!isSame || first === undefined) return [...findings]
  const ratio = factor.exec(first)?.[1] ?? ''
  const isUnit = /^(10+|0\.0*1)$/.test(ratio)
  return findings.map((finding) => {
    if (finding.cause !== first) return finding
    return isUnit
      ? {
          ...finding,
          category: 'unexplained',
          cause: `every line is off by ${ratio}: a unit or currency read wrong`,
          evidence: 'one factor on every line',
        }
      : {
          ...finding,
          category: Number(ratio) < 1 ? 'discount' : finding.category,
          cause: `bill is ${ratio} x ours on every line`,
          evidence: 'one factor on every line',
        }
  })
}

/** Tokens at one price on both sides; tools are often left out of a discount. */
function isPricedAlike({ kind, billAmount, ledgerAmount, pricePart }: Line): boolean {
  const isToken = /^(input|cache_|output|all_input)/.test(kind)
  return (
    isToken && billAmount !== null && ledgerAmount !== null && billAmount > 0n && ledgerAmount > 0n && pricePart === 0n
  )
}

type Pair = { readonly bill: Part[]; readonly ledger: Part[] }

function linesOf(group: Group): Line[] {
  const pairs = new Map<string, Pair>()
  const at = (part: Part): Pair => {
    const key = [kindName(part.family, part.dimensions), part.dimensions.tier ?? '', part.dimensions.geo ?? ''].join(
      '\n',
    )
    const known = pairs.get(key) ?? { bill: [], ledger: [] }
    pairs.set(key, known)
    return known
  }
  const sides = alike(group.bill, group.ledger)
  for (const part of sides.bill) at(part).bill.push(part)
  for (const part of sides.ledger) at(part).ledger.push(part)
  const { day, provider, account, model } = group
  return [...pairs].map(([key, { bill, ledger }]) => {
    const [kind = '', tier = '', geo = ''] = key.split('\n')
    const billQuantity = bill.every((part) => part.isMoneyOnly) ? null : sumOf(bill, 'quantity')
    const ledgerQuantity = ledger.length === 0 ? null : sumOf(ledger, 'quantity')
    const billAmount = moneyOf(bill)
    const ledgerAmount = moneyOf(ledger)
    const difference = (billAmount ?? 0n) - (ledgerAmount ?? 0n)
    const gap = (billQuantity ?? 0n) - (ledgerQuantity ?? 0n)
    const price =
      priceOf({ quantity: ledgerQuantity ?? 0n, amount: ledgerAmount }) ??
      priceOf({ quantity: billQuantity ?? 0n, amount: billAmount })
    const quantityPart = price === null ? 0n : atPrice(gap, price)
    const label = bill[0]?.label ?? ''
    return {
      day,
      provider,
      account,
      model,
      kind,
      tier,
      geo,
      label,
      billQuantity,
      ledgerQuantity,
      billAmount,
      ledgerAmount,
      quantityPart,
      pricePart: difference - quantityPart,
      state: 'matched' as const,
    }
  })
}

function moneyOf(parts: readonly Part[]): bigint | null {
  return parts.some(({ amount }) => amount !== null) ? sumOf(parts, 'amount') : null
}

/** Lines of the bill that nothing in the ledger can be laid beside. */
function apartLines(apart: readonly Finding[]): Line[] {
  return apart.map(({ day, provider, account, model, kind, label, category, quantity, quantityPart, pricePart }) => ({
    day,
    provider,
    account,
    model,
    kind,
    tier: '',
    geo: '',
    label,
    billQuantity: quantity === 0n ? null : quantity,
    ledgerQuantity: null,
    billAmount: quantityPart + pricePart,
    ledgerAmount: null,
    quantityPart,
    pricePart,
    state: category === 'unmapped name' ? 'unmapped' : 'only on bill',
  }))
}

function withState(line: Line, findings: readonly Finding[]): Line {
  if (line.state !== 'matched') return line
  const own = findings.filter((finding) => isHere(finding, line) && finding.category !== 'rounding')
  return { ...line, state: stateOf(line, own) }
}

function isHere(finding: Finding, line: Line): boolean {
  const isKind = finding.kind === line.kind || (finding.kind === '' && finding.model === line.model)
  return isKind && finding.day === line.day && finding.account === line.account && finding.model === line.model
}

function stateOf(line: Line, own: readonly Finding[]): LineState {
  const isEqual = line.quantityPart === 0n && line.pricePart === 0n && line.billQuantity === line.ledgerQuantity
  if (isEqual && line.billAmount !== null) return 'matched'
  if (own.some(({ category }) => category === 'provisional')) return 'provisional'
  if (own.some(({ category }) => category === 'unexplained'))
    return line.billAmount === null && line.billQuantity === null ? 'only in ledger' : 'unexplained'
  if (line.ledgerQuantity === null && own.some(({ quantity }) => quantity === line.billQuantity)) return 'only on bill'
  if (line.billAmount === null && line.billQuantity !== null)
    return line.billQuantity === line.ledgerQuantity ? 'matched' : 'could not ask'
  return 'explained'
}
