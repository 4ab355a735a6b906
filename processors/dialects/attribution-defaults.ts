// User, session, environment and release from the same places; they come after the names that the conventions have for them.

import { underEachPlace } from '../attribution.ts'
import type { Dialect } from '../dialect.ts'

export default {
  id: 'attribution-defaults',
  spec: 'as for attribution; resource attributes: semantic-conventions 1.40',
  rank: 1500,
  scopes: [],
  marks: {},
  fields: {
    'deployment.environment.name': 'env',
    'deployment.environment': 'env',
    metadata: 'metadataJson',
    'langfuse.trace.metadata': 'metadataJson',
    'langfuse.observation.metadata': 'metadataJson',
    'traceloop.association.properties': 'metadataJson',
    ...underEachPlace({
      user_id: 'userId',
      end_user_id: 'userId',
      enduser_id: 'userId',
      user: 'userId',
      session_id: 'sessionId',
      conversation_id: 'sessionId',
      thread_id: 'sessionId',
      environment: 'env',
      env: 'env',
      release: 'release',
      app_version: 'release',
      workflow: 'feature',
      workflow_name: 'feature',
    }),
    'metadata.user_api_key_end_user_id': 'userId',
  },
} satisfies Dialect
