// Qwen Code (a fork of Gemini CLI that speaks to many providers). The event `qwen-code.api_response` and the span
// `qwen-code.llm_request` share the response id; the event alone tells thoughts, and its total tells whether output includes them.

import type { Dialect, LogEvent } from '../dialect.ts'

const everywhere = { session: 'session.id', turn: 'prompt_id' } as const satisfies Partial<LogEvent>

const names = {
  error: 'qwen_code.error',
  'error.message': 'qwen_code.error',
  error_type: 'error.type',
  status_code: 'http.response.status_code',
  subagent_name: 'gen_ai.agent.name',
}

export default {
  id: 'qwen-code',
  spec: '@qwen-code/qwen-code 0.24.4 (2026-11), recorded',
  scopes: ['qwen-code*'],
  marks: {},
  fields: {
    thoughts_token_count: 'reasoningTokens',
    'qwen_code.ttft_ms': 'ttftMs',
  },
  logEvents: {
    'qwen-code.api_response': {
      ...everywhere,
      operation: 'chat',
      durationMs: 'duration_ms',
      attributes: {
        ...names,
        model: 'gen_ai.response.model',
        response_id: 'gen_ai.response.id',
        input_token_count: 'gen_ai.usage.input_tokens',
        output_token_count: 'gen_ai.usage.output_tokens',
        cached_content_token_count: 'gen_ai.usage.cache_read.input_tokens',
        total_token_count: 'gen_ai.usage.total_tokens',
        ttft_ms: 'qwen_code.ttft_ms',
      },
      content: ['response_text'],
    },
    'qwen-code.api_error': {
      ...everywhere,
      operation: 'chat',
      durationMs: 'duration_ms',
      attributes: { ...names, model: 'gen_ai.request.model', response_id: 'gen_ai.response.id' },
      isError: () => true,
      message: 'error',
    },
    'qwen-code.tool_call': {
      ...everywhere,
      operation: 'execute_tool',
      isAlone: true,
      durationMs: 'duration_ms',
      attributes: { ...names, function_name: 'gen_ai.tool.name', call_id: 'gen_ai.tool.call.id' },
      content: ['function_args', 'response'],
      isError: (attributes) => attributes.get('success') === 'false',
      message: 'error.message',
    },
    'qwen-code.user_prompt': {
      ...everywhere,
      operation: 'invoke_agent',
      isTurn: true,
      isAlone: true,
      content: ['prompt'],
    },
    'qwen-code.api_request': { ...everywhere, operation: 'chat', when: () => false, content: ['request_text'] },
  },
} satisfies Dialect
