// Traceloop OpenLLMetry. Since 0.6x it writes OpenTelemetry's names; older packages and some JavaScript ones their own.
// Bedrock in Python passes the provider's exclusive count on; Gemini and Vertex leave thoughts out of the output.

import { firstCountMax } from '../../schemas/usage.ts'
import type { Dialect } from '../dialect.ts'
import type { SpanView } from '../span-view.ts'
import { isBelow } from '../versions.ts'

export default {
  id: 'openllmetry',
  spec: 'traceloop/openllmetry 0.62.1 @ 93429cfb, openllmetry-js @ 1faf69de (2026-06)',
  scopes: ['opentelemetry.instrumentation.*', '@traceloop/*', 'traceloop*'],
  marks: { 'traceloop.*': 4, 'llm.request.type': 4 },
  fields: {
    'traceloop.span.kind': 'spanType',
    'traceloop.entity.name': 'entityName',
    'llm.request.type': 'operation',
    'llm.usage.total_tokens': 'totalTokens',
    'llm.usage.reasoning_tokens': 'reasoningTokens',
    'gen_ai.is_streaming': 'stream',
    'llm.is_streaming': 'stream',
    'traceloop.association.properties.user_id': 'userId',
    'gen_ai.user': 'userId',
    'llm.user': 'userId',
    'traceloop.association.properties.session_id': 'sessionId',
    'traceloop.workflow.name': 'feature',
    'traceloop.prompt.key': 'promptName',
    'traceloop.prompt.version': 'promptVersion',
    'traceloop.entity.input': 'inputContent',
    'traceloop.entity.output': 'outputContent',
  },
  content: [
    'gen_ai.prompt.*',
    'gen_ai.completion.*',
    'llm.request.functions.*',
    'traceloop.prompt.template',
    'traceloop.prompt.template_variables',
  ],
  kinds: {
    'traceloop.span.kind': { workflow: 'workflow', task: 'workflow', agent: 'agent', tool: 'tool' },
    'llm.request.type': { chat: 'llm', completion: 'llm', embedding: 'embedding', rerank: 'rerank' },
  },
  meaning({ scope, version, provider }) {
    const isJavaScript = scope.startsWith('@')
    const isGoogle = provider.startsWith('gcp.')
    if (scope === 'opentelemetry.instrumentation.anthropic')
      return { outputIncludesReasoning: true, mend: isBelow(version, 0, 33, 4) ? forgetGuess : takeFirstCountOut }
    if (!isJavaScript && provider === 'aws.bedrock')
      return {
        inputIncludesCache: false,
        outputIncludesReasoning: true,
        mend: isBelow(version, 0, 57) ? forgetFirstCount : undefined,
      }
    // LangChain's own counts, of which the package tells reads since 0.39 and writes since 0.62.
    const isLangChain = scope === 'opentelemetry.instrumentation.langchain' && !isBelow(version, 0, 35)
    if (isLangChain && (provider === 'anthropic' || isBelow(version, 0, 39)))
      return { inputIncludesCache: true, outputIncludesReasoning: !isGoogle, hidesCache: isBelow(version, 0, 62) }
    // Two code paths of the Python package disagree for Anthropic: the arithmetic of each span decides.
    if (!isJavaScript && provider === 'anthropic') return { outputIncludesReasoning: true }
    if (scope === '@traceloop/instrumentation-openai')
      return { inputIncludesCache: true, outputIncludesReasoning: true, mend: forgetCountOfText }
    if (scope === '@traceloop/instrumentation-langchain')
      return { inputIncludesCache: provider !== 'anthropic', outputIncludesReasoning: !isGoogle, mend: mendLangChain }
    // So does the JavaScript package for Anthropic since it reports cache counts at all (0.25).
    if (isJavaScript && provider === 'anthropic') return { inputIncludesCache: false, outputIncludesReasoning: true }
    return { inputIncludesCache: true, outputIncludesReasoning: !isGoogle }
  },
  read(span) {
    const type = span.text('spanType')
    if (type === 'task') span.setTextIfMissing('step', span.text('entityName'))
    else if (type === 'agent') span.setTextIfMissing('agentName', span.text('entityName'))
    else if (type === 'tool') span.setTextIfMissing('toolName', span.text('entityName'))
    // A method of LlamaIndex's models that has no package of its own.
    if (type !== 'workflow' || span.text('operation') !== 'chat' || !span.scope().endsWith('llamaindex')) return
    span.setKind('llm')
    const vendor = /^([a-z]+)_(?:responses_)?llm$/.exec(span.provider())?.[1]
    if (vendor !== undefined) span.setProvider(vendor)
  },
} satisfies Dialect

