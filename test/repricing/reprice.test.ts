// A run shows, writes, adopts and undoes exactly what a plain recomputation says.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadQueries, runQuery } from '../../collector/queries.ts'
import { drift } from '../../collector/reconciling/rollups.ts'
import { step } from '../../collector/repricing/publish.ts'
import { differencesOf } from '../../collector/repricing/reading.ts'
import { recompute } from '../../collector/repricing/recompute.ts'
import { findRun } from '../../collector/repricing/runs.ts'
import { createRun, writeRun } from '../../collector/repricing/write-run.ts'
import { noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { quotePrice } from '../../processors/pricing/quote.ts'
import { formatPicoUsd, parsePicoUsd } from '../../schemas/money.ts'
import { type UsageUnitName, unit, usageUnitCount, usageUnits } from '../../schemas/usage.ts'
import { dice } from '../dice.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { entry } from '../pricing/cards.ts'
import {
  type CallRow,
  filterOf,
  firstBook,
  fromMs,
  insertCalls,
  laterBook,
  leftovers,
  partsOf,
  randomCalls,
  slicesOf,
  stateOf,
  toMs,
  writtenRun,
} from './ledger.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const usageColumns: Readonly<Partial<Record<UsageUnitName, string>>> = {
  input: 'input_tokens',
  output: 'output_tokens',
  cacheRead: 'cache_read_tokens',
  cacheWrite: 'cache_write_tokens',
  reasoning: 'reasoning_tokens',
}

/** Total of a call by the slow, obvious arithmetic; null where it has none. */
function plainTotal(book: PriceBook, call: CallRow): bigint | null {
  const other = call['usage_other'] as Record<string, number>
  const usage = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const { name, key } of usageUnits) {
    const column = usageColumns[name]
    const value = key === null ? call[column ?? ''] : other[key]
    const isTotal = name === 'input' || name === 'output'
    if (typeof value === 'number' && (value > 0 || isTotal || key !== null)) usage[unit[name]] = value
  }
  const totalOf = (counts: Float64Array): bigint | null => {
    const { totalUsd } = quotePrice(book, {
      provider: String(call['provider']),
      model: String(call['response_model'] || call['request_model']),
      atMs: Number((call.start_time + call.duration_ns) / 1_000_000n),
      usage: counts,
      conditions: { ...noConditions, serviceTier: String(call['service_tier']) },
    })
    return totalUsd === null ? null : parsePicoUsd(totalUsd)
  }
  // One side alone is not what a text cost, where both have a price and nothing else was billed.
  const isHalf = Number.isNaN(usage[unit.input]) !== Number.isNaN(usage[unit.output])
  const isOfText = call['kind'] === 'llm' && !Object.keys(other).some((key) => key !== 'cache_write_1h_tokens')
  const one = (side: 'input' | 'output') =>
    new Float64Array(usageUnitCount).fill(Number.NaN).fill(1, unit[side], unit[side] + 1)
  if (isHalf && isOfText && totalOf(one('input')) && totalOf(one('output'))) return null
  return totalOf(usage)
}

const isRepriced = ({ cost_status }: CallRow): boolean => cost_status === 'unpriced'

function sumOf(values: readonly (bigint | null)[]): string {
  return formatPicoUsd(values.reduce<bigint>((sum, value) => sum + (value ?? 0n), 0n))
}

async function adopted(project: string, book: PriceBook) {
  const run = await writtenRun(engine, project, book)
  return step(partsOf(engine, book), run.pricing_run, 'adopting')
}

const question = loadQueries().find(({ id }) => id === 'cost_by_run')

/** Cost before and by a run, groups without any left out. */
async function costByRun(project: string, run: string): Promise<Record<'difference' | 'total_cost', string>[]> {
  const range = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
  const rows = await runQuery<Record<'original_cost' | 'total_cost' | 'difference', string>>(
    engine.clickhouse,
    question!,
    { project, run, ...range },
  )
  return rows.filter(({ original_cost, total_cost }) => original_cost !== '0' || total_cost !== '0')
}

