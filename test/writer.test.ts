import { describe, expect, test } from 'vitest'
import { MemoryDisk, systemError } from './journal/memory-disk.ts'
import { record } from './journal/rows.ts'
import { ClickHouseError, empty, expectBalance, runDry, settled, setUp } from './writer-bench.ts'

describe('one segment', () => {
  test('one insert per table, content first, each with its own token, columns and whole body', async () => {
    const bench = await setUp()
    await bench.journal.append([
      record([1], { table: 2 }),
      record([2, 3], { table: 0 }),
      record([2], { table: 1 }),
      record([4], { table: 0 }),
    ])
    const stop = bench.start()
    await bench.until(empty(bench))
    const id = bench.clickHouse.requests[0]!.token.replace('-span_content', '')
    expect(
      bench.clickHouse.requests.map(({ table, columns, token, rows, ids }) => ({ table, columns, token, rows, ids })),
    ).toEqual([
      { table: 'span_content', columns: ['span_id', 'content'], token: `${id}-span_content`, rows: 1, ids: [2] },
      { table: 'spans', columns: ['trace_id', 'span_id'], token: `${id}-spans`, rows: 3, ids: [2, 3, 4] },
      { table: 'scores', columns: ['id'], token: `${id}-scores`, rows: 1, ids: [1] },
    ])
    expect(id).toMatch(/^[0-9a-f-]{36}-\d+$/)
    expect(bench.writer.stats().insertedRows).toEqual([3, 1, 1])
    expectBalance(bench)
    await stop()
    await bench.journal.close()
  })

  test('a lone row is stored about a second after it came', async () => {
    const bench = await setUp()
    const stop = bench.start()
    await bench.journal.append([record([1])])
    await bench.until(empty(bench))
    const start = bench.clock.now()
    await bench.journal.append([record([2])])
    await bench.until(empty(bench))
    const waited = bench.clickHouse.requests[1]!.at - start
    expect(waited).toBeGreaterThanOrEqual(1000)
    expect(waited).toBeLessThanOrEqual(1050)
    await stop()
    await bench.journal.close()
  })

  test('rows of a table this version does not know are set aside, not dropped and not in the way', async () => {
    const bench = await setUp()
    await bench.journal.append([record([1], { table: 9 }), record([2])])
    await runDry(bench)
    expect(bench.clickHouse.idsOf('spans')).toEqual([2])
    expect(bench.writer.stats().quarantinedByReason).toEqual([{ table: 'table-9', reason: 'unknown_table', rows: 1 }])
    await bench.journal.close()
  })
})

