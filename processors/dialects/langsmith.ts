// LangSmith's SDK, as OpenTelemetry. `langsmith.span.kind` says what a run is; the operation is a loose translation of it, and chains
// repeat what the runs below them used. Usage includes its parts, which are in LangChain's usage object alone, and in older releases in
// the answer. Where the provider is not known it says `langchain`.

import type { Dialect } from '../dialect.ts'
import { readLangChain } from '../langchain-answer.ts'
import { type Counts, fillFrom, fillFromAnswer, objectAt } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

/** Answers beyond this are not searched: it would cost more than the rest of the span. */
const answerBytesMax = 32 * 1024

export default {
  id: 'langsmith',
  spec: 'langsmith 0.14 (2026-11); langsmith-sdk @ bc8dd672',
  scopes: ['langsmith*'],
  marks: { 'langsmith.*': 6 },
  fields: {
    'langsmith.span.kind': 'spanType',
    'langsmith.metadata.usage_metadata': 'usageJson',
    'langsmith.usage_metadata': 'usageJson',
    'gen_ai.usage.input_token_details': 'inputDetails',
    'gen_ai.usage.output_token_details': 'outputDetails',
    'langsmith.metadata.ls_provider': 'vendor',
    'langsmith.metadata.ls_model_name': 'requestModel',
    'langsmith.metadata.ls_temperature': 'temperature',
    'langsmith.metadata.ls_max_tokens': 'maxTokens',
    'langsmith.metadata.session_id': 'sessionId',
    'langsmith.metadata.thread_id': 'sessionId',
    'langsmith.metadata.conversation_id': 'sessionId',
    'langsmith.metadata.user_id': 'userId',
  },
  kinds: {
    'langsmith.span.kind': {
      llm: 'llm',
      embedding: 'embedding',
      chain: 'workflow',
      agent: 'agent',
      tool: 'tool',
      retriever: 'retrieval',
      prompt: 'other',
      parser: 'other',
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const vendor = span.text('vendor')
    if (vendor !== undefined && ['', 'langchain'].includes(span.provider())) span.setProvider(vendor)
    if (span.text('spanType') !== 'llm') return
    // A failed run has no outputs; the JavaScript package ends it with status OK all the same.
    if (!span.has('outputContent') && !span.has('outputTokens') && !span.has('usageJson')) span.setError()
    const parts = {
      input_token_details: span.object('inputDetails'),
      output_token_details: span.object('outputDetails'),
    }
    const usage = span.object('usageJson') ?? parts
    fillFrom(span, usage)
    const answer = span.json('outputContent', answerBytesMax)
    if (answer !== undefined) readAnswer(span, answer)
  },
} satisfies Dialect

/** A provider's answer, or LangChain's list of messages with what the provider said beside each. */
function readAnswer(span: SpanView, answer: Counts): void {
  const { generations } = answer
  const one: unknown = Array.isArray(generations) ? generations.flat()[0] : undefined
  if (one === undefined) {
    fillFromAnswer(span, answer)
    return
  }
  readLangChain(span, answer)
  const message = objectAt({ one }, 'one')
  const said = objectAt(objectAt(objectAt(message, 'message'), 'kwargs'), 'response_metadata')
  span.setTextIfMissing('responseId', said?.['id'])
  span.setTextIfMissing('responseModel', said?.['model_name'])
  span.setTextIfMissing('serviceTier', said?.['service_tier'])
}
