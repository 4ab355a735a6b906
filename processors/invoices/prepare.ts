// The cells of an import, made comparable: models looked up, units and amounts settled, usage and cost reports of one day
// laid over each other, and what cannot be compared set apart with its reason.

import type { BillCell } from './bill.ts'
import { divideRounded, fineOfPico, parseFine, picoOfFine } from './exact.ts'
import type { Finding, Place, PriceHints } from './finding.ts'
import { KnownModels, modelKey } from './labels.ts'
import type { LedgerCell } from './ledger.ts'
import { type Dimensions, isTokens, type Note } from './line.ts'
import { kindName, type MapFile } from './map.ts'
import { merged } from './merge.ts'
import { type Part, priceOf } from './parts.ts'

/** One day, account and model: what is compared as a whole. */
export interface Group {
  readonly day: string
  readonly provider: string
  readonly account: string
  readonly model: string
  readonly bill: Part[]
  readonly ledger: LedgerPart[]
  /** Requests on the bill, and calls in the ledger; null = not told. */
  readonly requests: bigint | null
  readonly calls: bigint | null
  readonly hasIds: boolean
}

export interface LedgerPart extends Part {
  repeatedQuantity: bigint
  repeatedAmount: bigint
}

export interface Prepared {
  readonly groups: readonly Group[]
  /** Credits, taxes, unmapped names, lines without tokens. */
  readonly apart: readonly Finding[]
  readonly notes: readonly Note[]
  /** Pico-USD; null = no source with money. */
  readonly billTotal: bigint | null
  /** What the rounding of cells to a pico took or gave. */
  readonly roundedAway: bigint
  /** Sums in other currencies, which are not compared. */
  readonly otherCurrencies: ReadonlyMap<string, bigint>
}

export interface Sources {
  readonly cells: readonly BillCell[]
  readonly ledger: readonly LedgerCell[]
  readonly hints: PriceHints
  readonly map: MapFile
  /** Formats that have usage and no money. */
  readonly usageFormats: ReadonlySet<string>
  /** Decimals that a format rounds each row to. */
  readonly decimals: ReadonlyMap<string, number>
}

/** A bill cell with its model found and its quantity in the unit of its kind. */
export interface ReadCell {
  readonly cell: BillCell
  readonly day: string
  readonly account: string
  readonly model: string
  readonly family: string
  readonly dimensions: Dimensions
  /** 1e-12 of the unit. */
  readonly quantity: bigint | null
  /** Pico-USD, at list price where the bill tells it from the charge. */
  readonly amount: bigint | null
  /** Pico-USD that a usage report itself makes of it, beside a cost report that is the charge. */
  readonly reckoned: bigint | null
}

