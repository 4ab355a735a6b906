// Gemini CLI (Google's command-line agent). One answer is the log event `gemini_cli.api_response`, an event of the conventions with
// fewer counts, where traces are on a span with the same fewer counts, and two metrics. Output leaves out thoughts in all of them, and
// the prompt of tools is outside the input.

import type { Dialect, LogEvent } from '../dialect.ts'

const everywhere = { session: 'session.id', turn: 'prompt_id' } as const satisfies Partial<LogEvent>

const names = {
  model: 'gen_ai.request.model',
  error: 'gemini_cli.error',
  error_type: 'error.type',
  'error.message': 'gemini_cli.error',
  status_code: 'http.response.status_code',
  auth_type: 'gemini_cli.auth_type',
}

export default {
  id: 'gemini-cli',
  spec: '@google/gemini-cli 0.61.0 (2026-11), recorded; source @ 5411f113',
  scopes: ['gemini-cli*'],
  marks: {},
  fields: {
    'gemini_cli.tool_token_count': 'extraInputTokens',
    'gemini_cli.auth_type': 'authType',
  },
  kinds: {
    'gen_ai.operation.name': {
      llm_call: 'llm',
      agent_call: 'agent',
      user_prompt: 'agent',
      schedule_tool_calls: 'other',
    },
  },
  logEvents: {
    'gemini_cli.api_response': {
      ...everywhere,
      operation: 'generate_content',
      durationMs: 'duration_ms',
      attributes: {
        ...names,
        input_token_count: 'gen_ai.usage.input_tokens',
        output_token_count: 'gen_ai.usage.output_tokens',
        cached_content_token_count: 'gen_ai.usage.cache_read.input_tokens',
        thoughts_token_count: 'gen_ai.usage.reasoning.output_tokens',
        tool_token_count: 'gemini_cli.tool_token_count',
        finish_reasons: 'gen_ai.response.finish_reasons',
      },
      content: ['response_text'],
    },
    'gemini_cli.api_error': {
      ...everywhere,
      operation: 'generate_content',
      durationMs: 'duration_ms',
      attributes: names,
      isError: () => true,
      message: 'error',
    },
    'gemini_cli.tool_call': {
      ...everywhere,
      operation: 'execute_tool',
      isAlone: true,
      durationMs: 'duration_ms',
      attributes: { ...names, function_name: 'gen_ai.tool.name' },
      content: ['function_args', 'response'],
      isError: (attributes) => attributes.get('success') === 'false',
      message: 'error.message',
    },
    'gemini_cli.user_prompt': {
      ...everywhere,
      operation: 'invoke_agent',
      isTurn: true,
      isAlone: true,
      content: ['prompt'],
    },
    'gemini_cli.api_request': {
      ...everywhere,
      operation: 'generate_content',
      when: () => false,
      content: ['request_text'],
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: false }),
  read(span) {
    const auth = span.text('authType') ?? ''
    if (auth !== '') span.setTextIfMissing('provider', /vertex/.test(auth) ? 'gcp.vertex_ai' : 'gcp.gemini')
  },
} satisfies Dialect
