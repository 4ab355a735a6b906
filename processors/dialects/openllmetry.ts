// Traceloop OpenLLMetry. Since 0.6x it writes OpenTelemetry's names; older packages and some JavaScript ones their own.
// Bedrock in Python passes the provider's exclusive count on; Gemini and Vertex leave thoughts out of the output.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'openllmetry',
  spec: 'traceloop/openllmetry 0.62.1 @ 93429cfb, openllmetry-js @ 1faf69de (2026-06)',
  scopes: ['opentelemetry.instrumentation.*', '@traceloop/*', 'traceloop*'],
  marks: { 'traceloop.*': 4, 'llm.request.type': 4 },
  fields: {
    'traceloop.span.kind': 'spanType',
    'traceloop.entity.name': 'entityName',
    'llm.request.type': 'operation',
    'llm.usage.total_tokens': 'totalTokens',
    'llm.usage.reasoning_tokens': 'reasoningTokens',
    'gen_ai.is_streaming': 'stream',
    'llm.is_streaming': 'stream',
    'traceloop.association.properties.user_id': 'userId',
    'gen_ai.user': 'userId',
    'llm.user': 'userId',
    'traceloop.association.properties.session_id': 'sessionId',
    'traceloop.workflow.name': 'feature',
    'traceloop.prompt.key': 'promptName',
    'traceloop.prompt.version': 'promptVersion',
    'traceloop.entity.input': 'inputContent',
    'traceloop.entity.output': 'outputContent',
  },
  content: [
    'gen_ai.prompt.*',
    'gen_ai.completion.*',
    'llm.request.functions.*',
    'traceloop.prompt.template',
    'traceloop.prompt.template_variables',
  ],
  kinds: {
    'traceloop.span.kind': { workflow: 'workflow', task: 'workflow', agent: 'agent', tool: 'tool' },
    'llm.request.type': { chat: 'llm', completion: 'llm', embedding: 'embedding', rerank: 'rerank' },
  },
  meaning({ scope, provider }) {
    const isJavaScript = scope.startsWith('@')
    const isGoogle = provider.startsWith('gcp.')
    if (!isJavaScript && provider === 'aws.bedrock') return { inputIncludesCache: false, outputIncludesReasoning: true }
    // Two code paths of the Python package disagree for Anthropic: the arithmetic of each span decides.
    if (!isJavaScript && provider === 'anthropic') return { outputIncludesReasoning: true }
    // So does the JavaScript package for Anthropic since it reports cache counts at all (0.25).
    if (isJavaScript && provider === 'anthropic') return { inputIncludesCache: false, outputIncludesReasoning: true }
    return { inputIncludesCache: true, outputIncludesReasoning: !isGoogle }
  },
  read(span) {
    const type = span.text('spanType')
    if (type === 'task') span.setTextIfMissing('step', span.text('entityName'))
    else if (type === 'agent') span.setTextIfMissing('agentName', span.text('entityName'))
    else if (type === 'tool') span.setTextIfMissing('toolName', span.text('entityName'))
  },
} satisfies Dialect
