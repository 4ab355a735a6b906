// Entries of a price book → rows of `model_prices`.

import type { BookEntry, PriceBook } from './book.ts'
import type { Band } from './file.ts'

const openEnd = Date.parse('2200-01-01T00:00:00Z')

/** Before the unit of a rate that calls with reasoning tokens have instead of the unit's own. */
export const thinkingMark = 'thinking:'

/** One row a size, by column name. */
export function priceRows(book: PriceBook): Record<string, unknown>[] {
  return book.entries().flatMap((entry) =>
    entry.bands
      .filter(({ thinking }) => thinking !== true)
      .map((band) => ({
        ...entryRow(entry, book.version),
        min_input_tokens: lowerEdge(band.inputTokens),
        rates: { ...band.rates, ...thinkingRates(entry.bands, band) },
        ...fixedCharge(entry),
      })),
  )
}

/** What the band for thinking calls of the same size changes. */
function thinkingRates(bands: readonly Band[], { inputTokens, rates }: Band): Record<string, string> {
  const edge = lowerEdge(inputTokens)
  const own = bands.find((other) => other.thinking === true && lowerEdge(other.inputTokens) === edge)?.rates ?? {}
  const changed = Object.entries(own).filter(([name, price]) => rates[name as keyof typeof rates] !== price)
  return Object.fromEntries(changed.map(([name, price]) => [`${thinkingMark}${name}`, price]))
}

/** Calls that a plan covers cost nothing; what it costs itself stands in the place of the rates. */
function fixedCharge({ plan }: BookEntry): Record<string, unknown> {
  if (plan === undefined) return {}
  if (plan === null) return { rates: {}, per: {} }
  return { rates: { fixed: plan.amount }, per: { fixed: plan.period }, currency: plan.currency }
}

function entryRow(entry: BookEntry, version: string): Record<string, unknown> {
  const { models, when } = entry
  const scope = entry.names === undefined ? {} : { [entry.scope ?? 'installation']: entry.names }
  const conditions = Object.entries({ ...scope, ...when }).filter(([, value]) => value !== null)
  return {
    price_book: version,
    entry_id: entry.id,
    provider: entry.provider,
    model: models.exact[0] ?? models.prefix?.[0] ?? '',
    aliases: [...models.exact, ...(models.prefix ?? []).map((prefix) => `${prefix}*`)],
    conditions: conditions.length === 0 ? '' : JSON.stringify(Object.fromEntries(conditions)),
    valid_from: entry.validFrom === null ? 0 : Date.parse(entry.validFrom),
    valid_to: entry.validTo === null ? openEnd : Date.parse(entry.validTo),
    recorded_at: Date.parse(entry.recordedAt),
    currency: entry.currency,
    per: Object.fromEntries(Object.entries(entry.per).map(([unit, count]) => [unit, String(count)])),
    minimum: entry.minimum ?? {},
    source: entry.source.map(({ what, read }) => (read === undefined ? what : `${what} (${read})`)).join('; '),
    confidence: entry.confidence,
  }
}

/** A band that includes its edge begins one token earlier. */
function lowerEdge(edge: { readonly over: number; readonly inclusive: boolean } | undefined): number {
  if (edge === undefined) return 0
  return edge.inclusive ? Math.max(0, edge.over - 1) : edge.over
}