/** Of one provider. */
export function prepare(provider: string, sources: Sources): Prepared {
  const { cells, ledger, hints } = sources
  const known = new KnownModels([...hints.models(provider), ...ledger.map(({ model }) => model)])
  const accountOf = accounts(cells, ledger, sources.map)
  const apart: Finding[] = []
  const notes: Note[] = []
  const otherCurrencies = new Map<string, bigint>()
  const read: ReadCell[] = []
  let exact = 0n
  let rounded = 0n
  let hasMoney = false
  const isUsage = (cell: BillCell): boolean => sources.usageFormats.has(cell.format)
  const financed = new Set(cells.filter((cell) => cell.amount !== null && !isUsage(cell)).map(({ day }) => day))
  for (const cell of cells) {
    let { amount, listAmount } = cell
    // What a usage report reckons is said again by the cost report of that day.
    const isReckoned = isUsage(cell) && financed.has(cell.day)
    const reckoned = isReckoned && amount !== null ? picoOfFine(amount) : null
    if (isReckoned) amount = null
    if (amount !== null && cell.currency !== 'USD') {
      otherCurrencies.set(cell.currency, (otherCurrencies.get(cell.currency) ?? 0n) + picoOfFine(amount))
      amount = null
      listAmount = null
    }
    if (amount !== null) {
      hasMoney = true
      exact += amount
    }
    const pico = amount === null ? null : picoOfFine(amount)
    rounded += pico ?? 0n
    const account = accountOf.bill(cell.account)
    const quantity = cell.quantity === null ? null : picoOfFine(cell.quantity)
    const model = known.find(cell)
    const base = {
      day: cell.day,
      provider,
      account,
      kind: cell.family === null ? '' : kindName(cell.family, cell.dimensions),
    }
    const set = (category: Finding['category'], cause: string, evidence: string): void => {
      apart.push(
        apartFinding(
          { ...base, model: model ?? '' },
          { category, cause, evidence, label: cell.label, quantity, amount: pico },
        ),
      )
    }
    if (cell.charge === 'credit' || cell.charge === 'discount')
      set('discount', cell.charge === 'credit' ? 'credit on the bill' : 'discount on the bill', 'a row of its own')
    else if (cell.charge !== 'usage')
      set('non-token line', cell.charge === 'tax' ? 'tax' : 'line without usage', 'kind of charge')
    else if (cell.family === null)
      set('unmapped name', 'kind not known', `no rule reads the label, first on line ${cell.firstLine}`)
    else if (cell.family === 'other') set('non-token line', 'line without token kind', 'label')
    else if (model === null)
      set(
        'unmapped name',
        cell.model === null ? 'no model on the line' : 'model not known',
        `no rule reads the label, first on line ${cell.firstLine}`,
      )
    else {
      const given = {
        cell,
        day: cell.day,
        account,
        model: isModelless(cell.family) ? '' : model,
        family: cell.family,
        dimensions: cell.dimensions,
        quantity,
        amount: pico,
        reckoned,
      }
      if (listAmount !== null && amount !== null && listAmount > amount) {
        const cut = picoOfFine(amount - listAmount)
        apart.push(
          apartFinding(
            { ...base, model },
            {
              category: 'discount',
              cause: 'charged less than the list price',
              evidence: 'list price on the bill',
              label: cell.label,
              quantity: null,
              amount: cut,
            },
          ),
        )
        read.push({ ...given, amount: (pico ?? 0n) - cut })
      } else read.push(given)
    }
  }
  const sized = read.map((cell) => withUnits(cell, sources, provider, notes))
  const groups = groupsOf(provider, sized, ledgerCells(ledger, known, accountOf.ledger), sources, notes, hasMoney)
  return {
    groups,
    apart,
    notes,
    billTotal: hasMoney ? picoOfFine(exact) : null,
    roundedAway: hasMoney ? picoOfFine(exact) - rounded : 0n,
    otherCurrencies,
  }
}

function isModelless(family: string): boolean {
  return !isTokens(family) && !['all', 'all_input', 'requests'].includes(family)
}

interface Apart {
  readonly category: Finding['category']
  readonly cause: string
  readonly evidence: string
  readonly label: string
  readonly quantity: bigint | null
  readonly amount: bigint | null
}

function apartFinding(place: Place, { quantity, amount, ...rest }: Apart): Finding {
  return { ...place, ...rest, quantity: quantity ?? 0n, quantityPart: 0n, pricePart: amount ?? 0n }
}

/** Whether bill and ledger are compared account by account, and under which name. */
function accounts(cells: readonly BillCell[], ledger: readonly LedgerCell[], map: MapFile) {
  const projects = new Set(ledger.map(({ account }) => account))
  const named = (account: string): string => {
    const said = map.accounts.get(account)
    if (said !== undefined) return said
    return account === '' && projects.has('default') && !projects.has('') ? 'default' : account
  }
  const isSaid = cells.every(({ account }) => account !== null)
  const isShared = cells.some(({ account }) => account !== null && account !== '' && projects.has(named(account)))
  if (!isSaid || !isShared) return { bill: () => '', ledger: () => '' }
  return { bill: (account: string | null) => named(account ?? ''), ledger: (account: string) => account }
}

const one = parseFine('1')

/** Blocks of unknown size get the one that fits a known price; a missing quantity, what the list price makes of the money. */
function withUnits(given: ReadCell, { hints, ledger, decimals }: Sources, provider: string, notes: Note[]): ReadCell {
  const { cell, model, family, dimensions, day, amount, quantity } = given
  const rates = () => hints.rates({ provider, model, family, dimensions, day }).filter(({ isCurrent }) => isCurrent)
  if (cell.isBlocks && quantity !== null && amount !== null) {
    const ours = ledger
      .filter((each) => each.family === family && modelKey(each.model) === model)
      .map((each) => priceOf({ quantity: each.quantity, amount: each.amount }))
    const prices = [...rates().map(({ price }) => price), ...ours.filter((each) => each !== null)]
    const factor = [1n, 1000n, 1_000_000n].find((size) =>
      prices.some(([numerator, denominator]) => {
        // Between a third and three times a known price: a tier or a region away, never a power of a thousand.
        const [left, right] = [amount * denominator, numerator * quantity * size]
        return right > 0n && left * 3n >= right && left <= right * 3n
      }),
    )
    if (factor !== undefined) return { ...given, quantity: quantity * factor }
    notes.push({
      kind: 'warning',
      day,
      text: `${cell.label}: the unit of its quantity is not stated and fits no known price; its tokens are not compared`,
    })
    return { ...given, quantity: null }
  }
  if (quantity === null && amount !== null && amount > 0n && family !== 'all' && !decimals.has(cell.format)) {
    const same = rates().filter((rate) => isSame(rate.dimensions, dimensions))
    const [rate] = same
    if (rate !== undefined && same.every(({ price }) => price[0] * rate.price[1] === rate.price[0] * price[1])) {
      const [numerator, denominator] = rate.price
      const derived = divideRounded(amount * denominator, numerator)
      // Whole tokens and nothing left over: the amount can only have come from this rate.
      if (numerator > 0n && derived * numerator === amount * denominator && fineOfPico(derived) % one === 0n)
        return { ...given, quantity: derived }
    }
  }
  return given
}

