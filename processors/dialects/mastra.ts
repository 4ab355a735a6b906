// Mastra's OpenTelemetry exporter. One span a model call carries model and usage, as the AI SDK under it counts: `model_inference`
// since 1.5x, `llm_generation` or `model_generation` before. Failures end with status OK and the finish reason `error`.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'mastra',
  spec: '@mastra/otel-exporter 1.4.0, 1.1.0, 0.3.3 with @mastra/core 1.71.0, 1.30.0, 0.24.9 (2026-11)',
  scopes: ['@mastra/otel*'],
  marks: { 'mastra.span.type': 6 },
  fields: {
    'mastra.span.type': 'spanType',
    'mastra.completion_start_time': 'completionStart',
  },
  content: [
    'mastra.agent_run.*',
    'mastra.model_generation.*',
    'mastra.model_step.input',
    'mastra.model_step.output',
    'mastra.model_chunk.*',
    'mastra.tool_call.*',
    'mastra.workflow_run.*',
    'mastra.workflow_step.*',
    'mastra.metadata.body',
    'mastra.metadata.headers',
  ],
  kinds: {
    'mastra.span.type': {
      agent_run: 'agent',
      model_step: 'agent',
      model_chunk: 'other',
      tool_call: 'tool',
      mcp_tool_call: 'tool',
      workflow_run: 'workflow',
      workflow_step: 'workflow',
    },
  },
  // Claude's counts with a cached part leave it out where the model is of AI SDK 5, and have it from 6 on, which the span does not tell.
  meaning: ({ provider }) => ({
    inputIncludesCache: provider === 'anthropic' ? undefined : true,
    outputIncludesReasoning: true,
  }),
  read(span) {
    const firstToken = span.text('completionStart')
    if (firstToken !== undefined) span.setFirstTokenTime(firstToken)
    // A list, or one word in 0.x.
    if (/^error$|"error"/.test(span.text('finishReasons') ?? '')) span.setError()
  },
} satisfies Dialect
