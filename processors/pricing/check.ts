// What must hold of price files before anybody is billed by them. One line per finding; the build and `check-config`
// fail on any.

import { usageUnits } from '../../schemas/usage.ts'
import { compileEntry } from './card.ts'
import { checkSources, checkWhen, checkWords } from './check-words.ts'
import { type ConditionTest, conditionNames, type PriceEntry, type PriceFile } from './file.ts'
import { compileSchedule } from './schedule.ts'
import { isAny, passes } from './shelf.ts'

/** Everything wrong with the files, empty when they are sound. */
export function checkPriceFiles(files: readonly PriceFile[]): string[] {
  const findings: string[] = []
  const providers = new Set(files.map(({ provider }) => provider))
  const seen = new Set<string>()
  for (const file of files) {
    if (seen.has(file.provider)) findings.push(`${file.provider}: two files`)
    seen.add(file.provider)
    findings.push(...checkWords(file, providers), ...checkIds(file), ...checkNames(file), ...checkOverlaps(file))
    for (const entry of file.entries) findings.push(...checkEntry(entry, file))
  }
  return findings
}

/** Entries and aliases of `before` that `after` dropped or changed: the house appends, it never overwrites. */
export function editedEntries(before: PriceFile, after: PriceFile): string[] {
  const now = new Map(after.entries.map((entry) => [entry.id, JSON.stringify(entry)]))
  const entries = before.entries.flatMap((entry) => {
    const kept = now.get(entry.id)
    if (kept === undefined) return [`${entry.id}: removed`]
    return kept === JSON.stringify(entry) ? [] : [`${entry.id}: edited`]
  })
  // An alias has no id: one that was edited is no longer there.
  const names = new Set((after.aliases ?? []).map((alias) => JSON.stringify(alias)))
  const aliases = (before.aliases ?? [])
    .filter((alias) => !names.has(JSON.stringify(alias)))
    .map(({ alias }) => `${before.provider}: alias "${alias}" removed or edited`)
  return [...entries, ...aliases]
}

