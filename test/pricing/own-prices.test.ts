// Users' own prices in the book: which one prices a call of which project, and what it costs to the pico.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { parseOwnPrices } from '../../collector/prices/own-file.ts'
import { type CallConditions, noConditions, PriceBook, type Resolution } from '../../processors/pricing/book.ts'
import { customBookParts } from '../../processors/pricing/custom/compile.ts'
import { lessPercent } from '../../processors/pricing/custom/discount.ts'
import type { PriceFile } from '../../processors/pricing/file.ts'
import { priceRows } from '../../processors/pricing/rows.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { entry, flagNames, priced, row, usd } from './cards.ts'

const at = Date.parse('2026-06-15T12:00:00Z')
const long = { inputTokens: { over: 200_000, inclusive: false }, rates: { input: '4', output: '12', cacheRead: '0.2' } }
const files: PriceFile[] = [
  {
    provider: 'acme',
    modelPaths: ['models/'],
    calendars: { vendor: ['2026-06-15'] },
    spellings: { serviceTier: { fast: 'priority' } },
    aliases: [
      {
        alias: 'big-latest',
        model: 'big',
        validFrom: null,
        validTo: null,
        recordedAt: '2026-01-01T00:00:00Z',
        source: [{ what: 'test' }],
      },
    ],
    entries: [
      entry('acme/big#1', ['big'], {}, { bands: [{ rates: { input: '2', output: '8', cacheRead: '0.1' } }, long] }),
      entry('acme/big#2', ['big'], { input: '1', output: '4', cacheRead: '0.05' }, { when: { serviceTier: 'batch' } }),
      entry('acme/small#1', ['small'], { input: '0.3', output: '0.111', webSearch: '10' }),
    ],
  },
  { provider: 'host', entries: [entry('host/other#1', ['other'], { input: '5', output: '5' })] },
]
const plain = new PriceBook(files)

/** A book with own prices as they are written, first seen at the end of 2025 unless said otherwise. */
function bookOf(yaml: string, seen: Readonly<Record<string, string>> = {}): PriceBook {
  const { records, settings, findings } = parseOwnPrices(Buffer.from(yaml), 'prices.yaml', plain)
  expect(findings).toEqual([])
  const placed = records.map((record) => ({ record, seenAt: seen[record.id] ?? '2025-12-31T00:00:00Z' }))
  return new PriceBook(files, customBookParts(placed, settings))
}

function ask(
  book: PriceBook,
  model: string,
  { provider = 'acme', project = 'shop', said = {} as Partial<CallConditions>, atMs = at } = {},
): Resolution {
  return book.forProject(project).resolve(provider, model, { ...noConditions, ...said }, atMs)
}

/** Entry without its hash, and how it was found. */
function found(...question: Parameters<typeof ask>): string {
  const resolution = ask(...question)
  if (resolution.kind === 'miss') return resolution.reason
  return `${resolution.card.entry.replaceAll(/@[0-9a-f]{8}/g, '')} ${resolution.card.match}`
}

function cost(resolution: Resolution, usage: Parameters<typeof row>[0]): string | null {
  if (resolution.kind === 'miss') throw new Error(resolution.reason)
  return usd(priced(resolution.card, row(usage)).totalPico)
}

test('project goes before organisation, organisation before installation, all before the catalogue', () => {
  const price = (id: string, input: number, more = ''): string =>
    `  - {id: ${id}, provider: acme, model: big, rates: {input: ${input}, output: 0}${more}}`
  const book = bookOf(`
organisations: {acme: [shop, search]}
prices:
${price('all', 10)}
${price('org', 20, ', organisation: acme')}
${price('shop', 30, ', project: [shop, desk]')}
`)
  expect(found(book, 'big', { project: 'shop' })).toBe('price:shop override')
  expect(found(book, 'big', { project: 'desk' })).toBe('price:shop override')
  expect(found(book, 'big', { project: 'search' })).toBe('price:org override')
  expect(found(book, 'big', { project: 'someone' })).toBe('price:all override')
  expect(found(book, 'small', { project: 'shop' })).toBe('acme/small#1 exact')
  expect(cost(ask(book, 'big', { project: 'search' }), { input: 7, output: 9 })).toBe('0.00014')
})

test('one book serves all projects that have no prices of their own', () => {
  const book = bookOf('prices: [{provider: acme, model: big, rates: {input: 1}, project: shop}]')
  expect(book.forProject('a')).toBe(book)
  expect(book.forProject('b')).toBe(book)
  expect(book.forProject('shop')).not.toBe(book)
  expect(book.forProject('shop')).toBe(book.forProject('shop'))
  expect(book.forProject('shop').version).toBe(book.version)
})

