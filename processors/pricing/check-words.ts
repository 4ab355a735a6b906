// What must hold of the words in a price file: values of conditions, their spellings, sources. A word that no call can
// come with makes an entry that is never chosen, which no price would show.

import { type ConditionName, conditionNames, type PriceFile, type PriceSource } from './file.ts'
import { canonicalProvider } from './provider-names.ts'
import { spelledValue } from './shelf.ts'

/** Findings about the file as a whole; `providers` are those that have a file. */
export function checkWords(file: PriceFile, providers: ReadonlySet<string>): string[] {
  const findings: string[] = []
  const say = (what: string): void => void findings.push(`${file.provider}: ${what}`)
  const canonical = canonicalProvider(file.provider)
  if (canonical !== file.provider) say(`calls of it are counted as "${canonical}"`)
  if (file.hasCommonIds === true && file.isHost !== true) say('has ids in common with others and is no host')
  if (file.ignoresCase === true) findings.push(...checkCase(file))
  for (const other of file.sharesWith ?? [])
    if (!providers.has(other) || other === file.provider) say(`shares with "${other}", which has no file`)
  for (const [name, words] of Object.entries(file.spellings ?? {})) {
    if (!isCondition(name)) say(`no condition "${name}" to spell`)
    else
      for (const [reported, value] of Object.entries(words)) {
        if (reported !== reported.toLowerCase()) say(`spelling "${reported}" of ${name} is not in lower case`)
        if (spelledValue(file, name, value) !== value)
          say(`spelling "${reported}" of ${name} leads to "${value}", itself a spelling`)
      }
  }
  for (const [name, words] of Object.entries(file.implies ?? {}))
    for (const [value, implied] of Object.entries(words)) {
      if (!isCondition(name)) say(`no condition "${name}" to imply others`)
      else if (spelledValue(file, name, value) !== value) say(`"${value}" of ${name} implies others and is a spelling`)
      for (const [other, meant] of Object.entries(implied))
        if (!isCondition(other) || spelledValue(file, other, meant) !== meant)
          say(`"${value}" of ${name} implies ${other} "${meant}", which no entry can ask for`)
    }
  return findings
}

function checkCase({ provider, entries, aliases = [] }: PriceFile): string[] {
  const names = new Set([...entries.flatMap(({ models }) => models.exact), ...aliases.map(({ alias }) => alias)])
  const seen = new Map<string, string>()
  return [...names].flatMap((name) => {
    const other = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), name)
    return other === undefined ? [] : [`${provider}: "${other}" and "${name}" differ in case alone, which is ignored`]
  })
}

/** Findings about the conditions of an entry: every value must be one that a call can come with. */
export function checkWhen(when: { readonly [name: string]: unknown }, file: PriceFile): string[] {
  const findings: string[] = []
  for (const [name, test] of Object.entries(when)) {
    if (name === 'schedule' || test === null) continue
    if (!isCondition(name)) {
      findings.push(`no condition "${name}"`)
      continue
    }
    const values = valuesOf(test)
    if (values === null) findings.push(`${name} is neither a value, a list of values nor { not: [...] }`)
    else if (Array.isArray(test) && values.length === 0) findings.push(`${name} is an empty list: it never holds`)
    else for (const value of values) findings.push(...checkValue(value, name, file))
  }
  return findings
}

function checkValue(value: string, name: ConditionName, file: PriceFile): string[] {
  if (value !== value.toLowerCase()) return [`${name} "${value}" is not in lower case, as calls are compared`]
  const spelled = spelledValue(file, name, value)
  if (spelled !== value) return [`${name} "${value}" never holds: calls that say it are read as "${spelled}"`]
  if (Object.hasOwn(file.implies?.[name] ?? {}, value) && file.implies?.[name]?.[value]?.[name] !== value)
    return [`${name} "${value}" never holds: it is read as ${JSON.stringify(file.implies?.[name]?.[value])}`]
  return []
}

/** Findings about where a price is from. */
export function checkSources(sources: readonly PriceSource[]): string[] {
  if (sources.length === 0) return ['has no source']
  return sources.flatMap(({ what, read }) => [
    ...(typeof what === 'string' && what.trim() !== '' ? [] : ['has a source without "what"']),
    ...(read === undefined || isDay(read) ? [] : [`source "${what}" was read on "${read}", which is no day`]),
  ])
}

function isDay(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

function valuesOf(test: unknown): readonly string[] | null {
  const list = typeof test === 'string' ? [test] : Array.isArray(test) ? test : (test as { not?: unknown }).not
  return Array.isArray(list) && list.every((value) => typeof value === 'string') ? list : null
}

function isCondition(name: string): name is ConditionName {
  return (conditionNames as readonly string[]).includes(name)
}
