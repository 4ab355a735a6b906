// The client against a real engine, and against servers that misbehave.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type ClickHouse,
  ClickHouseError,
  type ClickHouseOptions,
  connectClickHouse,
  type InsertRequest,
} from '../../collector/clickhouse/client.ts'
import { configCodes, dataCodes } from '../../collector/clickhouse/errors.ts'
import { encodeRows } from '../../collector/clickhouse/native.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'

let engine: TestEngine
beforeAll(async () => {
  engine = await startTestEngine()
})
afterAll(() => engine.stop())

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function connect(options: Partial<ClickHouseOptions> = {}): ClickHouse {
  const clickhouse = connectClickHouse({ url: engine.url, database: engine.database, ...options })
  cleanups.push(() => clickhouse.close())
  return clickhouse
}

/** A server that answers everything alike, and the last request it saw. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  return listen(server, () => server.closeAllConnections())
}

async function listen(server: Server | TcpServer, end: () => void): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    end()
    return new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

/** Writes until the other side has gone. */
function flood(response: ServerResponse): void {
  response.write('x'.repeat(65_536), (error) => {
    // A turn of the event loop between writes, or the end of the connection is never noticed.
    if (!error && !response.destroyed) setImmediate(() => flood(response))
  })
}

async function errorOf(work: Promise<unknown>): Promise<ClickHouseError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ClickHouseError)) throw new Error(`not refused by a ClickHouseError: ${error}`)
  return error
}

let tables = 0
async function newTable(columns: string, rest = 'ENGINE = MergeTree ORDER BY tuple()'): Promise<string> {
  const name = `client_${tables++}`
  await engine.clickhouse.command(`CREATE TABLE ${name} (${columns}) ${rest}`)
  return name
}

function numbers(table: string, token: string, values: readonly number[]): InsertRequest {
  const columns = [{ name: 'n', type: 'UInt64', doc: '' }]
  const rows = values.map((n) => ({ n }))
  return {
    table,
    columns: ['n'],
    body: encodeRows({ name: table, doc: '', columns }, rows),
    token,
    rows: values.length,
  }
}

const rowsOf = (table: string): Promise<{ n: string }[]> => engine.clickhouse.query(`SELECT n FROM ${table} ORDER BY n`)

describe('questions', () => {
  test('money and 64-bit integers arrive exactly, as text; a semicolon at the end is no matter', async () => {
    const [row] = await connect().query(
      "SELECT toDecimal64('123456.123456789012', 12) AS cost, toUInt64(18446744073709551615) AS big, 1 AS small, NULL AS nothing;",
    )
    expect(row).toEqual({ cost: '123456.123456789012', big: '18446744073709551615', small: 1, nothing: null })
  })

  test('values go in as parameters and come back as they were', async () => {
    const text = `'; DROP TABLE x; -- \n\t\\ {a:String} "ü" \u2028`
    const [row] = await connect().query('SELECT {text:String} AS text, {list:Array(String)} AS list', {
      text,
      list: [text, ''],
    })
    expect(row).toEqual({ text, list: [text, ''] })
  })

  test('no rows are an empty list', async () => {
    expect(await connect().query('SELECT 1 AS one WHERE 0')).toEqual([])
  })

  test('an error after rows were found is an error, not a short answer', async () => {
    const error = await errorOf(
      connect().query('SELECT throwIf(number = 900000) AS n FROM numbers(1000000) SETTINGS max_block_size = 1000'),
    )
    expect(error).toMatchObject({ code: 395, kind: 'world' })
  })

  test('an answer beyond the limit is refused by the server, and one by a server that does not care is cut off', async () => {
    const bytes = connect({ responseBytesMax: 100_000 })
    const sql = "SELECT repeat('a', 1000) AS text FROM numbers(1000)"
    expect((await errorOf(bytes.query(sql))).code).toBe(396)
    const url = await serve((_, response) => {
      flood(response)
    })
    expect((await errorOf(connect({ url, responseBytesMax: 100_000 }).query('SELECT 1'))).message).toContain(
      'larger than 100000 bytes',
    )
  })
})

