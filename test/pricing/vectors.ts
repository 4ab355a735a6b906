// Price vectors as the tests read them: usage by its names in the vectors → a usage row and call conditions.

import { readFileSync } from 'node:fs'
import type { CallConditions } from '../../processors/pricing/book.ts'
import { noConditions } from '../../processors/pricing/book.ts'
import { type UsageUnitName, unit, usageUnitCount } from '../../schemas/usage.ts'

export interface VectorComponent {
  readonly component: string
  readonly quantity: string
  readonly price: string
  readonly per: string
  readonly amount_usd: string
}

export interface Vector {
  readonly id: string
  readonly model: string
  readonly timestamp: string
  readonly context?: { readonly [name: string]: string }
  readonly usage: { readonly [name: string]: number | string }
  readonly expected: {
    readonly status: string
    readonly components: readonly VectorComponent[]
    readonly total_usd: string
    readonly alternative?: { readonly total_usd: string }
  }
  readonly certainty: 'high' | 'medium' | 'disputed'
}

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/prices/${name}.json`, import.meta.url), 'utf8')) as T
}

const units: { readonly [name: string]: UsageUnitName } = {
  input_tokens: 'input',
  output_tokens: 'output',
  cache_read_input_tokens: 'cacheRead',
  cache_creation_input_tokens: 'cacheWrite',
  cache_creation_1h_input_tokens: 'cacheWrite1h',
  reasoning_output_tokens: 'reasoning',
  input_audio_tokens: 'inputAudio',
  cache_read_audio_input_tokens: 'cacheReadAudio',
  input_image_tokens: 'inputImage',
  input_video_tokens: 'inputVideo',
  output_audio_tokens: 'outputAudio',
  output_image_tokens: 'outputImage',
  citation_tokens: 'citation',
  input_characters: 'characters',
  images: 'images',
  input_image_pixels: 'imagePixels',
  audio_seconds: 'audioSeconds',
  video_seconds: 'videoSeconds',
  document_pages: 'pages',
  annotated_document_pages: 'annotatedPages',
  requests: 'requests',
  web_search_calls: 'webSearch',
  web_search_queries: 'webSearchQuery',
  search_queries: 'searchQuery',
  grounded_requests: 'groundedRequest',
  file_search_calls: 'fileSearch',
  code_interpreter_sessions: 'codeSession',
  search_units: 'searchUnit',
}

/** Parts of a total that are no unit of their own: five-minute writes are the rest of all writes, tool input is input. */
const notUnits: ReadonlySet<string> = new Set(['cache_creation_5m_input_tokens', 'input_tool_tokens'])

const usageConditions: { readonly [name: string]: keyof CallConditions } = {
  image_size: 'imageSize',
  image_quality: 'imageQuality',
  video_size: 'videoSize',
}

const contextConditions: { readonly [name: string]: keyof CallConditions } = {
  service_tier: 'serviceTier',
  speed: 'speed',
  region: 'region',
  data_residency: 'dataResidency',
  inference_geo: 'dataResidency',
  deployment_type: 'deploymentType',
  search_context_size: 'searchContextSize',
}

/** Throws for a name that neither table knows: a vector is never read in part. */
export function usageRow(usage: Vector['usage']): Float64Array {
  const row = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const [name, value] of Object.entries(usage)) {
    const own = units[name]
    if (own !== undefined) row[unit[own]] = Number(value)
    else if (!notUnits.has(name) && usageConditions[name] === undefined) throw new Error(`unknown usage "${name}"`)
  }
  return row
}

export function conditionsOf(vector: Pick<Vector, 'context' | 'usage'>): CallConditions {
  const conditions: { -readonly [name in keyof CallConditions]: string } = { ...noConditions }
  for (const [name, value] of Object.entries(vector.context ?? {})) {
    const condition = contextConditions[name]
    if (condition !== undefined) conditions[condition] = value
  }
  for (const [name, value] of Object.entries(vector.usage)) {
    const condition = usageConditions[name]
    if (condition !== undefined) conditions[condition] = String(value)
  }
  return conditions
}

/** Name of a unit in the vectors. */
export function vectorName(name: UsageUnitName): string {
  return Object.keys(units).find((other) => units[other] === name) ?? name
}