describe('a dry run', () => {
  test('says what a plain recomputation says, to the last digit', async () => {
    const calls = randomCalls('dry', 2000, 1)
    await insertCalls(engine.clickhouse, calls)
    const slices = await slicesOf(engine.clickhouse, 'dry')
    expect(slices.length).toBeGreaterThan(3)
    const parts = partsOf(engine, laterBook)
    const differences = await recompute({ ...parts, filter: filterOf('dry'), slices })
    const plain = calls.filter(isRepriced).map((call) => plainTotal(laterBook, call))
    expect(differences.totals()).toMatchObject({
      calls: plain.length,
      newly_priced: plain.filter((total) => total !== null).length,
      newly_unpriced: 0,
      original_cost: '0',
      total_cost: sumOf(plain),
      difference: sumOf(plain),
    })
    expect(plain.filter((total) => total !== null).length).toBeGreaterThan(700)
    const groups = differences.list()
    expect(sumOf(groups.map(({ total_cost }) => (total_cost === null ? null : parsePicoUsd(total_cost))))).toBe(
      sumOf(plain),
    )
    expect(groups.reduce((sum, each) => sum + each.calls, 0)).toBe(differences.totals().changed)
    expect(new Set(groups.map(({ day }) => day)).size).toBe(3)
  })

  test('is the same however the window is cut', async () => {
    const parts = partsOf(engine, laterBook)
    const filter = filterOf('dry')
    const lists = []
    for (const rowsMax of [90, 1_000_000]) {
      const slices = await slicesOf(engine.clickhouse, 'dry', rowsMax)
      lists.push((await recompute({ ...parts, filter, slices })).list())
    }
    expect(lists[1]).toEqual(lists[0])
  })
})

