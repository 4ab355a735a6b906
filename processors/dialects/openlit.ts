// OpenLIT. OpenTelemetry's names and its own for the parts; counts include them, but for some providers' that are passed on as they
// come. Its JavaScript packages each have a scope.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'openlit',
  spec: 'openlit (npm) 1.15.0, openlit (Python) 1.45.0 (2026-11), openlit @ ad20b7b4',
  scopes: ['openlit*', '@openlit/*'],
  marks: {},
  fields: {
    'gen_ai.session.id': 'sessionId',
    'gen_ai.user.id': 'userId',
    'gen_ai.request.user': 'userId',
    // Sent since the version that reports the cache of every answer.
    'openlit.agent.version_hash': 'spanForm',
  },
  meaning({ scope, provider }) {
    const isJavaScript = scope.startsWith('@')
    // The providers' own counts are passed on: Anthropic's and Bedrock's input is exclusive, Google's output leaves thoughts out.
    const isExclusive = provider === 'anthropic' || (provider === 'aws.bedrock' && !isJavaScript)
    return { inputIncludesCache: !isExclusive, outputIncludesReasoning: isJavaScript || !provider.startsWith('gcp.') }
  },
  readsEach: true,
  read(span) {
    if (!span.scope().startsWith('openlit.instrumentation')) return
    // Python. Its events repeat its spans and cannot say what was a guess.
    if (span.name() === 'gen_ai.client.inference.operation.details') {
      span.forgetUsage()
      span.setKind('other')
      return
    }
    // A stream that told no usage is counted by OpenLIT itself, which is a guess; what OpenAI told has its cache beside it, be it 0.
    const isOpenAi = ['openai', 'azure.ai.openai'].includes(span.provider())
    const isTold = span.has('cacheReadTokens') || span.text('operation') !== 'chat'
    if (isOpenAi && span.has('spanForm') && !isTold) span.forgetUsage()
  },
} satisfies Dialect