test('within a scope exact goes before alias, alias before the longest prefix, the star last', () => {
  const book = bookOf(`
prices:
  - {id: star, provider: acme, model: "*", rates: {input: 1, output: 1}}
  - {id: short, provider: acme, model: "mine-*", rates: {input: 2, output: 1}}
  - {id: long, provider: acme, model: "mine-long-*", rates: {input: 3, output: 1}}
  - {id: exact, provider: acme, model: mine-x, rates: {input: 4, output: 1}}
aliases:
  - {provider: acme, name: mine-x, model: small}
  - {provider: acme, name: mine-other, to: host, model: other}
`)
  expect(found(book, 'mine-x')).toBe('price:exact override')
  expect(found(book, 'mine-other')).toBe('host/other#1 alias')
  expect(found(book, 'mine-long-1')).toBe('price:long override')
  expect(found(book, 'mine-1')).toBe('price:short override')
  expect(found(book, 'big')).toBe('price:star override')
  expect(found(book, 'models/mine-x')).toBe('price:exact override')
  expect(found(book, 'other', { provider: 'host' })).toBe('host/other#1 exact')
})

test('a narrower star goes before a wider exact id', () => {
  const book = bookOf(`
prices:
  - {id: all, provider: acme, model: big, rates: {input: 1}}
  - {id: free, provider: acme, model: "*", rates: {input: 0, output: 0}, project: shop}
`)
  expect(found(book, 'big')).toBe('price:free override')
  expect(cost(ask(book, 'big'), { input: 1_000_000, output: 5 })).toBe('0')
})

test('it replaces the whole card: a rate it does not give is not the catalogue’s', () => {
  const book = bookOf('prices: [{provider: acme, model: small, rates: {input: 1, output: 1}}]')
  const resolution = ask(book, 'small')
  if (resolution.kind !== 'card') throw new Error('no card')
  const call = priced(resolution.card, row({ input: 100, output: 0, webSearch: 1 }))
  expect([call.status, call.reason, usd(call.totalPico)]).toEqual(['partial', 'no_rate_for_unit', '0.0001'])
})

test('it holds in its time and under its conditions, the newest recorded first, and only once it is known', () => {
  const book = (asOf: string): PriceBook => {
    const { records, settings } = parseOwnPrices(
      Buffer.from(`
prices:
  - {id: first, provider: acme, model: big, rates: {input: 1}}
  - {id: second, provider: acme, model: big, rates: {input: 2}, validFrom: 2026-05-01, validTo: 2026-07-01}
  - {id: tier, provider: acme, model: big, rates: {input: 3}, when: {serviceTier: fast}}
`),
      'p',
      plain,
    )
    const seen = { first: '2026-01-01T00:00:00Z', second: '2026-03-01T00:00:00Z', tier: '2026-03-01T00:00:00Z' }
    const placed = records.map((record) => ({ record, seenAt: seen[record.id as keyof typeof seen] }))
    return new PriceBook(files, { ...customBookParts(placed, settings), asOf: Date.parse(asOf) })
  }
  const now = book('2026-12-01T00:00:00Z')
  expect(found(now, 'big')).toBe('price:second override')
  expect(found(now, 'big', { atMs: Date.parse('2026-07-01T00:00:00Z') })).toBe('price:first override')
  expect(found(now, 'big', { said: { serviceTier: 'fast' } })).toBe('price:tier override')
  expect(found(book('2026-02-01T00:00:00Z'), 'big')).toBe('price:first override')
  expect(found(book('2025-02-01T00:00:00Z'), 'big')).toBe('miss' in plain ? '' : 'unknown_provider')
})

test('an answer ends where another one begins', () => {
  const book = bookOf('prices: [{provider: acme, model: big, rates: {input: 1}, validFrom: 2026-07-01}]')
  const before = ask(book, 'big')
  if (before.kind !== 'card') throw new Error('no card')
  expect([before.card.entry, before.card.toMs]).toEqual(['acme/big#1', Date.parse('2026-07-01T00:00:00Z')])
})

