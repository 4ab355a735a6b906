// Microsoft's Agent Framework for Python: OpenTelemetry's names. Anthropic's and Bedrock's counts are the provider's own, without the
// cache; Gemini's output leaves thoughts out.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'microsoft-agent-framework',
  spec: 'microsoft/agent-framework @ 5eb3eb74 (2026-08); 1.23.0, recorded',
  scopes: ['agent_framework*'],
  marks: {},
  fields: {},
  meaning({ provider }) {
    const isExclusive = provider === 'anthropic' || provider === 'aws.bedrock'
    return { inputIncludesCache: !isExclusive, outputIncludesReasoning: !provider.startsWith('gcp.') }
  },
} satisfies Dialect
