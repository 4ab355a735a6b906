// OpenTelemetry's instrumentations of the AWS SDKs for JavaScript and Java, whose scopes every service of AWS shares. Bedrock's counts are
// passed on without the cache, which nothing else tells. Some of InvokeModel's in JavaScript are no counts: Claude's stream has the one it
// began with, Cohere's and Mistral's answers are guessed by their characters.

import { firstCountMax } from '../../schemas/usage.ts'
import type { Dialect } from '../dialect.ts'

export default {
  id: 'otel-aws-sdk',
  spec: '@opentelemetry/instrumentation-aws-sdk 0.78.0 (2026-11), opentelemetry-javaagent 2.22.0',
  scopes: [],
  sharedScopes: [
    '@opentelemetry/instrumentation-aws-sdk',
    'io.opentelemetry.aws-sdk-1.11',
    'io.opentelemetry.aws-sdk-2.2',
  ],
  marks: {},
  fields: {},
  meaning: () => ({ inputIncludesCache: false, outputIncludesReasoning: true }),
  read(span) {
    if (!span.name().startsWith('BedrockRuntime.InvokeModel')) return
    const isStream = span.name().endsWith('WithResponseStream')
    const model = span.text('requestModel') ?? ''
    const isFirstCount = isStream && model.includes('anthropic') && span.usage('outputTokens') <= firstCountMax
    if (isFirstCount || /cohere|mistral/.test(model)) span.forgetUsage()
  },
  readsEach: true,
} satisfies Dialect