describe('adopting and undoing', () => {
  test('move rows and rollups to the book and back to exactly what was', async () => {
    await insertCalls(engine.clickhouse, randomCalls('round', 900, 2))
    await adopted('round', firstBook)
    const before = await stateOf(engine.clickhouse, 'round')
    const run = await writtenRun(engine, 'round', laterBook)
    expect(run.changed).toBeGreaterThan(300)
    expect(run.newly_priced).toBeGreaterThan(50)
    expect(run.newly_unpriced).toBeGreaterThan(0)
    expect(await stateOf(engine.clickhouse, 'round')).toEqual(before)
    const compared = await costByRun('round', run.pricing_run)
    expect(sumOf(compared.map(({ difference }) => parsePicoUsd(difference)))).toBe(
      formatPicoUsd(parsePicoUsd(run.total_cost) - parsePicoUsd(run.original_cost)),
    )

    const after = await step(partsOf(engine, laterBook), run.pricing_run, 'adopting')
    expect(after).toMatchObject({ state: 'adopted', left_alone: 0 })
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
    const adoptedState = await stateOf(engine.clickhouse, 'round')
    expect(adoptedState['spans']).not.toEqual(before['spans'])
    expect(await leftovers(engine.clickhouse, 'round')).toEqual([])
    expect(await costByRun('round', run.pricing_run)).toEqual(compared)
    // Priced as it now is, nothing is left to change.
    const again = await recompute({
      ...partsOf(engine, laterBook),
      filter: filterOf('round'),
      slices: await slicesOf(engine.clickhouse, 'round'),
    })
    expect(again.totals().changed).toBe(0)

    expect(await step(partsOf(engine, laterBook), run.pricing_run, 'undoing')).toMatchObject({
      state: 'undone',
      left_alone: 0,
    })
    expect(await stateOf(engine.clickhouse, 'round')).toEqual(before)
    expect(await leftovers(engine.clickhouse, 'round')).toEqual([])
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })

    expect(await costByRun('round', run.pricing_run)).toEqual(compared)
    await step(partsOf(engine, laterBook), run.pricing_run, 'adopting')
    expect(await stateOf(engine.clickhouse, 'round')).toEqual(adoptedState)
    for (const table of ['spans', 'usage_hourly', 'usage_user_daily', 'span_recosts'])
      await engine.clickhouse.command(`OPTIMIZE TABLE ${table} FINAL`)
    expect(await stateOf(engine.clickhouse, 'round')).toEqual(adoptedState)
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
  }, 120_000)

  test('leave a correction for every changed row, with old and new cost and the run', async () => {
    await insertCalls(engine.clickhouse, randomCalls('notes', 300, 3))
    const run = await adopted('notes', laterBook)
    await step(partsOf(engine, laterBook), run.pricing_run, 'undoing')
    const sums = await engine.clickhouse.query(
      `SELECT reason, count() AS rows, sum(old_cost) AS old, sum(new_cost) AS new, any(evidence) AS run, min(revision) AS revision
      FROM ledger_corrections FINAL WHERE project_id = 'notes' GROUP BY reason ORDER BY reason`,
    )
    const rows = String(run.changed)
    const cost = run.total_cost
    expect(sums).toEqual([
      { reason: 'reprice', rows, old: null, new: cost, run: run.pricing_run, revision: 1 },
      { reason: 'reprice_undone', rows, old: cost, new: null, run: run.pricing_run, revision: 2 },
    ])
    const [one] = await engine.clickhouse.query<{ changes: Record<string, string> }>(
      "SELECT changes FROM ledger_corrections FINAL WHERE project_id = 'notes' AND reason = 'reprice' AND changes['cost_status'] = 'unpriced → priced' LIMIT 1",
    )
    expect(one?.changes['price_entry']).toMatch(/^ → acme\/m/)
    expect(one?.changes['total_cost']).toMatch(/^NULL → \d/)
  })

  test('leave alone, and say so, what has changed since the run was written', async () => {
    const calls = randomCalls('late', 400, 4)
    await insertCalls(engine.clickhouse, calls)
    const run = await writtenRun(engine, 'late', laterBook)
    const changed = await engine.clickhouse.query<{ span_id: string }>(
      'SELECT span_id FROM span_recosts FINAL WHERE pricing_run = {run:String} ORDER BY span_id LIMIT 3',
      { run: run.pricing_run },
    )
    const late = calls.filter(({ span_id }) => changed.some((each) => each.span_id === span_id))
    const demoted = { cost_status: 'not_billed', cost_reason: 'duplicate', counted_as: 's0' }
    await insertCalls(
      engine.clickhouse,
      late.flatMap((call): CallRow[] => [
        { ...call, revision: 1, sign: -1 },
        { ...call, ...demoted, revision: 1, sign: 1 },
      ]),
    )
    const now = await step(partsOf(engine, laterBook), run.pricing_run, 'adopting')
    expect(now).toMatchObject({ state: 'adopted', left_alone: 3 })
    const kept = await engine.clickhouse.query(
      "SELECT count() AS rows FROM spans FINAL WHERE project_id = 'late' AND counted_as = 's0' AND cost_reason = 'duplicate' AND revision = 1",
    )
    expect(kept).toEqual([{ rows: '3' }])
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
    // And what was left alone is not undone either.
    await step(partsOf(engine, laterBook), run.pricing_run, 'undoing')
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
  })

  test('go on while calls arrive, which stay as they are', async () => {
    await insertCalls(engine.clickhouse, randomCalls('busy', 800, 5))
    const run = await writtenRun(engine, 'busy', laterBook)
    const arriving = randomCalls('busy', 1000, 6).map((call, i) => ({
      ...call,
      trace_id: `new-${i}`,
      span_id: `n${i}`,
    }))
    let sent = 0
    const parts = {
      ...partsOf(engine, laterBook),
      seam: async () => {
        const some = arriving.slice(sent, sent + 20)
        sent += some.length
        if (some.length > 0) await insertCalls(engine.clickhouse, some)
      },
    }
    await step(parts, run.pricing_run, 'adopting')
    expect(sent).toBeGreaterThan(100)
    const untouched = await engine.clickhouse.query(
      "SELECT count() AS rows FROM spans FINAL WHERE project_id = 'busy' AND trace_id LIKE 'new-%' AND revision = 0",
    )
    expect(untouched).toEqual([{ rows: String(sent) }])
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
  })

  test('a run that is not there, or in no state for it, is refused', async () => {
    const parts = partsOf(engine, laterBook)
    await expect(step(parts, 'nothing', 'adopting')).rejects.toThrow('there is no run nothing')
    await insertCalls(engine.clickhouse, randomCalls('state', 50, 7))
    const run = await writtenRun(engine, 'state', laterBook)
    await expect(step(parts, run.pricing_run, 'undoing')).rejects.toThrow('is written: only one that is adopted')
  })
})

