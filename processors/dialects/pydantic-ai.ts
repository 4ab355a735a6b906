// Pydantic AI's own spans. Counts include their parts with every provider. The span of an agent's run repeats the sum under the same
// names up to version 1, and says neither operation nor provider; later ones have a name of their own for the sum.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'pydantic-ai',
  spec: 'pydantic-ai-slim 0.4.11, 1.20.0, 2.68.0 (2026-11)',
  scopes: ['pydantic-ai'],
  marks: { 'pydantic_ai.*': 5 },
  fields: {
    agent_name: 'entityName',
    'logfire.span_type': 'spanForm',
    'pydantic_ai.all_messages': 'inputContent',
    all_messages_events: 'inputContent',
    final_result: 'outputContent',
  },
  content: ['events', 'tool_arguments', 'tool_response', 'model_request_parameters'],
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    if (span.text('spanForm') === 'pending_span') span.setKind('other')
    else if (span.has('entityName') && !span.has('operation')) {
      span.setKind('agent')
      span.setTextIfMissing('agentName', span.text('entityName'))
    }
  },
} satisfies Dialect
