// The names that people and files give to units and conditions: flags of `spanledger price`, keys of price vectors.
//
//   unit           flag              in a vector's usage                in its components
//   cacheWrite1h   --cache-write-1h  cache_creation_1h_input_tokens     cache_write_1h

import { type UsageUnitName, usageUnits } from '../../schemas/usage.ts'
import { type CallConditions, noConditions } from './conditions.ts'
import { type ConditionName, conditionNames } from './file.ts'

/** Name in the usage of a price vector, and what is counted. */
const units: Readonly<Record<UsageUnitName, readonly [vectorName: string, doc: string]>> = {
  input: ['input_tokens', 'All input tokens, the cached and the written ones included'],
  output: ['output_tokens', 'All output tokens, reasoning included'],
  cacheRead: ['cache_read_input_tokens', 'Input tokens read from a cache'],
  cacheWrite: ['cache_creation_input_tokens', 'Input tokens written to a cache, of all lifetimes'],
  reasoning: ['reasoning_output_tokens', 'Output tokens spent on reasoning'],
  cacheWrite1h: ['cache_creation_1h_input_tokens', 'Of the cache writes, those kept for an hour'],
  inputAudio: ['input_audio_tokens', 'Of the input tokens, audio'],
  cacheReadAudio: ['cache_read_audio_input_tokens', 'Of the cached input tokens, audio'],
  inputImage: ['input_image_tokens', 'Of the input tokens, images'],
  inputVideo: ['input_video_tokens', 'Of the input tokens, video'],
  outputAudio: ['output_audio_tokens', 'Of the output tokens, audio'],
  outputImage: ['output_image_tokens', 'Of the output tokens, images'],
  citation: ['citation_tokens', 'Of the output tokens, citations'],
  characters: ['input_characters', 'Characters of text'],
  images: ['images', 'Images by the piece'],
  imagePixels: ['input_image_pixels', 'Pixels of input images (Voyage)'],
  audioSeconds: ['audio_seconds', 'Seconds of audio, 12.5 too'],
  videoSeconds: ['video_seconds', 'Seconds of video, 12.5 too'],
  pages: ['document_pages', 'Pages of documents'],
  annotatedPages: ['annotated_document_pages', 'Of the pages, annotated ones'],
  requests: ['requests', 'Requests, where a request has a fee'],
  webSearch: ['web_search_calls', 'Web searches, by call'],
  webSearchQuery: ['web_search_queries', 'Web searches, by query (Gemini 3)'],
  searchQuery: ['search_queries', 'Searches, by query (Perplexity)'],
  groundedRequest: ['grounded_requests', 'Prompts grounded by a search (Gemini 2.5)'],
  fileSearch: ['file_search_calls', 'File searches'],
  codeSession: ['code_interpreter_sessions', 'Sessions of a code interpreter'],
  searchUnit: ['search_units', 'Searches of a reranker'],
}

const conditionDocs: Readonly<Record<ConditionName, string>> = {
  serviceTier: 'Tier that served the call: default, batch, flex, priority …',
  speed: 'Speed, such as fast',
  region: 'Cloud region, or a word of the provider such as us, eu, global',
  dataResidency: 'Where it is processed, such as us, eu',
  deploymentType: 'Kind of deployment, such as global-standard (Azure)',
  searchContextSize: 'low, medium or high (Perplexity)',
  imageSize: 'Size of the images, such as 1024x1024',
  imageQuality: 'Quality of the images, such as hd',
  videoSize: 'Size of the video, such as 4k',
}

export interface NamedUnit {
  readonly name: UsageUnitName
  /** Without dashes. */
  readonly flag: string
  readonly vectorName: string
  readonly doc: string
}

export const namedUnits: readonly NamedUnit[] = usageUnits.map(({ name }) => {
  const [vectorName, doc] = units[name]
  return { name, flag: split(name, '-'), vectorName, doc }
})

export const namedConditions = conditionNames.map((name) => ({
  name,
  flag: split(name, '-'),
  vectorName: split(name, '_'),
  doc: conditionDocs[name],
}))

const byVectorName = new Map(namedUnits.map(({ vectorName, name }) => [vectorName, name]))

/** Counts that are a part of something and are charged with it; five-minute writes are the rest of all writes. */
export const countedElsewhere: Readonly<Record<string, UsageUnitName>> = {
  cache_creation_5m_input_tokens: 'cacheWrite',
  input_tool_tokens: 'input',
}

/** The unit of a name in a vector's usage. */
export function unitOf(vectorName: string): UsageUnitName | undefined {
  return byVectorName.get(vectorName)
}

/** Anthropic's inference geography is where the call is processed. */
const conditionSynonyms: Readonly<Record<string, ConditionName>> = { inference_geo: 'dataResidency' }
const conditionsByName = new Map(namedConditions.map(({ vectorName, name }) => [vectorName, name]))

/** The condition of a name in a vector's context or usage. */
export function conditionOf(vectorName: string): ConditionName | undefined {
  return conditionsByName.get(vectorName) ?? conditionSynonyms[vectorName]
}

export function vectorName(name: UsageUnitName): string {
  return units[name][0]
}

export function withConditions(said: Partial<CallConditions>): CallConditions {
  return { ...noConditions, ...said }
}

/** `cacheWrite1h` → `cache-write-1h`. */
function split(name: string, by: string): string {
  return name.replaceAll(/[A-Z]|\d+/g, (part) => `${by}${part.toLowerCase()}`)
}
