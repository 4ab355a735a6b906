// Users' own prices as they are written: what is read, and what is said about everything that is wrong.

import { expect, test } from 'vitest'
import { parseOwnPrices } from '../../collector/prices/own-file.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { plainDecimal, plainInstant } from '../../processors/pricing/custom/fields.ts'
import { entry } from './cards.ts'

const book = new PriceBook([
  {
    provider: 'openai',
    calendars: { vendor: ['2026-01-01'] },
    aliases: [
      {
        alias: 'big-latest',
        model: 'big-1',
        validFrom: null,
        validTo: null,
        recordedAt: '2026-01-01T00:00:00Z',
        source: [{ what: 'test' }],
      },
    ],
    entries: [entry('openai/big-1#1', ['big-1'], { input: '2', output: '8' })],
  },
])

function read(text: string) {
  const { records, settings, findings } = parseOwnPrices(Buffer.from(text), 'prices.yaml', book)
  return { records, settings, findings: findings.map((finding) => finding.text) }
}

const sound = `
organisations: {acme: [shop, search]}
calendars: {holidays: [2026-12-25]}
prices:
  - id: own
    provider: my-host
    model: [llama-ft, "llama-ft-*"]
    rates: {input: 2.50, output: .8, cache_read: 1e-1, webSearch: 0.01}
    per: {webSearch: 10}
    bands:
      - {over: 200000, rates: {input: 4, output: 1, cacheRead: 0.2, webSearch: 0.01}}
    when: {service_tier: [Batch, Flex], speed: "*", schedule: {zone: Europe/Berlin, days: [1, 5], hours: "08:00-18:00", exceptCalendar: holidays}}
    project: shop
    valid_from: 2026-10-01
    validTo: 2026-11-01T00:00:00+02:00
    minimum: {audio_seconds: 10}
    note: contract 4711
discounts:
  - {provider: OpenAI, model: "big-*", percent: 12.5%, units: [input, output], organisation: acme}
plans:
  - {id: committed, provider: azure, model: "*", fee: {amount: 5000, currency: EUR, period: month}}
aliases:
  - {provider: azure, name: prod-chat, to: openai, model: big-1}
  - {name: "openai/*", to: openai, model: "*"}
`

test('everything that can be written is read into one form', () => {
  const { records, settings, findings } = read(sound)
  expect(findings).toEqual([])
  expect(settings).toEqual({ organisations: { acme: ['shop', 'search'] }, calendars: { holidays: ['2026-12-25'] } })
  expect(records).toEqual([
    {
      kind: 'price',
      id: 'own',
      provider: 'my-host',
      model: ['llama-ft', 'llama-ft-*'],
      project: ['shop'],
      validFrom: '2026-10-01T00:00:00Z',
      validTo: '2026-10-31T22:00:00Z',
      note: 'contract 4711',
      when: {
        serviceTier: ['batch', 'flex'],
        speed: { not: [] },
        schedule: { zone: 'Europe/Berlin', days: [1, 5], hours: ['08:00-18:00'], exceptCalendar: 'holidays' },
      },
      rates: { input: '2.5', output: '0.8', cacheRead: '0.1', webSearch: '0.01' },
      bands: [
        { over: 200000, inclusive: false, rates: { input: '4', output: '1', cacheRead: '0.2', webSearch: '0.01' } },
      ],
      per: { tokens: 1_000_000, webSearch: 10 },
      minimum: { audioSeconds: '10' },
      currency: 'USD',
    },
    {
      kind: 'discount',
      id: 'openai/big-*',
      provider: 'openai',
      model: ['big-*'],
      organisation: ['acme'],
      percent: '12.5',
      units: ['input', 'output'],
    },
    {
      kind: 'plan',
      id: 'committed',
      provider: 'azure.ai.openai',
      model: ['*'],
      fee: { amount: '5000', currency: 'EUR', period: 'month' },
    },
    {
      kind: 'alias',
      id: 'azure.ai.openai/prod-chat',
      provider: 'azure.ai.openai',
      name: 'prod-chat',
      to: 'openai',
      model: 'big-1',
    },
    { kind: 'alias', id: 'any/openai/*', name: 'openai/*', to: 'openai', model: '*' },
  ])
})

test('JSON is read as YAML is, numbers by their text', () => {
  const json = '{\n\t"prices": [\n\t\t{"provider": "h", "model": "m", "rates": {"input": 0.12345678901234}}\n\t]\n}'
  expect(read(json).findings).toEqual([])
  expect(read(json).records[0]).toMatchObject({ rates: { input: '0.12345678901234' } })
})

test('an empty file holds nothing', () => {
  expect(read('')).toEqual({ records: [], settings: { organisations: {}, calendars: {} }, findings: [] })
})

/** `own` with one line more or another. */
const price = (more: string): string =>
  `prices:\n  - {id: a, provider: h, model: m, rates: {input: 1, output: 2}, ${more}}`

