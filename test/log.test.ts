// Log lines: one JSON object each, nothing in them that a terminal acts on, no secret, no flood. And the ready line.

import { describe, expect, test } from 'vitest'
import { Secret } from '../collector/config-values.ts'
import { createLog, type Level, levels } from '../collector/log.ts'
import { readyLine, readyWords } from '../collector/ready-line.ts'

function record({ level = 'debug' as Level, secrets = [] as string[] } = {}) {
  const lines: string[] = []
  const clock = { now: Date.UTC(2026, 10, 22, 10) }
  const log = createLog({ level, secrets, write: (line) => lines.push(line), now: () => clock.now })
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { log, lines, clock, parsed }
}

describe('lines', () => {
  test('are one JSON object each, with time, level and message first', () => {
    const { log, lines } = record()
    log.warn('journal is full', { bytes: 5, reason: 'journal_full', wait: undefined })
    expect(lines).toEqual([
      '{"time":"2026-11-22T10:00:00.000Z","level":"warn","msg":"journal is full","bytes":5,"reason":"journal_full"}\n',
    ])
  })

  test.each(levels)('%s shows itself and what matters more', (level) => {
    const { log, parsed } = record({ level })
    for (const each of levels) log[each]('x')
    expect(parsed().map((line) => line['level'])).toEqual(levels.slice(0, levels.indexOf(level) + 1))
  })

  test('hold what JSON cannot: big integers, not-a-number, errors with their causes', () => {
    const { log, parsed } = record()
    const error = new Error('insert failed', { cause: new Error('connect ECONNREFUSED') })
    log.error('x', { rows: 2n ** 63n, ratio: Number.NaN, error, list: [1, error], when: new Date(0) })
    expect(parsed()[0]).toMatchObject({
      rows: '9223372036854775808',
      ratio: 'NaN',
      error: 'Error: insert failed ← Error: connect ECONNREFUSED',
      list: [1, 'Error: insert failed ← Error: connect ECONNREFUSED'],
      when: '1970-01-01T00:00:00.000Z',
    })
  })

  test('name the place of a bug', () => {
    const { log, parsed } = record()
    log.error('x', { error: new TypeError('x is not a function') })
    expect(parsed()[0]?.['error']).toMatch(/^TypeError: x is not a function \(at .*log\.test\.ts/)
  })

  test('cannot be given another time, level or message by a field', () => {
    const { log, parsed } = record()
    log.info('real', { msg: 'forged', level: 'error', time: 'never' })
    expect(parsed()[0]).toMatchObject({ msg: 'real', level: 'info', time: '2026-11-22T10:00:00.000Z' })
  })

  test('are bounded, also for endless structures', () => {
    const { log, lines } = record()
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    log.info('x'.repeat(1_000_000), {
      loop,
      text: 'y'.repeat(1_000_000),
      many: Array.from({ length: 10_000 }, () => 'z'),
    })
    expect(lines[0]?.length).toBeLessThan(5000)
    expect(lines[0]).toContain('(1000000 characters)')
  })
})

describe('what clients supply', () => {
  const hostile: [string, string, string][] = [
    ['a terminal sequence', 'gpt\x1b[2J\x1b]0;owned\x07', 'gpt[2J]0;owned'],
    ['a forged line', 'x\r\n{"level":"error"}', 'x {"level":"error"}'],
    ['C1 controls', 'a\x9b31mb\x85c', 'a31mbc'],
    ['NUL and DEL', 'a\0b\x7fc', 'abc'],
    ['direction marks', 'a\u202eb\u2066c', 'abc'],
    ['line separators', 'a\u2028b', 'a b'],
    ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
    ['other scripts', 'größe 模型 🦉', 'größe 模型 🦉'],
  ]
  test.each(hostile)('%s', (_, given, want) => {
    const { log, lines, parsed } = record()
    log.info(given, { model: given, nested: { [given]: [given] }, error: new Error(given) })
    expect(parsed()[0]).toMatchObject({ msg: want, model: want, nested: { [want]: [want] }, error: `Error: ${want}` })
    expect(lines[0]).toMatch(/^[^\p{Cc}]*\n$/u)
  })
})

describe('secrets', () => {
  test('do not come out, whichever way they get in', () => {
    const canary = 'C4nary/+ "x"'
    const { log, lines, parsed } = record({ secrets: [canary, '', 'abc'] })
    const url = `http://jane:${encodeURIComponent(canary)}@db:8123/`
    log.error(`cannot reach ${url}`, {
      canary,
      error: new Error(`denied for ${canary}`, { cause: new Error(url) }),
      nested: [{ deep: `=${canary}=` }],
      secret: new Secret(canary),
    })
    expect(lines[0]).not.toContain('C4nary')
    expect(parsed()[0]).toMatchObject({
      msg: 'cannot reach http://jane:***@db:8123/',
      secret: '***',
      nested: [{ deep: '=***=' }],
    })
  })

  test('are not cut in half', () => {
    const { log, lines } = record({ secrets: ['Canary-7f3a'] })
    for (let i = 1980; i < 2010; i++) log.info(`${'x'.repeat(i)}Canary-7f3a and more`)
    for (const line of lines) expect(line).not.toContain('Ca')
  })

  test('of strangers are masked in addresses and headers', () => {
    const { log, parsed } = record()
    log.info('sent Authorization: Bearer abcdefgh12345678', {
      header: 'basic dXNlcjpwYXNz',
      key: 'x-api-key: sl_4k7x0m2q9d3c_abcdefgh-12345678_abcdefgh12345678',
      url: 'https://u:p@h/x, https://h/y',
    })
    expect(parsed()[0]).toMatchObject({
      msg: 'sent Authorization: Bearer ***',
      header: 'basic ***',
      key: 'x-api-key: sl_4k7x0m2q9d3c_***',
      url: 'https://u:***@h/x, https://h/y',
    })
  })
})

describe('repeated lines', () => {
  test('come once in ten seconds a key, then with the number left out', () => {
    const { log, clock, parsed } = record()
    for (let i = 0; i < 100; i++) log.limited('refused', 'warn', 'request refused', { i })
    log.limited('other', 'warn', 'something else')
    clock.now += 10_000
    log.limited('refused', 'warn', 'request refused', { i: 100 })
    clock.now += 10_000
    log.limited('refused', 'warn', 'request refused', { i: 101 })
    expect(parsed().map(({ msg, i, repeated }) => ({ msg, i, repeated }))).toEqual([
      { msg: 'request refused', i: 0, repeated: undefined },
      { msg: 'something else', i: undefined, repeated: undefined },
      { msg: 'request refused', i: 100, repeated: 99 },
      { msg: 'request refused', i: 101, repeated: undefined },
    ])
  })

  test('are not silenced for ever by a clock that goes back', () => {
    const { log, clock, lines } = record()
    log.limited('key', 'warn', 'x')
    clock.now -= 3_600_000
    log.limited('key', 'warn', 'x')
    expect(lines).toHaveLength(2)
  })

  test('keys are bounded: the oldest is forgotten', () => {
    const { log, lines } = record()
    for (let i = 0; i < 501; i++) log.limited(`key ${i}`, 'warn', 'x')
    log.limited('key 500', 'warn', 'still remembered')
    log.limited('key 0', 'warn', 'forgotten')
    expect(lines).toHaveLength(502)
  })
})

describe('ready', () => {
  const listening = {
    otlpGrpc: { host: '127.0.0.1', port: 4317 },
    otlpHttp: { host: '0.0.0.0', port: 4318 },
    api: { host: '::1', port: 8100 },
    admin: { host: '127.0.0.1', port: 8888 },
    clickhouseHttp: { host: '127.0.0.1', port: 8123 },
  }

  test('is one JSON line for programs', () => {
    expect(readyLine(listening)).toBe(
      '{"msg":"ready","otlp_grpc":"127.0.0.1:4317","otlp_http":"0.0.0.0:4318","api":"[::1]:8100","admin":"127.0.0.1:8888","clickhouse_http":"127.0.0.1:8123"}\n',
    )
    const native = { ...listening, clickhouseNative: { host: '127.0.0.1', port: 9000 } }
    expect(JSON.parse(readyLine(native))).toMatchObject({ clickhouse_native: '127.0.0.1:9000' })
  })

  test('tells a person what to paste next, with addresses that can be reached', () => {
    const embedded = { ...listening, clickhouseNative: { host: '127.0.0.1', port: 9000 } }
    const words = readyWords(embedded, { version: '0.1.0', database: 'spanledger' })
    expect(words).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 ')
    expect(words).toContain("curl -s http://127.0.0.1:8123 -d 'SELECT model, count()")
    expect(words).toContain('FROM spanledger.llm_calls')
    expect(words).toContain('curl -X POST http://[::1]:8100/api/feedback')
    expect(words).not.toContain('KEY')
    const keyed = readyWords(embedded, { version: '0.1.0', database: 'spanledger', asksKeys: true })
    expect(keyed).toContain('OTEL_EXPORTER_OTLP_HEADERS=x-api-key=$KEY\n')
    expect(keyed).toContain('-H "x-api-key: $KEY" -d')
    const remote = readyWords(
      { ...listening, clickhouseHttp: { host: 'db', port: 8443 } },
      { version: '1', database: 'd' },
    )
    expect(remote).toContain("clickhouse-client --host db --query 'SELECT")
  })
})
