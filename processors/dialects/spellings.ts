// Names of usage that are seen in the wild and belong to no convention: an emitter that nobody knows is read by them, with arithmetic to
// decide how it counts, and `usage_rule` says what was assumed. They mark nothing and come after every name of a known dialect.

import type { Dialect } from '../dialect.ts'
import type { FieldName } from '../fields.ts'

const under = 'gen_ai.usage.'

/** After `gen_ai.usage.`. */
const spellings = {
  inputTokens: ['prompt'],
  outputTokens: ['completion'],
  cacheReadTokens: [
    'input_cached_tokens',
    'cache_read_tokens',
    'details.cache_read_tokens',
    'details.cache_read_input_tokens',
    'details.cached_tokens',
    'details.cached_content_tokens',
    'prompt_tokens_details.cached_tokens',
    'prompt_tokens_details.cache_read',
    'input_tokens_details.cached_tokens',
    'input_token_details.cache_read',
  ],
  cacheWriteTokens: [
    'cache_write_tokens',
    'input_tokens.cache_creation',
    'details.cache_write_tokens',
    'details.cache_creation_input_tokens',
    'prompt_tokens_details.cache_creation_tokens',
    'prompt_tokens_details.cache_write_tokens',
    'prompt_tokens_details.cache_write',
    'input_token_details.cache_creation',
  ],
  cacheWrite5mTokens: ['cache_creation.input_tokens.ephemeral_5m', 'cache_creation.ephemeral_5m_input_tokens'],
  cacheWrite1hTokens: ['cache_creation.input_tokens.ephemeral_1h', 'cache_creation.ephemeral_1h_input_tokens'],
  reasoningTokens: [
    'details.reasoning_tokens',
    'details.thoughts_tokens',
    'completion_tokens_details.reasoning_tokens',
    'completion_tokens_details.reasoning',
    'output_tokens_details.reasoning_tokens',
    'output_token_details.reasoning',
    'thoughts_tokens',
  ],
  inputAudioTokens: ['audio_input_tokens', 'details.input_audio_tokens', 'prompt_tokens_details.audio_tokens'],
  outputAudioTokens: [
    'audio_output_tokens',
    'details.output_audio_tokens',
    'completion_tokens_details.audio_tokens',
    'completion_tokens_details.audio',
  ],
  cacheReadAudioTokens: ['details.cache_audio_read_tokens'],
  totalTokens: ['total'],
} as const satisfies { readonly [field in FieldName]?: readonly string[] }

/** Without any prefix, as people name attributes of their own, and some agents theirs. */
const bare = {
  // Claude Code has it for what is not cached; of anybody else it is just the input.
  input_tokens: 'freshInputTokens',
  prompt_tokens: 'inputTokens',
  input_token_count: 'inputTokens',
  output_tokens: 'outputTokens',
  completion_tokens: 'outputTokens',
  output_token_count: 'outputTokens',
  total_tokens: 'totalTokens',
  total_token_count: 'totalTokens',
  cache_read_tokens: 'cacheReadTokens',
  cache_read_input_tokens: 'cacheReadTokens',
  cached_tokens: 'cacheReadTokens',
  cached_token_count: 'cacheReadTokens',
  cached_content_token_count: 'cacheReadTokens',
  cache_creation_tokens: 'cacheWriteTokens',
  cache_creation_input_tokens: 'cacheWriteTokens',
  cache_write_tokens: 'cacheWriteTokens',
  reasoning_tokens: 'reasoningTokens',
  reasoning_token_count: 'reasoningTokens',
  thoughts_token_count: 'reasoningTokens',
  model: 'requestModel',
  model_name: 'requestModel',
  'llm.usage.prompt_tokens': 'inputTokens',
  'llm.usage.completion_tokens': 'outputTokens',
  'llm.request.model': 'requestModel',
  'llm.response.model': 'responseModel',
  'gen_ai.response.time_to_first_token': 'ttftSeconds',
  // Dify counts in nanoseconds.
  'gen_ai.user.time_to_first_token': 'ttftNano',
  'trace.metadata.openrouter.first_token_ms': 'ttftMs',
  ttft_ms: 'ttftMs',
} as const satisfies Record<string, FieldName>

export default {
  id: 'spellings',
  spec: 'names of 39 dialects of traces and logs, 2026-11',
  rank: 9000,
  scopes: [],
  marks: {},
  fields: {
    ...Object.fromEntries(
      Object.entries(spellings).flatMap(([field, names]) =>
        names.map((name) => [`${under}${name}`, field as FieldName]),
      ),
    ),
    ...bare,
  },
} satisfies Dialect