/**
 * A stream's output is the sum of the count at its beginning and the whole count at its end. The first is not told and at least 1. A stream
 * is known by the order of its attributes, which are gathered as it goes; not all of its kinds have a mark.
 */
function takeFirstCountOut(span: SpanView): void {
  const isStream = /^true$/i.test(span.text('stream') ?? '') || span.isBefore('outputTokens', 'responseModel')
  const output = span.usage('outputTokens')
  if (isStream && output > 1) span.mendUsage('outputTokens', output - 1)
}

/** Until 0.33.3 what was not streamed was counted by the SDK's old tokenizer or as nothing, whatever the answer said. */
function forgetGuess(span: SpanView): void {
  if (!/^true$/i.test(span.text('stream') ?? '')) span.forgetUsage()
}

/** A stream by InvokeModel is reported as it began, and nothing tells it from an answer so short. */
function forgetFirstCount(span: SpanView): void {
  if (span.name() === 'bedrock.completion' && span.usage('outputTokens') <= firstCountMax) span.forgetUsage()
}

/** A chat takes three tokens a message and three for its answer, whatever it says, and a word. */
const frameOfMessage = 4
const frameOfAnswer = 3
/** Prompts beyond this are not read: it would cost more than the rest of the span. */
const promptBytesMax = 32 * 1024

/**
 * Streams of OpenAI in JavaScript are counted by a tokenizer, from the words alone, and nothing says so. A count below what the words and the
 * frame of a chat take at least is no provider's; above it the two look alike.
 */
function forgetCountOfText(span: SpanView): void {
  if (span.text('operation') !== 'chat') return
  const prompt = span.head('inputContent', promptBytesMax)
  const roles = prompt.match(/"role":/g)?.length ?? 1
  if (span.usage('inputTokens') < wordsOf(prompt) + roles * frameOfMessage + frameOfAnswer) span.forgetUsage()
}

/** How many tokens a list of messages has at least: no tokenizer of OpenAI's joins two words, or digits beyond three, into one. */
function wordsOf(prompt: string): number {
  let words = 0
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'string' && key === 'content') words += value.match(wordOrDigits)?.length ?? 0
    else if (typeof value === 'object' && value !== null)
      for (const [name, each] of Object.entries(value)) visit(each, name)
  }
  try {
    visit(JSON.parse(prompt), '')
  } catch {
    // Cut, or no JSON: then its frame alone is known.
  }
  return words
}

const wordOrDigits = /[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*|\p{N}{1,3}/gu

/**
 * LangChain's streams of Claude have no id of an answer. Releases of its package before 1.3.11 tell their output and an input of 0; later ones an input
 * that includes the cache, which others do not, and the first count of the output twice.
 */
function mendLangChain(span: SpanView): void {
  if (span.usage('inputTokens') === 0 && span.usage('outputTokens') > 0) {
    span.forgetUsage()
    return
  }
  if (span.provider() !== 'anthropic' || span.has('responseId') || !(span.usage('outputTokens') > 1)) return
  span.setMeaning({ inputIncludesCache: true })
  span.mendUsage('outputTokens', span.usage('outputTokens') - 1)
}
