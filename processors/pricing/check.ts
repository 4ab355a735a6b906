// What must hold of price files before anybody is billed by them. One line per finding; the build and `check-config`
// fail on any.

import { usageUnits } from '../../schemas/usage.ts'
import { compileEntry } from './card.ts'
import { conditionNames, type PriceEntry, type PriceFile } from './file.ts'
import { compileSchedule } from './schedule.ts'

/** Everything wrong with the files, empty when they are sound. */
export function checkPriceFiles(files: readonly PriceFile[]): string[] {
  const findings: string[] = []
  const providers = new Set<string>()
  for (const file of files) {
    if (providers.has(file.provider)) findings.push(`${file.provider}: two files`)
    providers.add(file.provider)
    findings.push(...checkIds(file), ...checkNames(file), ...checkOverlaps(file))
    for (const entry of file.entries) findings.push(...checkEntry(entry, file))
  }
  return findings
}

/** Entries of `before` that `after` dropped or changed: the house appends, it never overwrites. */
export function editedEntries(before: PriceFile, after: PriceFile): string[] {
  const now = new Map(after.entries.map((entry) => [entry.id, JSON.stringify(entry)]))
  return before.entries.flatMap((entry) => {
    const kept = now.get(entry.id)
    if (kept === undefined) return [`${entry.id}: removed`]
    return kept === JSON.stringify(entry) ? [] : [`${entry.id}: edited`]
  })
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
  for (const { id, supersedes, recordedAt } of file.entries) {
    if (supersedes === undefined) continue
    const old = ids.get(supersedes)
    if (old === undefined) findings.push(`${id}: supersedes ${supersedes}, which is not there`)
    else if (Date.parse(old.recordedAt) > Date.parse(recordedAt)) findings.push(`${id}: older than what it supersedes`)
  }
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
    if (source.length === 0) findings.push(`${file.provider}: alias "${alias}" has no source`)
    const span = spanOf(validFrom, validTo)
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
        if (overlap(spanOf(other.validFrom, other.validTo), span))
          findings.push(`${entry.id}: overlaps ${other.id} for ${name}`)
      groups.set(key, [...group, entry])
    }
  }
  return findings
}

function conditionsKey({ when = {} }: PriceEntry): string {
  return JSON.stringify([...conditionNames.map((name) => when[name] ?? null), when.schedule ?? null])
}

function checkEntry(entry: PriceEntry, file: PriceFile): string[] {
  const findings: string[] = []
  const say = (what: string): void => void findings.push(`${entry.id}: ${what}`)
  const { exact, prefix = [] } = entry.models
  if (exact.length + prefix.length === 0) say('names no model')
  if (entry.source.length === 0) say('has no source')
  for (const text of [entry.recordedAt, entry.validFrom, entry.validTo])
    if (text !== null && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) say(`"${text}" is no UTC instant`)
  const span = spanOf(entry.validFrom, entry.validTo)
  if (!(span.from < span.to)) say('ends before it starts')
  for (const name of Object.keys(entry.when ?? {}))
    if (name !== 'schedule' && !(conditionNames as readonly string[]).includes(name)) say(`no condition "${name}"`)
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
  const units = new Set<string>(usageUnits.map(({ name }) => name))
  let edge = 0
  for (const band of higher) {
    if (band.inputTokens === undefined || band.inputTokens.over <= edge) say('bands are not in rising order')
    edge = band.inputTokens?.over ?? edge
    for (const name of Object.keys(base.rates)) if (!(name in band.rates)) say(`the band over ${edge} lacks ${name}`)
    for (const name of Object.keys(band.rates)) if (!(name in base.rates)) say(`only the band over ${edge} has ${name}`)
  }
  for (const band of entry.bands)
    for (const name of Object.keys(band.rates)) if (!units.has(name)) say(`no unit "${name}"`)
  for (const [name, least] of Object.entries(entry.minimum ?? {}))
    if (!units.has(name) || !/^\d+(\.\d+)?$/.test(least)) say(`no minimum "${name}: ${least}"`)
  return findings
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