function isSame(
  rate: Pick<Dimensions, 'tier' | 'geo' | 'speed' | 'band'>,
  { tier, geo, speed, band }: Dimensions,
): boolean {
  return (
    rate.tier === (tier ?? '') && rate.geo === (geo ?? '') && rate.speed === (speed ?? '') && rate.band === (band ?? '')
  )
}

function ledgerCells(
  ledger: readonly LedgerCell[],
  known: KnownModels,
  accountOf: (account: string) => string,
): LedgerCell[] {
  return ledger.map((cell) => ({
    ...cell,
    account: accountOf(cell.account),
    model: isModelless(cell.family) ? '' : (known.find({ model: cell.model, isModelId: true }) ?? cell.model),
  }))
}

function groupsOf(
  provider: string,
  cells: readonly ReadCell[],
  ledger: readonly LedgerCell[],
  sources: Sources,
  notes: Note[],
  hasMoney: boolean,
): Group[] {
  const keyOf = ({ day, account, model }: Pick<Place, 'day' | 'account' | 'model'>) => `${day}\n${account}\n${model}`
  const byKey = new Map<string, { cells: ReadCell[]; ledger: LedgerCell[] }>()
  const at = (key: string) => {
    const known = byKey.get(key)
    if (known !== undefined) return known
    const made = { cells: [], ledger: [] }
    byKey.set(key, made)
    return made
  }
  for (const cell of cells) at(keyOf(cell)).cells.push(cell)
  for (const cell of ledger) at(keyOf(cell)).ledger.push(cell)
  return [...byKey.keys()].sort().map((key) => {
    const { cells: own, ledger: ours } = at(key)
    const [day = '', account = '', model = ''] = key.split('\n')
    const parts = ours.filter(({ family }) => family !== 'requests').map(ledgerPart)
    const isMerged = own.some(({ family }) => family === 'all_input')
    const ledgerParts = isMerged ? parts.map(mergedInput) : parts
    const usage = own.filter(({ family }) => family !== 'requests')
    const isFinance = (cell: ReadCell): boolean => !sources.usageFormats.has(cell.cell.format)
    const bill = merged({
      provider,
      day,
      model,
      cells: usage,
      ledger: ledgerParts,
      hints: sources.hints,
      isFinance,
      hasMoney,
      notes,
    })
    const requests = own.filter(({ family }) => family === 'requests')
    return {
      day,
      provider,
      account,
      model,
      bill,
      ledger: ledgerParts,
      requests: requests.length === 0 ? null : requests.reduce((all, { quantity }) => all + (quantity ?? 0n), 0n),
      calls: callsOf(ours),
      hasIds: ours.length > 0 && ours.every(({ hasIds }) => hasIds),
    }
  })
}

/** Calls are counted in rows of their own kind. */
function callsOf(ledger: readonly LedgerCell[]): bigint | null {
  const rows = ledger.filter(({ family }) => family === 'requests')
  return rows.length === 0 ? null : rows.reduce((all, { quantity }) => all + quantity, 0n)
}

function ledgerPart(cell: LedgerCell): LedgerPart {
  const { family, dimensions, quantity, amount, repeatedQuantity, repeatedAmount } = cell
  return {
    family,
    dimensions,
    quantity,
    amount,
    lines: Number((cell.calls ?? 0n) / 10n ** 12n),
    label: '',
    isMoneyOnly: false,
    reckoned: null,
    repeatedQuantity,
    repeatedAmount,
  }
}

function mergedInput(part: LedgerPart): LedgerPart {
  if (!['input', 'cache_read', 'cache_write'].includes(part.family)) return part
  return { ...part, family: 'all_input', dimensions: { ...part.dimensions, ttl: '', modality: '' } }
}
