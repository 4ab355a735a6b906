// A log record that tells of a call → a span: its ids, its times, and what of it is a call at all.

import { expect, test } from 'vitest'
import { encodeLogCalls } from '../../collector/otlp/log-spans.ts'
import { loadDialects } from '../../collector/registry.ts'
import { LogCalls } from '../../processors/log-calls.ts'
import type { LogInput } from '../../processors/log-rows.ts'
import { Bench, nowMs } from '../batches.ts'

const calls = new LogCalls(await loadDialects())
const time = BigInt(nowMs) * 1_000_000n

function record(attributes: Readonly<Record<string, string>>, given: Partial<LogInput> = {}): LogInput {
  return {
    source: {
      resource: new Map([['service.name', 'cli']]),
      scopeName: 'com.anthropic.claude_code.events',
      scopeVersion: '2',
    },
    timeUnixNano: time,
    observedUnixNano: time,
    severityNumber: 9,
    severityText: '',
    body: 'claude_code.api_request',
    attributes: new Map(Object.entries(attributes)),
    traceId: '',
    spanId: '',
    eventName: '',
    ...given,
  }
}

const answer = {
  'event.name': 'api_request',
  'session.id': 's-1',
  'prompt.id': 'p-1',
  model: 'claude-sonnet-4-5',
  input_tokens: '10',
  output_tokens: '5',
  duration_ms: '1500',
}

test('the same record makes the same ids, another one another span of the session’s trace', () => {
  const first = calls.callOf(record(answer), nowMs)
  const again = calls.callOf(record(answer, { observedUnixNano: time + 1n }), nowMs + 5000)
  const other = calls.callOf(record({ ...answer, 'event.sequence': '2' }), nowMs)
  expect([again?.traceId, again?.spanId]).toEqual([first?.traceId, first?.spanId])
  expect([other?.traceId, other?.parentId]).toEqual([first?.traceId, first?.parentId])
  expect(other?.spanId).not.toBe(first?.spanId)
  expect([first?.traceId.length, first?.spanId.length]).toEqual([32, 16])
})

test('what collectors on the way add to the resource changes no id', () => {
  const source = {
    resource: new Map([['k8s.pod.name', 'a']]),
    scopeName: 'com.anthropic.claude_code.events',
    scopeVersion: '2',
  }
  expect(calls.callOf(record(answer, { source }), nowMs)?.spanId).toBe(calls.callOf(record(answer), nowMs)?.spanId)
})

test('it ends when it was written and took what it says', () => {
  const call = calls.callOf(record(answer), nowMs)
  expect([call?.start, call?.end]).toEqual([time - 1_500_000_000n, time])
  const odd = calls.callOf(record({ ...answer, duration_ms: '-3' }), nowMs)
  expect(odd?.start).toBe(time)
})

test('the span it was written in is its parent, before the turn; the turn is a row where there is no span', () => {
  const within = calls.callOf(record(answer, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }), nowMs)
  expect([within?.traceId, within?.parentId]).toEqual(['a'.repeat(32), 'b'.repeat(16)])
  const prompt = { 'event.name': 'user_prompt', 'session.id': 's-1', 'prompt.id': 'p-1', prompt: 'secret' }
  const turn = calls.callOf(record(prompt, { body: 'claude_code.user_prompt' }), nowMs)
  expect(calls.callOf(record(answer), nowMs)?.parentId).toBe(turn?.spanId)
  expect(JSON.stringify(turn?.attributes)).not.toContain('secret')
  expect(
    calls.callOf(record(prompt, { body: 'claude_code.user_prompt', spanId: 'b'.repeat(16) }), nowMs),
  ).toBeUndefined()
})

test('records without a session are a trace each', () => {
  const { 'session.id': _, 'prompt.id': __, ...alone } = answer
  const [one, other] = [record(alone), record({ ...alone, output_tokens: '6' })].map((each) =>
    calls.callOf(each, nowMs),
  )
  expect(one?.parentId).toBe('')
  expect(one?.traceId).not.toBe(other?.traceId)
})

test('counts of text are counts, and the provider’s own cost is kept beside ours', () => {
  const call = calls.callOf(record({ ...answer, cache_read_tokens: '90', cost_usd: '0.25' }), nowMs)
  const [row] = new Bench().rows(encodeLogCalls([call!]))
  expect(row).toMatchObject({
    dialect: 'claude-code',
    kind: 'llm',
    span_kind: 'event',
    provider: 'anthropic',
    request_model: 'claude-sonnet-4-5',
    session_id: 's-1',
    usage: { input: 100, output: 5, cacheRead: 90 },
    usage_rule: 'exclusive:arithmetic',
    reported_cost_source: 'claude_code.cost_usd',
  })
})

test('Claude Code names who serves the model', () => {
  const provider = (served: Readonly<Record<string, string>>): unknown =>
    new Bench().rows(encodeLogCalls([calls.callOf(record({ ...answer, ...served }), nowMs)!]))[0]?.['provider']
  expect(provider({})).toBe('anthropic')
  expect(provider({ 'anthropic.provider': 'bedrock' })).toBe('aws.bedrock')
  expect(provider({ 'anthropic.provider': 'gateway' })).toBeUndefined()
})

