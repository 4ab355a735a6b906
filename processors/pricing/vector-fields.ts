// Reading JSON that somebody else wrote: every value is checked where it is taken, and an error names its field.

export type Fields = { readonly [name: string]: unknown }

/** What a vector could not be read for; the message names the field. */
export class VectorError extends Error {
  override readonly name = 'VectorError'
}

export function fieldsOf(value: unknown, field: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new VectorError(`${field}: ${shown(value)} is no object`)
}

/** Absent is empty. */
export function listOf(value: unknown, field: string): readonly unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw new VectorError(`${field}: ${shown(value)} is no list`)
}

export function text(value: unknown, field: string): string {
  if (typeof value === 'string') return value
  throw new VectorError(`${field}: ${value === undefined ? 'missing' : `${shown(value)} is no text`}`)
}

/** Unix milliseconds of an ISO 8601 instant with its offset, or of a day's start in UTC. */
export function instantOf(value: unknown, field: string): number {
  const words = text(value, field)
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(words)
    ? Date.parse(words)
    : Number.NaN
  if (Number.isNaN(ms)) throw new VectorError(`${field}: "${words}" is no instant such as 2026-08-10T09:00:00Z`)
  return ms
}

/** A decimal, as text or as a JSON number, in its shortest form. */
export function decimalOf(value: unknown, field: string): string {
  const words = typeof value === 'number' ? String(value) : text(value, field)
  if (!/^\d+(\.\d+)?$/.test(words)) throw new VectorError(`${field}: ${shown(value)} is no decimal such as "0.75"`)
  return words.includes('.') ? words.replace(/\.?0+$/, '') : words
}

export function onlyFields(fields: Fields, known: readonly string[], where: string): void {
  const strange = Object.keys(fields).find((name) => !known.includes(name))
  if (strange !== undefined) throw new VectorError(`unknown field "${where}${strange}"`)
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 64)
}