describe('the world', () => {
  test('a row stored before the connection broke is not stored twice: same token, same bytes', async () => {
    const bench = await setUp()
    let cuts = 3
    bench.clickHouse.answer = async () => {
      if (cuts-- > 0) throw new Error('socket hang up')
    }
    await bench.journal.append([record([1, 2]), record([3])])
    await runDry(bench)
    const { requests } = bench.clickHouse
    expect(requests).toHaveLength(4)
    expect(new Set(requests.map(({ token }) => token)).size).toBe(1)
    expect(new Set(requests.map(({ body }) => Buffer.concat(body).toString('hex'))).size).toBe(1)
    expect(bench.clickHouse.idsOf('spans')).toEqual([1, 2, 3])
    await bench.journal.close()
  })

  test('down for an hour, then up: pauses grow to their limit, nothing is lost, order stays, two messages', async () => {
    const bench = await setUp()
    bench.clickHouse.failure = new ClickHouseError('world', null)
    const stop = bench.start()
    for (let id = 1; id <= 60; id++) {
      await bench.journal.append([record([id])])
      await bench.until(() => bench.clock.now() >= id * 60_000)
      expectBalance(bench)
    }
    const times = bench.clickHouse.requests.map(({ at }) => at)
    const pauses = times.slice(1).map((at, i) => at - times[i]!)
    expect(pauses.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000])
    expect(new Set(pauses.slice(8))).toEqual(new Set([10_000]))
    expect(bench.journal.stats()).toMatchObject({ rows: 60, segments: 2 })

    bench.clickHouse.failure = null
    await bench.until(empty(bench))
    await stop()
    expect(bench.clickHouse.idsOf('spans')).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(bench.health.map(({ state }) => state)).toEqual(['retrying', 'ok'])
    await bench.journal.close()
  })

  test('jitter halves a pause at most', async () => {
    const bench = await setUp({ random: () => 0 })
    bench.clickHouse.failure = new Error('down')
    await bench.journal.append([record([1])])
    const stop = bench.start()
    await bench.until(() => bench.clickHouse.requests.length === 3)
    const times = bench.clickHouse.requests.map(({ at }) => at)
    expect(times.slice(1).map((at, i) => at - times[i]!)).toEqual([50, 100])
    await stop()
    await bench.journal.close()
  })

  test('an insert that hangs is given up at the deadline and sent again; the next may take twice as long', async () => {
    const bench = await setUp({ insertDeadlineMs: 1000 })
    let hangs = 2
    const aborted: boolean[] = []
    bench.clickHouse.answer = (_request, signal) =>
      hangs-- > 0
        ? new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted.push(signal.aborted)
              if (hangs === 0) reject(signal.reason)
            })
          })
        : Promise.resolve()
    await bench.journal.append([record([1])])
    const stop = bench.start()
    await bench.until(empty(bench))
    const times = bench.clickHouse.requests.map(({ at }) => at)
    expect(times.map((at) => at - times[0]!)).toEqual([0, 1100, 1100 + 2200])
    expect(aborted).toEqual([true, true])
    expect(bench.clickHouse.idsOf('spans')).toEqual([1])
    await stop()
    await bench.journal.close()
  })

  test('a journal file that cannot be opened for a while is tried again', async () => {
    const bench = await setUp()
    await bench.journal.append([record([1])])
    let failures = 2
    bench.disk.trouble = (operation, file) => {
      if (operation === 'open' && failures > 0) {
        failures--
        throw systemError('EMFILE', file)
      }
      return undefined
    }
    const stop = bench.start()
    await bench.until(empty(bench))
    expect(bench.clickHouse.idsOf('spans')).toEqual([1])
    expect(bench.health.map(({ problem }) => problem?.table)).toEqual(['journal', undefined])
    await stop()
    await bench.journal.close()
  })

  test('no more inserts at a time than allowed, and as many as allowed', async () => {
    const bench = await setUp({ inFlightMax: 2 })
    let inFlight = 0
    let most = 0
    bench.clickHouse.answer = async () => {
      most = Math.max(most, ++inFlight)
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
      inFlight--
    }
    for (let id = 1; id <= 6; id++) {
      await bench.journal.append([record([id])])
      await bench.journal.seal()
    }
    const stop = bench.start()
    await bench.until(empty(bench))
    expect(most).toBe(2)
    expect(bench.clickHouse.idsOf('spans')).toHaveLength(6)
    await stop()
    await bench.journal.close()
  })
})

test('configuration: one message, slow tries, rows wait, goes on by itself once it is put right', async () => {
  const bench = await setUp()
  bench.clickHouse.failure = new ClickHouseError('config', 60)
  await bench.journal.append([record([1])])
  const stop = bench.start()
  await bench.until(() => bench.clickHouse.requests.length === 5)
  const times = bench.clickHouse.requests.map(({ at }) => at)
  expect(new Set(times.slice(1).map((at, i) => at - times[i]!))).toEqual(new Set([15_000]))
  expect(bench.health).toEqual([
    { state: 'paused', problem: { table: 'spans', code: 60, message: 'Code: 60. DB::Exception', failures: 1 } },
  ])
  expect(bench.journal.stats().rows).toBe(1)
  bench.clickHouse.failure = null
  await bench.until(empty(bench))
  expect(bench.health.at(-1)).toEqual({ state: 'ok' })
  await stop()
  await bench.journal.close()
})