test('schedules know the calendars of the file and of the catalogue', () => {
  const book = bookOf(`
calendars: {own: [2026-06-16]}
prices:
  - {id: weekdays, provider: acme, model: big, rates: {input: 1}, when: {schedule: {zone: UTC, exceptCalendar: own}}}
  - {id: vendor, provider: acme, model: small, rates: {input: 1}, when: {schedule: {zone: UTC, exceptCalendar: vendor}}}
`)
  expect(found(book, 'big')).toBe('price:weekdays override')
  expect(found(book, 'big', { atMs: at + 86_400_000 })).toBe('acme/big#1 exact')
  expect(found(book, 'small')).toBe('acme/small#1 exact')
  expect(found(book, 'small', { atMs: at + 86_400_000 })).toBe('price:vendor override')
})

test('a discount keeps tiers, bands and edges, and its entry names both', () => {
  const book = bookOf('discounts: [{id: d26, provider: acme, model: "b*", percent: 12.5}]')
  const usage = { input: 1_000_003, output: 77, cacheRead: 13 }
  expect(found(book, 'big')).toBe('discount:d26 off acme/big#1 override')
  expect(found(book, 'big', { said: { serviceTier: 'batch' } })).toBe('discount:d26 off acme/big#2 override')
  // 990 fresh × 2 + 10 cached × 0.1 + 7 × 8 = 2,037 millionths, less an eighth.
  expect(cost(ask(book, 'big'), { input: 1000, output: 7, cacheRead: 10 })).toBe('0.001782375')
  // (999,990 × 4 + 13 × 0.2 + 77 × 12) × 7 / 8 millionths
  expect(cost(ask(book, 'big'), usage)).toBe('3.500775775')
  expect(found(book, 'small')).toBe('acme/small#1 exact')
})

test.each(['big', 'big-latest'])('a discount off %s is off what the catalogue’s alias leads to', (model) => {
  const book = bookOf(`discounts: [{id: d, provider: acme, model: ${model}, percent: 50}]`)
  expect(found(book, 'big-latest')).toBe('discount:d off acme/big#1 override')
})

test('a discount keeps the rates of calls that think, and own prices may have such', () => {
  const thinking = entry(
    'host/deep#1',
    ['deep'],
    {},
    {
      bands: [{ rates: { input: '1', output: '2' } }, { thinking: true, rates: { input: '1', output: '8' } }],
    },
  )
  const book = new PriceBook(
    [{ provider: 'host', entries: [thinking] }],
    customBookParts(
      parseOwnPrices(
        Buffer.from(`
discounts: [{id: half, provider: host, model: deep, percent: 50}]
prices: [{id: own, provider: mine, model: deep, rates: {input: 1, output: 2}, bands: [{thinking: true, rates: {input: 1, output: 8}}]}]
`),
        'p',
        new PriceBook([{ provider: 'host', entries: [thinking] }]),
      ).records.map((record) => ({ record, seenAt: '2025-12-31T00:00:00Z' })),
      { organisations: {}, calendars: {} },
    ),
  )
  const calls = [
    { input: 0, output: 10 },
    { input: 0, output: 10, reasoning: 1 },
  ]
  const costs = (provider: string) => calls.map((usage) => cost(ask(book, 'deep', { provider }), usage))
  expect(costs('host')).toEqual(['0.00001', '0.00004'])
  expect(costs('mine')).toEqual(['0.00002', '0.00008'])
})

test('a discount may be for some units, and an unknown tier stays one', () => {
  const book = bookOf('discounts: [{id: d, provider: acme, model: small, percent: 10, units: [input]}]')
  const resolution = ask(book, 'small', { said: { serviceTier: 'gold' } })
  if (resolution.kind !== 'card') throw new Error('no card')
  const call = priced(resolution.card, row({ input: 10, output: 10, webSearch: 1 }))
  expect(usd(call.totalPico)).toBe('0.01000381')
  expect([call.status, flagNames(call.flags)]).toEqual(['partial', ['standard_rate_used']])
})

test.each([
  ['0.3', '12.5', '0.2625'],
  ['0.111', '0.001', '0.11099889'],
  ['10', '100', '0'],
  ['3', '0', '3'],
  ['0.1', '33.333333', '0.066666667'],
  ['1000', '99.9', '1'],
])('%s less %s percent is %s', (price, percent, expected) => {
  expect(lessPercent(price, percent)).toBe(expected)
})

