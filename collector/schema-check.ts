// JSON Schemas that requests asked for, compiled once each, so that answers are checked against them. Schemas come from outside: what
// cannot be bounded is taken out before (processors/automatic-feedback/plain-schema.ts), and compiling has a share of the time.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { SchemaCheck } from '../processors/automatic-feedback/forms.ts'
import { plainSchema } from '../processors/automatic-feedback/plain-schema.ts'

export interface SchemaCheckLimits {
  /** Larger schemas and answers are not checked. */
  readonly schemaChars: number
  readonly textChars: number
  /** Schemas that one value may meet × its members: what a check takes, a few nanoseconds each. */
  readonly steps: number
  /** Milliseconds of every second that go into compiling; schemas met beyond it are not checked. */
  readonly compileMs: number
  readonly kept: number
}

export const schemaCheckLimits: SchemaCheckLimits = {
  schemaChars: 64 * 1024,
  textChars: 64 * 1024,
  steps: 4_000_000,
  compileMs: 50,
  kept: 500,
}

interface Compiled {
  readonly validate: ValidateFunction
  readonly size: number
  readonly cycles: number
}

/** A checker with a memory of its own; `now` in milliseconds measures what compiling takes. */
export function makeSchemaCheck(
  limits: SchemaCheckLimits = schemaCheckLimits,
  now: () => number = () => performance.now(),
): SchemaCheck {
  const known = new Map<string, Compiled | null>()
  let second = 0
  let spentMs = 0
  const compileOnce = (key: string, schema: object): Compiled | null | undefined => {
    const found = known.get(key)
    if (found !== undefined) return found
    const from = now()
    if (Math.floor(from / 1000) !== second) {
      second = Math.floor(from / 1000)
      spentMs = 0
    }
    if (spentMs >= limits.compileMs) return undefined
    if (known.size >= limits.kept) known.delete(known.keys().next().value!)
    const made = compile(schema)
    spentMs += now() - from
    known.set(key, made)
    return made
  }
  return (schema, value, textSize) => {
    if (textSize > limits.textChars) return undefined
    const key = JSON.stringify(schema)
    if (key.length > limits.schemaChars) return undefined
    const ready = compileOnce(key, schema)
    if (!ready || stepsOf(ready, value, textSize) > limits.steps) return undefined
    if (ready.validate(value)) return null
    const [error] = ready.validate.errors ?? []
    return error === undefined ? undefined : { keyword: error.keyword, place: error.schemaPath.slice(0, 200) }
  }
}

/** Null for what is no schema, or none that can be checked in bounded time. */
function compile(schema: object): Compiled | null {
  const plain = plainSchema(schema)
  if (plain === undefined) return null
  try {
    const ajv = new Ajv2020({
      strict: false,
      validateSchema: false,
      validateFormats: false,
      addUsedSchema: false,
      inlineRefs: false,
      multipleOfPrecision: 6,
      logger: false,
    })
    return { validate: ajv.compile(plain.schema), size: plain.size, cycles: plain.cycles }
  } catch {
    // Not a schema, whatever the request called it: nothing can be said of an answer by it.
    return null
  }
}

/** A schema that refers back to itself in several places may meet one value once for each way there. */
function stepsOf({ size, cycles }: Compiled, value: unknown, textSize: number): number {
  const members = Math.max(1, textSize / 2)
  return size * members * (cycles > 1 ? cycles ** Math.min(depthOf(value, 0), 64) : 1)
}

function depthOf(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null || depth >= 64) return depth
  return Object.values(value).reduce<number>((deepest, each) => Math.max(deepest, depthOf(each, depth + 1)), depth)
}
