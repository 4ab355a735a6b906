// The table of docs/prices.md: what each price file holds.

import { conditionNames, type PriceFile } from '../processors/pricing/file.ts'
import { usageUnits } from '../schemas/usage.ts'

/** The page with its table made anew from the files. Throws Error when the page has no place for it. */
export function withPriceTable(page: string, files: readonly PriceFile[]): string {
  const [before, rest] = page.split(opening)
  const after = rest?.split(closing)[1]
  if (before === undefined || after === undefined) throw new Error(`docs/prices.md lacks ${opening} … ${closing}`)
  return `${before}${opening}\n${[...head, ...files.map(row)].join('\n')}\n${closing}${after}`
}

const opening = '<!-- providers -->'
const closing = '<!-- /providers -->'
const head = ['| provider | | models | entries | dated | billed by | depends on |', '|---|---|--:|--:|--:|---|---|']

function row(file: PriceFile): string {
  const { entries } = file
  const models = new Set(entries.flatMap(({ models }) => [...models.exact, ...(models.prefix ?? [])]))
  const dated = entries.filter(({ validFrom, validTo }) => validFrom !== null || validTo !== null)
  const rated = new Set(entries.flatMap(({ bands }) => bands.flatMap(({ rates }) => Object.keys(rates))))
  const conditions = conditionNames.filter((name) => entries.some(({ when = {} }) => (when[name] ?? null) !== null))
  const cells = [
    file.provider,
    file.isHost === true ? 'host' : 'maker',
    models.size,
    entries.length,
    dated.length,
    usageUnits.flatMap(({ name }) => (rated.has(name) ? [name] : [])).join(', '),
    [
      ...conditions,
      ...(entries.some(({ bands }) => bands.length > 1) ? ['size of the prompt'] : []),
      ...(entries.some(({ when }) => (when?.schedule ?? null) !== null) ? ['clock'] : []),
    ].join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}
