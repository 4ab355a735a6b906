// What a score judges, decided from its ids and the spans of its trace, drawn as parent > child.

import { describe, expect, test } from 'vitest'
import {
  type Findings,
  resolveScore,
  type SessionFacts,
  type SpanFacts,
  tracesNeeded,
} from '../../processors/score-target.ts'
import { type FeedbackBody, type ScoreRow, scoreFromFeedback } from '../../processors/scores.ts'

const nowMs = 1_790_000_000_000
const patience = { fallbackMs: 120_000, quietMs: 2000, orphanQuietMs: 30_000 }
const settled = { nowMs, waitedMs: 0 }
const patient = { nowMs, waitedMs: 120_000 }

function span(id: string, parent: string, facts: Partial<SpanFacts> = {}): SpanFacts {
  return {
    trace_id: 't1',
    span_id: id,
    parent_span_id: parent,
    kind: 'other',
    name: 'step',
    start_ms: nowMs - 60_000,
    ingested_ms: nowMs - 50_000,
    env: '',
    service: '',
    release: '',
    feature: '',
    provider: '',
    model: '',
    prompt_name: '',
    prompt_version: '',
    user_id: '',
    session_id: '',
    team: '',
    customer: '',
    is_call: 0,
    cost_status: 'not_billed',
    counted_as: '',
    response_id: '',
    total_cost: null,
    run_name: '',
    dataset: '',
    item_id: '',
    ...facts,
  }
}

function call(id: string, parent: string, facts: Partial<SpanFacts> = {}): SpanFacts {
  return span(id, parent, {
    kind: 'llm',
    name: 'chat',
    provider: 'openai',
    model: 'gpt-4.1',
    is_call: 1,
    cost_status: 'priced',
    total_cost: 5n,
    ...facts,
  })
}

function score(body: Omit<FeedbackBody, 'score'>): ScoreRow {
  return scoreFromFeedback({ ...body, score: 1 }, { projectId: 'default', nowMs: nowMs - 40_000, newId: () => 's' })
}

function findings(spans: readonly SpanFacts[], sessions: readonly [string, SessionFacts][] = []): Findings {
  return {
    responses: Map.groupBy(
      spans.filter((each) => each.response_id !== ''),
      (each) => each.response_id,
    ),
    traces: Map.groupBy(spans, (each) => each.trace_id),
    sessions: new Map(sessions),
  }
}

function resolve(body: Omit<FeedbackBody, 'score'>, spans: readonly SpanFacts[], moment = settled) {
  return resolveScore(score(body), findings(spans), moment, patience)
}

test('a call: its dimensions, its model and its cost, one version later', () => {
  const facts = {
    env: 'prod',
    service: 'web',
    release: '1.2',
    feature: 'chat',
    user_id: 'ada',
    session_id: 'c1',
    team: 'help',
    customer: 'acme',
    prompt_name: 'support',
    prompt_version: '3',
  }
  expect(resolve({ trace_id: 't1', span_id: 'a' }, [call('a', '', facts)])).toMatchObject({
    ...facts,
    resolved: 1,
    version: nowMs - 40_000 + 1,
    target: 'span',
    trace_id: 't1',
    span_id: 'a',
    kind: 'llm',
    provider: 'openai',
    model: 'gpt-4.1',
    calls: 1,
    span_cost: 5n,
    target_time: nowMs - 60_000,
    created_at: nowMs - 40_000,
  })
})

describe('by response id', () => {
  const judge = span('j', '', { trace_id: 't2', name: 'judge' })
  const judging = call('k', 'j', { trace_id: 't2', model: 'gpt-4.1-nano' })

  test('the id wins over the context the score was made in', () => {
    const spans = [call('a', '', { response_id: 'r1' }), judge, judging]
    expect(resolve({ response_id: 'r1', trace_id: 't2', span_id: 'j' }, spans)).toMatchObject({
      trace_id: 't1',
      span_id: 'a',
      model: 'gpt-4.1',
      given_trace_id: 't2',
      given_span_id: 'j',
    })
  })

  test('the newest call that carries the id', () => {
    const spans = [call('a', '', { response_id: 'r1', start_ms: 1 }), call('b', '', { response_id: 'r1', start_ms: 2 })]
    expect(resolve({ response_id: 'r1' }, spans)?.span_id).toBe('b')
  })

  test('an id that only a duplicate carries leads to the call it repeats', () => {
    const twin = call('a', '', { response_id: 'r1', is_call: 0, counted_as: 'b', total_cost: null })
    const spans = [twin, call('b', 'a')]
    expect(tracesNeeded(score({ response_id: 'r1' }), findings(spans).responses)).toEqual(['t1'])
    expect(resolve({ response_id: 'r1' }, spans)).toMatchObject({ span_id: 'b', span_cost: 5n })
  })

  test('an unknown id waits for its call; later the context is taken', () => {
    const spans = [call('a', '')]
    expect(resolve({ response_id: 'gone', trace_id: 't1', span_id: 'a' }, spans)).toBeUndefined()
    expect(resolve({ response_id: 'gone', trace_id: 't1', span_id: 'a' }, spans, patient)?.span_id).toBe('a')
    expect(resolve({ response_id: 'gone' }, spans, patient)).toBeUndefined()
  })
})

