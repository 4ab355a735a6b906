// What the engine sends in FORMAT Native is read as what it says in JSON.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LowCells, readNative, type StringCells, wideNumber } from '../../collector/clickhouse/native-reader.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const decoder = new TextDecoder()
const text = ({ bytes, from, end }: StringCells, at: number): string =>
  decoder.decode(bytes.subarray(from[at], end[at]))
const lowText = ({ keys, index }: LowCells, row: number): string => text(keys, index[row]!)

test.each([1, 300, 70_000])('a dictionary of %i texts, whatever its indexes are wide', async (texts) => {
  const sql = `SELECT toLowCardinality(concat('é', toString(number % ${texts}))) AS word, toString(number) AS each FROM numbers(80000)`
  const answer = await engine.clickhouse.native(sql, {}, { max_block_size: '100000' })
  let at = 0
  for (const block of readNative(answer)) {
    const [words, each] = [block.column('word', 'low'), block.column('each', 'string')]
    for (let row = 0; row < block.rows; row++, at++) {
      if (lowText(words, row) !== `é${at % texts}` || text(each, row) !== String(at)) throw new Error(`row ${at}`)
    }
  }
  expect(at).toBe(80_000)
})

test('numbers of every width, null or not, negative and large', async () => {
  const sql = `SELECT number AS n, if(number % 3 = 0, NULL, number * 1000000007) AS maybe, toDecimal64(-1, 12) * number AS money,
    toUInt16(number) AS small, toInt8(-1) AS sign, number / 4 AS half, toDateTime64('2026-11-24 00:00:00.123456789', 9, 'UTC') AS at
    FROM numbers(5)`
  const [block] = readNative(await engine.clickhouse.native(sql))
  if (block === undefined) throw new Error('no block')
  const rows = [0, 1, 2, 3, 4]
  const wide = (name: string): number[] => rows.map((row) => wideNumber(block.column(name, 'wide'), row))
  const narrow = (name: string): number[] => [...block.column(name, 'number').values]
  expect(wide('n')).toEqual(rows)
  expect([...(block.column('maybe', 'wide').nulls ?? [])]).toEqual([1, 0, 0, 1, 0])
  expect(wide('maybe').filter((_, row) => row % 3 !== 0)).toEqual([1_000_000_007, 2_000_000_014, 4_000_000_028])
  expect(wide('money')).toEqual([0, -1e12, -2e12, -3e12, -4e12])
  expect(narrow('small')).toEqual(rows)
  expect(narrow('sign')).toEqual([-1, -1, -1, -1, -1])
  expect(narrow('half')).toEqual([0, 0.25, 0.5, 0.75, 1])
  const at = block.column('at', 'wide')
  expect((BigInt(at.high[0]!) << 32n) + BigInt(at.low[0]!)).toBe(1_795_478_400_123_456_789n)
})

test('maps, empty ones among them, over several blocks', async () => {
  const sql = `SELECT CAST(mapFilter((k, v) -> number % 2 = 1, map('a', toFloat64(number), concat('b', toString(number)), 0.5)), 'Map(LowCardinality(String), Float64)') AS m
    FROM numbers(10)`
  const seen: unknown[] = []
  for (const block of readNative(await engine.clickhouse.native(sql, {}, { max_block_size: '3' }))) {
    const { ends, keys, values } = block.column('m', 'map')
    for (let row = 0; row < block.rows; row++) {
      const entries = []
      for (let at = row === 0 ? 0 : ends[row - 1]!; at < ends[row]!; at++) entries.push([lowText(keys, at), values[at]])
      seen.push(entries)
    }
  }
  expect(seen).toEqual(
    Array.from({ length: 10 }, (_, n) =>
      n % 2 === 0
        ? []
        : [
            ['a', n],
            [`b${n}`, 0.5],
          ],
    ),
  )
})

test('no rows are no block; what is cut off or of another type is refused', async () => {
  expect([...readNative(await engine.clickhouse.native("SELECT toLowCardinality('') AS a FROM numbers(0)"))]).toEqual(
    [],
  )
  const whole = await engine.clickhouse.native("SELECT toLowCardinality('word') AS a, number AS n FROM numbers(100)")
  for (const size of [5, 40, whole.length - 1])
    expect(() => [...readNative(whole.subarray(0, size))]).toThrow(RangeError)
  const date = await engine.clickhouse.native("SELECT toDate('2026-11-24') AS d")
  expect(() => [...readNative(date)]).toThrow('no Native reader for Date')
  const [block] = readNative(whole)
  expect(() => block?.column('n', 'low')).toThrow('the answer has no low column "n"')
})
