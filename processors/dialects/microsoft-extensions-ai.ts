// Microsoft.Extensions.AI for .NET: OpenTelemetry's names; its contract says that counts include their parts. Its agents write the same
// usage again on `invoke_agent`, above their calls.

import type { Dialect } from '../dialect.ts'

export default {
  id: 'microsoft-extensions-ai',
  spec: 'dotnet/extensions @ 5862342c (2026-08)',
  scopes: ['Experimental.Microsoft.Extensions.AI*', 'Microsoft.Extensions.AI*'],
  marks: {},
  fields: {},
  kinds: { 'gen_ai.operation.name': { orchestrate_tools: 'workflow' } },
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
} satisfies Dialect
