// Claude Code (Anthropic's command-line agent). Calls come as log events and, where traces are on, as spans too; metrics repeat both.
// Events, and spans of older versions, count input without its cached parts; newer spans have OpenTelemetry's counts beside them.
// `cost_usd` is an estimate from a list, also on flat plans.

import type { Dialect, LogEvent } from '../dialect.ts'

/** A turn of the user, which other dialects have a prompt of a registry under the name of. */
const turnId = { 'prompt.id': 'claude_code.prompt.id' } as const

const everywhere = {
  session: 'session.id',
  turn: 'prompt.id',
} as const satisfies Partial<LogEvent>

const call = {
  ...everywhere,
  operation: 'chat',
  durationMs: 'duration_ms',
  attributes: {
    ...turnId,
    model: 'gen_ai.request.model',
    request_id: 'gen_ai.response.id',
    'agent.name': 'gen_ai.agent.name',
    error: 'claude_code.error',
    error_type: 'error.type',
    status_code: 'http.response.status_code',
    ttft_ms: 'claude_code.ttft_ms',
    speed: 'claude_code.speed',
    cost_usd: 'claude_code.cost_usd',
  },
} as const satisfies LogEvent

/** Who serves the model, in its own words; a gateway does not say. */
const providers: Readonly<Record<string, string>> = {
  firstParty: 'anthropic',
  anthropicAws: 'anthropic',
  anthropicGoogleCloud: 'anthropic',
  bedrock: 'aws.bedrock',
  mantle: 'aws.bedrock',
  vertex: 'gcp.vertex_ai',
  foundry: 'azure.ai.inference',
}

export default {
  id: 'claude-code',
  spec: '@anthropic-ai/claude-code 2.1.331 (2026-11), recorded; changelog to 2.1.266',
  scopes: ['com.anthropic.claude_code*'],
  marks: {},
  fields: {
    'span.type': 'spanType',
    'anthropic.provider': 'authType',
    input_tokens: 'freshInputTokens',
    output_tokens: 'outputTokens',
    cache_read_tokens: 'cacheReadTokens',
    cache_creation_tokens: 'cacheWriteTokens',
    cache_creation_5m_tokens: 'cacheWrite5mTokens',
    cache_creation_1h_tokens: 'cacheWrite1hTokens',
    'claude_code.ttft_ms': 'ttftMs',
    'claude_code.speed': 'speed',
    'claude_code.cost_usd': 'reportedCost',
  },
  content: ['user_prompt'],
  kinds: {
    'span.type': { interaction: 'agent', llm_request: 'llm', tool: 'tool' },
  },
  logEvents: {
    'claude_code.api_request': call,
    'claude_code.api_error': { ...call, isError: () => true, message: 'error' },
    'claude_code.tool_result': {
      ...everywhere,
      operation: 'execute_tool',
      isAlone: true,
      durationMs: 'duration_ms',
      attributes: {
        ...turnId,
        tool_name: 'gen_ai.tool.name',
        tool_use_id: 'gen_ai.tool.call.id',
        error_type: 'error.type',
        error: 'claude_code.error',
      },
      content: ['tool_parameters', 'tool_input', 'tool_output', 'tool_result'],
      isError: (attributes) => attributes.get('success') === 'false',
      message: 'error',
    },
    'claude_code.user_prompt': {
      ...everywhere,
      operation: 'invoke_agent',
      attributes: turnId,
      isTurn: true,
      isAlone: true,
      content: ['prompt', 'prompt_text'],
    },
    'claude_code.assistant_response': {
      ...everywhere,
      operation: 'chat',
      when: () => false,
      content: ['response', 'response_text'],
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const served = providers[span.text('authType') ?? 'firstParty']
    if (served !== undefined) span.setTextIfMissing('provider', served)
    if (span.has('inputTokens') || !span.has('freshInputTokens')) return
    span.setUsage('inputTokens', span.number('freshInputTokens'))
    span.setMeaning({ inputIncludesCache: false })
  },
} satisfies Dialect
