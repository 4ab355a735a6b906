// Spring AI. Micrometer sends every value as text. Anthropic's and Bedrock's counts are the provider's own, without the cache, and the
// total leaves it out as well, so that no arithmetic tells it; Google's output leaves thoughts out, which the total does not.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'spring-ai',
  spec: 'spring-projects/spring-ai @ fd3fd6ec (2026-08)',
  scopes: [],
  marks: { 'spring.ai.*': 7 },
  fields: {
    'spring.ai.kind': 'spanType',
    'spring.ai.chat.client.conversation.id': 'sessionId',
    'spring.ai.chat.client.stream': 'stream',
  },
  kinds: {
    'spring.ai.kind': { advisor: 'workflow', chat_client: 'workflow', tool_call: 'tool', vector_store: 'retrieval' },
    'gen_ai.operation.name': { embedding: 'embedding', image: 'image', framework: 'workflow' },
  },
  meaning({ provider }) {
    const isExclusive = provider === 'anthropic' || provider === 'aws.bedrock'
    return { inputIncludesCache: !isExclusive, outputIncludesReasoning: !provider.startsWith('gcp.') }
  },
} satisfies Dialect
