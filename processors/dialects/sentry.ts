// Sentry's SDKs. Agents carry the same usage as the clients below them, and say by `gen_ai.operation.type` which they are. Amounts have
// names of tokens and are USD, see reported-costs.ts.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'sentry',
  spec: 'getsentry/sentry-conventions @ b350b1ed (2026-08)',
  scopes: ['sentry*', '@sentry/*'],
  marks: { 'sentry.op': 5, 'gen_ai.operation.type': 4 },
  fields: {
    'gen_ai.operation.type': 'spanType',
    'gen_ai.response.streaming': 'stream',
    'gen_ai.pipeline.name': 'feature',
    'gen_ai.request.messages': 'inputContent',
    'gen_ai.response.text': 'outputContent',
  },
  content: ['gen_ai.response.tool_calls', 'gen_ai.request.available_tools'],
  // A client may be a chat or an embedding: the operation's name tells.
  kinds: { 'gen_ai.operation.type': { agent: 'agent', tool: 'tool', handoff: 'other' } },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
} satisfies Dialect
