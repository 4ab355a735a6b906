// Cline (a coding agent in an editor or a terminal). The name of an event is its body. `task.conversation_turn` of the assistant carries
// the counts and the cost of an answer; `task.tokens` repeats two of them. Not recorded: read from its pages, which do not say whether
// input has cached parts in it, so arithmetic decides.

import type { Dialect, LogEvent } from '../dialect.ts'

const everywhere = { session: 'ulid' } as const satisfies Partial<LogEvent>

const names = {
  ulid: 'gen_ai.conversation.id',
  provider: 'gen_ai.provider.name',
  model: 'gen_ai.request.model',
  requestId: 'gen_ai.response.id',
  errorStatus: 'http.response.status_code',
  errorMessage: 'cline.error',
}

export default {
  id: 'cline',
  spec: 'cline 3.82, pages “OpenTelemetry events” and telemetry of its repository (2026), documentation only',
  scopes: ['cline*'],
  marks: {},
  fields: { 'cline.total_cost': 'reportedCost' },
  logEvents: {
    'task.conversation_turn': {
      ...everywhere,
      operation: 'chat',
      when: (attributes) => attributes.get('source') !== 'user' && attributes.has('tokensIn'),
      attributes: {
        ...names,
        tokensIn: 'gen_ai.usage.input_tokens',
        tokensOut: 'gen_ai.usage.output_tokens',
        cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
        cacheWriteTokens: 'gen_ai.usage.cache_write.input_tokens',
        totalCost: 'cline.total_cost',
      },
    },
    'task.provider_api_error': {
      ...everywhere,
      operation: 'chat',
      attributes: names,
      isError: () => true,
      message: 'errorMessage',
    },
  },
} satisfies Dialect
