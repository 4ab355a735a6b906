// OpenLIT. OpenTelemetry's names and its own for the parts; counts include them, but for Anthropic's. Its JavaScript packages each have a scope.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'openlit',
  spec: 'openlit (npm) 1.15.0 (2026-11), openlit @ ad20b7b4',
  scopes: ['openlit*', '@openlit/*'],
  marks: {},
  fields: {
    'gen_ai.session.id': 'sessionId',
    'gen_ai.user.id': 'userId',
    'gen_ai.request.user': 'userId',
  },
  meaning({ scope, provider }) {
    const isJavaScript = scope.startsWith('@')
    if (provider !== 'anthropic') return { inputIncludesCache: true, outputIncludesReasoning: true }
    // The Anthropic package passes the provider's exclusive count on.
    return { inputIncludesCache: isJavaScript ? false : undefined, outputIncludesReasoning: true }
  },
} satisfies Dialect
