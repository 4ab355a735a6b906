// What options may not be together.

import { BlockList, isIP } from 'node:net'
import type { Config } from './config.ts'
import { ConfigError } from './config-sources.ts'
import { type Endpoint, formatEndpoint } from './config-values.ts'

interface Listener {
  readonly key: string
  readonly at: Endpoint
}

/** Throws ConfigError for the first contradiction. */
export function checkTogether(config: Config): void {
  const doors: Listener[] = [
    { key: 'otlp_grpc_endpoint', at: config.otlpGrpcEndpoint },
    { key: 'otlp_http_endpoint', at: config.otlpHttpEndpoint },
    { key: 'api_endpoint', at: config.apiEndpoint },
    { key: 'admin_endpoint', at: config.adminEndpoint },
  ]
  const engine: Listener[] = [
    { key: 'embedded_http_endpoint', at: config.embeddedHttpEndpoint },
    { key: 'embedded_native_endpoint', at: config.embeddedNativeEndpoint },
  ]
  const isEmbedded = config.clickhouseUrl === null
  const unguarded = config.keysFile === '' ? doors : doors.filter(({ key }) => key === 'admin_endpoint')
  if (!config.allowUnauthenticated) checkDoors(unguarded)
  if (isEmbedded) checkEngine(config, engine)
  checkPorts(isEmbedded ? [...doors, ...engine] : doors)
  if (config.inflightBytesMax < config.requestBytesMax) {
    throw new ConfigError(
      `inflight_bytes_max (${config.inflightBytesMax} bytes) is less than request_bytes_max (${config.requestBytesMax} bytes): the largest request would never fit`,
    )
  }
  if (config.journalBacklogRows < config.journalSegmentRows) {
    throw new ConfigError(
      `journal_backlog_rows (${config.journalBacklogRows}) is less than journal_segment_rows (${config.journalSegmentRows})`,
    )
  }
}

function checkDoors(doors: readonly Listener[]): void {
  const open = doors.find(({ at }) => !isLoopback(at.host))
  if (open === undefined) return
  throw new ConfigError(
    `${open.key} ${formatEndpoint(open.at)} is open to other machines and nobody has to show a key: use 127.0.0.1, ${open.key === 'admin_endpoint' ? '' : 'set keys_file, '}or allow it by allow_unauthenticated`,
  )
}

function checkEngine(config: Config, engine: readonly Listener[]): void {
  const open = engine.find(({ at }) => !isLoopback(at.host))
  if (open !== undefined) {
    throw new ConfigError(
      `${open.key} ${formatEndpoint(open.at)} is open to other machines: the embedded engine knows no passwords and listens on loopback only; for more set clickhouse_url`,
    )
  }
  const forServers = {
    clickhouse_user: config.clickhouseUser !== '',
    clickhouse_password: !config.clickhousePassword.isEmpty,
    clickhouse_cluster: config.clickhouseCluster !== '',
  }
  for (const [key, isSet] of Object.entries(forServers)) {
    if (isSet)
      throw new ConfigError(`${key} is set but clickhouse_url is not: the embedded engine has no users and no cluster`)
  }
}

function checkPorts(listeners: readonly Listener[]): void {
  for (const [i, one] of listeners.entries()) {
    const other = listeners.slice(0, i).find(({ at }) => collide(at, one.at))
    if (other !== undefined) throw new ConfigError(`${other.key} and ${one.key} both want ${formatEndpoint(one.at)}`)
  }
}

function collide(a: Endpoint, b: Endpoint): boolean {
  return a.port !== 0 && a.port === b.port && (a.host === b.host || isWildcard(a.host) || isWildcard(b.host))
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Names but `localhost` count as other machines: what they stand for is not known before they are resolved. */
export function isLoopback(host: string): boolean {
  const version = isIP(host)
  return version === 0 ? host === 'localhost' : loopback.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
