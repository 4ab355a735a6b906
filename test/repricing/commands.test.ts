// spanledger reprice and what-if, as typed: figures worked out by hand, exit codes, wrong use.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../collector/cli.ts'
import { insertSpans, spanRow } from '../clickhouse/span-rows.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
const folder = mkdtempSync(join(tmpdir(), 'spanledger-reprice-'))
const day = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 2 * 86_400_000
const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const window = ['--from', date(day), '--to', date(day + 86_400_000)]

// Two calls of gpt-4.1 (2 and 8 USD a million, cached 0.5), priced wrongly; one of a model that has no price; one charged
// by its sender; one that is no call.
beforeAll(async () => {
  engine = await startTestEngine()
  const call = (id: string, given: object) =>
    spanRow(id, {
      start_time: BigInt(day + 3_600_000) * 1_000_000n,
      provider: 'openai',
      request_model: 'gpt-4.1',
      model: 'gpt-4.1',
      usage_rule: 'inclusive:emitter',
      input_tokens: 1_000_000,
      output_tokens: 100_000,
      input_cost: 1n,
      output_cost: 1n,
      total_cost: 2n,
      price_entry: 'openai/gpt-4.1#0',
      price_book: 'old',
      ...given,
    })
  await insertSpans(engine.clickhouse, [
    call('a', {}),
    call('b', { cache_read_tokens: 400_000 }),
    call('c', {
      request_model: 'house-model',
      model: 'house-model',
      total_cost: null,
      input_cost: null,
      output_cost: null,
      price_entry: '',
      price_book: '',
      cost_status: 'unpriced',
      cost_reason: 'unknown_model',
    }),
    call('d', { cost_status: 'reported', total_cost: 5_000_000_000_000n, price_entry: '', price_book: '' }),
    call('e', { kind: 'tool', cost_status: 'not_billed', cost_reason: 'not_a_model_call', total_cost: null }),
  ])
})
afterAll(async () => {
  await engine.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function spanledger(...argv: string[]) {
  let out = ''
  let err = ''
  const code = await runCli({
    argv,
    env: { SPANLEDGER_CLICKHOUSE_URL: engine.url, SPANLEDGER_DATA_DIR: folder },
    readFile: () => '',
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err, json: () => JSON.parse(out) as Record<string, unknown> }
}

describe('reprice', () => {
  // a: 2 + 0.8; b: 600,000 × 2 + 400,000 × 0.5 a million + 0.8.
  const [first, second] = [2.8, 2.2]

  test('shows the difference, writes nothing and ends in 1', async () => {
    const { code, out } = await spanledger('reprice', ...window)
    expect(code).toBe(1)
    expect(out).toContain('3 looked at, 2 change: 0 become priced, 0 unpriced')
    expect(out).toContain('0.000000000004 USD in the ledger, 5 USD by the book')
    expect(out).toMatch(/openai\/gpt-4\.1#0 → openai\/gpt-4\.1#\d+ +priced +2 +0\.000000000004 +5 +4\.999999999996/)
    expect(out).toContain('Kept      1 reported')
    expect(out).toContain('Nothing was written.')
    expect(await spanledger('reprice', 'list', '--json').then(({ json }) => json())).toEqual({ runs: [] })
    expect(first + second).toBe(5)
  })

  test('writes, shows, adopts and undoes a run; the same again changes nothing', async () => {
    const written = await spanledger('reprice', ...window, '--write', '--json')
    expect(written.code).toBe(0)
    const { run, differences } = written.json()
    expect(differences).toMatchObject([{ calls: 2, total_cost: '5', provider: 'openai' }])
    const id = String(run)
    // The entry that the rows will name is in the table of prices.
    const [named] = await engine.clickhouse.query(
      'SELECT count() AS rows FROM span_recosts AS r INNER JOIN model_prices AS p ON p.entry_id = r.price_entry AND p.price_book = r.price_book WHERE r.pricing_run = {id:String}',
      { id },
    )
    expect(named).toEqual({ rows: '2' })
    const shown = await spanledger('reprice', 'show', id, '--json')
    expect(shown.json()).toMatchObject({
      state: 'written',
      changed: 2,
      calls: 3,
      difference: '4.999999999996',
      differences,
    })
    const adopted = await spanledger('reprice', 'adopt', id)
    expect(adopted.code).toBe(0)
    expect(adopted.out).toContain('is adopted')
    expect(adopted.out).toContain('Drift audit: 0')
    expect(adopted.err).toContain('publishing')
    const again = await spanledger('reprice', ...window)
    expect(again.code).toBe(0)
    expect(again.out).toContain('Nothing would change.')
    const undone = await spanledger('reprice', 'undo', id, '--json')
    expect(undone.json()).toMatchObject({ state: 'undone', left_alone: 0, drift: { groups: 0 } })
    expect((await spanledger('reprice', ...window)).code).toBe(1)
    expect((await spanledger('reprice', 'resume', id)).err).toContain('there is nothing to resume')
  })

  test('by the prices as they were known at a time', async () => {
    const { code, out } = await spanledger('reprice', ...window, '--as-of', '2020-01-01T00:00:00Z', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ as_of: '2020-01-01T00:00:00.000Z', newly_unpriced: 2, total_cost: '0' })
  })

  test.each([
    [['reprice', 'adapt', 'x'], 'reprice has no action "adapt"'],
    [['reprice', 'adopt'], 'reprice adopt takes the id of a RUN'],
    [['reprice', 'list', 'x'], 'reprice list takes no RUN'],
    [['reprice', 'show', 'x'], 'there is no run x'],
    [['reprice', '--as-of', 'soon'], '--as-of: "soon" is not a time'],
    [['what-if'], 'what-if takes --to-model PROVIDER/MODEL, --prices FILE, or both'],
    [['what-if', '--to-model', 'gpt-4.1'], '"gpt-4.1" is not PROVIDER/MODEL'],
    [['what-if', '--to-model', 'openai/nothing'], 'has no price of openai/nothing'],
    [['what-if', '--prices', join(folder, 'none.yaml')], 'none.yaml: cannot be read'],
  ])('%j is wrong use', async (argv, message) => {
    const { code, err } = await spanledger(...argv)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})

describe('what-if', () => {
  test('prices calls as another model and says what it assumed', async () => {
    // gpt-4.1-mini: 0.4 and 1.6 USD a million, cached 0.1. a: 0.4 + 0.16; b: 0.24 + 0.04 + 0.16; c and d: 0.56 each.
    const { code, json } = await spanledger('what-if', ...window, '--to-model', 'openai/gpt-4.1-mini', '--json')
    expect(code).toBe(0)
    expect(json()).toMatchObject({
      to_model: { provider: 'openai', model: 'gpt-4.1-mini' },
      total: { calls: 4, compared: 3, original_cost: '5.000000000004', whatif_cost: '1.56' },
      unpriced_before: { calls: 1, whatif_cost: '0.56' },
      unpriced_then: [],
      groups: [
        { day: date(day), model: 'gpt-4.1', calls: 3, compared: 3, difference: '-3.440000000004' },
        { day: date(day), model: 'house-model', calls: 1, compared: 0, difference: '0' },
      ],
    })
    const { out } = await spanledger('what-if', ...window, '--to-model', 'openai/gpt-4.1-mini')
    expect(out).toContain('The same token counts')
    expect(out).toContain('No cost in the ledger, not compared: 1 calls, which would have cost 0.56 USD.')
  })

  test('a model without cache rates takes cached tokens as input, and says so', async () => {
    const { out } = await spanledger('what-if', ...window, '--to-model', 'openai/gpt-4-turbo')
    expect(out).toContain('Without a rate for cached or reasoning tokens they are charged as input or output: 1 calls.')
  })

  test('prices calls by own prices, the model that had none among them', async () => {
    const file = join(folder, 'own.yaml')
    writeFileSync(
      file,
      `prices:
  - id: house
    provider: openai
    model: house-model
    rates: { input: "1", output: "10" }
    per: { tokens: 1000000 }
`,
    )
    const { code, out, err } = await spanledger(
      'what-if',
      ...window,
      '--model',
      'house-model',
      '--prices',
      file,
      '--json',
    )
    expect({ code, err: err.replace(/^pricing.*\n/gm, '') }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ unpriced_before: { calls: 1, whatif_cost: '2' } })
  })

  test("prices calls by another price list of a provider's", async () => {
    const file = join(folder, 'openai.json')
    const entry = {
      id: 'openai/gpt-4.1#9',
      models: { exact: ['gpt-4.1'] },
      validFrom: null,
      validTo: null,
      recordedAt: '2026-01-01T00:00:00Z',
      bands: [{ rates: { input: '1' } }],
      per: { tokens: 1_000_000 },
      currency: 'USD',
      source: [{ what: 'a test', read: '2026-01-01' }],
      confidence: 'high',
    }
    writeFileSync(file, JSON.stringify({ provider: 'openai', entries: [entry] }))
    const { out } = await spanledger('what-if', ...window, '--model', 'gpt-4.1', '--prices', file, '--json')
    expect(JSON.parse(out)).toMatchObject({
      total: { calls: 3, compared: 3, whatif_cost: '3' },
      partial: 3,
      units_without_rate: [{ unit: 'output', calls: 3 }],
    })
  })
})
