// Whom a call is for: the columns that say so, and the names under which applications, baggage and the metadata of each
// instrumentation carry them.

import type { AttributionColumn } from '../schemas/attribution.ts'
import type { FieldName } from './fields.ts'

/** The field of each column that says whom a call is for. */
export const attributionFields = {
  user_id: 'userId',
  session_id: 'sessionId',
  feature: 'feature',
  team: 'team',
  customer: 'customer',
  step: 'step',
  input_class: 'inputClass',
  collection: 'collection',
  env: 'env',
  release: 'release',
  prompt_name: 'promptName',
  prompt_version: 'promptVersion',
  agent_name: 'agentName',
  tool_name: 'toolName',
} as const satisfies Record<AttributionColumn, FieldName>

/** Fields that a resource may give for all its spans; the rest it may give only under a name of the user's own map. */
export const resourceFields: readonly FieldName[] = [
  'env',
  'release',
  'userId',
  'sessionId',
  'feature',
  'team',
  'customer',
  'step',
  'inputClass',
  'collection',
]

/** Where applications put what they say of themselves; attributes that hold an object as JSON count as the same with a dot. */
const places = [
  'spanledger.',
  'baggage.',
  'langfuse.trace.metadata.',
  'langfuse.observation.metadata.',
  'traceloop.association.properties.',
  'ai.telemetry.metadata.',
  'ai.settings.context.',
  'langsmith.metadata.',
  'mastra.metadata.',
  'lmnr.association.properties.',
  'lmnr.association.properties.metadata.',
  'trace.metadata.',
  'span.metadata.',
  'metadata.',
  'app.',
] as const

/** Names → fields under each of those places: words joined by `_`, by `.` and in camel case. */
export function underEachPlace(names: Readonly<Record<string, FieldName>>): Record<string, FieldName> {
  const found: Record<string, FieldName> = {}
  for (const [name, field] of Object.entries(names))
    for (const place of places) for (const spelling of spellings(name)) found[`${place}${spelling}`] = field
  return found
}

/** Names → fields as they are, in each spelling of several words. */
export function alone(names: Readonly<Record<string, FieldName>>): Record<string, FieldName> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, field]) => spellings(name).map((spelling) => [spelling, field])),
  )
}

function spellings(name: string): string[] {
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return [...new Set([name, name.replaceAll('_', '.'), camel])]
}
