// The option table: three sources, later wins; what is wrong is refused in one line that shows no secret.

import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { clickHouseUrl, options, parseConfig, propertyName, readConfig, secretsOf } from '../collector/config.ts'
import { envName, type Inputs, type Option } from '../collector/config-sources.ts'

const files: Record<string, string> = {}

function inputs(given: Partial<Inputs> & { yaml?: string } = {}): Inputs {
  const { yaml, argv = [], env = {} } = given
  return {
    argv: yaml === undefined ? argv : ['--config', 'spanledger.yaml', ...argv],
    env,
    readFile(path) {
      const text = path === 'spanledger.yaml' ? yaml : files[path]
      if (text === undefined) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' })
      return text
    },
  }
}

function refusal(given: Parameters<typeof inputs>[0]): string {
  try {
    parseConfig(inputs(given))
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
  return 'accepted'
}

describe('the table', () => {
  test('has every option of the public contract with its default', () => {
    const defaults = Object.fromEntries(options.map((option) => [envName(option.key), option.default]))
    expect(defaults).toMatchObject({
      SPANLEDGER_OTLP_GRPC_ENDPOINT: '127.0.0.1:4317',
      SPANLEDGER_OTLP_HTTP_ENDPOINT: '127.0.0.1:4318',
      SPANLEDGER_API_ENDPOINT: '127.0.0.1:8100',
      SPANLEDGER_ADMIN_ENDPOINT: '127.0.0.1:8888',
      SPANLEDGER_CLICKHOUSE_URL: '',
      SPANLEDGER_CLICKHOUSE_DATABASE: 'spanledger',
      SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: '127.0.0.1:8123',
      SPANLEDGER_EMBEDDED_NATIVE_ENDPOINT: '127.0.0.1:9000',
      SPANLEDGER_DATA_DIR: './data',
      SPANLEDGER_SETTLE_AFTER: '2m',
    })
  })

  test.each(options as readonly Option[])('the default of $key is allowed and prints as it is written', (option) => {
    const value = option.kind.parse(option.default)
    expect(value).not.toBeUndefined()
    expect(option.kind.format(value)).toBe(option.default)
    expect(option.doc).not.toMatch(/\.$|\n/)
  })

  test('nothing listens beyond this machine by default', () => {
    const endpoints = Object.values(parseConfig(inputs())).filter(
      (value) => typeof value === 'object' && value !== null && 'host' in value,
    )
    expect(endpoints).toHaveLength(6)
    for (const endpoint of endpoints) expect(endpoint).toMatchObject({ host: '127.0.0.1' })
  })

  test('properties carry their unit', () => {
    expect(options.map(propertyName)).toEqual(Object.keys(parseConfig(inputs())))
    expect(parseConfig(inputs({ env: { SPANLEDGER_SETTLE_AFTER: '90s' } })).settleAfterMs).toBe(90_000)
  })
})

describe('sources', () => {
  test('flags win over the environment, and that over the file', () => {
    const yaml = 'retention_days: 1\ncontent_retention_days: 1\nsettle_after: 1s\n'
    const env = { SPANLEDGER_RETENTION_DAYS: '2', SPANLEDGER_CONTENT_RETENTION_DAYS: '2' }
    const { config, settings } = readConfig(inputs({ yaml, env, argv: ['--retention-days=3'] }))
    expect([config.retentionDays, config.contentRetentionDays, config.settleAfterMs]).toEqual([3, 2, 1000])
    const sources = Object.fromEntries(settings.map(({ key, source }) => [key, source]))
    expect(sources).toMatchObject({
      retention_days: '--retention-days',
      content_retention_days: 'SPANLEDGER_CONTENT_RETENTION_DAYS',
      settle_after: 'spanledger.yaml:3',
      data_dir: 'default',
    })
  })

  test('a flag takes its value after a space or an equals sign; a switch needs none', () => {
    const config = parseConfig(
      inputs({ argv: ['--data-dir', '/var/lib/x', '--api-endpoint=[::1]:0', '--allow-unauthenticated'] }),
    )
    expect(config).toMatchObject({
      dataDir: '/var/lib/x',
      apiEndpoint: { host: '::1', port: 0 },
      allowUnauthenticated: true,
    })
    expect(parseConfig(inputs({ argv: ['--allow-unauthenticated=false'] })).allowUnauthenticated).toBe(false)
  })

  test('an empty variable and an empty YAML value count as not given, an empty flag counts', () => {
    const yaml = 'clickhouse_url: http://db:8123\nretention_days:\n'
    const env = { SPANLEDGER_CLICKHOUSE_URL: '' }
    expect(parseConfig(inputs({ yaml, env })).clickhouseUrl?.address).toBe('http://db:8123')
    expect(parseConfig(inputs({ yaml, env, argv: ['--clickhouse-url='] })).clickhouseUrl).toBeNull()
    expect(parseConfig(inputs({ yaml })).retentionDays).toBe(90)
  })

  test('variables of others are left alone', () => {
    expect(refusal({ env: { PATH: '/bin', SPANLEDGERS: 'x', OTEL_SERVICE_NAME: 'y' } })).toBe('accepted')
  })

  test('YAML lists and comma separated text say the same', () => {
    const want = ['https://a.example', 'http://localhost:3000']
    expect(parseConfig(inputs({ yaml: `api_cors_origins: [${want.join(', ')}]` })).apiCorsOrigins).toEqual(want)
    expect(parseConfig(inputs({ env: { SPANLEDGER_API_CORS_ORIGINS: want.join(', ') } })).apiCorsOrigins).toEqual(want)
  })

  test('a YAML map and comma separated pairs say the same, in their order', () => {
    const want = [
      ['app.tenant', 'customer'],
      ['a=b', 'team'],
    ]
    const yaml = 'attribute_map:\n  app.tenant: customer\n  "a=b": team\n'
    expect([...parseConfig(inputs({ yaml })).attributeMap]).toEqual(want)
    const env = { SPANLEDGER_ATTRIBUTE_MAP: 'app.tenant=customer, a=b=team' }
    expect([...parseConfig(inputs({ env })).attributeMap]).toEqual(want)
  })

  test('a map of attributes names columns that there are, each attribute once', () => {
    for (const text of ['tenant', 'tenant=', '=team', 'tenant=tenants', 'a=team,a=step', 'a=team,', 'a=constructor'])
      expect(refusal({ env: { SPANLEDGER_ATTRIBUTE_MAP: text } })).toContain('to columns out of user_id, session_id')
    expect(refusal({ yaml: 'attribute_map:\n  tenant: [customer]\n' })).toContain('spanledger.yaml:1')
  })

  test('a password of digits in YAML stays as written', () => {
    const yaml = 'clickhouse_url: http://db:8123\nclickhouse_password: 0012\n'
    expect(parseConfig(inputs({ yaml })).clickhousePassword.reveal()).toBe('0012')
  })

  test('a file may be empty or hold only comments', () => {
    expect(refusal({ yaml: '' })).toBe('accepted')
    expect(refusal({ yaml: '# nothing\n' })).toBe('accepted')
  })
})

describe('values', () => {
  // f(key as in the environment, text, what the configuration holds)
  const good: [string, string, string, unknown][] = [
    ['REQUEST_BYTES_MAX', '1048576', 'requestBytesMax', 1_048_576],
    ['REQUEST_BYTES_MAX', '16 MiB', 'requestBytesMax', 16_777_216],
    ['JOURNAL_BYTES_MAX', 'auto', 'journalBytesMax', null],
    ['JOURNAL_BYTES_MAX', '2GiB', 'journalBytesMax', 2_147_483_648],
    ['SHUTDOWN_GRACE', '1500ms', 'shutdownGraceMs', 1500],
    ['SETTLE_AFTER', '1h', 'settleAfterMs', 3_600_000],
    ['OTLP_HTTP_ENDPOINT', 'localhost:0', 'otlpHttpEndpoint', { host: 'localhost', port: 0 }],
    ['TELEMETRY_SAMPLE_RATIO', '.5', 'telemetrySampleRatio', 0.5],
    ['CONTENT', 'drop', 'content', 'drop'],
    ['OTLP_CORS_ORIGINS', '*', 'otlpCorsOrigins', ['*']],
  ]
  test.each(good)('SPANLEDGER_%s=%s', (name, text, property, want) => {
    const config = parseConfig(inputs({ env: { [`SPANLEDGER_${name}`]: text } }))
    expect(config[property as keyof typeof config]).toEqual(want)
  })

  const bad: [string, string, string][] = [
    ['REQUEST_BYTES_MAX', '64MB', 'is not a size from 1KiB to 1GiB, such as 64MiB'],
    ['REQUEST_BYTES_MAX', '-1', 'is not a size from 1KiB to 1GiB'],
    ['REQUEST_BYTES_MAX', '2GiB', 'is not a size from 1KiB to 1GiB'],
    ['REQUEST_BYTES_MAX', '1e6', 'is not a size'],
    ['SETTLE_AFTER', '120', 'is not a duration from 1s to 1d, such as 500ms, 30s, 2m or 1h'],
    ['SETTLE_AFTER', '0s', 'is not a duration from 1s to 1d'],
    ['RETENTION_DAYS', '0', 'is not a whole number from 1 to 3650'],
    ['RETENTION_DAYS', '1.5', 'is not a whole number'],
    ['OTLP_HTTP_ENDPOINT', '4318', 'is not host:port'],
    ['OTLP_HTTP_ENDPOINT', ':4318', 'is not host:port'],
    ['OTLP_HTTP_ENDPOINT', '127.0.0.1:65536', 'is not host:port'],
    ['OTLP_HTTP_ENDPOINT', 'http://127.0.0.1:4318', 'is not host:port'],
    ['OTLP_HTTP_ENDPOINT', '::1:4318', 'is not host:port'],
    ['ALLOW_UNAUTHENTICATED', 'yes', 'is not true or false'],
    ['LOG_LEVEL', 'trace', 'is not one of error, warn, info, debug'],
    ['CLICKHOUSE_DATABASE', 'a`b', 'is not a name of letters, digits and _'],
    ['API_CORS_ORIGINS', 'https://a.example/path', 'is not a list of * or origins'],
    ['API_CORS_ORIGINS', 'null', 'is not a list of * or origins'],
    ['TELEMETRY_OTLP_ENDPOINT', 'http://user:pass@host', 'without credentials'],
    ['TELEMETRY_SAMPLE_RATIO', '1.1', 'is not a number from 0 to 1'],
  ]
  test.each(bad)('SPANLEDGER_%s=%s is refused in one line', (name, text, want) => {
    const line = refusal({ env: { [`SPANLEDGER_${name}`]: text } })
    expect(line).toContain(`ConfigError: SPANLEDGER_${name}: ${JSON.stringify(text)} `)
    expect(line).toContain(want)
    expect(line).not.toContain('\n')
  })
})

describe('wrong use', () => {
  const cases: { name: string; given: Parameters<typeof inputs>[0]; want: string }[] = [
    {
      name: 'an unknown variable, with the one that was meant',
      given: { env: { SPANLEDGER_DATADIR: '/x' } },
      want: 'ConfigError: unknown environment variable "SPANLEDGER_DATADIR"; did you mean SPANLEDGER_DATA_DIR?',
    },
    {
      name: 'an unknown flag',
      given: { argv: ['--data-dri', '/x'] },
      want: 'ConfigError: unknown flag "--data-dri"; did you mean --data-dir?',
    },
    { name: 'a word that is no flag', given: { argv: ['serve'] }, want: 'ConfigError: unknown flag "serve"' },
    {
      name: 'a flag without its value',
      given: { argv: ['--data-dir'] },
      want: 'ConfigError: --data-dir needs a value',
    },
    {
      name: 'an unknown key, with its line',
      given: { yaml: 'data_dir: /x\n\nretention: 5\n' },
      want: 'ConfigError: spanledger.yaml:3: unknown key "retention"',
    },
    {
      name: 'prototype keys',
      given: { yaml: '__proto__: 5\n' },
      want: 'ConfigError: spanledger.yaml:1: unknown key "__proto__"',
    },
    {
      name: 'a key given twice',
      given: { yaml: 'data_dir: /x\ndata_dir: /y\n' },
      want: 'ConfigError: spanledger.yaml:2: Map keys must be unique',
    },
    {
      name: 'a list',
      given: { yaml: '- data_dir\n' },
      want: 'ConfigError: spanledger.yaml: not a list of "key: value" lines',
    },
    {
      name: 'nested keys',
      given: { yaml: 'clickhouse_url: { host: x }\n' },
      want: 'ConfigError: spanledger.yaml:1: clickhouse_url is neither a plain value nor a list of them',
    },
    {
      name: 'a file that is not there',
      given: { argv: ['--config', 'missing.yaml'] },
      want: 'ConfigError: --config: cannot read "missing.yaml" (ENOENT)',
    },
    {
      name: 'a value of the file, with its line',
      given: { yaml: '# days\nretention_days: many\n' },
      want: 'ConfigError: spanledger.yaml:2: "many" is not a whole number from 1 to 3650',
    },
  ]
  test.each(cases)('$name', ({ given, want }) => {
    expect(refusal(given)).toBe(want)
  })
})

describe('secrets', () => {
  const canary = 'Canary-7f3a'
  files['/run/secrets/clickhouse'] = `${canary}\n`
  files['/run/secrets/url'] = `https://jane:${canary}@db:8443`

  test('a password may come from a file, by any source', () => {
    const env = { SPANLEDGER_CLICKHOUSE_URL: 'http://db:8123' }
    const ways = [
      { env: { ...env, SPANLEDGER_CLICKHOUSE_PASSWORD_FILE: '/run/secrets/clickhouse' } },
      { env, argv: ['--clickhouse-password-file', '/run/secrets/clickhouse'] },
      { env, yaml: 'clickhouse_password_file: /run/secrets/clickhouse' },
    ]
    for (const way of ways) expect(parseConfig(inputs(way)).clickhousePassword.reveal()).toBe(canary)
    const byFile = parseConfig(inputs({ env: { SPANLEDGER_CLICKHOUSE_URL_FILE: '/run/secrets/url' } }))
    expect(clickHouseUrl(byFile)?.reveal()).toBe(`https://jane:${canary}@db:8443`)
  })

  test('the value and its file in one source contradict each other', () => {
    const env = {
      SPANLEDGER_CLICKHOUSE_PASSWORD: canary,
      SPANLEDGER_CLICKHOUSE_PASSWORD_FILE: '/run/secrets/clickhouse',
    }
    expect(refusal({ env })).toBe(
      'ConfigError: SPANLEDGER_CLICKHOUSE_PASSWORD and SPANLEDGER_CLICKHOUSE_PASSWORD_FILE are both given: keep one',
    )
  })

  test('user and password of their own replace those of the address', () => {
    const env = { SPANLEDGER_CLICKHOUSE_URL: 'https://jane:old@db:8443/path', SPANLEDGER_CLICKHOUSE_PASSWORD: 'a/b@c' }
    const config = parseConfig(inputs({ env }))
    expect(clickHouseUrl(config)?.reveal()).toBe('https://jane:a%2Fb%40c@db:8443/path')
    expect(secretsOf(config)).toEqual(['a/b@c', 'old'])
    const other = parseConfig(inputs({ env, argv: ['--clickhouse-user', 'joe'] }))
    expect(clickHouseUrl(other)?.reveal()).toBe('https://joe:a%2Fb%40c@db:8443/path')
    expect(clickHouseUrl(parseConfig(inputs()))).toBeNull()
  })

  test('no way of printing the configuration shows one', () => {
    const env = { SPANLEDGER_CLICKHOUSE_URL: `https://jane:${canary}@db:8443`, SPANLEDGER_CLICKHOUSE_PASSWORD: canary }
    const { config, settings } = readConfig(inputs({ env }))
    const printed = [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true }), JSON.stringify(settings)]
    for (const text of printed) {
      expect(text).not.toContain(canary)
      expect(text).toContain('***')
    }
    expect(settings).toContainEqual({
      key: 'clickhouse_url',
      value: 'https://jane:***@db:8443',
      source: 'SPANLEDGER_CLICKHOUSE_URL',
    })
  })

  test('no refusal shows one', () => {
    const lines = [
      refusal({ env: { SPANLEDGER_CLICKHOUSE_URL: `ftp://jane:${canary}@db` } }),
      refusal({ env: { SPANLEDGER_CLICKHOUSE_URL: `http://jane:%zz${canary}@db` } }),
      refusal({ env: { SPANLEDGER_CLICKHOUSE_URL: `http://db/?password=${canary}` } }),
      refusal({ env: { SPANLEDGER_CLICKHOUSE_PASWORD: canary } }),
      refusal({ argv: [`--clickhouse-pasword=${canary}`] }),
      refusal({ env: { SPANLEDGER_CLICKHOUSE_PASSWORD: `${canary}\nx` } }),
      refusal({ env: { SPANLEDGER_CLICKHOUSE_PASSWORD: canary } }),
      refusal({ yaml: `clickhouse_password: [${canary}` }),
      refusal({ yaml: `clickhouse_password: {${canary}: 1}` }),
      refusal({ yaml: `clickhouse_password: !${canary} x` }),
      refusal({ yaml: `clickhouse_password: *${canary}` }),
      refusal({ yaml: `clickhouse_password: "${canary}\ndata_dir: x` }),
      refusal({ yaml: `clickhouse_password: @${canary}` }),
      refusal({ yaml: `clickhouse_password: a: ${canary}` }),
    ]
    for (const line of lines) {
      expect(line).toMatch(/^ConfigError: /)
      expect(line).not.toContain(canary)
      expect(line).not.toContain('\n')
    }
  })
})

