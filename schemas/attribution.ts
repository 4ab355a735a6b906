// The columns of `spans` that say whom a call is for.

import type { SpansColumn } from './spans-table.ts'

export const attributionColumns = [
  'user_id',
  'session_id',
  'feature',
  'team',
  'customer',
  'step',
  'input_class',
  'collection',
  'env',
  'release',
  'prompt_name',
  'prompt_version',
  'agent_name',
  'tool_name',
] as const satisfies readonly SpansColumn[]

export type AttributionColumn = (typeof attributionColumns)[number]
