// What standard output says once everything listens: one JSON line for programs, words for a person at a terminal.

import { type Endpoint, formatEndpoint } from './config-values.ts'

export interface Listening {
  readonly otlpGrpc: Endpoint
  readonly otlpHttp: Endpoint
  readonly api: Endpoint
  readonly admin: Endpoint
  /** HTTP of the embedded engine or of the server in use. */
  readonly clickhouseHttp: Endpoint
  /** Native protocol of the embedded engine; absent with a server. */
  readonly clickhouseNative?: Endpoint
}

/** One line of JSON with every address as `host:port`. */
export function readyLine(listening: Listening): string {
  const { clickhouseNative } = listening
  const line = {
    msg: 'ready',
    otlp_grpc: formatEndpoint(listening.otlpGrpc),
    otlp_http: formatEndpoint(listening.otlpHttp),
    api: formatEndpoint(listening.api),
    admin: formatEndpoint(listening.admin),
    clickhouse_http: formatEndpoint(listening.clickhouseHttp),
    ...(clickhouseNative === undefined ? {} : { clickhouse_native: formatEndpoint(clickhouseNative) }),
  }
  return `${JSON.stringify(line)}\n`
}

/** The same in words, with what to paste next. */
export function readyWords(
  listening: Listening,
  { version, database, asksKeys = false }: { version: string; database: string; asksKeys?: boolean },
): string {
  const otlp = `http://${reachable(listening.otlpHttp)}`
  const api = `http://${reachable(listening.api)}`
  const clickhouse = `http://${reachable(listening.clickhouseHttp)}`
  const isEmbedded = listening.clickhouseNative !== undefined
  const sql = `SELECT model, count() AS calls, sum(total_cost) AS usd FROM ${database}.llm_calls GROUP BY model FORMAT PrettyCompact`
  const exported = asksKeys ? ' OTEL_EXPORTER_OTLP_HEADERS=x-api-key=$KEY' : ''
  const shown = asksKeys ? ' -H "x-api-key: $KEY"' : ''
  return `Spanledger ${version} is ready.${asksKeys ? ' Keys are asked for: $KEY stands for yours.' : ''}

  OTLP         ${otlp} (HTTP), ${reachable(listening.otlpGrpc)} (gRPC)
  API          ${api}
  metrics      http://${reachable(listening.admin)}/metrics
  ClickHouse   ${isEmbedded ? `${clickhouse} (HTTP), ${reachable(listening.clickhouseNative)} (native), embedded` : reachable(listening.clickhouseHttp)}

Send spans with any OTLP exporter:

  export OTEL_EXPORTER_OTLP_ENDPOINT=${otlp} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf${exported}

Ask what they cost:

  ${isEmbedded ? `curl -s ${clickhouse} -d '${sql}'` : `clickhouse-client --host ${listening.clickhouseHttp.host} --query '${sql}'`}

Say whether an answer was any good:

  curl -X POST ${api}/api/feedback -H 'Content-Type: application/json'${shown} -d '{"trace_id": "TRACE_ID", "score": 1}'

Ctrl-C stops.
`
}

/** A listener on all addresses is reached on this machine by loopback. */
function reachable({ host, port }: Endpoint): string {
  const here: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  return formatEndpoint({ host: here[host] ?? host, port })
}
