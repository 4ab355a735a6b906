// DeepSeek's list moves by instant, clock, weekday, holiday and currency: the catalogue at both sides of every edge.

import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { noConditions, PriceBook } from '../../processors/pricing/book.ts'

const files = loadPriceBook()
const book = new PriceBook(files)

/** [input, cache read, output, currency], announced prices marked. */
function listed(model: string, at: string, region = '', in_ = book): string {
  const resolution = in_.resolve('deepseek', model, { ...noConditions, region }, Date.parse(at))
  if (resolution.kind === 'miss') return resolution.reason
  const { published } = resolution.card.bands[0] ?? { published: new Map() }
  const rates = (['input', 'cacheRead', 'output'] as const).map((name) => published.get(name)?.price ?? '-').join(' ')
  return `${rates} ${resolution.card.currency}${resolution.card.flags === 0 ? '' : ` flags ${resolution.card.flags}`}`
}

describe('DeepSeek', () => {
  test.each([
    ['before caching', 'deepseek-chat', '2024-08-01T23:59:59Z', '0.14 - 0.28 USD'],
    ['last second of the V3 promotion', 'deepseek-chat', '2025-02-08T15:59:59Z', '0.14 0.014 0.28 USD'],
    ['after it', 'deepseek-chat', '2025-02-08T16:00:00Z', '0.27 0.07 1.1 USD'],
    ['evening before the night discount began', 'deepseek-chat', '2025-02-25T18:00:00Z', '0.27 0.07 1.1 USD'],
    ['first night', 'deepseek-reasoner', '2025-02-26T16:30:00Z', '0.135 0.035 0.55 USD'],
    ['last second of a night', 'deepseek-chat', '2025-07-16T00:29:59Z', '0.135 0.035 0.55 USD'],
    ['the day after', 'deepseek-reasoner', '2025-07-16T00:30:00Z', '0.55 0.14 2.19 USD'],
    ['one list for both, no night', 'deepseek-reasoner', '2025-09-05T17:00:00Z', '0.56 0.07 1.68 USD'],
    ['V3.2', 'deepseek-reasoner', '2025-09-30T17:00:00Z', '0.28 0.028 0.42 USD'],
    ['old name at the V4 Flash card', 'deepseek-chat', '2026-05-10T02:00:00Z', '0.14 0.0028 0.28 USD'],
    ['V4 Pro at launch', 'deepseek-v4-pro', '2026-04-24T12:00:00Z', '1.74 0.145 3.48 USD'],
    ['V4 Pro promoted, then for good', 'deepseek-v4-pro', '2026-06-10T02:00:00Z', '0.435 0.003625 0.87 USD'],
    ['last second before peak hours exist', 'deepseek-v4-flash', '2026-08-16T15:59:59Z', '0.14 0.0028 0.28 USD'],
    ['first peak second', 'deepseek-v4-flash', '2026-08-17T01:00:00Z', '0.44 0.014 1.32 USD'],
    ['lunch', 'deepseek-v4-flash', '2026-08-17T05:59:59Z', '0.22 0.007 0.66 USD'],
    ['afternoon peak', 'deepseek-v4-flash', '2026-08-17T09:59:59Z', '0.44 0.014 1.32 USD'],
    ['evening', 'deepseek-v4-flash', '2026-08-17T10:00:00Z', '0.22 0.007 0.66 USD'],
    ['a Saturday before the weekend rule', 'deepseek-v4-flash', '2026-08-22T09:00:00Z', '0.44 0.014 1.32 USD'],
    ['the first free Sunday', 'deepseek-v4-flash', '2026-08-23T02:00:00Z', '0.22 0.007 0.66 USD'],
    ['a weekend that is made up for as a working day', 'deepseek-flash', '2026-10-10T02:00:00Z', '0.15 0.003 0.6 USD'],
    ['Mid-Autumn', 'deepseek-flash', '2026-09-25T02:00:00Z', '0.15 0.003 0.6 USD'],
    ['the day before it', 'deepseek-flash', '2026-09-24T02:00:00Z', '0.3 0.006 1.2 USD'],
    ['the day after National Day', 'deepseek-v4-pro', '2026-10-08T02:00:00Z', '1.32 0.044 3.96 USD'],
    ['new model under its version', 'deepseek-v4.1-flash', '2026-11-03T12:00:00Z', '0.15 0.003 0.6 USD'],
    [
      'an old name, served by the new model',
      'deepseek-v4-flash-vision-exp',
      '2026-11-03T02:00:00Z',
      '0.3 0.006 1.2 USD',
    ],
    ['retired', 'deepseek-chat', '2026-08-01T00:00:00Z', 'unknown_model'],
  ])('%s', (_, model, at, expected) => {
    expect(listed(model, at)).toBe(expected)
  })

  test('an account in yuan has a list of its own, at the same hours', () => {
    expect(listed('deepseek-v4-pro', '2026-10-12T02:00:00Z', 'cn')).toBe('9 0.3 27 CNY')
    expect(listed('deepseek-v4-pro', '2026-10-12T12:00:00Z', 'cn')).toBe('4.5 0.15 13.5 CNY')
    expect(listed('deepseek-reasoner', '2025-07-10T18:00:00Z', 'CNY')).toBe('1 0.25 4 CNY')
  })

  test('the region a caller runs in changes nothing', () => {
    expect(listed('deepseek-flash', '2026-10-12T12:00:00Z', 'eu-west-1')).toBe('0.15 0.003 0.6 USD')
  })

  test('an announcement that was cancelled holds in the book of its days alone', () => {
    const then = new PriceBook(files, { asOf: Date.parse('2026-09-10T12:00:00Z') })
    expect(listed('deepseek-v4-pro', '2026-09-15T12:00:00Z', '', then)).toBe('0.15 0.003 0.6 USD flags 1')
    expect(listed('deepseek-v4-pro', '2026-09-15T12:00:00Z')).toBe('0.66 0.022 1.98 USD')
  })

  test('a search by a server tool is free until November 2026 in Beijing, then billed', () => {
    const search = (at: string): string | undefined => {
      const resolution = book.resolve('deepseek', 'deepseek-flash', noConditions, Date.parse(at))
      return resolution.kind === 'card' ? resolution.card.bands[0]?.published.get('webSearch')?.price : undefined
    }
    expect([search('2026-10-31T15:59:59Z'), search('2026-10-31T16:00:00Z')]).toEqual(['0', '0.75'])
  })
})
