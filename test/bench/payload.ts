// Request bodies for the benchmarks: encoded once with protobufjs, stamped with fresh ids and times before each send.
//   S  18 gen_ai attributes, no messages, about 820 bytes a span
//   C  the same with 2.2 kB of messages, about 3,200 bytes a span

import { dice } from '../dice.ts'
import { type Attributes, Double, type SpanInput, tracesRequest } from '../otlp-messages.ts'

export type PayloadName = 'S' | 'C'

interface Place {
  readonly trace: number
  readonly span: number
  /** -1 for a root. */
  readonly parent: number
  readonly start: number
  readonly response: number
}

export interface Template {
  readonly body: Buffer
  readonly spans: readonly Place[]
}

const traceSize = 5
/** Start of every template's spans: what will be stamped is found by it. */
const markMs = 1
const startMark = Buffer.from([57, 0x40, 0x42, 0x0f, 0, 0, 0, 0, 0, 65])
const responseMark = 'ffffffffffffffff'

const models = [
  ['openai', 'gpt-4o-mini', 'gpt-4o-mini-2024-07-18', 'api.openai.com'],
  ['openai', 'gpt-4.1', 'gpt-4.1-2025-04-14', 'api.openai.com'],
  ['openai', 'gpt-4o', 'gpt-4o-2024-08-06', 'api.openai.com'],
  ['anthropic', 'claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', 'api.anthropic.com'],
  ['gcp.gemini', 'gemini-2.5-flash', 'gemini-2.5-flash', 'generativelanguage.googleapis.com'],
] as const

/** `count` different requests of `perRequest` spans, five spans a trace; the same bytes for the same seed. */
export function makeTemplates(options: {
  payload: PayloadName
  perRequest: number
  count: number
  seed?: number
}): Template[] {
  const random = dice(options.seed ?? 1)
  const words = Array.from({ length: 3000 }, () => Math.floor(random() * 36 ** 6).toString(36))
  return Array.from({ length: options.count }, (_, n) => template(options, n, random, words))
}

function template(
  options: { payload: PayloadName; perRequest: number },
  n: number,
  random: () => number,
  words: readonly string[],
): Template {
  const ids = Array.from({ length: options.perRequest }, (_, i) => hex(n, i))
  const spans = ids.map((id, i): SpanInput => {
    const root = ids[i - (i % traceSize)]!
    return {
      traceId: `${root}${root}`,
      spanId: id,
      ...(i % traceSize === 0 ? {} : { parentSpanId: root }),
      name: 'chat model',
      startMs: markMs,
      durationMs: 200 + Math.floor(random() * 8000),
      flags: 0x101,
      attributes: attributes(options.payload, random, words),
      ...(random() < 0.02 ? { status: { code: 2, message: 'rate limited' } } : {}),
    }
  })
  const resource = {
    'service.name': `svc-${n % 8}`,
    'service.version': `1.4.${n % 3}`,
    'deployment.environment.name': n % 4 ? 'production' : 'staging',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'python',
    'telemetry.sdk.version': '1.38.0',
    'bench.run': 'run',
  }
  const body = Buffer.from(
    tracesRequest({ scope: 'opentelemetry.instrumentation.openai_v2', version: '2.1b0', resource, spans }),
  )
  return { body, spans: places(body, ids) }
}

