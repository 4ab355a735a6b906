// MLflow: every value is JSON, plain text too, so that names come in quotes. `mlflow.chat.tokenUsage` includes the cache; reasoning,
// the answer's id and an embedding's usage are only in the answer itself.

import { picoOfUsd } from '../../schemas/money.ts'
import type { Dialect, SpanKindName } from '../dialect.ts'
import type { FieldName } from '../fields.ts'
import { fillFrom, fillFromAnswer } from '../provider-usage.ts'

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
    'mlflow.spanInputs': 'inputContent',
    'mlflow.spanOutputs': 'outputContent',
  },
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
    const isCall = kind === 'llm' || kind === 'embedding' || kind === 'rerank'
    const answer = isCall ? span.json('outputContent', answerBytesMax) : undefined
    if (answer !== undefined) fillFromAnswer(span, answer)
    span.setReportedCost(picoOfUsd(span.json('costJson')?.['total_cost']), 'mlflow.llm.cost')
  },
} satisfies Dialect

function unquoted(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text
}