test.each<[string, string]>([
  [price('ratez: 1'), 'prices.yaml:2: prices[0] "a": ratez: is no field here; did you mean rates?'],
  [price('id: b'), 'prices.yaml:2: Map keys must be unique'],
  [
    price('when: {tier: batch}'),
    'prices.yaml:2: prices[0] "a": when.tier: is no field here; there are serviceTier, speed, region, dataResidency, deploymentType, searchContextSize, imageSize, imageQuality, videoSize, schedule',
  ],
  [
    price('validFrom: 2026-02-30'),
    'prices.yaml:2: prices[0] "a": validFrom: "2026-02-30" is not an instant such as 2026-10-01T00:00:00Z, or a date, which is its midnight in UTC',
  ],
  [
    price('validFrom: 2026-03-01, validTo: 2026-02-01'),
    'prices.yaml:2: prices[0] "a": validTo: 2026-02-01T00:00:00Z is not after validFrom 2026-03-01T00:00:00Z',
  ],
  [price('project: a, organisation: b'), 'organisation: stands beside project'],
  [price('organisation: acme'), 'organisation[0]: "acme" is not among organisations, which says what projects it has'],
  [price('currency: euro'), 'currency: "euro" is not a currency code of three capitals such as EUR'],
  [price('per: 0'), 'per: 0 is not a whole number from 1'],
  [price('minimum: {inputs: 1}'), 'minimum.inputs: is no unit; did you mean input?'],
  [
    price('bands: [{over: 10, rates: {input: 1}}]'),
    'bands[0].rates.output: is missing: a band lists every rate, also one that stays',
  ],
  [
    price('bands: [{over: 10, rates: {input: 1, output: 1, cacheRead: 1}}]'),
    'bands[0].rates.cacheRead: is not among the rates of the first band',
  ],
  [
    price('bands: [{over: 10, rates: {input: 1, output: 1}}, {over: 10, rates: {input: 1, output: 1}}]'),
    'bands[1].over: 10 is not above 10: bands rise',
  ],
  [
    price('when: {schedule: {zone: Mars/Base}}'),
    'when.schedule.zone: "Mars/Base" is no IANA time zone, such as Europe/Berlin',
  ],
  [
    price('when: {schedule: {zone: UTC, days: [0]}}'),
    'when.schedule.days[0]: 0 is not a weekday from 1 for Monday to 7 for Sunday',
  ],
  [
    price('when: {schedule: {zone: UTC, hours: [9-5]}}'),
    'when.schedule.hours[0]: "9-5" is not clock hours such as 09:00-18:00',
  ],
  [
    price('when: {schedule: {zone: UTC, exceptCalendar: x}}'),
    'when.schedule.exceptCalendar: "x" is no calendar: there are none; give its dates under calendars',
  ],
  [
    'prices: [{provider: h, model: m, rates: {input: -1}}]',
    'prices[0] "m": rates.input: "-1" is not an amount such as 2.50, not below 0',
  ],
  ['prices: [{provider: h, model: m, rates: {input: two}}]', 'rates.input: "two" is not an amount'],
  ['prices: [{provider: h, model: m, rates: {input: 0x10}}]', 'rates.input: "0x10" is not an amount'],
  ['prices: [{provider: h, model: m, rates: {input: .inf}}]', 'rates.input: ".inf" is not an amount'],
  ['prices: [{provider: h, model: m, rates: {}}]', 'rates: is empty'],
  [
    'prices: [{provider: h, model: m}]',
    'rates: is missing: a mapping of units and amounts, such as {input: 2, output: 8}',
  ],
  [
    'prices: [{provider: h, rates: {input: 1}}]',
    'model: is missing: a model id, a prefix such as acme-*, or * for every model',
  ],
  ['prices: [{provider: h, model: "a*b", rates: {input: 1}}]', 'model: "a*b" is not a model id'],
  ['prices: [{provider: langchain, model: m, rates: {input: 1}}]', 'provider: "langchain" is a framework'],
  [
    'prices: [{provider: h, model: m, rates: {input: "123456789012345678"}, per: 1}]',
    'rates: rate of input is too fine',
  ],
  ['prices: {a: b}', 'prices: is not a list: one price per item'],
  ['prices: [a]', 'prices[0]: is "a": a price is a mapping'],
  ['price: []', 'prices.yaml:1: price: is no field here; did you mean prices?'],
  ['- a', 'prices.yaml: is a list: it should be a mapping with prices, discounts, plans, aliases'],
  ['a: [', 'prices.yaml:1: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  [
    'discounts: [{provider: openai, model: big-1, percent: 101}]',
    'percent: 101 is not a percentage off the list from 0 to 100',
  ],
  ['discounts: [{provider: openai, model: big-1}]', 'percent: is missing'],
  [
    'discounts: [{provider: opanai, model: "*", percent: 1}]',
    'provider: "opanai" has no price list to take a discount off; did you mean openai?',
  ],
  [
    'discounts: [{provider: openai, model: big-2, percent: 1}]',
    'model: "big-2" is no model of "openai" in the price book; did you mean big-1?',
  ],
  [
    'discounts: [{provider: openai, model: [big-1, "bug-*"], percent: 1}]',
    'model[1]: "bug-*" is no model of "openai" in the price book',
  ],
  [
    'plans: [{provider: h, model: "*", fee: {amount: 1, period: fortnight}}]',
    'fee.period: "fortnight" is not one of hour, day, week, month, quarter, year',
  ],
  ['plans: [{provider: h, model: "*", fee: {period: day}}]', 'fee.amount: is missing'],
  [
    'aliases: [{provider: azure, name: x, model: big-1}]',
    'aliases[0] "x": model: "big-1" is no model of "azure.ai.openai" in the price book; or give it a price of your own',
  ],
  ['aliases: [{name: x, model: big-1}]', 'to: is missing: an alias without provider says the provider of its model'],
  [
    'aliases: [{provider: openai, name: x, model: "big-*"}]',
    'model: "big-*" has a star, which stands for what a star in name matched; "x" has none',
  ],
  ['aliases: [{provider: openai, name: big-1, model: big-1}]', 'model: is the name itself'],
  ['organisations: {a: [p], b: [p]}', 'organisations.b[0]: project "p" is of "a" too: a project has one'],
  ['calendars: {c: [2026-02-30]}', 'calendars.c[0]: "2026-02-30" is not a date such as 2026-12-25'],
  [
    'prices: [{id: a, provider: h, model: m, rates: {input: 1}}, {id: a, provider: h, model: n, rates: {input: 1}}]',
    'prices[1] "a": id: "a" is the id of prices[0] "a" too: give each record an id of its own',
  ],
  [
    'prices: [{id: a, provider: h, model: m, rates: {input: 1}}, {id: b, provider: h, model: m, rates: {input: 2}}]',
    'prices[1] "b": says the same calls as prices[0] "a" from the same instant',
  ],
])('%s', (text, finding) => {
  expect(read(text).findings.join('\n')).toContain(finding)
})

