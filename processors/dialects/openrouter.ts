// OpenRouter's broadcast: one root span a call has everything, the attempts below it have no usage. Costs are what it charged; what the
// upstream took of a key of one's own stands beside it and is not read.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'openrouter',
  spec: 'parsers and tests of its consumers (2026-11): it has no public source',
  scopes: ['openrouter*'],
  marks: { 'trace.metadata.openrouter*': 8 },
  fields: {
    'span.level': 'level',
    'trace.input': 'inputContent',
    'trace.output': 'outputContent',
  },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  read(span) {
    if (span.text('level')?.toUpperCase() === 'ERROR') span.setError()
  },
} satisfies Dialect