function attributes(payload: PayloadName, random: () => number, words: readonly string[]): Attributes {
  const pick = (below: number): number => Math.floor(random() * below)
  const [provider, request, response, host] = models[Math.min(pick(8), 4)]!
  const input = 200 + pick(6000)
  const sentence = (size: number): string => {
    let text = ''
    while (text.length < size) text += `${words[Math.floor(random() ** 2 * words.length)]} `
    return text.slice(0, size)
  }
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': request,
    'gen_ai.response.model': response,
    'gen_ai.response.id': `chatcmpl-${responseMark}`,
    'gen_ai.request.temperature': new Double(pick(10) / 10),
    'gen_ai.request.max_tokens': 1024,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': 20 + pick(900),
    'gen_ai.usage.cache_read.input_tokens': pick(3) ? 0 : input >> 1,
    'gen_ai.response.finish_reasons': [pick(9) ? 'stop' : 'tool_calls'],
    'gen_ai.conversation.id': `conv_${pick(100_000).toString(16).padStart(8, '0')}-4c1e-8a77-b2d0e91f`,
    'user.id': `user_${(pick(20_000) + 0x10000000).toString(16)}@tenant-${pick(40)}.example.com`,
    'app.feature': ['search', 'support-bot', 'summarise', 'draft-reply', 'classify'][pick(5)]!,
    'app.prompt.name': `checkout/assist/prompt-${pick(40)}`,
    'app.prompt.version': `2026-10-${10 + pick(12)}.r${pick(9)}`,
    'server.address': host,
    'server.port': 443,
    ...(payload === 'S'
      ? {}
      : {
          'gen_ai.input.messages': JSON.stringify([
            { role: 'system', parts: [{ type: 'text', content: sentence(500) }] },
            { role: 'user', parts: [{ type: 'text', content: sentence(950) }] },
          ]),
          'gen_ai.output.messages': JSON.stringify([
            { role: 'assistant', parts: [{ type: 'text', content: sentence(720) }], finish_reason: 'stop' },
          ]),
        }),
  }
}

/** Finds what will be stamped: each span's ids, then its start time and response id behind them. */
function places(body: Buffer, ids: readonly string[]): Place[] {
  let at = 0
  return ids.map((id, i) => {
    const root = Buffer.from(ids[i - (i % traceSize)]!, 'hex')
    const trace = body.indexOf(Buffer.concat([root, root]), at)
    const span = body.indexOf(Buffer.from(id, 'hex'), trace + 16)
    const parent = i % traceSize === 0 ? -1 : body.indexOf(root, span + 8)
    const start = body.indexOf(startMark, span) + 1
    const response = body.indexOf(responseMark, start)
    at = response
    return { trace, span, parent, start, response }
  })
}

/**
 * Copies a template into `target` and gives its spans the ids `first … first + n - 1` of the run and times ending now.
 * Returns the size; the caller owns `target`, which holds at least the template's size.
 */
export function stamp(source: Template, target: Buffer, first: number, run: number): number {
  source.body.copy(target)
  const now = Date.now()
  for (let i = 0; i < source.spans.length; i++) {
    const { trace, span, parent, start, response } = source.spans[i]!
    const id = mix(first + i)
    const root = mix(first + i - (i % traceSize))
    target.writeUInt32BE(run, trace)
    target.writeUInt32BE(1, trace + 4)
    target.writeUInt32BE(root, trace + 8)
    target.writeUInt32BE(run, trace + 12)
    target.writeUInt32BE(run, span)
    target.writeUInt32BE(id, span + 4)
    if (parent >= 0) {
      target.writeUInt32BE(run, parent)
      target.writeUInt32BE(root, parent + 4)
    }
    nanos(target, start, now - 1000, i)
    nanos(target, start + 9, now, i)
    target.write(run.toString(16).padStart(8, '0') + id.toString(16).padStart(8, '0'), response, 'latin1')
  }
  return source.body.length
}

/** Id of span `n` of a run, as stored. */
export function spanIdOf(n: number, run: number): string {
  return run.toString(16).padStart(8, '0') + mix(n).toString(16).padStart(8, '0')
}

function nanos(target: Buffer, at: number, ms: number, sub: number): void {
  target.writeBigUInt64LE(BigInt(ms) * 1_000_000n + BigInt(sub), at)
}

/** A bijection of 32 bits, so that ids look random and never repeat. */
function mix(n: number): number {
  let x = Math.imul(n ^ (n >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

function hex(n: number, i: number): string {
  return (
    (0xabcd0000 + n).toString(16).padStart(8, '0') +
    mix(i + 1)
      .toString(16)
      .padStart(8, '0')
  )
}
