// Sums of money are exact to the last digit, however many rows and whatever the amounts: from parts of a micro-dollar to
// more than a 64-bit sum of picos could hold, with corrections among them. The other side of the comparison is added up here,
// in integers, from the rule that the rows were made by. `EXACT_ROWS=10000000` runs it on ten million; docs/benchmarks.md has
// what came out.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestEngine, type TestEngine } from '../engine.ts'

const rows = Number(process.env['EXACT_ROWS'] ?? 1_000_000)
const models = 8
const hours = 48
/** One row in so many was corrected once. */
const correctedEvery = 64
/** Below 2^53 pico-USD, the most that a row may carry. */
const sizes = [1n << 20n, 1n << 33n, 1n << 46n, 1n << 53n]

const day = 86_400_000
const start = Math.floor(Date.now() / day) * day - 3 * day

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine?.stop())

/** Multipliers of a linear congruential generator modulo 2^64 (Knuth, MMIX); its high bits are the amount. */
const [a, c] = [6364136223846793005n, 1442695040888963407n]

/** Pico-USD of row i; `salt` makes another amount of it. */
function pico(i: number, salt: bigint): bigint {
  const random = BigInt.asUintN(64, (BigInt(i) * 4n + salt) * a + c) >> 11n
  return random % sizes[i % sizes.length]!
}

/** The same in SQL, over `number`. */
const picoSql = (salt: bigint) =>
  `bitShiftRight((number * 4 + ${salt}) * toUInt64(${a}) + toUInt64(${c}), 11) % arrayElement([${sizes.map((size) => `toUInt64(${size})`).join(', ')}], (number % ${sizes.length}) + 1)`
/** Written out as text, so that no arithmetic of decimals is trusted. */
const moneySql = (salt: bigint) =>
  `toDecimal64(concat(toString(intDiv(${picoSql(salt)}, 1000000000000)), '.', leftPad(toString((${picoSql(salt)}) % 1000000000000), 12, '0')), 12)`

async function insert(salt: bigint, sign: number, revision: number, where: string): Promise<void> {
  await engine.clickhouse.command(
    `INSERT INTO spans (project_id, kind, start_time, trace_id, span_id, model, total_cost, input_cost, cost_status, retention_days, ingested_at, sign, revision)
     SELECT 'default', 'llm', fromUnixTimestamp64Milli(toInt64(${start}) + intDiv(number, ${models}) % ${hours} * 3600000), leftPad(hex(number), 32, '0'), leftPad(hex(number), 16, '0'),
       concat('model-', toString(number % ${models})), ${moneySql(salt)}, ${moneySql(salt)}, 'priced', 90, now64(3), ${sign}, ${revision}
     FROM numbers(${rows}) WHERE ${where}`,
    {},
    // As the collector inserts: versions are folded by merges and by FINAL.
    {
      max_threads: 2,
      max_insert_block_size: '100000',
      optimize_on_insert: 0,
      async_insert: 0,
      max_execution_time: 600,
    },
  )
}

/** Decimal text as an integer of picos. */
function picoOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(12, '0'))
}

test(`sums over ${rows} rows and their corrections are the integer sums`, { timeout: 900_000 }, async () => {
  await insert(0n, 1, 0, '1')
  const corrected = `number % ${correctedEvery} = 0`
  await insert(0n, -1, 1, corrected)
  await insert(1n, 1, 1, corrected)

  const byModel = new Array<bigint>(models).fill(0n)
  const byHour = new Array<bigint>(hours).fill(0n)
  let all = 0n
  for (let i = 0; i < rows; i++) {
    const amount = pico(i, i % correctedEvery === 0 ? 1n : 0n)
    all += amount
    byModel[i % models]! += amount
    byHour[Math.floor(i / models) % hours]! += amount
  }
  // More than fits a signed 64-bit sum of picos, or the test proves less than it says.
  expect(all > 1n << 63n).toBe(true)

  const sums = async (sql: string): Promise<bigint[]> => {
    const found = await engine.clickhouse.query<{ cost: string; parts: string }>(sql, {}, { max_execution_time: 600 })
    for (const { cost, parts } of found) expect(parts).toBe(cost)
    return found.map(({ cost }) => picoOf(cost))
  }
  const select = 'sum(total_cost) AS cost, sum(input_cost) AS parts'
  expect(await sums(`SELECT ${select} FROM usage_hourly`)).toEqual([all])
  expect(await sums(`SELECT ${select} FROM usage_hourly GROUP BY model ORDER BY model`)).toEqual(byModel)
  expect(await sums(`SELECT ${select} FROM usage_hourly GROUP BY hour ORDER BY hour`)).toEqual(byHour)
  expect(await sums('SELECT sum(total_cost) AS cost, cost AS parts FROM usage_user_daily')).toEqual([all])
  expect(await sums(`SELECT ${select} FROM llm_calls GROUP BY model ORDER BY model`)).toEqual(byModel)
})
