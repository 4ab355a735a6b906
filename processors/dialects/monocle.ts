// Monocle. A span names who was asked and the model as its entities; what was used is in its event `metadata`, in OpenAI's older words,
// with Claude's and Bedrock's own counts passed on: input without the cache, of which writes are not told. A framework's span carries the
// counts, and the client's below it has none.

import type { Dialect, SpanKindName } from '../dialect.ts'

const kinds: Readonly<Record<string, SpanKindName>> = {
  inference: 'llm',
  'inference.framework': 'llm',
  'inference.modelapi': 'other',
  embedding: 'embedding',
  'embedding.modelapi': 'other',
  retrieval: 'retrieval',
  workflow: 'workflow',
  'agentic.turn': 'workflow',
  'agentic.invocation': 'agent',
  'agentic.tool.invocation': 'tool',
  'agentic.mcp.invocation': 'tool',
}

function includesCache(provider: string): boolean {
  return provider !== 'anthropic' && provider !== 'aws.bedrock'
}

export default {
  id: 'monocle',
  spec: 'monocle_apptrace 0.8.15 (2026-09)',
  scopes: ['monocle_apptrace*'],
  marks: { 'monocle_apptrace.*': 6 },
  fields: {
    'span.type': 'spanType',
    'entity.1.type': 'vendorJson',
    'entity.2.type': 'entityName',
  },
  contentEvents: ['data.input', 'data.output'],
  meaning: ({ provider }) => ({
    inputIncludesCache: includesCache(provider),
    outputIncludesReasoning: true,
  }),
  readsEach: true,
  read(span) {
    const kind = kinds[span.text('spanType') ?? ''] ?? 'other'
    span.setKind(kind)
    if (kind !== 'llm' && kind !== 'embedding') return
    const asked = /^inference\.(.+)$/.exec(span.text('vendorJson') ?? '')?.[1]
    if (asked !== undefined) span.setProvider(asked)
    // The entity that is a model is the second of an inference, and the only one of an embedding.
    const model = /^model\.\w+\.(.+)$/.exec(span.text('entityName') ?? span.text('vendorJson') ?? '')?.[1]
    span.setTextIfMissing('requestModel', model)
    const told = span.lastEvent('metadata')
    span.setUsageIfMissing('inputTokens', told?.['prompt_tokens'])
    span.setUsageIfMissing('outputTokens', told?.['completion_tokens'])
    span.setUsageIfMissing('cacheReadTokens', told?.['cache_read_input_tokens'])
    span.setUsageIfMissing('cacheWriteTokens', told?.['cache_creation_input_tokens'])
    span.setTextIfMissing('finishReasons', told?.['finish_reason'])
    if (told?.['finish_type'] === 'error') span.setError()
    span.setMeaning({ inputIncludesCache: includesCache(span.provider()) })
  },
} satisfies Dialect
