// What passes between the HTTP side of the fake provider and the two APIs behind it.

/** A request after the HTTP of it. */
export interface FakeRequest {
  /** After the API's version: `chat/completions`. */
  readonly path: string
  readonly body: JsonObject
  /** Status to fail with, when the request asks for a failure. */
  readonly failure: number | undefined
}

/** A JSON answer, or a stream of server-sent events. */
export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'events'; readonly events: readonly string[] }

export type JsonObject = Readonly<Record<string, unknown>>

/** A JSON object; anything else as an empty one. */
export function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

/** A JSON array's objects; anything else as an empty list. */
export function asObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(asObject) : []
}

/** A JSON string; anything else as an empty one. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A server-sent event; OpenAI's chat stream leaves the event name out. */
export function serverSentEvent(data: unknown, event?: string): string {
  const body = typeof data === 'string' ? data : JSON.stringify(data)
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${body}\n\n`
}
