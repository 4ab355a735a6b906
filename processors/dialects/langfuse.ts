// Langfuse SDK 3 to 5. Usage is a JSON object of buckets that exclude each other, unless it has OpenAI's field names,
// whose totals include their details. A cost object is the user's own figure and stands as reported.

import type { Dialect } from '../dialect.ts'
import type { SpanView } from '../span-view.ts'

export default {
  id: 'langfuse',
  spec: 'langfuse-python 4.14.3 @ c3c6a09e, langfuse-js @ 0d5a8d0e, langfuse @ 62751446 (2026-08)',
  scopes: ['langfuse-sdk*'],
  marks: { 'langfuse.observation.*': 8 },
  fields: {
    'langfuse.observation.type': 'spanType',
    'langfuse.observation.model.name': 'requestModel',
    'langfuse.observation.usage_details': 'usageJson',
    'langfuse.observation.cost_details': 'costJson',
    'langfuse.observation.model.parameters': 'providerMetadata',
    'langfuse.observation.completion_start_time': 'completionStart',
    'langfuse.observation.level': 'level',
    'langfuse.observation.status_message': 'statusMessage',
    'langfuse.observation.prompt.name': 'promptName',
    'langfuse.observation.prompt.version': 'promptVersion',
    'langfuse.observation.input': 'inputContent',
    'langfuse.observation.output': 'outputContent',
    'langfuse.user.id': 'userId',
    'langfuse.session.id': 'sessionId',
    'langfuse.trace.name': 'feature',
    'langfuse.environment': 'env',
    'langfuse.release': 'release',
  },
  content: ['langfuse.trace.input', 'langfuse.trace.output'],
  kinds: {
    'langfuse.observation.type': {
      generation: 'llm',
      embedding: 'embedding',
      agent: 'agent',
      tool: 'tool',
      chain: 'workflow',
      retriever: 'retrieval',
      evaluator: 'evaluator',
      guardrail: 'other',
      event: 'other',
    },
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    const usage = span.json('usageJson')
    if (usage !== undefined) readUsage(span, usage)
    const costs = span.json('costJson')
    if (costs !== undefined) span.setChargedCost(costs, 'langfuse.observation.cost_details')
    const parameters = span.json('providerMetadata')
    if (parameters !== undefined) {
      span.setNumberIfMissing('temperature', parameters['temperature'])
      span.setNumberIfMissing('maxTokens', parameters['max_tokens'] ?? parameters['maxTokens'])
    }
    const firstToken = span.text('completionStart')
    if (firstToken !== undefined) span.setFirstTokenTime(firstToken.replaceAll('"', ''))
    if (span.text('level') === 'ERROR') span.setError()
  },
} satisfies Dialect

function readUsage(span: SpanView, usage: Readonly<Record<string, unknown>>): void {
  const count = (...names: string[]): number | undefined => {
    for (const name of names) {
      const value = usage[name]
      if (typeof value === 'number') return value
    }
    return undefined
  }
  const isOpenAi = 'prompt_tokens' in usage || ('input_tokens' in usage && 'input_tokens_details' in usage)
  if (isOpenAi) {
    const inputDetails = (usage['prompt_tokens_details'] ?? usage['input_tokens_details'] ?? {}) as Record<
      string,
      unknown
    >
    const outputDetails = (usage['completion_tokens_details'] ?? usage['output_tokens_details'] ?? {}) as Record<
      string,
      unknown
    >
    span.setUsage('inputTokens', count('prompt_tokens', 'input_tokens'))
    span.setUsage('outputTokens', count('completion_tokens', 'output_tokens'))
    span.setUsage('cacheReadTokens', inputDetails['cached_tokens'] ?? count('input_cached_tokens'))
    span.setUsage('reasoningTokens', outputDetails['reasoning_tokens'])
    span.setUsage('inputAudioTokens', inputDetails['audio_tokens'])
    span.setUsage('outputAudioTokens', outputDetails['audio_tokens'])
    return
  }
  const fresh = count('input', 'input_tokens')
  const cacheRead = count('cache_read_input_tokens', 'input_cached_tokens', 'input_cache_read')
  const cacheWrite = count('cache_creation_input_tokens', 'input_cache_creation')
  const plain = count('output', 'output_tokens')
  const reasoning = count('output_reasoning_tokens', 'output_reasoning')
  span.setMeaning({ inputIncludesCache: false, outputIncludesReasoning: false })
  span.setUsage('inputTokens', fresh)
  span.setUsage('cacheReadTokens', cacheRead)
  span.setUsage('cacheWriteTokens', cacheWrite)
  span.setUsage('outputTokens', plain)
  span.setUsage('reasoningTokens', reasoning)
}
