// How an emitter counts may turn on its version: a dialect is told it, and versions of one scope are kept apart in one request.

import { expect, test } from 'vitest'
import { Bench } from '../batches.ts'
import { tracesRequest } from '../otlp-messages.ts'

test('two versions of one instrumentation are read each by its own rule', () => {
  const asked: string[] = []
  const bench = new Bench({}, [
    {
      id: 'versioned',
      spec: 'none',
      scopes: ['versioned'],
      marks: {},
      fields: { in: 'inputTokens', out: 'outputTokens', cached: 'cacheReadTokens' },
      meaning: ({ scope, version, provider }) => {
        asked.push(`${scope}@${version}/${provider}`)
        return { inputIncludesCache: version !== '1.0' }
      },
    },
  ])
  const attributes = { in: 100, out: 5, cached: 40 }
  const of = (version: string) => ({ scope: 'versioned', version, spans: [{ attributes }, { attributes }] })
  const rows = bench.rows(tracesRequest(of('1.0'), of('2.0'), of('')))
  expect(rows.map((row) => [row['scope_version'] ?? '', row['usage_rule'], row['usage']])).toEqual(
    ['1.0', '1.0', '2.0', '2.0', '', ''].map((version) => [
      version,
      version === '1.0' ? 'exclusive:emitter' : 'inclusive:emitter',
      { input: version === '1.0' ? 140 : 100, output: 5, cacheRead: 40 },
    ]),
  )
  bench.rows(tracesRequest(of('1.0')))
  expect(asked).toEqual(['versioned@1.0/', 'versioned@2.0/', 'versioned@/'])
})
