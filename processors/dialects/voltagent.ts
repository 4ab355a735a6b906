// VoltAgent. The span of an agent's run has the usage of all its steps; the one below it, of the AI SDK's function, has that of the last
// step alone. So a run is billed as one call, unless spans below it tell its calls.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'voltagent',
  spec: '@voltagent/core 2.10.0 over ai 6 (2026-11)',
  scopes: ['@voltagent/*'],
  marks: { 'voltagent.*': 6 },
  fields: {
    'span.type': 'spanType',
    'ai.model.name': 'requestModel',
    'usage.prompt_tokens': 'inputTokens',
    'usage.completion_tokens': 'outputTokens',
    'usage.total_tokens': 'totalTokens',
    'usage.cached_tokens': 'cacheReadTokens',
    'usage.reasoning_tokens': 'reasoningTokens',
    'conversation.id': 'sessionId',
    'voltagent.conversation_id': 'sessionId',
    'entity.name': 'agentName',
    'agent.instructions': 'systemContent',
    'agent.messages': 'inputContent',
  },
  content: ['input', 'output', 'llm.messages', 'agent.messages.ui', 'agent.stateSnapshot', 'tool.parameters'],
  kinds: { 'span.type': { llm: 'workflow', tool: 'tool', agent: 'agent', retriever: 'retrieval' } },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    if (span.text('spanType') === 'llm') span.forgetUsage()
    else if (span.has('requestModel') && span.usage('inputTokens') > 0) span.setKind('llm')
  },
  readsEach: true,
} satisfies Dialect
