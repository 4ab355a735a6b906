// docker-compose.yml and what it mounts fit together: files, ports, users and environment names. No Docker is needed.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { clickHouseUrl, options, parseConfig } from '../../collector/config.ts'

interface Service {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly environment: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
  readonly ports: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
}

interface Compose {
  readonly services: Readonly<Record<'clickhouse' | 'collector' | 'grafana', Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

interface DataSource {
  readonly jsonData: { readonly username: string; readonly defaultDatabase: string }
  readonly secureJsonData: { readonly password: string }
}

interface Provider {
  readonly options: { readonly path: string }
}

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const exists = (path: string) => existsSync(new URL(path, root))

const text = read('docker-compose.yml')
const compose = parse(text) as Compose
const { clickhouse, collector, grafana } = compose.services
const dockerfile = read('deploy/Dockerfile')

test('every file that is mounted or built from exists, every volume is declared', () => {
  for (const { volumes, build } of Object.values(compose.services)) {
    if (build !== undefined) expect(exists(build.dockerfile), build.dockerfile).toBe(true)
    for (const volume of volumes) {
      const source = volume.split(':')[0] ?? ''
      if (source.startsWith('./')) expect(exists(source), source).toBe(true)
      else expect(Object.keys(compose.volumes)).toContain(source)
    }
  }
})

test('images are pinned', () => {
  for (const { image } of Object.values(compose.services)) if (image !== undefined) expect(image).toMatch(/:\d+\.\d+/)
  for (const [, base] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(base).toBe('node:26-slim')
})

test('ports listen on this machine alone, and are those of the configuration', () => {
  const ports = Object.values(compose.services).flatMap((service) => service.ports)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/)
  const doors = options
    .filter(({ key }) => /^(otlp_grpc|otlp_http|api|admin)_endpoint$/.test(key))
    .map((option) => option.default.replace('127.0.0.1:', ''))
  expect(collector.ports.map((port) => port.split(':')[1])).toEqual(doors)
  expect(/^EXPOSE (.*)$/m.exec(dockerfile)?.[1]?.split(' ')).toEqual(doors)
  for (const door of doors) expect(dockerfile).toContain(`_ENDPOINT=0.0.0.0:${door}`)
})

test('the collector is given options it has, with values it takes', () => {
  const image = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile)?.[1] ?? ''
  const pairs = image.split(/\s*\\?\s+/).map((pair) => pair.split('=') as [string, string])
  const env = { ...Object.fromEntries(pairs), ...collector.environment }
  expect(env).toHaveProperty('SPANLEDGER_DATA_DIR', '/data')
  const config = parseConfig({ argv: [], env, readFile: () => '' })
  expect(clickHouseUrl(config)?.reveal()).toMatch(/^http:\/\/spanledger:[^@]+@clickhouse:8123$/)
})

test('each password comes from the environment, with the same documented default wherever it is used', () => {
  const defaults = new Map<string, Set<string>>()
  for (const [, name = '', value = ''] of text.matchAll(/\$\{(\w+):-([^}]*)\}/g)) {
    defaults.set(name, (defaults.get(name) ?? new Set()).add(value))
  }
  expect([...text.matchAll(/\$\{?(\w+)/g)].every(([, name = '']) => defaults.has(name))).toBe(true)
  for (const [name, values] of defaults) expect([name, values.size]).toEqual([name, 1])
  const page = read('docs/grafana.md')
  for (const name of defaults.keys()) expect(page).toContain(`\`${name}\``)
})

test('ClickHouse gets the passwords its users file reads, and the collector logs in as one of them', () => {
  const users = read('deploy/clickhouse/users.xml')
  const wanted = [...users.matchAll(/from_env="(\w+)"/g)].map((match) => match[1])
  expect(wanted.sort()).toEqual(Object.keys(clickhouse.environment).sort())
  expect(users).toContain(`<${collector.environment['SPANLEDGER_CLICKHOUSE_USER']}>`)
  expect(collector.environment['SPANLEDGER_CLICKHOUSE_URL']).toBe('http://clickhouse:8123')
})

test('the data source points at the ClickHouse service as the reading user, with a password Grafana is given', () => {
  const file = parse(read('deploy/grafana/provisioning/datasources/spanledger.yaml')) as { datasources: [DataSource] }
  const [source] = file.datasources
  expect(source).toMatchObject({ type: 'grafana-clickhouse-datasource', uid: 'spanledger-clickhouse' })
  expect(source.jsonData).toMatchObject({ host: 'clickhouse', port: 8123, protocol: 'http', username: 'grafana' })
  expect(source.jsonData.defaultDatabase).toBe(collector.environment['SPANLEDGER_CLICKHOUSE_DATABASE'])
  expect(Object.keys(grafana.environment)).toContain(source.secureJsonData.password.slice(1))
  expect(read('deploy/clickhouse/users.xml')).toContain(`<${source.jsonData.username}>`)
})

test('Grafana finds the dashboards and opens on one of them, with a plugin new enough', () => {
  const file = parse(read('deploy/grafana/provisioning/dashboards/spanledger.yaml')) as { providers: [Provider] }
  const [provider] = file.providers
  expect(grafana.volumes).toContain(`./deploy/grafana/dashboards:${provider.options.path}:ro`)
  const home = grafana.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''
  expect(exists(home.replace(provider.options.path, 'deploy/grafana/dashboards'))).toBe(true)
  const [, major, minor] = /^grafana-clickhouse-datasource@(\d+)\.(\d+)\.\d+$/.exec(
    grafana.environment['GF_PLUGINS_PREINSTALL_SYNC'] ?? '',
  ) as RegExpExecArray
  expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(414)
})

test('the image holds what the collector imports, runs without root, and checks itself without a shell', () => {
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list = '']) => list.split(' '))
  const ignore = read('deploy/Dockerfile.dockerignore').split('\n')
  for (const source of sources) {
    expect(exists(source), source).toBe(true)
    expect(ignore).toContain(`!${source}`)
  }
  expect(sources).toEqual(expect.arrayContaining(['collector', 'processors', 'schemas', 'package.json']))
  expect(dockerfile).toContain('--omit=optional')
  expect(dockerfile).toMatch(/^USER node$/m)
  expect(dockerfile).toMatch(/HEALTHCHECK[^\n]*\\\n\s+CMD \["node", /)
  expect(exists(/^ENTRYPOINT \["node", "([^"]+)"\]$/m.exec(dockerfile)?.[1] ?? 'none')).toBe(true)
})