describe('inserts', () => {
  test('the same token stores once, another stores again', async () => {
    const table = await newTable(
      'n UInt64',
      'ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100',
    )
    const clickhouse = connect()
    for (const token of ['a', 'a', 'b', 'a']) await clickhouse.insert(numbers(table, token, [1, 2]))
    expect(await rowsOf(table)).toEqual([{ n: '1' }, { n: '1' }, { n: '2' }, { n: '2' }])
  })

  test('says by itself, whatever the defaults of the server, how it is to be stored', async () => {
    const seen: URLSearchParams[] = []
    const url = await serve((request, response) => {
      seen.push(new URL(request.url ?? '', 'http://x').searchParams)
      request.resume()
      request.on('end', () => response.end())
    })
    await connect({ url }).insert(numbers('spans', 'journal-7-spans', [1]))
    expect(Object.fromEntries(seen[0] ?? [])).toMatchObject({
      query: 'INSERT INTO `spans` (`n`) FORMAT Native',
      database: 'spanledger',
      async_insert: '0',
      insert_deduplicate: '1',
      insert_deduplication_token: 'journal-7-spans',
      deduplicate_blocks_in_dependent_materialized_views: '1',
      distributed_foreground_insert: '1',
      wait_end_of_query: '1',
      max_execution_time: '60',
    })
  })

  test('a body of many small pieces arrives whole, compressed too', async () => {
    const values = Array.from({ length: 20_000 }, (_, i) => i)
    for (const compress of [false, true]) {
      const table = await newTable('n UInt64')
      const request = numbers(table, 't', values)
      const whole = Buffer.concat(request.body)
      const body = Array.from({ length: Math.ceil(whole.length / 100) }, (_, i) =>
        whole.subarray(i * 100, i * 100 + 100),
      )
      await connect({ compress }).insert({ ...request, body })
      const [sum] = await engine.clickhouse.query(`SELECT count() AS rows, sum(n) AS sum FROM ${table}`)
      expect(sum).toEqual({ rows: '20000', sum: '199990000' })
    }
  })

  test('names of tables and columns are quoted', async () => {
    const name = 'odd `name` \\ x'
    const quoted = '`odd \\`name\\` \\\\ x`'
    await engine.clickhouse.command(
      `CREATE TABLE ${quoted} (n UInt64, ${quoted} UInt8 DEFAULT 1) ENGINE = MergeTree ORDER BY n`,
    )
    await connect().insert(numbers(name, 't', [5]))
    expect(await engine.clickhouse.query(`SELECT * FROM ${quoted}`)).toEqual([{ n: '5', [name]: 1 }])
  })

  test('given up by its signal it rejects at once, before and during the wait for the answer', async () => {
    const url = await serve((request) => void request.resume())
    const insert = (signal: AbortSignal): Promise<ClickHouseError> =>
      errorOf(connect({ url }).insert(numbers('t', 't', [1]), signal))
    expect(await insert(AbortSignal.timeout(50))).toMatchObject({ kind: 'world', code: null })
    expect(await insert(AbortSignal.abort())).toMatchObject({ kind: 'world', code: null })
  })

  test('an answer that hangs in the middle ends with the signal', async () => {
    const url = await serve((request, response) => {
      request.resume()
      response.write('half')
    })
    expect(await errorOf(connect({ url }).insert(numbers('t', 't', [1]), AbortSignal.timeout(50)))).toMatchObject({
      kind: 'world',
    })
  })
})