test('a discount is exact to the last digit of any list', () => {
  const decimal = (whole: number, places: number) =>
    fc.tuple(fc.bigInt({ min: 0n, max: BigInt(whole) * 10n ** BigInt(places) }), fc.constant(places))
  const text = ([value, places]: readonly [bigint, number]): string =>
    `${value / 10n ** BigInt(places)}.${(value % 10n ** BigInt(places)).toString().padStart(places, '0')}`
  fc.assert(
    fc.property(decimal(100, 5), decimal(100, 4), fc.nat(2_000_000), (price, percent, tokens) => {
      const list = [{ provider: 'acme', entries: [entry('acme/x#1', ['x'], { input: text(price) })] }]
      const yaml = `discounts: [{id: d, provider: acme, model: x, percent: ${text(percent)}}]`
      const own = parseOwnPrices(Buffer.from(yaml), 'p', new PriceBook(list))
      const seen = own.records.map((record) => ({ record, seenAt: '2025-12-31T00:00:00Z' }))
      const found = cost(ask(new PriceBook(list, customBookParts(seen, own.settings)), 'x'), { input: tokens })
      // tokens × price / 10^5 × (100 − percent / 10^4) / 100 / 10^6, in pico, rounded half up once
      const exact = BigInt(tokens) * price[0] * (1_000_000n - percent[0])
      const pico = (exact * 2n + 100_000n) / 200_000n
      expect(found).toBe(formatPicoUsd(Number(pico)))
    }),
    { numRuns: 100 },
  )
})

test('rates too fine for doubles are counted exactly all the same', () => {
  const list = [{ provider: 'acme', entries: [entry('acme/x#1', ['x'], { input: '0.0416666666667', output: '3' })] }]
  const own = parseOwnPrices(
    Buffer.from('discounts: [{id: d, provider: acme, model: x, percent: 7.125}]'),
    'p',
    new PriceBook(list),
  )
  const seen = own.records.map((record) => ({ record, seenAt: '2025-12-31T00:00:00Z' }))
  const book = new PriceBook(list, customBookParts(seen, own.settings))
  // 1,000,001 × 0.0416666666667 × 0.92875 + 3 × 3 × 0.92875 millionths, to the pico
  expect(cost(ask(book, 'x'), { input: 1_000_001, output: 3 })).toBe('0.038706314115')
  expect(cost(ask(book, 'x'), { input: 0, output: 0 })).toBe('0')
})

test('every list of the catalogue takes a discount of any usual fineness', () => {
  const catalogue = loadPriceBook()
  const records = catalogue.map(({ provider }) => `  - {provider: ${provider}, model: "*", percent: 7.125}`)
  const book = new PriceBook(catalogue)
  const {
    records: read,
    settings,
    findings,
  } = parseOwnPrices(Buffer.from(`discounts:\n${records.join('\n')}`), 'p', book)
  expect(findings).toEqual([])
  const seen = read.map((record) => ({ record, seenAt: '2025-12-31T00:00:00Z' }))
  expect(book.with(customBookParts(seen, settings)).entries().length).toBeGreaterThan(book.entries().length * 1.9)
})

test('a plan prices everything it covers at 0 by an entry that names it, whatever tier served it', () => {
  const book = bookOf(`
plans:
  - id: ptu
    provider: acme
    model: big
    when: {deploymentType: provisioned}
    fee: {amount: 5000, currency: EUR, period: month}
`)
  const said = { deploymentType: 'provisioned', serviceTier: 'priority' }
  const resolution = ask(book, 'big', { said })
  if (resolution.kind !== 'card') throw new Error('no card')
  expect(found(book, 'big', { said })).toBe('plan:ptu override')
  const call = priced(resolution.card, row({ input: 10, output: 10, inputAudio: 3, webSearch: 2, audioSeconds: 1.5 }))
  expect([call.status, usd(call.totalPico), flagNames(call.flags)]).toEqual(['priced', '0', []])
  const plain = ask(book, 'big', { said: { deploymentType: 'provisioned' } })
  expect(plain.kind === 'card' ? flagNames(plain.card.flags) : plain.reason).toEqual([])
  expect(found(book, 'big')).toBe('acme/big#1 exact')
  const [stored] = priceRows(book).filter((each) => String(each['entry_id']).startsWith('plan:ptu'))
  expect(stored).toMatchObject({ rates: { fixed: '5000' }, per: { fixed: 'month' }, currency: 'EUR' })
})