describe('options together', () => {
  const open: [string, string][] = [
    ['OTLP_GRPC_ENDPOINT', '0.0.0.0:4317'],
    ['OTLP_HTTP_ENDPOINT', '[::]:4318'],
    ['API_ENDPOINT', '192.168.1.5:8100'],
    ['ADMIN_ENDPOINT', 'collector.example.com:8888'],
  ]
  test.each(open)('%s=%s needs allow_unauthenticated', (name, text) => {
    const env = { [`SPANLEDGER_${name}`]: text }
    const keys = name === 'ADMIN_ENDPOINT' ? '' : 'set keys_file, '
    expect(refusal({ env })).toBe(
      `ConfigError: ${name.toLowerCase()} ${text} is open to other machines and nobody has to show a key: use 127.0.0.1, ${keys}or allow it by allow_unauthenticated`,
    )
    expect(refusal({ env: { ...env, SPANLEDGER_ALLOW_UNAUTHENTICATED: 'true' } })).toBe('accepted')
  })

  test('with keys the doors may listen anywhere, but not where none are asked for', () => {
    const env = (count: number) =>
      Object.fromEntries([
        ['SPANLEDGER_KEYS_FILE', 'keys.yaml'],
        ...open.slice(0, count).map(([name, text]) => [`SPANLEDGER_${name}`, text]),
      ])
    expect(refusal({ env: env(3) })).toBe('accepted')
    expect(refusal({ env: env(4) })).toMatch(
      /^ConfigError: admin_endpoint .* nobody has to show a key: use 127\.0\.0\.1/,
    )
  })

  test.each(['10.0.0.7', '10.1.0.0/16, fd00::/8'])('%s are proxies', (text) => {
    expect(refusal({ env: { SPANLEDGER_TRUSTED_PROXIES: text } })).toBe('accepted')
  })

  test.each(['proxy', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0'])('%s is no proxy', (text) => {
    expect(refusal({ env: { SPANLEDGER_TRUSTED_PROXIES: text } })).toMatch(/^ConfigError: SPANLEDGER_TRUSTED_PROXIES: /)
  })

  test.each(['127.0.0.1:1', '127.9.9.9:1', 'localhost:1', '[::1]:1', '[::ffff:127.0.0.1]:1'])(
    '%s is this machine',
    (text) => {
      expect(refusal({ env: { SPANLEDGER_API_ENDPOINT: text } })).toBe('accepted')
    },
  )

  test('the embedded engine never listens beyond this machine; a server makes its endpoints void', () => {
    const env = { SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: '0.0.0.0:8123', SPANLEDGER_ALLOW_UNAUTHENTICATED: 'true' }
    expect(refusal({ env })).toContain('embedded_http_endpoint 0.0.0.0:8123 is open to other machines')
    expect(refusal({ env: { ...env, SPANLEDGER_CLICKHOUSE_URL: 'http://db:8123' } })).toBe('accepted')
  })

  test('users, passwords and clusters belong to a server', () => {
    for (const name of ['CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD', 'CLICKHOUSE_CLUSTER']) {
      const line = refusal({ env: { [`SPANLEDGER_${name}`]: 'x' } })
      expect(line).toContain(`${name.toLowerCase()} is set but clickhouse_url is not`)
    }
  })

  test('two listeners cannot have one port, except port 0', () => {
    expect(refusal({ env: { SPANLEDGER_API_ENDPOINT: '127.0.0.1:8888' } })).toBe(
      'ConfigError: api_endpoint and admin_endpoint both want 127.0.0.1:8888',
    )
    expect(refusal({ env: { SPANLEDGER_EMBEDDED_HTTP_ENDPOINT: '127.0.0.1:4318' } })).toContain('both want')
    const zero = { SPANLEDGER_API_ENDPOINT: '127.0.0.1:0', SPANLEDGER_ADMIN_ENDPOINT: '127.0.0.1:0' }
    expect(refusal({ env: zero })).toBe('accepted')
  })

  test('limits that could never be met', () => {
    expect(refusal({ env: { SPANLEDGER_INFLIGHT_BYTES_MAX: '1MiB' } })).toContain('the largest request would never fit')
    expect(refusal({ env: { SPANLEDGER_JOURNAL_SEGMENT_ROWS: '200000' } })).toContain(
      'journal_backlog_rows (100000) is less',
    )
  })
})
