// MLflow: every value is JSON, plain text too, so that names come in quotes. `mlflow.chat.tokenUsage` includes the cache but for
// Bedrock; reasoning, the answer's id and an embedding's usage are only in the answer itself. Before 3.8 the model is only in what was
// asked and answered as well, and the cache of a stream only in the events of its chunks.

import { picoOfUsd } from '../../schemas/money.ts'
import type { Dialect, SpanKindName } from '../dialect.ts'
import type { FieldName } from '../fields.ts'
import { jsonObject } from '../json-text.ts'
import { readLangChain } from '../langchain-answer.ts'
import { isGuessOfLitellm } from '../litellm-guess.ts'
import { type Counts, fillFrom, fillFromAnswer, objectAt } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

const kinds: Readonly<Record<string, SpanKindName>> = {
  CHAT_MODEL: 'llm',
  LLM: 'llm',
  EMBEDDING: 'embedding',
  RERANKER: 'rerank',
  AGENT: 'agent',
  CHAIN: 'workflow',
  WORKFLOW: 'workflow',
  TASK: 'workflow',
  TOOL: 'tool',
  RETRIEVER: 'retrieval',
  EVALUATOR: 'evaluator',
  GUARDRAIL: 'other',
  PARSER: 'other',
  MEMORY: 'other',
  UNKNOWN: 'other',
}

const quoted = ['requestModel', 'userId', 'sessionId'] as const satisfies readonly FieldName[]
/** Answers beyond this are not read: it would cost more than the rest of the span. */
const answerBytesMax = 64 * 1024

export default {
  id: 'mlflow',
  spec: 'mlflow 3.17 tracing (2026-11); tracing files @ 00449464',
  scopes: ['mlflow*'],
  marks: { 'mlflow.*': 6 },
  fields: {
    'mlflow.spanType': 'spanType',
    'mlflow.llm.model': 'requestModel',
    'mlflow.llm.provider': 'vendorJson',
    'mlflow.chat.tokenUsage': 'usageJson',
    'mlflow.llm.cost': 'costJson',
    'mlflow.trace.user': 'userId',
    'mlflow.user': 'userId',
    'mlflow.trace.session': 'sessionId',
    'mlflow.linkedPrompts': 'promptJson',
    invocation_params: 'providerMetadata',
    'mlflow.spanInputs': 'inputContent',
    'mlflow.spanOutputs': 'outputContent',
    raw_llm_response: 'providerMetadata',
  },
  content: ['raw_llm_response'],
  contentEvents: [],
  kinds: {
    'mlflow.spanType': Object.fromEntries(
      Object.entries(kinds).flatMap(([type, kind]) => [
        [type, kind],
        [`"${type}"`, kind],
      ]),
    ),
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    for (const field of quoted) {
      const text = span.text(field)
      if (text?.startsWith('"')) span.setText(field, unquoted(text))
    }
    const provider = span.text('vendorJson')
    if (provider !== undefined) span.setProvider(unquoted(provider))
    const usage = span.json('usageJson')
    if (usage !== undefined) fillFrom(span, { input_tokens_details: {}, ...usage })
    const kind = kinds[unquoted(span.text('spanType') ?? '')]
    if (kind === 'llm' || kind === 'embedding' || kind === 'rerank') readCall(span)
    span.setReportedCost(picoOfUsd(span.json('costJson')?.['total_cost']), 'mlflow.llm.cost')
  },
} satisfies Dialect

function readCall(span: SpanView): void {
  const answer = span.json('outputContent', answerBytesMax)
  if (answer !== undefined) {
    readLangChain(span, answer)
    // Bedrock's InvokeModel has the answer as the body of another.
    fillFromAnswer(span, objectAt(answer, 'body') ?? answer)
  }
  const beside = span.json('providerMetadata', answerBytesMax)
  const isRaw = span.keyOf('providerMetadata') === 'raw_llm_response'
  // LiteLLM's, which is whole also where the span's output is cut down.
  if (isRaw && beside !== undefined) fillFromAnswer(span, beside)
  if (span.name().startsWith('litellm-') && isGuessOfLitellm(objectAt(answer, 'usage'), String(answer?.['model'])))
    span.forgetUsage()
  if (span.has('usageJson') && Number.isNaN(span.usage('cacheReadTokens'))) readChunks(span)
  const asked = (isRaw ? undefined : beside) ?? span.json('inputContent', answerBytesMax)
  span.setTextIfMissing('requestModel', asked?.['model'] ?? asked?.['modelId'] ?? asked?.['model_name'])
  // What a model's name begins with is taken for its provider: a geography, where Bedrock serves it.
  if (span.name().startsWith('BedrockRuntime.')) span.setProvider('aws.bedrock')
}

/** Chunks that may come after the one with the usage, and that one. */
const lastChunks = 4

/** Of a stream, the usage in the events of its chunks, where it is that which the span reports. */
function readChunks(span: SpanView): void {
  for (const text of span.lastEventTexts(lastChunks)) {
    if (text.length > answerBytesMax || !text.includes('"usage')) continue
    const usage = usageOfChunk(text)
    if (usage === undefined || (usage['input_tokens'] ?? usage['prompt_tokens']) !== span.usage('inputTokens')) continue
    fillFrom(span, usage)
    return
  }
}

/** A chunk of OpenAI's or Claude's, or LangChain's message chunk. */
function usageOfChunk(text: string): Counts | undefined {
  const chunk = jsonObject(text)
  const message = objectAt(objectAt(objectAt(chunk, 'kwargs'), 'message'), 'kwargs')
  return objectAt(message, 'usage_metadata') ?? objectAt(chunk, 'usage')
}

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text
}