test('aliases lead from a deployment, a profile or a gateway’s name to provider and model', () => {
  const arn = 'arn:aws:bedrock:eu-central-1:1:application-inference-profile/abc'
  const book = bookOf(`
aliases:
  - {provider: azure, name: prod-chat, to: acme, model: big, validTo: 2026-06-01}
  - {id: moved, provider: azure, name: prod-chat, to: acme, model: small, validFrom: 2026-06-01}
  - {name: "${arn}", to: acme, model: big}
  - {provider: corp-gateway, name: "acme/*", to: acme, model: "*"}
  - {provider: corp-gateway, name: fast, model: acme/small}
  - {provider: azure, name: desk, to: acme, model: big, project: desk}
prices:
  - {id: own, provider: acme, model: small, rates: {input: 1}, project: desk}
`)
  const azure = { provider: 'azure.ai.openai' }
  expect(found(book, 'prod-chat', azure)).toBe('acme/small#1 alias')
  expect(found(book, 'prod-chat', { ...azure, atMs: Date.parse('2026-05-31T23:59:59Z') })).toBe('acme/big#1 alias')
  expect(found(book, arn, { provider: 'aws.bedrock' })).toBe('acme/big#1 alias')
  expect(found(book, 'acme/big', { provider: 'corp-gateway' })).toBe('acme/big#1 alias')
  expect(found(book, 'fast', { provider: 'corp-gateway' })).toBe('acme/small#1 alias')
  expect(found(book, 'prod-chat', { ...azure, project: 'desk' })).toBe('price:own override')
  expect(found(book, 'desk', azure)).toBe('unknown_provider')
  expect(found(book, 'desk', { ...azure, project: 'desk' })).toBe('acme/big#1 alias')
})

test('aliases in a ring end in a miss', () => {
  const book = bookOf(`
aliases:
  - {provider: acme, name: a, model: b}
  - {provider: acme, name: b, model: a}
`)
  expect(found(book, 'a')).toBe('unknown_model')
})

test('a call without provider is priced by the only owner of its model, and says so', () => {
  const book = bookOf(`
prices:
  - {id: own, provider: my-host, model: mine, rates: {input: 1}}
  - {id: big, provider: acme, model: big, rates: {input: 1}}
`)
  for (const model of ['mine', 'big']) {
    const resolution = ask(book, model, { provider: '' })
    if (resolution.kind !== 'card') throw new Error(resolution.reason)
    expect(flagNames(resolution.card.flags)).toEqual(['provider_inferred'])
    expect(resolution.card.match).toBe('override')
  }
})

test('the version follows the content, not the day it was seen on, and an entry’s id its content', () => {
  const yaml = 'prices: [{id: a, provider: acme, model: big, rates: {input: 1}}]'
  const hash = (book: PriceBook): string => book.version.split('.')[1] ?? ''
  const entryOf = (book: PriceBook): string => {
    const resolution = ask(book, 'big')
    return resolution.kind === 'card' ? resolution.card.entry : ''
  }
  const [one, same, other] = [
    bookOf(yaml),
    bookOf(yaml, { a: '2026-02-01T00:00:00Z' }),
    bookOf(yaml.replace('input: 1', 'input: 1.5')),
  ]
  expect(hash(one)).toBe(hash(same))
  expect(entryOf(one)).toBe(entryOf(same))
  expect(new Set([hash(one), hash(other), hash(plain)]).size).toBe(3)
  expect(entryOf(one)).toMatch(/^price:a@[0-9a-f]{8}$/)
  expect(entryOf(other)).not.toBe(entryOf(one))
  const withOrganisation = (projects: string): string =>
    hash(
      bookOf(
        `organisations: {o: [${projects}]}\nprices: [{provider: acme, model: big, rates: {input: 1}, organisation: o}]`,
      ),
    )
  expect(withOrganisation('a')).not.toBe(withOrganisation('b'))
})

test('every entry that a row can name is among the stored ones', () => {
  const book = bookOf(`
prices: [{id: mine, provider: acme, model: "mine-*", rates: {input: 1.50}, project: shop, note: contract 7}]
discounts: [{id: d, provider: acme, model: big, percent: 10, validFrom: 2026-02-01}]
`)
  const rows = new Map(priceRows(book).map((each) => [`${each['entry_id']} ${each['min_input_tokens']}`, each]))
  const ids = ['big', 'mine-1'].map((model) => {
    const resolution = ask(book, model)
    return resolution.kind === 'card' ? resolution.card.entry : ''
  })
  const [discount = '', mine = ''] = ids
  expect(rows.get(`${discount} 200000`)).toMatchObject({
    rates: { input: '3.6', output: '10.8', cacheRead: '0.18' },
    valid_from: Date.parse('2026-02-01T00:00:00Z'),
    model: 'big',
  })
  expect(rows.get(`${mine} 0`)).toMatchObject({
    rates: { input: '1.5' },
    conditions: '{"project":["shop"]}',
    source: 'own price mine: contract 7',
    aliases: ['mine-*'],
  })
})
