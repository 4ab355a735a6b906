// OpenTelemetry's own generative-AI conventions from 1.37 on, and the post-move ones: counts include their parts.

import type { Dialect } from '../dialect.ts'
import type { SpanView } from '../span-view.ts'
import { isBelow } from '../versions.ts'

/** Of an event: one of these, and it tells of a whole call. */
const outcomes = ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'error.type'] as const

export default {
  id: 'otel-semconv',
  spec: 'semantic-conventions-genai, main and PR branches, June to October 2026; core 1.37 to 1.41',
  scopes: [
    'opentelemetry.instrumentation.openai_v2',
    'opentelemetry.instrumentation.google_genai',
    'opentelemetry.instrumentation.botocore*',
    'opentelemetry.instrumentation.genai*',
    'opentelemetry.util.genai*',
    '@opentelemetry/instrumentation-openai',
    'com.anthropic.sdk*',
  ],
  marks: { 'gen_ai.provider.name': 3, 'gen_ai.operation.name': 1, 'gen_ai.usage.*': 1, 'gen_ai.request.model': 1 },
  fields: {
    'gen_ai.operation.name': 'operation',
    'gen_ai.provider.name': 'provider',
    'gen_ai.request.model': 'requestModel',
    'gen_ai.response.model': 'responseModel',
    'gen_ai.response.id': 'responseId',
    'gen_ai.response.finish_reasons': 'finishReasons',
    'gen_ai.usage.input_tokens': 'inputTokens',
    'gen_ai.usage.output_tokens': 'outputTokens',
    'gen_ai.usage.cache_read.input_tokens': 'cacheReadTokens',
    'gen_ai.usage.cache_write.input_tokens': 'cacheWriteTokens',
    'gen_ai.usage.cache_creation.input_tokens': 'cacheWriteTokens',
    'gen_ai.usage.reasoning.output_tokens': 'reasoningTokens',
    'gen_ai.usage.audio.input_tokens': 'inputAudioTokens',
    'gen_ai.usage.audio.output_tokens': 'outputAudioTokens',
    'gen_ai.usage.audio.cache_read.input_tokens': 'cacheReadAudioTokens',
    'gen_ai.usage.image.input_tokens': 'inputImageTokens',
    'gen_ai.usage.image.output_tokens': 'outputImageTokens',
    'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 'cacheWrite5mTokens',
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 'cacheWrite1hTokens',
    'anthropic.usage.compaction.input_tokens': 'extraInputTokens',
    'anthropic.usage.compaction.output_tokens': 'extraOutputTokens',
    'anthropic.usage.server_tool_use.web_search_requests': 'webSearchCalls',
    'openai.response.service_tier': 'serviceTier',
    'anthropic.response.service_tier': 'serviceTier',
    'anthropic.usage.service_tier': 'serviceTier',
    'gen_ai.response.service_tier': 'serviceTier',
    'anthropic.response.speed': 'speed',
    'anthropic.usage.speed': 'speed',
    'anthropic.usage.inference_geo': 'dataResidency',
    'gen_ai.conversation.id': 'sessionId',
    'session.id': 'sessionId',
    'user.id': 'userId',
    'enduser.id': 'userId',
    'gen_ai.agent.name': 'agentName',
    'gen_ai.tool.name': 'toolName',
    'gen_ai.prompt.name': 'promptName',
    'gen_ai.prompt.version': 'promptVersion',
    'gen_ai.workflow.name': 'feature',
    'gen_ai.request.max_tokens': 'maxTokens',
    'gen_ai.request.temperature': 'temperature',
    'gen_ai.request.stream': 'stream',
    'gen_ai.response.time_to_first_chunk': 'ttftSeconds',
    'gen_ai.client.operation.time_to_first_chunk': 'ttftSeconds',
    'anthropic.message.count_tokens.input_tokens': 'countedTokens',
    'code.function.name': 'functionName',
    'error.type': 'errorType',
    'http.response.status_code': 'httpStatus',
    'gen_ai.input.messages': 'inputContent',
    'gen_ai.output.messages': 'outputContent',
    'gen_ai.system_instructions': 'systemContent',
    'gen_ai.tool.definitions': 'toolDefinitions',
  },
  content: [
    'gen_ai.tool.call.arguments',
    'gen_ai.tool.call.result',
    'gen_ai.retrieval.documents',
    'gen_ai.retrieval.query.text',
    'gen_ai.prompt.variable.*',
  ],
  contentEvents: ['gen_ai.client.inference.operation.details'],
  kinds: {
    'gen_ai.operation.name': {
      chat: 'llm',
      generate_content: 'llm',
      text_completion: 'llm',
      completion: 'llm',
      generate: 'llm',
      fetch_response: 'llm',
      embeddings: 'embedding',
      embedding: 'embedding',
      rerank: 'rerank',
      image: 'image',
      image_generation: 'image',
      'ai.generateSpeech': 'audio',
      'ai.transcribe': 'audio',
      'ai.streamTranscribe': 'audio',
      invoke_agent: 'agent',
      create_agent: 'agent',
      agent_step: 'agent',
      invoke_workflow: 'workflow',
      chain: 'workflow',
      framework: 'workflow',
      execute_tool: 'tool',
      tool_call: 'tool',
      retrieval: 'retrieval',
      plan: 'other',
    },
  },
  logEvents: {
    // Halves of a call, request and answer apart, come too: only one that has counts, or a failure, stands for it. Gemini CLI's
    // is the shadow of an event of its own that says more.
    'gen_ai.client.inference.operation.details': {
      operation: 'chat',
      isOfAnyScope: true,
      session: 'gen_ai.conversation.id',
      isError: (attributes) => attributes.has('error.type'),
      when: (attributes, scope) => scope !== 'gemini-cli' && outcomes.some((name) => attributes.has(name)),
    },
  },
  // The package for Bedrock passes the provider's counts on, which leave the cache out.
  meaning: ({ scope, version, provider }) => ({
    // Both pass Bedrock's own count on.
    inputIncludesCache:
      scope !== 'opentelemetry.instrumentation.genai.bedrock' &&
      !scope.startsWith('opentelemetry.instrumentation.botocore'),
    outputIncludesReasoning: true,
    totalTellsReasoning: provider.startsWith('gcp.'),
    mend: scope === 'opentelemetry.instrumentation.google_genai' && isBelow(version, 0, 7) ? forgetSum : undefined,
  }),
  read(span) {
    if (span.has('countedTokens')) span.setKind('other')
  },
} satisfies Dialect

/** The package for Google adds up the counts of a stream's chunks until 0.6, each of which has those of all before it. */
function forgetSum(span: SpanView): void {
  if (span.text('functionName')?.endsWith('_stream') === true) span.forgetUsage()
}
