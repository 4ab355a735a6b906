// Which card: names, conditions, the two time axes, schedules, overrides, and how long an answer holds.

import { describe, expect, test } from 'vitest'
import { type CallConditions, noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { priceFlags } from '../../processors/pricing/card.ts'
import type { ModelAlias, PriceEntry, PriceFile, PriceOverride, Schedule } from '../../processors/pricing/file.ts'

const source = [{ what: 'test' }]
const recordedAt = '2026-01-01T00:00:00Z'

function entry(id: string, exact: string[], input: string, more: Partial<PriceEntry> = {}): PriceEntry {
  return {
    id,
    models: { exact },
    validFrom: null,
    validTo: null,
    recordedAt,
    bands: [{ rates: { input, output: input } }],
    per: { tokens: 1_000_000 },
    currency: 'USD',
    source,
    confidence: 'high',
    ...more,
  }
}

function file(entries: PriceEntry[], more: Partial<PriceFile> = {}): PriceFile {
  return { provider: 'acme', entries, ...more }
}

function alias(name: string, model: string, more: Partial<ModelAlias> = {}): ModelAlias {
  return { alias: name, model, validFrom: null, validTo: null, recordedAt, source, ...more }
}

const at = Date.parse('2026-06-15T12:00:00Z')

/** Entry and match of a resolution, or its reason. */
function found(
  book: PriceBook,
  model: string,
  said: Partial<CallConditions> = {},
  atMs = at,
  provider = 'acme',
): string {
  const resolution = book.resolve(provider, model, { ...noConditions, ...said }, atMs)
  return resolution.kind === 'card' ? `${resolution.card.entry} ${resolution.card.match}` : resolution.reason
}

function flags(book: PriceBook, model: string, said: Partial<CallConditions> = {}): string[] {
  const resolution = book.resolve('acme', model, { ...noConditions, ...said }, at)
  if (resolution.kind !== 'card') throw new Error(resolution.reason)
  const { card } = resolution
  return Object.entries(priceFlags).flatMap(([name, bit]) => ((card.flags & bit) === 0 ? [] : [name]))
}

describe('names', () => {
  const book = new PriceBook([
    file(
      [
        entry('acme/a#1', ['a'], '1'),
        entry('acme/ft#1', ['ft:a'], '2', { models: { exact: ['ft:a'], prefix: ['ft:a:'] } }),
        entry('acme/ft-long#1', [], '3', { models: { exact: [], prefix: ['ft:a:special:'] } }),
      ],
      { aliases: [alias('a-latest', 'a')], modelPaths: ['models/', 'publishers/acme/models/'] },
    ),
    { provider: 'other', entries: [entry('other/b#1', ['b'], '1'), entry('other/a#1', ['a'], '9')] },
  ])

  test('exact goes before alias, alias before the longest prefix', () => {
    expect(found(book, 'a')).toBe('acme/a#1 exact')
    expect(found(book, 'a-latest')).toBe('acme/a#1 alias')
    expect(found(book, 'ft:a:org:x')).toBe('acme/ft#1 prefix')
    expect(found(book, 'ft:a:special:x')).toBe('acme/ft-long#1 prefix')
  })

  test('a listed suffix chooses a route, every other one belongs to the id', () => {
    const book = new PriceBook([
      file(
        [
          entry('acme/a#1', ['v/a'], '1'),
          entry('acme/a-free#1', ['v/a:free'], '0'),
          entry('acme/b-nitro#1', ['v/b:nitro'], '5'),
          entry('acme/b#1', ['v/b'], '2'),
        ],
        { modelSuffixes: [':nitro', ':online'], modelPaths: ['acme/'] },
      ),
    ])
    expect(found(book, 'v/a:nitro')).toBe('acme/a#1 exact')
    expect(found(book, 'acme/v/a:nitro')).toBe('acme/a#1 exact')
    expect(found(book, 'v/a:free:online')).toBe('acme/a-free#1 exact')
    expect(found(book, 'v/b:nitro')).toBe('acme/b-nitro#1 exact')
    expect(found(book, 'v/b:free')).toBe('unknown_model')
    expect(found(book, ':nitro')).toBe('unknown_model')
  })

  test('a card names the model as priced', () => {
    const model = (name: string): string => {
      const resolution = book.resolve('acme', name, noConditions, at)
      return resolution.kind === 'card' ? resolution.card.model : ''
    }
    expect(['a', 'a-latest', 'ft:a:org:x', 'models/a'].map(model)).toEqual(['a', 'a', 'ft:a', 'a'])
  })

  test('a listed path in front is a spelling, a suffix never is', () => {
    expect(found(book, 'models/a')).toBe('acme/a#1 exact')
    expect(found(book, 'projects/p/locations/eu/publishers/acme/models/a')).toBe('acme/a#1 exact')
    expect(found(book, 'a:free')).toBe('unknown_model')
    expect(found(book, 'a-2027-01-01')).toBe('unknown_model')
    expect(found(book, 'elsewhere/a')).toBe('unknown_model')
    expect(found(book, 'mymodels/a')).toBe('unknown_model')
  })

  test('a provider takes part in the key', () => {
    expect(found(book, 'a', {}, at, 'other')).toBe('other/a#1 exact')
    expect(found(book, 'a', {}, at, 'nobody')).toBe('unknown_provider')
  })

  test('without a provider an id that one provider has is inferred, one that two have is not', () => {
    expect(found(book, 'b', {}, at, '')).toBe('other/b#1 inferred')
    expect(found(book, 'a', {}, at, '')).toBe('unknown_provider')
    expect(found(book, 'nothing', {}, at, '')).toBe('unknown_provider')
  })

  test('without a provider the maker of a model goes before its hosts', () => {
    const model = 'shared'
    const entry = (provider: string): PriceEntry => ({
      id: `${provider}/${model}#1`,
      models: { exact: [model] },
      validFrom: null,
      validTo: null,
      recordedAt: '2026-01-01T00:00:00Z',
      bands: [{ rates: { input: '1', output: '2' } }],
      per: { tokens: 1_000_000 },
      currency: 'USD',
      source: [{ what: 'test' }],
      confidence: 'high',
    })
    const maker: PriceFile = { provider: 'maker', entries: [entry('maker')] }
    const host = (provider: string): PriceFile => ({ provider, isHost: true, entries: [entry(provider)] })
    const at = Date.parse('2026-06-01T00:00:00Z')
    expect(found(new PriceBook([host('cloud'), maker]), model, {}, at, '')).toBe('maker/shared#1 inferred')
    expect(found(new PriceBook([host('cloud')]), model, {}, at, '')).toBe('cloud/shared#1 inferred')
    expect(found(new PriceBook([host('cloud'), host('other')]), model, {}, at, '')).toBe('unknown_provider')
    const common: PriceFile = { ...host('gateway'), hasCommonIds: true }
    expect(found(new PriceBook([common]), model, {}, at, '')).toBe('unknown_provider')
    expect(found(new PriceBook([common, host('cloud')]), model, {}, at, '')).toBe('unknown_provider')
    expect(found(new PriceBook([common, maker]), model, {}, at, '')).toBe('maker/shared#1 inferred')
    expect(found(new PriceBook([common]), model, {}, at, 'gateway')).toBe('gateway/shared#1 exact')
  })

  test('a near name is suggested, not used', () => {
    expect(book.suggest('acme', 'a-2027-01-01')).toEqual({ provider: 'acme', model: 'a' })
    expect(book.suggest('my_gateway', 'b')).toEqual({ provider: 'other', model: 'b' })
    expect(book.suggest('acme', 'zzz')).toBeNull()
  })
})

describe('time', () => {
  const day = (text: string): number => Date.parse(`${text}T00:00:00Z`)

  test('intervals are half-open, and the answer says how long it holds', () => {
    const book = new PriceBook([
      file([
        entry('acme/a#1', ['a'], '1', { validTo: '2026-03-01T00:00:00Z' }),
        entry('acme/a#2', ['a'], '2', { validFrom: '2026-03-01T00:00:00Z', validTo: '2026-05-01T00:00:00Z' }),
      ]),
    ])
    expect(found(book, 'a', {}, day('2026-03-01') - 1)).toBe('acme/a#1 exact')
    expect(found(book, 'a', {}, day('2026-03-01'))).toBe('acme/a#2 exact')
    expect(found(book, 'a', {}, day('2026-05-01'))).toBe('unknown_model')
    const resolution = book.resolve('acme', 'a', noConditions, day('2026-04-01'))
    if (resolution.kind !== 'card') throw new Error('no card')
    expect([resolution.card.fromMs, resolution.card.toMs]).toEqual([day('2026-03-01'), day('2026-05-01')])
    const miss = book.resolve('acme', 'a', noConditions, day('2026-06-01'))
    expect(miss).toMatchObject({ kind: 'miss', fromMs: day('2026-05-01'), toMs: Number.POSITIVE_INFINITY })
  })

  test('a change is appended: the newest recorded wins where both are valid', () => {
    const book = new PriceBook([
      file([
        entry('acme/a#1', ['a'], '1'),
        entry('acme/a#2', ['a'], '2', { validFrom: '2026-06-01T00:00:00Z', recordedAt: '2026-05-20T00:00:00Z' }),
      ]),
    ])
    expect(found(book, 'a', {}, day('2026-05-31'))).toBe('acme/a#1 exact')
    expect(found(book, 'a', {}, day('2026-06-01'))).toBe('acme/a#2 exact')
  })

  test('a book as of an instant knows nothing recorded later, and has another version', () => {
    const files = [
      file([
        entry('acme/a#1', ['a'], '1'),
        entry('acme/a#2', ['a'], '2', { recordedAt: '2026-05-20T00:00:00Z', supersedes: 'acme/a#1' }),
      ]),
    ]
    const then = new PriceBook(files, { asOf: day('2026-05-01') })
    const now = new PriceBook(files)
    expect([found(then, 'a'), found(now, 'a')]).toEqual(['acme/a#1 exact', 'acme/a#2 exact'])
    expect(then.version).toMatch(/^2026-01-01\.[0-9a-f]{8}$/)
    expect(now.version).toMatch(/^2026-05-20\.[0-9a-f]{8}$/)
    expect(new PriceBook(files).version).toBe(now.version)
    expect(now.entries().map(({ id }) => id)).toEqual(['acme/a#1', 'acme/a#2'])
  })

  test('what is superseded does not come back where its correction does not reach', () => {
    const correction = { supersedes: 'acme/a#1', recordedAt: '2026-05-20T00:00:00Z', validTo: '2026-05-01T00:00:00Z' }
    const book = new PriceBook([file([entry('acme/a#1', ['a'], '1'), entry('acme/a#2', ['a'], '2', correction)])])
    expect(found(book, 'a', {}, day('2026-04-01'))).toBe('acme/a#2 exact')
    expect(found(book, 'a', {}, day('2026-06-01'))).toBe('unknown_model')
  })

  test('an alias is repointed by appending', () => {
    const book = new PriceBook([
      file([entry('acme/old#1', ['old'], '1'), entry('acme/new#1', ['new'], '2')], {
        aliases: [
          alias('latest', 'old'),
          alias('latest', 'new', { validFrom: '2026-06-01T00:00:00Z', recordedAt: '2026-06-02T00:00:00Z' }),
        ],
      }),
    ])
    expect(found(book, 'latest', {}, day('2026-05-31'))).toBe('acme/old#1 alias')
    expect(found(book, 'latest', {}, day('2026-06-01'))).toBe('acme/new#1 alias')
    const resolution = book.resolve('acme', 'latest', noConditions, day('2026-05-31'))
    expect(resolution.kind === 'card' && resolution.card.toMs).toBe(day('2026-06-01'))
  })

  test('an announced price is flagged', () => {
    const book = new PriceBook([file([entry('acme/a#1', ['a'], '1', { announced: true })])])
    expect(flags(book, 'a')).toEqual(['announced_price'])
  })
})

describe('conditions', () => {
  const book = new PriceBook([
    file(
      [
        entry('acme/a#1', ['a'], '2'),
        entry('acme/a#2', ['a'], '1', { when: { serviceTier: 'batch' } }),
        entry('acme/a#3', ['a'], '4', { when: { serviceTier: 'priority' } }),
        entry('acme/a#4', ['a'], '1.1', { when: { serviceTier: 'batch', dataResidency: ['us', 'eu'] } }),
        entry('acme/plain#1', ['plain'], '1'),
        entry('acme/host#1', ['host'], '1', { when: { region: ['', 'global'] } }),
        entry('acme/host#2', ['host'], '1.1', { when: { region: { not: ['', 'global'] } } }),
        entry('acme/image#1', ['image'], '1', { when: { imageSize: ['', '1024x1024'] } }),
      ],
      { spellings: { serviceTier: { fast: 'priority' } } },
    ),
  ])

  test('the most specific that holds is chosen', () => {
    expect(found(book, 'a')).toBe('acme/a#1 exact')
    expect(found(book, 'a', { serviceTier: 'batch' })).toBe('acme/a#2 exact')
    expect(found(book, 'a', { serviceTier: 'batch', dataResidency: 'eu' })).toBe('acme/a#4 exact')
  })

  test('values are compared without case and by their listed spellings', () => {
    expect(found(book, 'a', { serviceTier: 'FAST' })).toBe('acme/a#3 exact')
    expect(found(book, 'a', { serviceTier: 'default' })).toBe('acme/a#1 exact')
    expect(found(book, 'a', { serviceTier: 'auto' })).toBe('acme/a#1 exact')
  })

  test('a region is either the global endpoint or any other', () => {
    expect(found(book, 'host')).toBe('acme/host#1 exact')
    expect(found(book, 'host', { region: 'global' })).toBe('acme/host#1 exact')
    expect(found(book, 'host', { region: 'europe-west1' })).toBe('acme/host#2 exact')
    expect(flags(book, 'host', { region: 'europe-west1' })).toEqual([])
  })

  test('a tier or speed nobody priced gets the standard rate and says so', () => {
    expect(flags(book, 'a', { serviceTier: 'scale' })).toEqual(['standard_rate_used'])
    expect(flags(book, 'plain', { serviceTier: 'batch' })).toEqual(['standard_rate_used'])
    expect(flags(book, 'plain', { speed: 'fast' })).toEqual(['standard_rate_used'])
    expect(flags(book, 'a', { serviceTier: 'priority', dataResidency: 'us' })).toEqual(['standard_rate_used'])
    const resolution = book.resolve('acme', 'plain', { ...noConditions, serviceTier: 'batch' }, at)
    expect(resolution.kind === 'card' && resolution.card.reason).toBe('no_rate_for_tier')
  })

  test('a region matters only where the price of the model depends on it', () => {
    expect(flags(book, 'plain', { region: 'us-east-1', dataResidency: 'us', imageSize: '512x512' })).toEqual([])
  })

  test('a model with tiers and a call that does not say which: standard is assumed', () => {
    expect(flags(book, 'a')).toEqual(['tier_assumed'])
    expect(flags(book, 'a', { serviceTier: 'auto' })).toEqual(['tier_assumed'])
    expect(flags(book, 'a', { serviceTier: 'default' })).toEqual([])
    expect(flags(book, 'plain')).toEqual([])
  })

  test('where only other conditions have a price there is none', () => {
    expect(found(book, 'image', { imageSize: '512x512' })).toBe('no_rate_for_tier')
    expect(found(book, 'image')).toBe('acme/image#1 exact')
  })
})

describe('schedules', () => {
  const peak: Schedule = {
    zone: 'Asia/Shanghai',
    days: [1, 2, 3, 4, 5],
    hours: ['09:00-12:00', '14:00-18:00'],
    exceptCalendar: 'cn-public',
  }
  const night: Schedule = { zone: 'UTC', hours: ['16:30-00:30'] }
  const friday: Schedule = { zone: 'UTC', days: [5], hours: ['22:00-02:00'] }
  const book = new PriceBook([
    file(
      [
        entry('acme/a#1', ['a'], '1'),
        entry('acme/a#2', ['a'], '2', { when: { schedule: peak } }),
        entry('acme/n#1', ['n'], '2'),
        entry('acme/n#2', ['n'], '1', { when: { schedule: night } }),
        entry('acme/f#1', ['f'], '2'),
        entry('acme/f#2', ['f'], '1', { when: { schedule: friday } }),
        entry('acme/berlin#1', ['berlin'], '2'),
        entry('acme/berlin#2', ['berlin'], '1', {
          when: { schedule: { zone: 'Europe/Berlin', hours: ['01:00-05:00'] } },
        }),
      ],
      { calendars: { 'cn-public': ['2026-10-01'] } },
    ),
  ])
  const on = (model: string, instant: string): string => found(book, model, {}, Date.parse(instant)).slice(-7, -6)

  test('hours and weekdays are the zone’s, start inclusive, end exclusive', () => {
    expect(on('a', '2026-08-18T00:59:59Z')).toBe('1')
    expect(on('a', '2026-08-18T01:00:00Z')).toBe('2')
    expect(on('a', '2026-08-18T03:59:59.999Z')).toBe('2')
    expect(on('a', '2026-08-18T04:00:00Z')).toBe('1')
    expect(on('a', '2026-08-18T06:00:00Z')).toBe('2')
    expect(on('a', '2026-08-22T02:00:00Z')).toBe('1') // Saturday in Beijing
  })

  test('a public holiday is like a weekend', () => {
    expect(on('a', '2026-10-01T02:00:00Z')).toBe('1')
    expect(on('a', '2026-10-02T02:00:00Z')).toBe('2')
  })

  test('a window that passes midnight belongs to the day it starts on', () => {
    expect([on('n', '2025-07-15T16:29:59Z'), on('n', '2025-07-15T16:30:00Z')]).toEqual(['1', '2'])
    expect([on('n', '2025-07-16T00:29:59Z'), on('n', '2025-07-16T00:30:00Z')]).toEqual(['2', '1'])
    expect([on('f', '2026-08-21T23:00:00Z'), on('f', '2026-08-22T01:59:00Z')]).toEqual(['2', '2']) // Friday night
    expect([on('f', '2026-08-21T01:00:00Z'), on('f', '2026-08-22T23:00:00Z')]).toEqual(['1', '1'])
  })

  test('the window of an answer never spans a change, summer time included', () => {
    for (const [model, from, to] of [
      ['a', '2026-09-30T00:00:00Z', '2026-10-03T00:00:00Z'],
      ['n', '2026-08-20T00:00:00Z', '2026-08-22T00:00:00Z'],
      ['f', '2026-08-20T00:00:00Z', '2026-08-23T00:00:00Z'],
      ['berlin', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z'],
      ['berlin', '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z'],
    ] as const) {
      const answers = new Map<number, string>()
      for (let ms = Date.parse(from); ms < Date.parse(to); ms += 5 * 60_000)
        answers.set(ms, on(model, new Date(ms).toISOString()))
      for (const [ms, answer] of answers) {
        const resolution = book.resolve('acme', model, noConditions, ms)
        if (resolution.kind !== 'card') throw new Error('no card')
        const { fromMs, toMs } = resolution.card
        expect(fromMs <= ms && ms < toMs).toBe(true)
        for (const [other, otherAnswer] of answers)
          if (other >= fromMs && other < toMs && otherAnswer !== answer)
            throw new Error(`${model}: ${new Date(ms).toISOString()} claims ${new Date(other).toISOString()}`)
      }
    }
  })

  test('Berlin nights follow summer time', () => {
    expect([on('berlin', '2026-01-10T00:00:00Z'), on('berlin', '2026-01-10T04:00:00Z')]).toEqual(['2', '1'])
    expect([on('berlin', '2026-07-10T00:00:00Z'), on('berlin', '2026-07-10T03:00:00Z')]).toEqual(['2', '1'])
    expect(on('berlin', '2026-07-09T23:00:00Z')).toBe('2')
  })
})

describe('overrides', () => {
  const files = [file([entry('acme/a#1', ['a'], '1')], { modelPaths: ['models/'] })]
  const own = (id: string, more: Partial<PriceOverride>): PriceOverride => ({
    ...entry(id, ['a'], '7'),
    provider: 'acme',
    ...more,
  })

  test('narrow scopes go before wide ones, and all before the catalogue', () => {
    const all = [
      own('acme/own-i#1', { scope: 'installation' }),
      own('acme/own-p#1', { scope: 'project' }),
      own('acme/own-o#1', { scope: 'organisation' }),
    ]
    expect(found(new PriceBook(files, { overrides: all }), 'a')).toBe('acme/own-p#1 override')
    expect(found(new PriceBook(files, { overrides: [all[0]!, all[2]!] }), 'a')).toBe('acme/own-o#1 override')
    expect(found(new PriceBook(files, { overrides: [all[0]!] }), 'models/a')).toBe('acme/own-i#1 override')
  })

  test('outside its time the catalogue holds, and the answer ends where the override starts', () => {
    const book = new PriceBook(files, { overrides: [own('acme/own#1', { validFrom: '2026-07-01T00:00:00Z' })] })
    const resolution = book.resolve('acme', 'a', noConditions, at)
    if (resolution.kind !== 'card') throw new Error('no card')
    expect([resolution.card.entry, resolution.card.toMs]).toEqual(['acme/a#1', Date.parse('2026-07-01T00:00:00Z')])
    expect(found(book, 'a', {}, Date.parse('2026-07-01T00:00:00Z'))).toBe('acme/own#1 override')
  })

  test('a wildcard prices whatever a private provider serves', () => {
    const wildcard = own('ollama/any#1', { provider: 'ollama', models: { exact: [], prefix: [''] } })
    const book = new PriceBook(files, { overrides: [wildcard] })
    expect(found(book, 'llama3.3:70b', {}, at, 'ollama')).toBe('ollama/any#1 override')
    expect(found(book, 'a')).toBe('acme/a#1 exact')
  })

  test('an override is part of the version', () => {
    const plain = new PriceBook(files)
    expect(new PriceBook(files, { overrides: [own('acme/own#1', {})] }).version).not.toBe(plain.version)
  })
})

test('the version names all that decides a price: spellings, paths, calendars and hosts too', () => {
  const entries = [entry('acme/a#1', ['a'], '1')]
  const kinds: Partial<PriceFile>[] = [
    {},
    { modelPaths: ['models/'] },
    { spellings: { serviceTier: { fast: 'priority' } } },
    { calendars: { holidays: ['2026-12-25'] } },
    { isHost: true },
    { isHost: true, hasCommonIds: true },
    { modelSuffixes: [':nitro'] },
  ]
  const versions = kinds.map((more) => new PriceBook([file(entries, more)]).version)
  expect(new Set(versions).size).toBe(kinds.length)
  expect(new PriceBook([file(entries)]).version).toBe(versions[0])
})