test('a clone of an emitter’s events under another scope is read like it', () => {
  const source = { resource: new Map<string, string>(), scopeName: 'opencode', scopeVersion: '1' }
  const call = calls.callOf(record({ ...answer, cache_read_tokens: '4' }, { source }), nowMs)
  const [row] = new Bench().rows(encodeLogCalls([call!]))
  expect(row).toMatchObject({
    dialect: 'claude-code',
    usage: { input: 14, cacheRead: 4 },
    usage_rule: 'exclusive:emitter',
  })
})

test('an event of the conventions is a call only where it has counts', () => {
  const source = { resource: new Map<string, string>(), scopeName: 'any', scopeVersion: '' }
  const given = { source, body: '', eventName: 'gen_ai.client.inference.operation.details' }
  const half = { 'gen_ai.provider.name': 'openai', 'gen_ai.input.messages': '[]' }
  expect(calls.callOf(record(half, given), nowMs)).toBeUndefined()
  const whole = {
    ...half,
    'gen_ai.operation.name': 'embeddings',
    'gen_ai.usage.input_tokens': '7',
    'gen_ai.request.model': 'm',
  }
  const call = calls.callOf(record(whole, given), nowMs)
  expect(call?.scopeName).toBe('any')
  expect(new Bench().rows(encodeLogCalls([call!]))[0]).toMatchObject({
    kind: 'embedding',
    usage: { input: 7, output: 0 },
  })
})

test('Codex: a stream’s events that have no counts are none, and what was refused is a failure', () => {
  const source = { resource: new Map<string, string>(), scopeName: 'codex_otel.log_only', scopeVersion: '' }
  const given = { source, body: '', eventName: 'event otel/src/events/session_telemetry.rs:1' }
  const of = (attributes: Readonly<Record<string, string>>) => calls.callOf(record(attributes, given), nowMs)
  const stream = { 'event.name': 'codex.sse_event', model: 'gpt-5' }
  expect(of({ ...stream, 'event.kind': 'response.created' })).toBeUndefined()
  expect(of({ ...stream, 'event.kind': 'response.completed' })).toBeUndefined()
  expect(of({ ...stream, 'event.kind': 'response.completed', input_token_count: '3' })?.isError).toBe(false)
  const request = { 'event.name': 'codex.api_request', model: 'gpt-5' }
  expect(of({ ...request, 'http.response.status_code': '200' })).toBeUndefined()
  const refused = of({ ...request, 'http.response.status_code': '429', 'error.message': 'http 429' })
  expect(new Bench().rows(encodeLogCalls([refused!]))[0]).toMatchObject({
    status: 'error',
    failure_class: 'rate_limit',
  })
})

test('Cline, as its pages describe it: the turn of the assistant is the call, a failure has its status', () => {
  const source = { resource: new Map<string, string>(), scopeName: 'cline', scopeVersion: '3.82' }
  const turn = { ulid: 'u', provider: 'anthropic', model: 'claude-sonnet-4-5', tokensIn: '20', tokensOut: '7' }
  const of = (body: string, more: Readonly<Record<string, string>>): unknown[] => {
    const call = calls.callOf(record({ ...turn, ...more }, { source, body }), nowMs)
    return call === undefined ? [] : new Bench().rows(encodeLogCalls([call]))
  }
  expect(of('task.conversation_turn', { source: 'user' })).toEqual([])
  expect(of('task.tokens', {})).toEqual([])
  const cached = { source: 'assistant', cacheReadTokens: '80', cacheWriteTokens: '0', totalCost: '0.5' }
  expect(of('task.conversation_turn', cached)).toMatchObject([
    {
      dialect: 'cline',
      kind: 'llm',
      session_id: 'u',
      usage: { input: 100, output: 7, cacheRead: 80 },
      usage_rule: 'exclusive:arithmetic',
      reported_cost_source: 'cline.total_cost',
    },
  ])
  const failed = { source: 'assistant', errorStatus: '429', errorMessage: 'slow down', requestId: 'req_1' }
  expect(of('task.provider_api_error', failed)).toMatchObject([
    { status: 'error', failure_class: 'rate_limit', response_id: 'req_1', status_message: 'slow down' },
  ])
})

test('message content of events is known by name', () => {
  const prompt = record({ prompt: 'x', 'gen_ai.input.messages': '[]', model: 'm' }, { body: 'claude_code.user_prompt' })
  expect(['prompt', 'gen_ai.input.messages', 'model'].map((key) => calls.isContent(prompt, key))).toEqual([
    true,
    true,
    false,
  ])
  expect(calls.isContent(record({ prompt: 'x' }, { body: 'of another' }), 'prompt')).toBe(false)
})

test('records of two sources keep theirs', () => {
  const source = {
    resource: new Map([['service.name', 'other']]),
    scopeName: 'com.anthropic.claude_code.events',
    scopeVersion: '3',
  }
  const both = [record(answer), record({ ...answer, model: 'm' }, { source })].map((each) => calls.callOf(each, nowMs)!)
  expect(new Bench().rows(encodeLogCalls(both)).map(({ service }) => service)).toEqual(['cli', 'other'])
})
