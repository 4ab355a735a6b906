// Dify. A provider is the path of its plugin, `langgenius/openai/openai`; the wait for the first token is in nanoseconds.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'dify',
  spec: 'langgenius/dify @ 017dca47 and 6960f043 (2026)',
  scopes: ['dify*'],
  marks: { 'dify.*': 6 },
  fields: {
    'gen_ai.span.kind': 'spanType',
    'dify.streaming': 'stream',
  },
  content: ['retrieval.query', 'retrieval.document'],
  kinds: {
    'gen_ai.span.kind': {
      LLM: 'llm',
      EMBEDDING: 'embedding',
      RERANKER: 'rerank',
      CHAIN: 'workflow',
      TASK: 'workflow',
      AGENT: 'agent',
      TOOL: 'tool',
      RETRIEVER: 'retrieval',
    },
  },
  read(span) {
    const path = span.text('provider')
    if (path?.includes('/')) span.setProvider(path.slice(path.lastIndexOf('/') + 1))
  },
} satisfies Dialect