describe('a span that is no call', () => {
  test('keeps its place and takes the model and cost of the one call below it', () => {
    const spans = [span('w', '', { kind: 'workflow', user_id: 'ada' }), span('x', 'w'), call('a', 'x', { env: 'prod' })]
    expect(resolve({ trace_id: 't1', span_id: 'w' }, spans)).toMatchObject({
      target: 'span',
      span_id: 'w',
      kind: 'workflow',
      model: 'gpt-4.1',
      provider: 'openai',
      span_cost: 5n,
      user_id: 'ada',
      env: 'prod',
    })
  })

  test('calls beside it are not its own', () => {
    const spans = [span('w', ''), span('x', 'w', { kind: 'tool' }), call('a', 'w')]
    expect(resolve({ trace_id: 't1', span_id: 'x' }, spans)).toMatchObject({ model: '', span_cost: null, kind: 'tool' })
  })

  test('waits until the trace is quiet, because its calls may still come', () => {
    const spans = [span('w', '', { ingested_ms: nowMs - 1999 })]
    expect(resolve({ trace_id: 't1', span_id: 'w' }, spans)).toBeUndefined()
  })

  test('that has not come is waited for; later its trace is judged', () => {
    const spans = [span('w', ''), call('a', 'w')]
    expect(resolve({ trace_id: 't1', span_id: 'gone' }, spans)).toBeUndefined()
    expect(resolve({ trace_id: 't1', span_id: 'gone' }, spans, patient)).toMatchObject({ target: 'trace', span_id: '' })
  })

  test("an evaluator's own span: what it judged is the product's part of the trace", () => {
    const spans = [
      span('w', ''),
      call('a', 'w'),
      span('e', 'w', { kind: 'evaluator' }),
      call('k', 'e', { model: 'nano' }),
    ]
    expect(resolve({ trace_id: 't1', span_id: 'e' }, spans)).toMatchObject({
      target: 'trace',
      model: 'gpt-4.1',
      span_cost: 5n,
    })
  })

  test("an evaluator alone in its trace: no figure goes to the judge's model", () => {
    const spans = [span('e', '', { name: 'evaluate answer' }), call('k', 'e', { model: 'nano' })]
    expect(resolve({ trace_id: 't1', span_id: 'e' }, spans)).toMatchObject({
      target: 'span',
      span_id: 'e',
      model: '',
      span_cost: null,
    })
  })

  test('parents that go round in a circle end', () => {
    const spans = [span('w', 'x'), span('x', 'w'), call('a', 'x')]
    expect(resolve({ trace_id: 't1', span_id: 'w' }, spans)).toMatchObject({ model: 'gpt-4.1' })
  })
})

