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

/** What is left counts otherwise than the provider: a token more. */
const countedOtherwise = ['js-openlit without @openlit/instrumentation-anthropic']

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
    const at = lines.findIndex(({ usage }) => {
      const count = (slot: number): number => usage[slot]! || 0
      // What leaves the cache out, and does not tell it, is still of this line.
      const fresh = count(unit.input) - count(unit.cacheRead) - count(unit.cacheWrite)
      return [count(unit.input), fresh].includes(input_tokens ?? 0) && count(unit.output) === (output_tokens ?? 0)
    })
    if (at >= 0) lines.splice(at, 1)
    return at < 0
  })
  // Where the counts differ there is still a line for each.
  if (countedOtherwise.includes(name)) expect(lines.length).toBeGreaterThanOrEqual(left.length)
  else expect(left).toEqual([])
})
