// The score of a finding is the row that the resolver would make of it, and the same row however often its span comes.

import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { FindingsOfBatch } from '../../processors/automatic-feedback/find.ts'
import { scoresOfFindings } from '../../processors/automatic-feedback/score.ts'
import { Ledger } from '../../processors/ledger.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { automaticRules } from '../../schemas/automatic-rules.ts'
import { scoresTable } from '../../schemas/scores-table.ts'
import { columnNames } from '../../schemas/table.ts'
import { Bench, nowMs } from '../batches.ts'
import { type SpanInput, traceId, tracesRequest } from '../otlp-messages.ts'

const book = new PriceBook(loadPriceBook())

function scores(span: SpanInput, atMs = nowMs): ScoreRow[] {
  const bench = new Bench()
  const { batch, strings, charge } = bench
  const ledger = new Ledger({ book, batch, strings, charge, conditions: bench.normaliser.conditions })
  const find = new FindingsOfBatch(batch, strings, charge, { rules: new Set(automaticRules), outputTokensMax: 0 })
  bench.rows(tracesRequest({ resource: { 'service.name': 'shop' }, spans: [span] }), atMs)
  ledger.run()
  return scoresOfFindings(find.run(), batch, strings, { projectId: 'default', nowMs: atMs, version: '1.2.3' })
}

const span: SpanInput = {
  spanId: '00f067aa0ba902b7',
  attributes: {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4.1-2025-04-14',
    'gen_ai.response.finish_reasons': ['length'],
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 100,
    'gen_ai.conversation.id': 'c1',
    'user.id': 'jane',
    'gen_ai.prompt.name': 'support',
    'gen_ai.prompt.version': '3',
    'langfuse.experiment.name': 'nightly',
  },
}

test('a call carries its own columns from the start', () => {
  const [row, ...more] = scores(span)
  expect(more).toEqual([])
  expect(Object.keys(row!).sort()).toEqual(columnNames(scoresTable).toSorted())
  expect(row).toMatchObject({
    project_id: 'default',
    name: 'automated-too-long',
    score_id: `automated-too-long:${traceId}:00f067aa0ba902b7`,
    created_at: 1_790_000_001_000,
    data_type: 'numeric',
    value: -1,
    verdict: -1,
    label: 'cut',
    source: 'automated',
    author_id: '',
    evaluator: 'spanledger',
    evaluator_version: '1.2.3',
    comment: 'The answer was cut at its limit, after 100 tokens.',
    resolved: 1,
    target: 'span',
    target_time: 1_790_000_000_000,
    kind: 'llm',
    provider: 'openai',
    model: 'gpt-4.1-2025-04-14',
    service: 'shop',
    user_id: 'jane',
    session_id: 'c1',
    prompt_name: 'support',
    prompt_version: '3',
    run_name: 'nightly',
    calls: 1,
    span_cost: 2_800_000_000n,
  })
})

test('a span that comes again, an hour later or to another collector, writes the same row', () => {
  expect(scores(span, nowMs + 3_600_000)).toEqual(scores(span))
})

test('a tool waits for its trace', () => {
  const failed = { ...span, attributes: { 'gen_ai.operation.name': 'execute_tool' }, status: { code: 2 } }
  expect(scores(failed)).toMatchObject([{ name: 'automated-tool-error', resolved: 0, model: '', span_cost: null }])
})

test('no word of an answer is in its score', () => {
  const secret = 'Zaphod Beeblebrox'
  const said = (content: string, asked: object) => ({
    ...span,
    attributes: {
      ...span.attributes,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content }] }]),
      'llm.invocation_parameters': JSON.stringify(asked),
    },
  })
  const rows = [
    ...scores(said(`I'm sorry, but I can't help ${secret} with that.`, {})),
    ...scores(said(secret, { response_format: { type: 'json_object' } })),
    ...scores(said(`{"${secret}": 1} and so on`, { response_format: { type: 'json_object' } })),
    ...scores(said(secret, { guided_choice: ['a', 'b'] })),
  ]
  expect(rows.map((row) => row.label)).toEqual(['words', 'not_json', 'surrounded', 'not_a_choice'])
  expect(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
    'Zaphod',
  )
})
