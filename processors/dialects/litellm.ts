// LiteLLM's own OpenTelemetry callback: `litellm_request` stands for the call and normalises usage to OpenAI's shape, cache included;
// `raw_gen_ai_request` below it repeats the provider's answer, with the usage as Python's text. Where the caller has a span of its own
// under way there is no `litellm_request`, and the raw span is all there is of the call. The cache split is in a Python text only. A
// stream that told no usage is given as zeros, or with counts of its own. Ids are the provider's for chat completions, wrapped in base64
// for Responses, and made up for the rest.

import type { Dialect } from '../dialect.ts'
import type { FieldName } from '../fields.ts'
import { isGuessOfLitellm, writtenBeside } from '../litellm-guess.ts'
import { type Counts, fillFrom } from '../provider-usage.ts'
import { providerId } from '../response-id.ts'
import type { SpanView } from '../span-view.ts'

/** As they stand in the names of a raw span's attributes. */
const providers = [
  'openai',
  'azure',
  'azure_ai',
  'anthropic',
  'bedrock',
  'vertex_ai',
  'gemini',
  'mistral',
  'groq',
  'deepseek',
  'openrouter',
  'xai',
  'cohere',
  'cohere_chat',
  'perplexity',
  'together_ai',
  'fireworks_ai',
  'litellm_proxy',
  'hosted_vllm',
  'ollama',
]

/** Names that are of an interface and not of who serves and bills. */
const passedOn: ReadonlySet<string> = new Set(['litellm_proxy', 'hosted_vllm'])

const rawFields: Readonly<Record<string, FieldName>> = Object.fromEntries(
  providers.flatMap((name): [string, FieldName][] => [
    [`llm.${name}.usage`, 'usageJson'],
    [`llm.${name}.usageMetadata`, 'usageJson'],
    [`llm.${name}.id`, 'responseId'],
    [`llm.${name}.responseId`, 'responseId'],
    [`llm.${name}.model`, 'responseModel'],
    [`llm.${name}.modelVersion`, 'responseModel'],
    [`llm.${name}.service_tier`, 'serviceTier'],
  ]),
)

export default {
  id: 'litellm',
  spec: 'litellm 1.106.2 (2026-11)',
  scopes: ['litellm'],
  marks: { hidden_params: 5, 'metadata.usage_object': 5, 'litellm.*': 5 },
  fields: {
    'metadata.usage_object': 'usageJson',
    'metadata.user_api_key_end_user_id': 'userId',
    'metadata.user_api_key_user_id': 'userId',
    'metadata.requester_metadata': 'promptJson',
    ...rawFields,
  },
  kinds: {
    'llm.request.type': {
      acompletion: 'llm',
      text_completion: 'llm',
      atext_completion: 'llm',
      responses: 'llm',
      aresponses: 'llm',
      anthropic_messages: 'llm',
      generate_content: 'llm',
      agenerate_content: 'llm',
      generate_content_stream: 'llm',
      agenerate_content_stream: 'llm',
      aembedding: 'embedding',
      arerank: 'rerank',
      image_generation: 'image',
      aimage_generation: 'image',
      image_edit: 'image',
      aimage_edit: 'image',
      transcription: 'audio',
      atranscription: 'audio',
      speech: 'audio',
      aspeech: 'audio',
      moderation: 'moderation',
      amoderation: 'moderation',
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const usage = span.object('usageJson')
    if (usage !== undefined) fillFrom(span, usage)
    if (usage !== undefined && span.keyOf('usageJson') === 'metadata.usage_object') addWritten(span, usage)
    if (isGuessOfLitellm(usage, span.text('requestModel') ?? '')) span.forgetUsage()
    if (span.name() === 'raw_gen_ai_request') readRaw(span)
    const id = span.text('responseId')
    if (id !== undefined) span.setText('responseId', providerId(id))
    const metadata = span.object('promptJson')
    span.setTextIfMissing('sessionId', metadata?.['session_id'])
    span.setTextIfMissing('userId', metadata?.['user_id'])
  },
} satisfies Dialect

function addWritten(span: SpanView, usage: Counts): void {
  const written = writtenBeside(usage)
  if (written > 0 && span.usage('inputTokens') === usage['prompt_tokens'])
    span.mendUsage('inputTokens', span.usage('inputTokens') + written)
}

/** An answer that tells its usage is a call, also where no other span stands for it. */
function readRaw(span: SpanView): void {
  if (Number.isNaN(span.usage('inputTokens'))) return
  const provider = /^llm\.(\w+)\./.exec(span.keyOf('usageJson'))?.[1]
  if (provider !== undefined && !passedOn.has(provider)) span.setProvider(provider)
  span.setKind(Number.isNaN(span.usage('outputTokens')) ? 'embedding' : 'llm')
}