describe('what an error asks for', () => {
  test('codes bear the names the engine gives them', async () => {
    const known = { ...dataCodes, ...configCodes }
    const names = await engine.clickhouse.query<{ code: number; name: string }>(
      'SELECT arrayJoin({codes:Array(UInt16)}) AS code, errorCodeToName(code) AS name ORDER BY code',
      { codes: Object.keys(known).map(Number) },
    )
    expect(Object.fromEntries(names.map(({ code, name }) => [code, name]))).toEqual(known)
  })

  test('a block that is none, a value that does not fit and too many partitions are the data', async () => {
    const table = await newTable('n UInt64, CONSTRAINT small CHECK n < 10')
    const clickhouse = connect()
    const broken = { ...numbers(table, 'broken', [1]), body: [Buffer.from('no block at all, by no means')] }
    expect((await errorOf(clickhouse.insert(broken))).kind).toBe('data')
    const short = numbers(table, 'short', [1, 2, 3])
    const body = [Buffer.concat(short.body).subarray(0, -3)]
    expect(await errorOf(clickhouse.insert({ ...short, body }))).toMatchObject({ kind: 'data', code: 33 })
    expect(await errorOf(clickhouse.insert(numbers(table, 'big', [99])))).toMatchObject({ kind: 'data', code: 469 })
    const split = await newTable('n UInt64', 'ENGINE = MergeTree PARTITION BY n ORDER BY n')
    const many = Array.from({ length: 101 }, (_, i) => i)
    expect(await errorOf(clickhouse.insert(numbers(split, 'many', many)))).toMatchObject({ kind: 'data', code: 252 })
  })

  test('too many parts are not the data', async () => {
    const table = await newTable(
      'n UInt64',
      'ENGINE = MergeTree ORDER BY n SETTINGS parts_to_throw_insert = 1, parts_to_delay_insert = 1',
    )
    await engine.clickhouse.command(`SYSTEM STOP MERGES ${table}`)
    const clickhouse = connect()
    await clickhouse.insert(numbers(table, '0', [1]))
    expect(await errorOf(clickhouse.insert(numbers(table, '1', [2])))).toMatchObject({ kind: 'world', code: 252 })
  })

  test('a missing table, column or database is for a person', async () => {
    const table = await newTable('other UInt64')
    const codes = [
      await errorOf(connect().insert(numbers('nowhere', 't', [1]))),
      await errorOf(connect().insert(numbers(table, 't', [1]))),
      await errorOf(connect({ database: 'nowhere' }).insert(numbers(table, 't', [1]))),
      await errorOf(connect().query('SELEC 1')),
    ]
    expect(codes.map(({ kind, code }) => [kind, code])).toEqual([
      ['config', 60],
      ['config', 16],
      ['config', 81],
      ['config', 62],
    ])
  })

  test.each([
    [413, 'data'],
    [408, 'world'],
    [429, 'world'],
    [502, 'world'],
    [401, 'config'],
    [404, 'config'],
    [302, 'config'],
  ])('HTTP %i of a proxy: %s', async (status, kind) => {
    const url = await serve((request, response) => {
      request.resume()
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>proxy</html>')
    })
    const error = await errorOf(connect({ url }).insert(numbers('t', 't', [1])))
    expect(error).toMatchObject({ kind, code: null })
    expect(error.message).toBe(`no answer of ClickHouse's but HTTP ${status}: <html>proxy</html>`)
  })

  test('an error text without end is cut', async () => {
    const url = await serve((request, response) => {
      request.resume()
      response.writeHead(500, { 'x-clickhouse-exception-code': '241' })
      flood(response)
    })
    const error = await errorOf(connect({ url }).command('SELECT 1'))
    expect(error).toMatchObject({ kind: 'world', code: 241 })
    expect(error.message.length).toBeLessThan(2100)
  })

  test('nobody there, a connection cut and one that stays silent are the world', async () => {
    const cut = createTcpServer((socket) => socket.destroy())
    const silent = createTcpServer()
    const urls = ['http://127.0.0.1:1', 'http://nowhere.invalid:8123', await listen(cut, () => undefined)]
    for (const url of urls) {
      expect(await errorOf(connect({ url }).command('SELECT 1'))).toMatchObject({ kind: 'world', code: null })
      expect(await connect({ url }).ping()).toBe(false)
    }
    silent.on('connection', (socket) => void cleanups.push(() => socket.destroy()))
    const url = await listen(silent, () => undefined)
    expect((await errorOf(connect({ url, requestTimeoutMs: 50 }).command('SELECT 1'))).kind).toBe('world')
  })

  test('a statement that runs too long is stopped on the server', async () => {
    const error = await errorOf(
      connect({ requestTimeoutMs: 900 }).query(
        'SELECT sum(sleepEachRow(0.01)) FROM numbers(400) SETTINGS max_block_size = 1',
      ),
    )
    expect(error.kind).toBe('world')
  })
})

describe('credentials', () => {
  test('go into the header, decoded, and into no message', async () => {
    const seen: (string | undefined)[] = []
    const url = await serve((request, response) => {
      request.resume()
      seen.push(request.headers.authorization, request.url)
      response
        .writeHead(403, { 'x-clickhouse-exception-code': '516' })
        .end('Code: 516. DB::Exception: no, p@ss:word is wrong')
    })
    const error = await errorOf(connect({ url: url.replace('//', '//us%20er:p%40ss%3Aword@') }).command('SELECT 1'))
    expect(seen[0]).toBe(`Basic ${Buffer.from('us er:p@ss:word').toString('base64')}`)
    expect(seen[1]).not.toContain('word')
    expect(error).toMatchObject({ kind: 'config', code: 516 })
    expect(error.message).toBe('ClickHouse 516: no, *** is wrong')
  })

  test.each([
    'nonsense',
    'ftp://user:hunter22@host',
    'http://user:hunter22@host:99999',
    'http://user:hunter22@host/?wait=1',
  ])('are not told when the URL is wrong: %s', (url) => {
    let message = ''
    try {
      connect({ url })
    } catch (error) {
      message = JSON.stringify(error, Object.getOwnPropertyNames(error)).replaceAll(import.meta.filename, '')
    }
    expect(message).toContain('the ClickHouse URL')
    expect(message).not.toContain('hunter22')
  })

  test('a path before the query is kept: ClickHouse may sit behind one', async () => {
    const seen: (string | undefined)[] = []
    const url = await serve((request, response) => {
      seen.push(request.url)
      request.resume()
      response.end('Ok.\n')
    })
    await connect({ url: `${url}/clickhouse/` }).command('SELECT 1')
    expect(seen[0]).toMatch(/^\/clickhouse\/?\?/)
  })
})
