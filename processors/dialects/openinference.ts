// Arize OpenInference. Counts follow OpenAI (the prompt count includes its cached part), but for the Claude agent SDK, which
// passes the provider's exclusive count on, and older packages for Bedrock. The JavaScript package for Anthropic was exclusive as long as it
// sent no cache counts at all; since it sends them (0.2) its prompt count includes them.

import type { Dialect } from '../dialect.ts'
import { isPlainOfClaude } from '../haystack-claude.ts'
import { jsonObject } from '../json-text.ts'
import { readLangChain } from '../langchain-answer.ts'
import { writtenBeside } from '../litellm-guess.ts'
import { type Counts, fillFrom, fillFromAnswer, objectAt } from '../provider-usage.ts'
import { pythonMember } from '../python-text.ts'
import type { SpanView } from '../span-view.ts'

/** Answers beyond this are not searched for their id: it would cost more than the rest of the span. */
const answerBytesMax = 32 * 1024

export default {
  id: 'openinference',
  spec: 'openinference spec/semantic_conventions.md @ 1fe497f1 (2026-08)',
  scopes: ['openinference.instrumentation.*', '@arizeai/openinference-*'],
  marks: { 'openinference.span.kind': 5, 'llm.token_count.*': 5 },
  fields: {
    'openinference.span.kind': 'spanType',
    'llm.provider': 'provider',
    'llm.system': 'vendor',
    'llm.request.model_name': 'requestModel',
    'llm.response.model_name': 'responseModel',
    'llm.model_name': 'requestModel',
    'embedding.model_name': 'requestModel',
    'reranker.model_name': 'requestModel',
    'llm.token_count.prompt': 'inputTokens',
    'llm.token_count.completion': 'outputTokens',
    'llm.token_count.total': 'totalTokens',
    'llm.token_count.prompt_details.cache_read': 'cacheReadTokens',
    'llm.token_count.prompt_details.cache_input': 'cacheReadTokens',
    'llm.token_count.prompt_details.cache_write': 'cacheWriteTokens',
    'llm.token_count.prompt_details.audio': 'inputAudioTokens',
    'llm.token_count.completion_details.reasoning': 'reasoningTokens',
    'llm.token_count.completion_details.audio': 'outputAudioTokens',
    'llm.finish_reason': 'finishReasons',
    'llm.prompt_template.version': 'promptVersion',
    'prompt.id': 'promptName',
    'agent.name': 'agentName',
    'tool.name': 'toolName',
    'input.value': 'inputContent',
    'output.value': 'outputContent',
    'llm.invocation_parameters': 'providerMetadata',
  },
  content: [
    'llm.input_messages.*',
    'llm.output_messages.*',
    'llm.prompts.*',
    'llm.choices.*',
    'llm.tools.*',
    'llm.prompt_template.template',
    'llm.prompt_template.variables',
    'embedding.embeddings.*',
    'retrieval.documents.*',
    'reranker.*_documents.*',
    'tool.parameters',
  ],
  kinds: {
    'openinference.span.kind': {
      LLM: 'llm',
      EMBEDDING: 'embedding',
      RERANKER: 'rerank',
      CHAIN: 'workflow',
      AGENT: 'agent',
      TOOL: 'tool',
      RETRIEVER: 'retrieval',
      EVALUATOR: 'evaluator',
      GUARDRAIL: 'other',
      PROMPT: 'other',
    },
  },
  meaning({ scope, provider }) {
    // Agno passes Claude's own count on.
    const isExclusive = /claude[_-]agent[_-]sdk$/.test(scope) || (scope.endsWith('agno') && provider === 'anthropic')
    // Older releases passed Bedrock's exclusive count on, with a total that says so; newer ones and LiteLLM's include the cache.
    const isUndecided = provider === 'aws.bedrock' && !scope.endsWith('litellm')
    return { inputIncludesCache: isUndecided ? undefined : !isExclusive, outputIncludesReasoning: true }
  },
  read(span) {
    const parameters = span.json('providerMetadata')
    if (parameters !== undefined) {
      span.setNumberIfMissing('temperature', parameters['temperature'])
      const limit = parameters['max_tokens'] ?? parameters['max_completion_tokens'] ?? parameters['max_output_tokens']
      span.setNumberIfMissing('maxTokens', limit)
      if (typeof parameters['stream'] === 'boolean') span.setStream(parameters['stream'])
    }
    // The provider's id and tier, and with some packages the cache split, travel only inside its whole answer.
    const type = span.text('spanType')
    // A method of LlamaIndex that only puts a request together.
    if (type === 'LLM' && /\._prepare_\w+$/.test(span.name())) span.setKind('other')
    if (type !== 'LLM' && type !== 'EMBEDDING' && type !== 'RERANKER') return
    // The JavaScript package for Bedrock shortens the model's name, to nothing but the vendor where that is Amazon.
    const isBedrock = type === 'LLM' && span.provider() === 'aws.bedrock'
    const named = isBedrock ? /^\{"modelId":"([^"]+)"/.exec(span.head('inputContent', 200))?.[1] : undefined
    if (named !== undefined) span.setText('requestModel', named)
    const answer = span.json('outputContent', answerBytesMax)
    if (answer !== undefined) readAnswer(span, answer)
    else if (Number.isNaN(span.usage('inputTokens'))) readChunks(span)
  },
} satisfies Dialect

/** The answer may be the provider's, a component's with the provider's beside its replies, or an object of Python as text. */
function readAnswer(span: SpanView, answer: Counts): void {
  fillFromAnswer(span, answer)
  const written = span.scope().endsWith('.litellm') ? writtenBeside(objectAt(answer, 'usage')) : 0
  if (written > 0) span.mendUsage('inputTokens', span.usage('inputTokens') + written)
  readLangChain(span, answer)
  const meta = objectAt(answer, 'meta')
  if (meta !== undefined) fillFromAnswer(span, meta)
  const { replies, raw } = answer
  const text = raw ?? (Array.isArray(replies) ? replies[0] : undefined)
  const usage = typeof text === 'string' ? pythonMember(text, 'usage') : undefined
  if (usage === undefined) return
  fillFrom(span, usage)
  const [, reason = ''] = /'finish_reason': '(\w+)'/.exec(text as string) ?? []
  if (isPlainOfClaude(reason, usage)) span.setMeaning({ inputIncludesCache: false, outputIncludesReasoning: true })
}

/** Chunks of a stream as a list of texts, as older packages for Agno have it: the last that tells usage tells all of it. */
function readChunks(span: SpanView): void {
  const chunks = span.jsonList('outputContent', answerBytesMax) ?? []
  const told = chunks.findLast((chunk) => typeof chunk === 'string' && chunk.includes('"usage":{'))
  const chunk = typeof told === 'string' ? jsonObject(told) : undefined
  if (chunk !== undefined) fillFromAnswer(span, objectAt(chunk, 'message') ?? chunk)
}
