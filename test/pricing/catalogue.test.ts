// The catalogue against price vectors worked by hand, and against the rules that its form promises.

import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { noConditions, PriceBook, type PriceEntry } from '../../processors/pricing/book.ts'
import { checkPriceFiles, editedEntries } from '../../processors/pricing/check.ts'
import { explainTotal } from '../../processors/pricing/explain.ts'
import { type ConditionTest, conditionNames, type PriceFile } from '../../processors/pricing/file.ts'
import { explainPrice, type PricedCall, priceUsage } from '../../processors/pricing/price.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { conditionsOf, readFixture, usageRow, type Vector } from './vectors.ts'

const files = loadPriceBook()
const book = new PriceBook(files)
const { waived } = readFixture<{ waived: { [id: string]: string } }>('waivers')
// biome-ignore format: one name a line
const providers = [
  'openai',
  'anthropic',
  'gcp.gemini',
  'gcp.vertex_ai',
  'aws.bedrock',
  'azure.ai.openai',
  'deepseek',
  'cerebras',
  'cohere',
  'deepgram',
  'fireworks_ai',
  'groq',
  'openrouter',
  'perplexity',
  'together_ai',
  'voyage_ai',
  'x_ai',
  'mistral_ai',
  'moonshot_ai',
  'z_ai',
  'minimax',
  'alibaba_cloud',
]

function call(): PricedCall {
  const none = Number.NaN
  const amounts = { inputPico: none, cacheReadPico: none, cacheWritePico: none, outputPico: none, otherPico: none }
  return { status: 'unpriced', reason: '', ...amounts, totalPico: none, otherCurrencyPico: Number.NaN, flags: 0 }
}

describe.each(providers)('%s', (provider) => {
  const { vectors } = readFixture<{ vectors: Vector[] }>(provider)

  test.each(vectors.filter(({ id }) => waived[id] === undefined).map((vector) => [vector.id, vector] as const))(
    '%s is priced as worked by hand',
    (_, vector) => {
      const answered = vector.context?.['response_model'] ?? vector.model
      const resolution = book.resolve(provider, answered, conditionsOf(vector), Date.parse(vector.timestamp))
      if (resolution.kind !== 'card') throw new Error(`${vector.model}: ${resolution.reason}`)
      const usage = usageRow(vector.usage)
      const priced = call()
      priceUsage(resolution.card, usage, 0, priced)
      const components = explainPrice(resolution.card, usage, 0).map(({ amountUsd, ...rest }) => ({
        ...rest,
        amount_usd: amountUsd,
      }))
      expect(priced.status).toBe(vector.expected.status)
      expect(explainTotal(resolution.card, usage, 0)).toBe(formatPicoUsd(priced.totalPico))
      if (vector.certainty === 'disputed')
        expect([vector.expected.total_usd, vector.expected.alternative?.total_usd]).toContain(
          formatPicoUsd(priced.totalPico),
        )
      else {
        expect(formatPicoUsd(priced.totalPico)).toBe(vector.expected.total_usd)
        expect(components).toEqual(vector.expected.components)
      }
    },
  )

  test('only medium vectors are waived, each with a reason', () => {
    for (const { id, certainty } of vectors)
      if (waived[id] !== undefined) expect([certainty, waived[id].length > 20]).toEqual(['medium', true])
  })
})

describe('the price files', () => {
  test('are sound', () => {
    expect(checkPriceFiles(files)).toEqual([])
  })

  test('every entry is the one chosen under its own conditions, at some time of its own: none is dead', () => {
    const starts = book.entries().flatMap(({ validFrom }) => (validFrom === null ? [] : [Date.parse(validFrom)]))
    const justBefore = [...new Set(starts)].map((start) => start - 1)
    const superseded = new Set(files.flatMap(({ entries }) => entries.flatMap((entry) => entry.supersedes ?? [])))
    for (const entry of book.entries()) {
      const asThen = superseded.has(entry.id) ? new PriceBook(files, { asOf: Date.parse(entry.recordedAt) }) : book
      const name = entry.models.exact[0] ?? entry.models.prefix?.[0] ?? ''
      const conditions = { ...noConditions }
      for (const condition of conditionNames) conditions[condition] = sample(entry.when?.[condition])
      const isChosen = [...instantsOf(entry), ...(entry.validFrom === null ? justBefore : [])].some((at) => {
        const resolution = asThen.resolve(entry.provider, name, conditions, at)
        return resolution.kind === 'card' && resolution.card.entry === entry.id
      })
      expect([entry.id, isChosen]).toEqual([entry.id, true])
    }
  })

  test('an entry of a released version is never edited or removed', () => {
    for (const file of files)
      for (const before of releasedVersions(`processors/prices/${file.provider}.json`))
        expect(editedEntries(before, file)).toEqual([])
  })

  test('an edited and a removed entry are noticed', () => {
    const [file] = files
    if (file === undefined) throw new Error('no price files')
    const [first, second, ...rest] = file.entries
    if (first === undefined || second === undefined) throw new Error('too few entries')
    const edited: PriceFile = { ...file, entries: [{ ...second, confidence: 'low' }, ...rest] }
    expect(editedEntries(file, edited)).toEqual([`${first.id}: removed`, `${second.id}: edited`])
  })
})

/** Half hours of the first days of an entry's time, or of the last where it has no start. */
function instantsOf({ validFrom, validTo, when }: PriceEntry): number[] {
  const halfHour = 1_800_000
  const end = Date.parse(validTo ?? '2026-11-22T00:00:00Z')
  const count = when?.schedule ? 7 * 48 : 2 * 48
  if (validFrom === null) return Array.from({ length: count }, (_, i) => end - 1 - i * halfHour)
  const start = Date.parse(validFrom)
  return Array.from({ length: count }, (_, i) => start + i * halfHour).filter((at) => validTo === null || at < end)
}

/** A value that passes the test. */
function sample(test: ConditionTest | null | undefined): string {
  if (test === undefined || test === null) return ''
  if (typeof test === 'string') return test
  return 'not' in test ? 'somewhere-else' : (test.at(-1) ?? '')
}

/** The file in each tagged release of this repository. */
function releasedVersions(path: string): PriceFile[] {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const tags = git('tag', '--list', 'v*')
    .split('\n')
    .filter((tag) => tag !== '')
  return tags.flatMap((tag) =>
    git('ls-tree', '--name-only', tag, '--', path) === ''
      ? []
      : [JSON.parse(git('show', `${tag}:${path}`)) as PriceFile],
  )
}
