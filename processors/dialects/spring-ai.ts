// Spring AI by Micrometer's tracing, which sends every value as text and whose scope it shares with all that Spring Boot traces.
// Anthropic's and Bedrock's counts are the provider's own, without the cache, and the total leaves it out as well, so that no
// arithmetic tells it; Google's output leaves thoughts out, which the total does not.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'spring-ai',
  spec: 'spring-ai 1.0.3, 1.1.2, 2.0.0 with Spring Boot 3.4.11, 3.5.7, 4.0.0 (2026-11); spring-projects/spring-ai @ fd3fd6ec (2026-08)',
  scopes: [],
  sharedScopes: ['org.springframework.boot', 'io.micrometer.micrometer-tracing'],
  marks: { 'spring.ai.*': 7 },
  fields: {
    'spring.ai.kind': 'spanType',
    'spring.ai.chat.client.conversation.id': 'sessionId',
    'spring.ai.chat.client.stream': 'stream',
    'spring.ai.tool.definition.name': 'toolName',
  },
  content: ['spring.ai.tool.call.arguments', 'spring.ai.tool.call.result'],
  kinds: {
    'spring.ai.kind': { advisor: 'workflow', chat_client: 'workflow', tool_call: 'tool', vector_store: 'retrieval' },
    'gen_ai.operation.name': { embedding: 'embedding', image: 'image', framework: 'workflow' },
  },
  meaning({ version, provider }) {
    const isExclusive = provider === 'anthropic' || provider === 'aws.bedrock'
    return {
      inputIncludesCache: !isExclusive,
      outputIncludesReasoning: !provider.startsWith('gcp.'),
      // Spring AI 1, which goes with Boot 3 and names its version: every model of it adds up, those of Spring AI 2 do not.
      addsUpRounds: version.startsWith('3.'),
    }
  },
} satisfies Dialect
