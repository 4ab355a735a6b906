// `spanledger price` as it is typed: what it prints is judged, not what it calls.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { readFixture, type Vector } from './vectors.ts'

type Line = Record<string, unknown> & { readonly id: string }

interface Policy {
  readonly id: string
  readonly given: object
  readonly expected: Record<string, unknown>
}

const notProviders = ['policies', 'waivers']
const fixtures = readdirSync(new URL('../fixtures/prices/', import.meta.url))
  .map((name) => name.replace(/\.json$/, ''))
  .filter((name) => !notProviders.includes(name))
const vectors = fixtures.flatMap((provider) =>
  readFixture<{ vectors: Vector[] }>(provider).vectors.map((vector) => ({ ...vector, provider })),
)
const { policies } = readFixture<{ policies: Policy[] }>('policies')
const { waived } = readFixture<{ waived: Record<string, string> }>('waivers')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanledger-price-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCli({
    argv: ['price', ...argv, '--data-dir', folder],
    env: {},
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

async function answers(document: object): Promise<{ code: number; lines: Map<string, Line> }> {
  const file = join(folder, 'vectors.json')
  writeFileSync(file, JSON.stringify(document))
  const { code, out, err } = await run('--vectors', file, '--json')
  expect(err).toBe('')
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  return { code, lines: new Map(lines.map((line) => [line.id, line])) }
}

async function answer(vector: object): Promise<Line | undefined> {
  return (await answers({ vectors: [{ id: 'x', ...vector }] })).lines.get('x')
}

describe('price --vectors', () => {
  let lines: Map<string, Line>
  beforeAll(async () => {
    const result = await answers({ name: 'all', vectors, policy_vectors: policies })
    expect(result.code).toBe(0)
    lines = result.lines
    expect(lines.size).toBe(vectors.length + policies.length)
  })

  test.each(vectors.filter(({ id }) => waived[id] === undefined).map((vector) => [vector.id, vector] as const))(
    '%s',
    (id, { expected, certainty }) => {
      const line = lines.get(id)
      const amounts = expected.components.map(({ component, amount_usd }) => ({ component, amount_usd }))
      if (certainty === 'disputed')
        expect([expected.total_usd, expected.alternative?.total_usd]).toContain(line?.['total_usd'])
      else {
        expect(line).toMatchObject({ status: expected.status, total_usd: expected.total_usd })
        expect(line?.['components']).toEqual(amounts)
      }
      expect(line).toMatchObject({
        price_entry: expect.stringContaining('#'),
        price_book: expect.stringMatching(/^\d{4}-\d\d-\d\d\.[0-9a-f]{8}$/),
        flags: expect.any(Array),
        reason: null,
      })
    },
  )

  test.each(policies.map((policy) => [policy.id, policy] as const))('%s', (id, { expected }) => {
    const line = lines.get(id)
    const { components, ...rest } = expected
    expect(line).toMatchObject(rest)
    if (Array.isArray(components))
      expect(line?.['components']).toEqual(components.map(({ component, amount_usd }) => ({ component, amount_usd })))
  })

  test('a name that nobody knows is an error of its vector, and the others are priced', async () => {
    const call = {
      provider: 'openai',
      model: 'gpt-4.1',
      timestamp: '2026-08-10T09:00:00Z',
      usage: { input_tokens: 10 },
    }
    const { code, lines: some } = await answers({
      vectors: [
        { ...call, id: 'good' },
        { ...call, id: 'field', discount: '0.1' },
        { ...call, id: 'unit', usage: { input_tokens: 10, llamas: 3 } },
        { ...call, id: 'condition', context: { tier: 'batch' } },
        { ...call, id: 'time', timestamp: 'yesterday' },
        { ...call, id: 'count', usage: { input_tokens: 'ten' } },
        { ...call, id: 'none', usage: undefined },
      ],
      policy_vectors: [
        {
          id: 'rate',
          given: { ...call, overrides: [{ provider: 'openai', model: 'm', rates: { llamas: { price: '1' } } }] },
        },
        { id: 'given', given: { ...call, colour: 'red' } },
        { id: 'base', given: { base: 'nowhere', reprice_with: 'after 2026-01-01' } },
        {
          id: 'price',
          given: { ...call, overrides: [{ provider: 'openai', model: 'm', rates: { input: { price: '1e-6' } } }] },
        },
      ],
    })
    expect(code).toBe(1)
    expect(some.get('good')).toMatchObject({ status: 'partial', total_usd: '0.00002' })
    const errors = Object.fromEntries(
      [...some].filter(([id]) => id !== 'good').map(([id, line]) => [id, line['error']]),
    )
    expect(errors).toEqual({
      field: 'unknown field "discount"',
      unit: 'usage: no unit is called "llamas"',
      condition: 'context: no condition is called "tier"',
      time: 'timestamp: "yesterday" is no instant such as 2026-08-10T09:00:00Z',
      count: 'usage.input_tokens: "ten" is no number',
      none: 'usage: nothing is no object',
      rate: 'overrides[0].rates: no unit is called "llamas"',
      given: 'unknown field "given.colour"',
      base: 'base: no vector "nowhere" in this file',
      price: 'overrides[0].rates.input: "1e-6" is no decimal such as "0.75"',
    })
    for (const [id, line] of some) if (id !== 'good') expect(Object.keys(line)).toEqual(['id', 'error'])
  })

  const call = { provider: 'anthropic', model: 'claude-sonnet-4-6', timestamp: '2026-08-10T09:00:00Z' }

  test('writes that come by lifetime alone are their sum; a lifetime beyond all writes is no count', async () => {
    const usage = {
      input_tokens: 1000,
      cache_creation_5m_input_tokens: 300,
      cache_creation_1h_input_tokens: 200,
      output_tokens: 0,
    }
    expect(await answer({ ...call, usage })).toMatchObject({
      components: [
        { component: 'input', amount_usd: '0.0015' },
        { component: 'cache_write', amount_usd: '0.001125' },
        { component: 'cache_write_1h', amount_usd: '0.0012' },
      ],
    })
    expect(await answer({ ...call, usage: { ...usage, cache_creation_input_tokens: 400 } })).toMatchObject({
      status: 'invalid',
      reason: 'bad_quantity',
      total_usd: null,
      components: [],
    })
  })

  test('the model that answered is priced, in whatever spelling the provider and the path are written', async () => {
    const usage = { input_tokens: 1000, output_tokens: 100 }
    const plain = await answer({ ...call, usage })
    const context = { response_model: 'claude-sonnet-4-6', request_model: 'mine', service_tier_requested: 'batch' }
    const named = await answer({ ...call, provider: 'Claude', model: 'mine', context, usage })
    expect(named).toEqual(plain)
  })

  test('a vector may ask as of an instant', async () => {
    const vector = { ...call, usage: { input_tokens: 1000, output_tokens: 100 } }
    expect(await answer({ ...vector, as_of: '2020-01-01' })).toMatchObject({ status: 'unpriced', total_usd: null })
    expect(await answer({ ...vector, as_of: '2100-01-01' })).toMatchObject({ status: 'priced', total_usd: '0.0045' })
  })

  test('what is reported in another currency is not compared', async () => {
    const usage = { input_tokens: 1000, output_tokens: 100 }
    const reported = { amount: '0.005', currency: 'EUR', source: 'gateway' }
    expect(await answer({ ...call, usage, reported })).toMatchObject({
      total_usd: '0.0045',
      reported_usd: null,
      delta_usd: null,
      reported: '0.005',
      reported_currency: 'EUR',
    })
    const dearer = { amount: 0.005, source: 'gateway' }
    expect(await answer({ ...call, usage, reported: dearer })).toMatchObject({
      reported_usd: '0.005',
      delta_usd: '0.0005',
    })
  })

  test('different calls have their amounts apart, one without a price has no sum', async () => {
    const calls = [
      { input_tokens: 1000, output_tokens: 0 },
      { input_tokens: 3000, output_tokens: 0 },
    ]
    const { lines: some } = await answers({
      policy_vectors: [
        { id: 'two', given: { ...call, calls } },
        { id: 'gap', given: { ...call, calls: [...calls, {}] } },
        { id: 'none', given: { ...call, calls: 0, usage: calls[0] } },
      ],
    })
    expect(some.get('two')).toMatchObject({ per_call_usd: ['0.003', '0.009'], sum_usd: '0.012' })
    expect(some.get('gap')).toMatchObject({ status: 'unpriced', reason: 'no_usage', sum_usd: null })
    expect(some.get('none')).toEqual({ id: 'none', error: 'calls: 0 is no count' })
  })

  test('what is no file of vectors is wrong use', async () => {
    const file = join(folder, 'wrong.json')
    for (const [text, want] of [
      ['{', 'is not JSON'],
      ['[]', 'the file: [] is no object'],
      ['{"entries":[]}', 'neither "vectors" nor "policy_vectors"'],
    ] as const) {
      writeFileSync(file, text)
      const { code, err } = await run('--vectors', file)
      expect([code, err.includes(want)]).toEqual([2, true])
    }
    expect(await run('--vectors', join(folder, 'absent.json'))).toMatchObject({ code: 2 })
    writeFileSync(file, '{"vectors":[]}')
    expect(await run('openai', 'gpt-4.1', '--vectors', file)).toMatchObject({ code: 2 })
  })
})

describe('price PROVIDER MODEL', () => {
  const at = ['--at', '2026-02-10T09:00:00Z']

  test('every step can be followed on paper', async () => {
    const usage = [
      '--input',
      '201000',
      '--cache-read',
      '15000',
      '--cache-write',
      '500',
      '--cache-write-1h',
      '400',
      '--output',
      '1200',
    ]
    const { code, out } = await run('anthropic', 'claude-sonnet-4-5', ...at, ...usage, '--service-tier', 'batch')
    expect(code).toBe(0)
    for (const line of [
      '"anthropic" is anthropic',
      'no: anthropic/claude-sonnet-4-5-20250929#2 names more conditions',
      'chosen (for service tier "batch")',
      'no: valid from 2026-04-30T00:00:00Z',
      'over 200,000 input tokens; the whole call is charged by it',
      '201,000 − 15,000 (cache read) − 100 (cache write) − 400 (cache write 1h) = 185,500',
      'input           185,500 × 3     ÷ 1,000,000 = 0.5565 USD',
      '0.5565 + 0.0045 + 0.000375 + 0.0024 + 0.0135 = 0.577275 USD',
    ])
      expect(out).toContain(line)
  })

  test('rates for calls that reasoned say so', async () => {
    const call = ['alibaba_cloud', 'qwen-plus', '--at', '2026-08-10', '--input', '1000', '--output', '100']
    const thinking = await run(...call, '--reasoning', '50')
    expect(thinking.out).toContain('input tokens, for calls that used reasoning tokens; the whole call')
    expect((await run(...call)).out).toContain('up to 256,000 input tokens; the whole call')
  })

  test('minimum, fallback and a missing rate show in the quantities', async () => {
    const short = await run('groq', 'whisper-large-v3', ...at, '--audio-seconds', '4')
    expect(short.out).toContain('4, at least 10 = 10')
    expect(short.out).toContain('0.000308333333333333… ≈ 0.000308333333 USD')
    const whole = await run(
      'mistral_ai',
      'mistral-embed',
      ...at,
      '--input',
      '1000',
      '--video-seconds',
      '2',
      '--output',
      '0',
    )
    expect(whole.out).toContain('video seconds  2   no rate')
    expect(whole.out).toContain('partial, no_rate_for_unit')
    const merged = await run(
      'groq',
      'llama-3.3-70b-versatile',
      ...at,
      '--input',
      '100',
      '--cache-read',
      '40',
      '--output',
      '1',
    )
    expect(merged.out).toContain('100 − 40 (cache read) + 40 (cache read, no rate of its own) = 100')
  })

  test('the printed components are the products they claim to be, and add up', async () => {
    for (const { provider, model, usage, timestamp } of vectors.filter((_, i) => i % 18 === 0)) {
      const flags = Object.entries(usage).flatMap(([name, count]) => {
        const flag = { input_tokens: '--input', output_tokens: '--output', cache_read_input_tokens: '--cache-read' }[
          name
        ]
        return flag === undefined ? [] : [flag, String(count)]
      })
      const { out } = await run(provider, model, '--at', timestamp, ...flags, '--json')
      const quote = JSON.parse(out) as {
        components: { quantity: string; price: string; per: string; amount_usd: string }[]
        total_usd: string | null
      }
      let sum = 0n
      for (const { quantity, price, per, amount_usd } of quote.components) {
        const product = BigInt(quantity) * digits(price)
        expect(digits(amount_usd) * BigInt(per)).toBe(product)
        sum += digits(amount_usd)
      }
      if (quote.components.length > 0) expect(digits(quote.total_usd ?? '')).toBe(sum)
    }
  })

  test('as data it has the same steps', async () => {
    const { out } = await run('openai', 'gpt-4.1', ...at, '--input', '100', '--output', '10', '--json')
    expect(JSON.parse(out)).toMatchObject({
      status: 'priced',
      total_usd: '0.00028',
      price_entry: 'openai/gpt-4.1#1',
      flags: ['tier_assumed'],
      asked: { provider: 'openai', usage: { input_tokens: 100, output_tokens: 10 } },
      lookups: [
        {
          match: 'exact',
          entries: [
            { id: 'openai/gpt-4.1#1', kind: 'chosen' },
            { id: 'openai/gpt-4.1#2', kind: 'condition_not_met', condition: 'serviceTier', wants: 'priority' },
            { id: 'openai/gpt-4.1#3', kind: 'condition_not_met' },
          ],
        },
      ],
      chosen: { match: 'exact', entry: { id: 'openai/gpt-4.1#1', confidence: 'high' } },
      components: [{ component: 'input', quantity: '100', price: '2', per: '1000000', amount_usd: '0.0002' }, {}],
    })
  })

  test('what has no price is a finding, with its reason and a name that may be meant', async () => {
    const usage = ['--input', '10', '--output', '1']
    const unknown = await run('openai', 'gpt-4o-2027-03-01', ...at, ...usage)
    expect(unknown.code).toBe(1)
    expect(unknown.out).toContain('unpriced, unknown_model')
    expect(unknown.out).toContain('did you mean openai gpt-4o?')
    const guess = await run('my_gateway', 'gpt-4o', ...at, ...usage)
    expect([guess.code, guess.out.includes('did you mean openai gpt-4o?')]).toEqual([1, true])
    const early = await run('openai', 'gpt-4.1', ...at, '--as-of', '2020-01-01', ...usage)
    expect([early.code, early.out.includes('after the book asked for')]).toEqual([1, true])
    const split = await run('openai', 'gpt-4.1', ...at, '--input', '10', '--cache-read', '11', '--output', '1')
    expect([split.code, split.out.includes('invalid, cache_exceeds_input')]).toEqual([1, true])
  })

  test('own prices of the project, discounts and names of models apply, and the story tells them', async () => {
    const file = join(folder, 'own.yaml')
    writeFileSync(
      file,
      `prices:
  - id: acme-large
    provider: acme
    model: acme-large
    rates: { input: "0.4", output: "0.9" }
    per: { tokens: 1000000 }
    currency: USD
    project: blue
discounts:
  - id: off
    provider: openai
    model: gpt-4.1
    percent: 10
aliases:
  - id: prod
    provider: openai
    name: prod-chat
    model: gpt-4.1
`,
    )
    const usage = ['--input', '10000', '--output', '1000', '--prices-file', file]
    const own = await run('acme', 'acme-large', ...usage, '--project', 'blue')
    expect([own.code, own.err]).toEqual([0, ''])
    expect(own.out).toContain('0.004 + 0.0009 = 0.0049 USD')
    expect((await run('acme', 'acme-large', ...usage)).code).toBe(1)
    const off = await run('openai', 'gpt-4.1', ...usage)
    expect(off.out).toContain('10 % off what the catalogue gives')
    expect(off.out).toContain('0.018 + 0.0072 = 0.0252 USD')
    const named = await run('openai', 'prod-chat', ...usage)
    expect(named.out).toContain('"prod-chat" is gpt-4.1')
    expect(named.out).toContain('= 0.0252 USD')
    const vector = { provider: 'openai', model: 'prod-chat', timestamp: new Date().toISOString() }
    const vectorFile = join(folder, 'own.json')
    const call = { id: 'x', ...vector, usage: { input_tokens: 10000, output_tokens: 1000 } }
    writeFileSync(vectorFile, JSON.stringify({ vectors: [call] }))
    const { out } = await run('--vectors', vectorFile, '--json', '--prices-file', file)
    expect(JSON.parse(out)).toMatchObject({ total_usd: '0.0252' })
    writeFileSync(file, 'prices: 7\n')
    expect(await run('openai', 'gpt-4.1', ...usage)).toMatchObject({ code: 2, out: '' })
  })

  const wrong: [string, string[], string][] = [
    ['no model', ['openai'], 'price takes PROVIDER MODEL'],
    ['a count below zero', ['openai', 'gpt-4.1', '--input=-5'], '--input: "-5" is no count such as 12000'],
    ['a fraction of a token', ['openai', 'gpt-4.1', '--input', '10.5'], '--input: "10.5" is no count'],
    [
      'a word for a count',
      ['openai', 'gpt-4.1', '--audio-seconds', 'x'],
      '--audio-seconds: "x" is no quantity such as 12.5',
    ],
    ['a time that is none', ['openai', 'gpt-4.1', '--at', 'noon'], '--at: "noon" is not a time such as'],
    ['an unknown flag', ['openai', 'gpt-4.1', '--imput', '5'], 'unknown flag "--imput"; did you mean --input?'],
  ]
  test.each(wrong)('%s is wrong use, in one line', async (_, argv, want) => {
    const { code, out, err } = await run(...argv)
    expect([code, out]).toEqual([2, ''])
    expect(err.startsWith(`spanledger: ${want}`)).toBe(true)
    expect(err.trim().split('\n')).toHaveLength(1)
  })
})

/** A decimal as an integer of 1e-15. */
function digits(text: string): bigint {
  const [whole = '', decimals = ''] = text.split('.')
  return BigInt(whole + decimals.padEnd(15, '0'))
}