test('all findings come at once, in the order of lines', () => {
  const { findings } = read('prices:\n  - {provider: h, model: m, rates: {input: x}}\n  - {model: m}\nplans: 1')
  expect(findings.map((each) => each.split(': ').slice(0, 3).join(': '))).toEqual([
    'prices.yaml:2: prices[0] "m": rates.input',
    'prices.yaml:3: prices[1] "m": provider',
    'prices.yaml:3: prices[1] "m": rates',
    'prices.yaml:4: plans: is not a list',
  ])
})

test('what differs in conditions, dates or scope is no conflict', () => {
  const lines = ['when: {serviceTier: batch}', 'validFrom: 2026-10-01', 'project: shop', 'project: search', 'note: x']
  const items = lines.map((more, i) => `  - {id: p${i}, provider: h, model: m, rates: {input: 1}, ${more}}`)
  expect(read(`prices:\n${items.join('\n')}`).findings).toEqual([])
})

test('texts that are not UTF-8, too large or too deep are said to be', () => {
  const of = (bytes: Uint8Array) => parseOwnPrices(bytes, 'p.json', book).findings.map(({ text }) => text)
  expect(of(Uint8Array.of(0xff, 0xfe))).toEqual(['p.json: is not UTF-8'])
  expect(of(new Uint8Array(4 * 2 ** 20 + 1))[0]).toBe('p.json: has 4194305 bytes, limit is 4194304')
  expect(of(Buffer.from(`${'['.repeat(30)}${']'.repeat(30)}`))[0]).toContain('p.json: is too large')
  const bomb = [
    'a: &a [x]',
    ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefg'[i]}, `.repeat(9)}]`),
  ]
  expect(of(Buffer.from(bomb.join('\n')))[0]).toMatch(/p\.json/)
})

test.each([
  ['2', '2'],
  ['2.50', '2.5'],
  ['.8', '0.8'],
  ['1e-7', '0.0000001'],
  ['1.5E+3', '1500'],
  ['007', '7'],
  ['0.0', '0'],
  ['12e-1', '1.2'],
])('the number %s is %s', (written, plain) => {
  expect(plainDecimal(written)).toBe(plain)
})

test.each(['', '-1', '+1', '1_000', '1,5', '0x10', 'NaN', '1e400', '1.2.3'])('"%s" is no amount', (written) => {
  expect(plainDecimal(written)).toBeUndefined()
})

test('instants keep their moment whatever zone they are written in', () => {
  expect(plainInstant('2026-10-01T00:00:00+08:00')).toBe('2026-09-30T16:00:00Z')
  expect(plainInstant('2026-10-01 09:30Z')).toBe('2026-10-01T09:30:00Z')
  expect(plainInstant('2026-10-01T09:30')).toBeUndefined()
  expect(plainInstant('1 October')).toBeUndefined()
})
