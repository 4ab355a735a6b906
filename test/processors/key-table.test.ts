// What an attribute's name means is looked up once in the life of the process, whichever requests, spans and scopes it comes in.

import { expect, test, vi } from 'vitest'
import { KeyTable } from '../../processors/key-table.ts'
import { Bench } from '../batches.ts'
import { tracesRequest } from '../otlp-messages.ts'

test('a name is matched against the tables of the dialects once', () => {
  const resolve = vi.spyOn(KeyTable.prototype, 'resolve')
  const bench = new Bench()
  const span = {
    attributes: { 'gen_ai.request.model': 'gpt-4.1', 'app.colour': 'red', 'gen_ai.usage.input_tokens': 3 },
  }
  bench.rows(tracesRequest({ spans: [span, span] }))
  const first = resolve.mock.calls.length
  expect(first).toBeGreaterThanOrEqual(3)
  bench.rows(tracesRequest({ scope: 'another', spans: [span] }, { resource: { 'app.colour': 'blue' }, spans: [span] }))
  expect(resolve.mock.calls.length).toBe(first)
  bench.rows(tracesRequest({ spans: [{ attributes: { ...span.attributes, 'app.size': 1 } }] }))
  expect(resolve.mock.calls.length).toBe(first + 1)
})
