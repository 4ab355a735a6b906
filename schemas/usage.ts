// The units a model call is billed in, and which unit is a part of which total.
// Counts follow the OpenTelemetry meaning: `input` is all input tokens, `output` all output tokens; every other
// token unit is a part of one of them. Sources: semantic-conventions-genai (2026-08), pricing vectors 2026-11-22.

interface UsageUnit {
  readonly name: string
  /** The total this unit is counted inside of; null for a total or a unit without tokens. */
  readonly partOf: string | null
  /** Key in the column `usage_other`; null for the units that have a column of their own. */
  readonly key: string | null
}

export const usageUnits = [
  { name: 'input', partOf: null, key: null },
  { name: 'output', partOf: null, key: null },
  { name: 'cacheRead', partOf: 'input', key: null },
  { name: 'cacheWrite', partOf: 'input', key: null },
  { name: 'reasoning', partOf: 'output', key: null },
  { name: 'cacheWrite1h', partOf: 'cacheWrite', key: 'cache_write_1h_tokens' },
  { name: 'inputAudio', partOf: 'input', key: 'input_audio_tokens' },
  { name: 'cacheReadAudio', partOf: 'cacheRead', key: 'cache_read_audio_tokens' },
  { name: 'inputImage', partOf: 'input', key: 'input_image_tokens' },
  { name: 'inputVideo', partOf: 'input', key: 'input_video_tokens' },
  { name: 'outputAudio', partOf: 'output', key: 'output_audio_tokens' },
  { name: 'outputImage', partOf: 'output', key: 'output_image_tokens' },
  { name: 'citation', partOf: 'output', key: 'citation_tokens' },
  { name: 'characters', partOf: null, key: 'input_characters' },
  { name: 'images', partOf: null, key: 'images' },
  { name: 'imagePixels', partOf: null, key: 'input_image_pixels' },
  { name: 'audioSeconds', partOf: null, key: 'audio_seconds' },
  { name: 'videoSeconds', partOf: null, key: 'video_seconds' },
  { name: 'pages', partOf: null, key: 'document_pages' },
  { name: 'annotatedPages', partOf: 'pages', key: 'annotated_document_pages' },
  { name: 'requests', partOf: null, key: 'requests' },
  { name: 'webSearch', partOf: null, key: 'web_search_calls' },
  { name: 'webSearchQuery', partOf: null, key: 'web_search_queries' },
  { name: 'searchQuery', partOf: null, key: 'search_queries' },
  { name: 'groundedRequest', partOf: null, key: 'grounded_requests' },
  { name: 'fileSearch', partOf: null, key: 'file_search_calls' },
  { name: 'codeSession', partOf: null, key: 'code_interpreter_sessions' },
  { name: 'searchUnit', partOf: null, key: 'search_units' },
] as const satisfies readonly UsageUnit[]

export type UsageUnitName = (typeof usageUnits)[number]['name']

/** No call has more of anything; sums of a few stay exact in a double. */
const countMax = 1e15

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= countMax && Number.isInteger(value)
}

export const usageUnitCount = usageUnits.length

const fractional: ReadonlySet<string> = new Set(['audioSeconds', 'videoSeconds'])
/** 1 at the slots of units that may be fractions; all others are whole. */
export const isFractional = Uint8Array.from(usageUnits, ({ name }) => (fractional.has(name) ? 1 : 0))

/** Whether `value` can be a quantity of the unit in `slot`. */
export function isQuantity(slot: number, value: unknown): value is number {
  if (isFractional[slot] === 0) return isCount(value)
  return typeof value === 'number' && value >= 0 && value <= countMax
}

/** Slot of each unit in a usage row: `usage[row * usageUnitCount + unit.input]`. */
export const unit = Object.fromEntries(usageUnits.map((each, index) => [each.name, index])) as Readonly<
  Record<UsageUnitName, number>
>

/** Output tokens that a provider has counted when a stream begins: one that broke tells them alone. */
export const firstCountMax = 8
