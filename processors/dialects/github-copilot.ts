// GitHub Copilot, on the command line and in the editor: the root `invoke_agent` is the sum of its chats. What it calls cost is premium
// requests and AI units, no money.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'github-copilot',
  spec: '@github/copilot (2026-11), recorded',
  scopes: ['github.copilot*', 'github-copilot*'],
  marks: { 'github.copilot.*': 5 },
  fields: { 'enduser.pseudo.id': 'userId' },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
} satisfies Dialect