describe('stop', () => {
  test('the insert under way ends, the rest of its segment stays for the next run', async () => {
    const bench = await setUp()
    await bench.journal.append([record([1]), record([1], { table: 1 })])
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    bench.clickHouse.answer = async () => {
      enter()
      await gate
    }
    const stop = bench.start()
    await bench.journal.seal()
    await entered
    const stopped = stop()
    open()
    await stopped
    expect(bench.clickHouse.requests.map(({ table }) => table)).toEqual(['span_content'])
    expect(bench.journal.stats().rows).toBe(2)

    await runDry(bench)
    expect([bench.clickHouse.idsOf('spans'), bench.clickHouse.idsOf('span_content')]).toEqual([[1], [1]])
    await bench.journal.close()
  })

  test('an insert that hangs is given up some time after the stop', async () => {
    const bench = await setUp({ stopGraceMs: 2000 })
    bench.clickHouse.answer = () => new Promise(() => undefined)
    await bench.journal.append([record([1])])
    const stop = bench.start()
    await bench.until(() => bench.clickHouse.requests.length === 1)
    const start = bench.clock.now()
    await settled(bench, stop())
    expect(bench.clock.now() - start).toBeGreaterThanOrEqual(2000)
    expect(bench.journal.stats().rows).toBe(1)
    await bench.journal.close()
  })

  test('a pause between tries ends at once', async () => {
    const bench = await setUp()
    bench.clickHouse.failure = new ClickHouseError('config', 497)
    await bench.journal.append([record([1])])
    await bench.journal.seal()
    const stop = bench.start()
    await bench.until(() => bench.health.length === 1)
    await stop()
    expect(bench.clock.pending).toBe(0)
    await bench.journal.close()
  })

  test('drain with ClickHouse up empties the journal without waiting for the age of the last segment', async () => {
    const bench = await setUp()
    const stop = bench.start()
    for (let id = 0; id < 5; id++) await bench.journal.append([record([id])])
    const start = bench.clock.now()
    expect(await bench.writer.drain(5000)).toBe(true)
    expect(bench.clock.now()).toBe(start)
    expect(bench.clickHouse.idsOf('spans')).toEqual([0, 1, 2, 3, 4])
    await stop()
    await bench.journal.close()
  })

  test('drain outlives a single failure', async () => {
    const bench = await setUp()
    let cuts = 1
    bench.clickHouse.answer = async () => {
      if (cuts-- > 0) throw new Error('socket hang up')
    }
    const stop = bench.start()
    await bench.journal.append([record([1])])
    const answer = await settled(bench, bench.writer.drain(5000))
    expect([answer, bench.clickHouse.idsOf('spans')]).toEqual([true, [1]])
    await stop()
    await bench.journal.close()
  })

  test('drain with ClickHouse down gives up soon; the rows are there at the next start', async () => {
    const bench = await setUp()
    bench.clickHouse.failure = new Error('ECONNREFUSED')
    const stop = bench.start()
    await bench.journal.append([record([1])])
    expect(await settled(bench, bench.writer.drain(5000))).toBe(false)
    expect(bench.clickHouse.requests).toHaveLength(3)
    await stop()
    await bench.journal.close()

    bench.clickHouse.failure = null
    const next = await setUp({}, { disk: new MemoryDisk(bench.disk.content()), clickHouse: bench.clickHouse })
    await runDry(next)
    expect(bench.clickHouse.idsOf('spans')).toEqual([1])
    expectBalance(next)
    await next.journal.close()
  })

  test('drain with a slow ClickHouse ends at its time', async () => {
    const bench = await setUp()
    bench.clickHouse.answer = () => new Promise(() => undefined)
    const stop = bench.start()
    await bench.journal.append([record([1])])
    expect(await settled(bench, bench.writer.drain(3000))).toBe(false)
    await settled(bench, stop())
    await bench.journal.close()
  })
})