describe('a trace', () => {
  const root = span('w', '', { kind: 'workflow', env: 'prod', service: 'web', feature: 'chat', user_id: 'ada' })

  test("has its root's attribution, the model all billed calls used and the sum of their costs", () => {
    const failed = call('c', 'w', { model: 'other', cost_status: 'not_billed', total_cost: null })
    const prompt = { prompt_name: 'support', prompt_version: '3' }
    const spans = [root, call('a', 'w', prompt), call('b', 'w', { ...prompt, total_cost: 7n }), failed]
    expect(resolve({ trace_id: 't1' }, spans)).toMatchObject({
      target: 'trace',
      span_id: '',
      env: 'prod',
      service: 'web',
      feature: 'chat',
      user_id: 'ada',
      model: 'gpt-4.1',
      provider: 'openai',
      span_cost: 12n,
      prompt_name: 'support',
      prompt_version: '3',
    })
  })

  test('that used two models is mixed, and two prompts are none', () => {
    const spans = [
      root,
      call('a', 'w', { prompt_name: 'support', prompt_version: '3' }),
      call('b', 'w', { provider: 'anthropic', model: 'claude', prompt_name: 'support', prompt_version: '4' }),
    ]
    expect(resolve({ trace_id: 't1' }, spans)).toMatchObject({
      model: 'mixed',
      provider: '',
      prompt_name: '',
      prompt_version: '',
    })
  })

  test('with a call of unknown cost has no cost, not the sum of the rest', () => {
    const spans = [root, call('a', 'w'), call('b', 'w', { cost_status: 'unpriced', total_cost: null })]
    expect(resolve({ trace_id: 't1' }, spans)?.span_cost).toBeNull()
  })

  test("leaves the evaluators' calls out", () => {
    const spans = [
      root,
      call('a', 'w'),
      span('e', 'w', { kind: 'evaluator' }),
      span('f', 'e'),
      call('k', 'f', { model: 'nano' }),
    ]
    expect(resolve({ trace_id: 't1' }, spans)).toMatchObject({ model: 'gpt-4.1', span_cost: 5n })
  })

  test('is waited for: until it is quiet, longer when its root is missing', () => {
    const at = (ago: number, parent: string) =>
      resolve({ trace_id: 't1' }, [call('a', parent, { ingested_ms: nowMs - ago })])
    expect(at(1999, '')).toBeUndefined()
    expect(at(2000, '')?.resolved).toBe(1)
    expect(at(29_999, 'remote')).toBeUndefined()
    expect(at(30_000, 'remote')?.resolved).toBe(1)
  })

  test('that has not come is waited for', () => {
    expect(resolve({ trace_id: 'other' }, [root])).toBeUndefined()
    expect(resolve({ trace_id: 'other' }, [root], patient)).toBeUndefined()
  })

  test('what the sender said of the prompt stays where no span says it', () => {
    const metadata = { prompt_id: 'mine', prompt_version: '9' }
    expect(resolve({ trace_id: 't1', metadata }, [root, call('a', 'w')])).toMatchObject({
      prompt_name: 'mine',
      prompt_version: '9',
    })
  })
})

test('a session: its attribution and model, and no cost because it goes on', () => {
  const facts: SessionFacts = {
    env: 'prod',
    service: '',
    release: '',
    feature: 'chat',
    prompt_name: '',
    prompt_version: '',
    user_id: 'ada',
    session_id: 'c1',
    team: 'help',
    customer: '',
    start_ms: nowMs - 90_000,
    ingested_ms: nowMs - 30_000,
    provider: '',
    model: 'mixed',
  }
  const known = findings([], [['c1', facts]])
  expect(resolveScore(score({ session_id: 'c1' }), known, settled, patience)).toMatchObject({
    target: 'session',
    session_id: 'c1',
    env: 'prod',
    team: 'help',
    model: 'mixed',
    calls: 0,
    span_cost: null,
    target_time: nowMs - 90_000,
  })
  const both = score({ trace_id: 'gone', session_id: 'c1' })
  expect(resolveScore(both, known, settled, patience)).toBeUndefined()
  expect(resolveScore(both, known, patient, patience)?.target).toBe('session')
})

describe('a run of a dataset', () => {
  const run = { run_name: 'prompt v2', dataset: 'refunds', item_id: '17' }

  test('is that of the span judged when the score names none', () => {
    expect(resolve({ trace_id: 't1' }, [span('a', '', run), call('b', 'a')])).toMatchObject(run)
    expect(resolve({ trace_id: 't1', span_id: 'b' }, [span('a', ''), call('b', 'a', run)])).toMatchObject(run)
  })

  test('named by the score stands, and is filled up from the span', () => {
    const spans = [call('a', '', run)]
    expect(resolve({ trace_id: 't1', run_name: 'prompt v3' }, spans)).toMatchObject({ ...run, run_name: 'prompt v3' })
    expect(resolve({ trace_id: 't1', run_name: 'r', dataset: 'd', item_id: 'i' }, spans)).toMatchObject({
      run_name: 'r',
      dataset: 'd',
      item_id: 'i',
    })
  })
})
