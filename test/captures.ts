// Requests that real instrumentations sent, as recorded, and ways to send them otherwise than they were sent.

import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { encodeTracesJson } from '../collector/otlp/json.ts'
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

export function readRequest(file: URL): Uint8Array {
  let body: Uint8Array = readFileSync(file)
  if (body[0] === 0x1f && body[1] === 0x8b) body = gunzipSync(body)
  return body[0] === 0x7b ? encodeTracesJson(body) : body
}

interface Traces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly object[] }[]
  }[]
}

/** Every span in a request of its own, with its resource and scope. */
export function oneByOne(requests: readonly Uint8Array[]): Uint8Array[] {
  const type = messageType('Traces')
  return requests.flatMap((request) => {
    const { resourceSpans } = type.decode(request) as unknown as Traces
    return resourceSpans.flatMap((resource) =>
      resource.scopeSpans.flatMap((scope) =>
        scope.spans.map((span) =>
          encoded('Traces', { resourceSpans: [{ ...resource, scopeSpans: [{ ...scope, spans: [span] }] }] }),
        ),
      ),
    )
  })
}
