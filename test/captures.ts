// Requests that real instrumentations sent, as recorded, and ways to send them otherwise than they were sent.

import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { encodeLogsJson, encodeTracesJson } from '../collector/otlp/json.ts'
import { encoded, messageType } from './otlp-schema.ts'

const root = new URL('fixtures/captures/', import.meta.url)

/** Names of the recorded clients. */
export function captureNames(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** Trace requests of a client in the order sent, as protobuf. */
export function traceRequests(capture: string): Uint8Array[] {
  const folder = new URL(`${capture}/`, root)
  return readdirSync(folder)
    .filter((file) => file.endsWith('-traces.bin'))
    .sort()
    .map((file) => readRequest(new URL(file, folder)))
}

export function readRequest(file: URL, signal: Sent['signal'] = 'traces'): Uint8Array {
  let body: Uint8Array = readFileSync(file)
  if (body[0] === 0x1f && body[1] === 0x8b) body = gunzipSync(body)
  if (body[0] !== 0x7b) return body
  return signal === 'logs' ? encodeLogsJson(body) : encodeTracesJson(body)
}

/** A request as it was sent. */
export interface Sent {
  readonly signal: 'traces' | 'logs'
  /** Protobuf. */
  readonly body: Uint8Array
}

/** All requests of a client that tell of calls, in the order sent. */
export function sentBy(capture: string): Sent[] {
  const folder = new URL(`${capture}/`, root)
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const [, signal] = /^\d+-(traces|logs)\.bin$/.exec(file) ?? []
      return signal === 'traces' || signal === 'logs'
        ? [{ signal, body: readRequest(new URL(file, folder), signal) }]
        : []
    })
}

export interface Traces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly scope?: { readonly name: string }; readonly spans: readonly object[] }[]
  }[]
}

export interface Logs {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly object[] }[]
  }[]
}

/** Every span and log record in a request of its own, with its resource and scope. */
export function oneByOne(requests: readonly Sent[]): Sent[] {
  return requests.flatMap(({ signal, body }) =>
    (signal === 'traces' ? spansOf(body) : recordsOf(body)).map((one) => ({ signal, body: one })),
  )
}

function spansOf(body: Uint8Array): Uint8Array[] {
  const { resourceSpans } = messageType('Traces').decode(body) as unknown as Traces
  return resourceSpans.flatMap((resource) =>
    resource.scopeSpans.flatMap((scope) =>
      scope.spans.map((span) =>
        encoded('Traces', { resourceSpans: [{ ...resource, scopeSpans: [{ ...scope, spans: [span] }] }] }),
      ),
    ),
  )
}

function recordsOf(body: Uint8Array): Uint8Array[] {
  const { resourceLogs } = messageType('Logs').decode(body) as unknown as Logs
  return resourceLogs.flatMap((resource) =>
    resource.scopeLogs.flatMap((scope) =>
      scope.logRecords.map((record) =>
        encoded('Logs', { resourceLogs: [{ ...resource, scopeLogs: [{ ...scope, logRecords: [record] }] }] }),
      ),
    ),
  )
}
