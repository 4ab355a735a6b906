// Codex CLI (OpenAI's command-line agent). A call is the log event `codex.sse_event` of kind `response.completed` that has counts
// (another of that kind has none); where traces are on, the span `handle_responses` repeats the counts without a model, and
// the turn's span has sums under names that are not read. Counts are text in older versions; `tool_token_count` holds the total.

import type { Dialect, LogEvent } from '../dialect.ts'

const everywhere = {
  session: 'conversation.id',
  always: { 'gen_ai.provider.name': 'openai' },
} as const satisfies Partial<LogEvent>

const names = {
  model: 'gen_ai.request.model',
  'conversation.id': 'gen_ai.conversation.id',
  'user.account_id': 'user.id',
  'error.message': 'codex.error',
}

export default {
  id: 'codex-cli',
  spec: '@openai/codex 0.169.0 (2026-11), recorded; session telemetry @ a2a5acbd',
  scopes: ['codex_*', 'codex-*'],
  marks: { 'codex.usage.*': 7, 'codex.turn.*': 7 },
  fields: {
    'codex.usage.reasoning_output_tokens': 'reasoningTokens',
    'codex.usage.total_tokens': 'totalTokens',
    'codex.ttft_ms': 'ttftMs',
  },
  logEvents: {
    'codex.sse_event': {
      ...everywhere,
      operation: 'chat',
      when: (attributes) =>
        attributes.get('event.kind') === 'response.completed'
          ? attributes.has('input_token_count')
          : attributes.get('event.kind') === 'response.failed',
      isError: (attributes) => attributes.get('event.kind') === 'response.failed',
      message: 'error.message',
      attributes: {
        ...names,
        input_token_count: 'gen_ai.usage.input_tokens',
        output_token_count: 'gen_ai.usage.output_tokens',
        cached_token_count: 'gen_ai.usage.cache_read.input_tokens',
        cache_write_token_count: 'gen_ai.usage.cache_write.input_tokens',
        reasoning_token_count: 'codex.usage.reasoning_output_tokens',
        tool_token_count: 'codex.usage.total_tokens',
        ttft_ms: 'codex.ttft_ms',
      },
    },
    // What was answered is told by its stream; what was refused has no other event.
    'codex.api_request': {
      ...everywhere,
      operation: 'chat',
      durationMs: 'duration_ms',
      when: (attributes) => isRefused(attributes),
      isError: () => true,
      message: 'error.message',
      attributes: names,
    },
    'codex.tool_result': {
      ...everywhere,
      operation: 'execute_tool',
      isAlone: true,
      durationMs: 'duration_ms',
      attributes: { ...names, tool_name: 'gen_ai.tool.name', call_id: 'gen_ai.tool.call.id' },
      content: ['arguments', 'output'],
      isError: (attributes) => attributes.get('success') === 'false',
    },
    'codex.user_prompt': { ...everywhere, operation: 'invoke_agent', when: () => false, content: ['prompt'] },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
} satisfies Dialect

function isRefused(attributes: ReadonlyMap<string, string>): boolean {
  return (
    Number(attributes.get('http.response.status_code') ?? 0) >= 400 || (attributes.get('error.message') ?? '') !== ''
  )
}