function checkIds(file: PriceFile): string[] {
  const findings: string[] = []
  const ids = new Map<string, PriceEntry>()
  for (const entry of file.entries) {
    if (!entry.id.startsWith(`${file.provider}/`)) findings.push(`${entry.id}: not of ${file.provider}`)
    if (!/#\d+$/.test(entry.id)) findings.push(`${entry.id}: ends without #number`)
    if (ids.has(entry.id)) findings.push(`${entry.id}: used twice`)
    ids.set(entry.id, entry)
  }
  for (const entry of file.entries) findings.push(...checkSupersedes(entry, ids))
  return findings
}

function checkSupersedes(
  { id, supersedes, recordedAt, models }: PriceEntry,
  ids: ReadonlyMap<string, PriceEntry>,
): string[] {
  if (supersedes === undefined) return []
  const old = ids.get(supersedes)
  if (old === undefined) return [`${id}: supersedes ${supersedes}, which is not there`]
  if (id === supersedes) return [`${id}: supersedes itself`]
  const findings: string[] = []
  if (Date.parse(old.recordedAt) > Date.parse(recordedAt)) findings.push(`${id}: older than what it supersedes`)
  const names = new Set([...old.models.exact, ...(old.models.prefix ?? [])])
  if (![...models.exact, ...(models.prefix ?? [])].some((name) => names.has(name)))
    findings.push(`${id}: supersedes ${supersedes}, which is of other models`)
  return findings
}

function checkNames(file: PriceFile): string[] {
  const findings: string[] = []
  const exact = new Set(file.entries.flatMap((entry) => entry.models.exact))
  const prefixes = new Set(file.entries.flatMap((entry) => entry.models.prefix ?? []))
  for (const prefix of prefixes) {
    if (prefix === '') findings.push(`${file.provider}: the empty prefix is for overrides`)
    if (exact.has(prefix)) findings.push(`${file.provider}: "${prefix}" is a prefix and an exact id`)
    if (/[a-z0-9]$/i.test(prefix)) findings.push(`${file.provider}: prefix "${prefix}" ends inside a word`)
    for (const id of exact)
      if (id.startsWith(prefix) && id !== prefix && isOtherFamily(file, prefix, id))
        findings.push(`${file.provider}: prefix "${prefix}" shadows ${id}`)
  }
  for (const suffix of file.modelSuffixes ?? [])
    if (!/^[^a-z0-9]./i.test(suffix)) findings.push(`${file.provider}: suffix "${suffix}" begins inside a word`)
  const seen: { alias: string; recordedAt: string; from: number; to: number }[] = []
  for (const { alias, model, recordedAt, validFrom, validTo, source } of file.aliases ?? []) {
    if (exact.has(alias)) findings.push(`${file.provider}: alias "${alias}" is an exact id`)
    if (!exact.has(model)) findings.push(`${file.provider}: alias "${alias}" leads to "${model}", which has no entry`)
    for (const finding of checkSources(source)) findings.push(`${file.provider}: alias "${alias}" ${finding}`)
    for (const text of [recordedAt, validFrom, validTo])
      if (text !== null && !isInstant(text))
        findings.push(`${file.provider}: alias "${alias}": "${text}" is no UTC instant`)
    const span = spanOf(validFrom, validTo)
    if (!(span.from < span.to)) findings.push(`${file.provider}: alias "${alias}" ends before it starts`)
    if (exact.has(model) && !isEverValid(file, model, span))
      findings.push(`${file.provider}: alias "${alias}" leads to "${model}" at a time when that has no entry`)
    if (seen.some((other) => other.alias === alias && other.recordedAt === recordedAt && overlap(other, span)))
      findings.push(`${file.provider}: alias "${alias}" resolves twice`)
    seen.push({ alias, recordedAt, ...span })
  }
  return findings
}

/** An exact id under a prefix is fine where one entry names both. */
function isOtherFamily(file: PriceFile, prefix: string, id: string): boolean {
  return !file.entries.some(({ models }) => models.exact.includes(id) && (models.prefix ?? []).includes(prefix))
}

function checkOverlaps(file: PriceFile): string[] {
  const findings: string[] = []
  const superseded = new Set(file.entries.flatMap((entry) => entry.supersedes ?? []))
  const groups = new Map<string, PriceEntry[]>()
  for (const entry of file.entries) {
    if (superseded.has(entry.id)) continue
    for (const name of [...entry.models.exact, ...(entry.models.prefix ?? []).map((prefix) => `${prefix}*`)]) {
      const key = `${name} ${entry.recordedAt} ${conditionsKey(entry)}`
      const group = groups.get(key) ?? []
      const span = spanOf(entry.validFrom, entry.validTo)
      for (const other of group)
        if (overlap(spanOf(other.validFrom, other.validTo), span) && holdTogether(other, entry))
          findings.push(`${entry.id}: overlaps ${other.id} for ${name}`)
      group.push(entry)
      groups.set(key, group)
    }
  }
  return findings
}

/** What an entry asks about: of two that ask about the same, neither goes first. */
function conditionsKey({ when = {} }: PriceEntry): string {
  const names = conditionNames.filter((name) => {
    const test = when[name] ?? null
    return test !== null && !isAny(test)
  })
  return JSON.stringify([names, when.schedule ?? null])
}

/** Whether there are values under which both hold. */
function holdTogether({ when: a = {} }: PriceEntry, { when: b = {} }: PriceEntry): boolean {
  return conditionNames.every((name) => {
    const one = a[name] ?? null
    const other = b[name] ?? null
    return one === null || other === null || meet(one, other)
  })
}

function meet(a: ConditionTest, b: ConditionTest): boolean {
  const listed = typeof a === 'string' ? [a] : 'not' in a ? null : a
  if (listed !== null) return listed.some((value) => passes(b, value))
  // Of two exclusions something is always left: there are more values than anybody lists.
  return typeof b === 'object' && 'not' in b ? true : meet(b, a)
}

function checkEntry(entry: PriceEntry, file: PriceFile): string[] {
  const findings: string[] = []
  const say = (what: string): void => void findings.push(`${entry.id}: ${what}`)
  const { exact, prefix = [] } = entry.models
  if (exact.length + prefix.length === 0) say('names no model')
  const names = [...exact, ...prefix]
  if (new Set(names).size < names.length) say('names a model twice')
  for (const name of names) if (name !== name.trim()) say(`model "${name}" has blanks around it`)
  checkSources(entry.source).forEach(say)
  for (const text of [entry.recordedAt, entry.validFrom, entry.validTo])
    if (text !== null && !isInstant(text)) say(`"${text}" is no UTC instant`)
  if (!['high', 'medium', 'low'].includes(entry.confidence)) say(`"${entry.confidence}" is no confidence`)
  if (entry.announced === true && !(spanOf(entry.validFrom, null).from > Date.parse(entry.recordedAt)))
    say('is announced for a time before it was recorded')
  const span = spanOf(entry.validFrom, entry.validTo)
  if (!(span.from < span.to)) say('ends before it starts')
  checkWhen(entry.when ?? {}, file).forEach(say)
  if (!/^[A-Z]{3}$/.test(entry.currency)) say(`"${entry.currency}" is no currency`)
  findings.push(...checkBands(entry))
  try {
    compileEntry(entry)
    if (entry.when?.schedule) compileSchedule(entry.when.schedule, file.calendars ?? {})
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
  }
  return findings
}

function checkBands(entry: PriceEntry): string[] {
  const findings: string[] = []
  const say = (what: string): void => void findings.push(`${entry.id}: ${what}`)
  const [base, ...higher] = entry.bands
  if (base === undefined) return [`${entry.id}: has no band`]
  if (base.inputTokens !== undefined) say('the first band has a lower edge')
  if (base.thinking !== undefined) say('the first band is for thinking calls alone')
  const units = new Set<string>(usageUnits.map(({ name }) => name))
  let edge = 0
  let isThinking = false
  for (const band of higher) {
    const over = band.inputTokens?.over ?? 0
    // At one edge the band for thinking calls comes behind the one for all.
    if (over < edge || (over === edge && !(band.thinking === true && !isThinking))) say('bands are not in rising order')
    edge = over
    isThinking = band.thinking === true
    for (const name of Object.keys(base.rates)) if (!(name in band.rates)) say(`the band over ${edge} lacks ${name}`)
    for (const name of Object.keys(band.rates)) if (!(name in base.rates)) say(`only the band over ${edge} has ${name}`)
  }
  for (const band of entry.bands)
    for (const name of Object.keys(band.rates)) if (!units.has(name)) say(`no unit "${name}"`)
  for (const [name, least] of Object.entries(entry.minimum ?? {}))
    if (!units.has(name) || !/^\d+(\.\d+)?$/.test(least)) say(`no minimum "${name}: ${least}"`)
  return findings
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text))
}

/** Whether the model has an entry within the span. */
function isEverValid(file: PriceFile, model: string, span: Span): boolean {
  return file.entries.some(
    ({ models, validFrom, validTo }) => models.exact.includes(model) && overlap(spanOf(validFrom, validTo), span),
  )
}

interface Span {
  readonly from: number
  readonly to: number
}

function spanOf(validFrom: string | null, validTo: string | null): Span {
  return {
    from: validFrom === null ? Number.NEGATIVE_INFINITY : Date.parse(validFrom),
    to: validTo === null ? Number.POSITIVE_INFINITY : Date.parse(validTo),
  }
}

function overlap(a: Span, b: Span): boolean {
  return a.from < b.to && b.from < a.to
}
