// OTLP messages as protobufjs sees them: the judge of what our JSON transcoder wrote.

import { type MessageName, messageType } from '../otlp-schema.ts'

/** The message as a plain object: 64-bit integers as decimal text, bytes as base64, unset fields left out. */
export function decoded(name: MessageName, bytes: Uint8Array): Record<string, unknown> {
  const type = messageType(name)
  return type.toObject(type.decode(bytes), { longs: String, bytes: String }) as Record<string, unknown>
}
