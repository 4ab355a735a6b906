// Of several instrumentations around the same calls each is left out in turn: whatever the others tell, no call is billed twice, and no
// sum beside its calls. Which is to say that every row with money has the totals of a billed line of its own.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { unit } from '../../schemas/usage.ts'
import { captureNames, sentBy } from '../captures.ts'
import { scopesOf, withoutScope } from './altered.ts'
import { billOf } from './bill.ts'
import type { LedgerRow } from './judge.ts'
import { CaptureLedger, type Rows } from './ledger.ts'

const cases = captureNames().flatMap((capture): [string, string][] => {
  const scopes = scopesOf(sentBy(capture))
  return scopes.length < 2 ? [] : scopes.map((scope) => [capture, scope])
})

/** What is left counts otherwise than the provider: the first count of a stream, or a token more. */
const countedOtherwise = [
  'js-openinference-openllmetry-langchain without @arizeai/openinference-instrumentation-langchain',
  'js-openlit without @openlit/instrumentation-anthropic',
  'py-dual-botocore-traceloop-bedrock without opentelemetry.instrumentation.bedrock',
  'py-dual-oi-traceloop-bedrock without openinference.instrumentation.bedrock',
]

let ledger: CaptureLedger
let calls: Rows

beforeAll(async () => {
  ledger = await CaptureLedger.start()
  for (const [capture, scope] of cases)
    await ledger.take(withoutScope(sentBy(capture), scope), `${capture} without ${scope}`)
  await ledger.settle()
  calls = await ledger.calls()
}, 120_000)
afterAll(() => ledger.stop())

test.each(cases)('%s without %s', (capture, scope) => {
  const name = `${capture} without ${scope}`
  const rows = (calls.get(name) ?? []) as readonly LedgerRow[]
  const lines = [...billOf(capture)]
  const left = rows.filter(({ cost, input_tokens, output_tokens }) => {
    if (cost === null) return false
    const at = lines.findIndex(
      ({ usage }) =>
        (usage[unit.input]! || 0) === (input_tokens ?? 0) && (usage[unit.output]! || 0) === (output_tokens ?? 0),
    )
    if (at >= 0) lines.splice(at, 1)
    return at < 0
  })
  // Where the counts differ there is still a line for each.
  if (countedOtherwise.includes(name)) expect(lines.length).toBeGreaterThanOrEqual(left.length)
  else expect(left).toEqual([])
})