describe('a run', () => {
  test('goes on where it ended, and is then as if it never had', async () => {
    await insertCalls(engine.clickhouse, randomCalls('half', 1000, 8))
    const whole = await writtenRun(engine, 'half', laterBook)
    const slices = await slicesOf(engine.clickhouse, 'half')
    const filter = filterOf('half')
    const begun = await createRun(engine.clickhouse, { filter, slices, asOf: null, priceBook: laterBook.version })
    const ends = new Error('the end')
    const seam = (point: string): void => {
      if (point === 'written 2') throw ends
    }
    await expect(writeRun({ ...partsOf(engine, laterBook), seam }, begun)).rejects.toBe(ends)
    const found = await findRun(engine.clickhouse, begun.pricing_run)
    expect(found).toMatchObject({ state: 'writing', written: 1 })
    const { run } = await writeRun(partsOf(engine, laterBook), found!)
    const { pricing_run: _, created_at: __, updated_at: ___, version: ____, ...rest } = whole
    expect(run).toMatchObject(rest)
    expect(await differencesOf(engine.clickhouse, run, 'UTC')).toEqual(
      await differencesOf(engine.clickhouse, whole, 'UTC'),
    )
  })

  test('written twice over is adopted once', async () => {
    await insertCalls(engine.clickhouse, randomCalls('twice', 300, 9))
    const run = await writtenRun(engine, 'twice', laterBook)
    await writeRun(partsOf(engine, laterBook), { ...run, state: 'writing', written: 0, calls: 0 })
    await step(partsOf(engine, laterBook), run.pricing_run, 'adopting')
    await step(partsOf(engine, laterBook), run.pricing_run, 'adopting')
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
    const sums = await engine.clickhouse.query(
      "SELECT sum(total_cost) AS cost FROM llm_calls WHERE project_id = 'twice' AND cost_status IN ('priced', 'partial')",
    )
    expect(sums).toEqual([{ cost: run.total_cost }])
  })
})

test('any book over any ledger: dry run, run and ledger agree, and undoing brings back what was', async () => {
  const random = dice(20_261_124)
  const rate = (): string => String(Math.floor(random() * 1e7) / 1e6)
  for (let round = 0; round < 3; round++) {
    const project = `any${round}`
    const calls = randomCalls(project, 300, 100 + round)
    await insertCalls(engine.clickhouse, calls)
    const entries = ['m1', 'm2', 'm3'].flatMap((model, i) =>
      random() < 0.3
        ? []
        : [
            entry(`acme/${model}#${round}`, [model], {
              input: rate(),
              output: rate(),
              ...(random() < 0.5 ? { cacheRead: rate(), cacheWrite: rate() } : {}),
              ...(random() < 0.5 ? { webSearch: rate() } : {}),
              ...(i === 0 ? { audioSeconds: rate() } : {}),
            }),
          ],
    )
    const book = new PriceBook([{ provider: 'acme', entries }])
    const before = await stateOf(engine.clickhouse, project)
    const slices = await slicesOf(engine.clickhouse, project, 20 + Math.floor(random() * 300))
    const dry = await recompute({ ...partsOf(engine, book), filter: filterOf(project), slices })
    const plain = sumOf(calls.filter(isRepriced).map((call) => plainTotal(book, call)))
    expect(dry.totals().total_cost).toBe(plain)
    const run = await adopted(project, book)
    expect(run).toMatchObject({ changed: dry.totals().changed, total_cost: plain })
    const [ledger] = await engine.clickhouse.query(
      "SELECT sum(total_cost) AS cost FROM llm_calls WHERE project_id = {project:String} AND cost_status != 'reported'",
      { project },
    )
    expect(ledger).toEqual({ cost: plain === '0' && run.newly_priced === 0 ? null : plain })
    await step(partsOf(engine, book), run.pricing_run, 'undoing')
    expect(await stateOf(engine.clickhouse, project)).toEqual(before)
    expect(await drift(engine.clickhouse, { fromMs, toMs })).toEqual({ groups: 0, cost: '0' })
  }
}, 120_000)
