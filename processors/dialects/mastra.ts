// Mastra's OpenTelemetry exporter. One span a model call carries model and usage, as the AI SDK under it counts: `model_inference`
// since 1.5x, `llm_generation` or `model_generation` before. The span of a step around it, or below the older ones, has the provider's whole
// answer where that was not a stream. Failures end with status OK and the finish reason `error`.

import type { Dialect } from '../dialect.ts'
import { fillFromAnswer } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

/** Answers beyond this are not read: it would cost more than the rest of the span. */
const answerBytesMax = 32 * 1024

export default {
  id: 'mastra',
  spec: '@mastra/otel-exporter 1.4.0, 1.1.0, 0.3.3 with @mastra/core 1.71.0, 1.30.0, 0.24.9 (2026-11)',
  scopes: ['@mastra/otel*'],
  marks: { 'mastra.span.type': 6 },
  fields: {
    'mastra.span.type': 'spanType',
    'mastra.completion_start_time': 'completionStart',
    'mastra.metadata.body': 'outputContent',
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
    if (span.text('spanType') === 'model_step') readStep(span)
    // A list, or one word in 0.x.
    if (/^error$|"error"/.test(span.text('finishReasons') ?? '')) span.setError()
  },
} satisfies Dialect

/** A step that holds the provider's answer is a view of its call: what it tells completes the span of the call, or parts a sum of steps. */
function readStep(span: SpanView): void {
  const answer = span.json('outputContent', answerBytesMax)
  if (answer === undefined) return
  fillFromAnswer(span, answer)
  if (span.usage('inputTokens') >= 0) span.setKind('llm')
}
