// Billed units and pricing conditions that no convention names yet, under the names the ledger itself uses: any span of any
// emitter may carry them. `gen_ai.usage.<unit>` and `spanledger.usage.<unit>` for counts, `gen_ai.request.…`,
// `gen_ai.response.…` and `spanledger.…` for what a price may depend on. It marks nothing: who speaks is told by other keys.

import type { Dialect } from '../dialect.ts'
import type { FieldName } from '../fields.ts'

const units = {
  input_tokens: 'inputTokens',
  output_tokens: 'outputTokens',
  cache_read_input_tokens: 'cacheReadTokens',
  cache_creation_input_tokens: 'cacheWriteTokens',
  cache_creation_5m_input_tokens: 'cacheWrite5mTokens',
  cache_creation_1h_input_tokens: 'cacheWrite1hTokens',
  cache_write_1h_tokens: 'cacheWrite1hTokens',
  reasoning_output_tokens: 'reasoningTokens',
  input_audio_tokens: 'inputAudioTokens',
  cache_read_audio_input_tokens: 'cacheReadAudioTokens',
  cache_read_audio_tokens: 'cacheReadAudioTokens',
  input_image_tokens: 'inputImageTokens',
  input_video_tokens: 'inputVideoTokens',
  output_audio_tokens: 'outputAudioTokens',
  output_image_tokens: 'outputImageTokens',
  citation_tokens: 'citationTokens',
  input_characters: 'characters',
  characters: 'characters',
  images: 'images',
  input_image_pixels: 'imagePixels',
  image_pixels: 'imagePixels',
  audio_seconds: 'audioSeconds',
  video_seconds: 'videoSeconds',
  document_pages: 'pages',
  pages: 'pages',
  annotated_document_pages: 'annotatedPages',
  requests: 'requests',
  web_search_calls: 'webSearchCalls',
  web_search_requests: 'webSearchCalls',
  web_search_queries: 'webSearchQueries',
  search_queries: 'searchQueries',
  grounded_requests: 'groundedRequests',
  file_search_calls: 'fileSearchCalls',
  code_interpreter_sessions: 'codeSessions',
  search_units: 'searchUnits',
} as const satisfies Record<string, FieldName>

/** The tier asked for is not the tier billed, so a request's tier is not read. */
const served = { service_tier: 'serviceTier' } as const satisfies Record<string, FieldName>

const conditions = {
  speed: 'speed',
  region: 'region',
  data_residency: 'dataResidency',
  inference_geo: 'dataResidency',
  deployment_type: 'deploymentType',
  search_context_size: 'searchContextSize',
  image_size: 'imageSize',
  image_quality: 'imageQuality',
  video_size: 'videoSize',
} as const satisfies Record<string, FieldName>

function named(prefix: string, names: Readonly<Record<string, FieldName>>): Record<string, FieldName> {
  return Object.fromEntries(Object.entries(names).map(([name, field]) => [`${prefix}${name}`, field]))
}

export default {
  id: 'billed-units',
  spec: 'the ledger’s own names; semantic-conventions-genai (2026-10) has none for these',
  scopes: [],
  marks: {},
  fields: {
    ...named('spanledger.usage.', units),
    ...named('gen_ai.usage.', units),
    ...named('spanledger.', { ...served, ...conditions }),
    ...named('gen_ai.response.', { ...served, ...conditions }),
    ...named('gen_ai.request.', conditions),
    ...named('gen_ai.', { ...served, ...conditions }),
    'gen_ai.usage.audio.seconds': 'audioSeconds',
    'gen_ai.usage.video.seconds': 'videoSeconds',
    'gen_ai.usage.video.input_tokens': 'inputVideoTokens',
    'gen_ai.request.image.size': 'imageSize',
    'gen_ai.request.image.quality': 'imageQuality',
    'gen_ai.request.video.size': 'videoSize',
    'gen_ai.openai.request.image.size': 'imageSize',
    'openai.request.image.size': 'imageSize',
    'openai.request.image.quality': 'imageQuality',
    'azure.deployment.type': 'deploymentType',
    'azure.deployment_type': 'deploymentType',
    'azure.ai.openai.deployment_type': 'deploymentType',
    'aws.region': 'region',
    'cloud.region': 'region',
    'gcp.location': 'region',
    'gcp.region': 'region',
    'server.address': 'endpoint',
    'net.peer.name': 'endpoint',
  },
} satisfies Dialect
