// Every spelling of usage, model, provider, tier, cost, end and failure that is known from the field is read into the field it means, from
// an instrumentation that nobody knows, or stands below with the reason why not.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeLogCalls } from '../../collector/otlp/log-spans.ts'
import { loadDialects } from '../../collector/registry.ts'
import { LogCalls } from '../../processors/log-calls.ts'
import { cost } from '../../schemas/span-batch.ts'
import { Bench, nowMs } from '../batches.ts'
import { type Attributes, Double, tracesRequest } from '../otlp-messages.ts'

interface Spelling {
  readonly dialect: string
  readonly field: string
  /** `name#path`: inside the JSON of an attribute. */
  readonly attribute: string
  readonly signal: string
}

const spellings = JSON.parse(
  readFileSync(new URL('../fixtures/spellings.json', import.meta.url), 'utf8'),
) as readonly Spelling[]

const dialects = await loadDialects()
const bench = new Bench()
const logCalls = new LogCalls(dialects)

/** Why an attribute is not read: `attribute`, `prefix*` or `dialect: attribute` → reason. */
const notRead: Readonly<Record<string, string>> = {
  'gen_ai.usage.text.*': 'text is what is left of a total when the other kinds are taken off',
  'gen_ai.usage.input_text_tokens': 'the same',
  'gen_ai.usage.output_text_tokens': 'the same',
  'ai.usage.outputTokenDetails.textTokens': 'the same',
  'gen_ai.usage.image.cache_read.input_tokens': 'no price list has a rate of its own for cached images',
  'ai.usage.inputTokenDetails.noCacheTokens': 'what is left of the input; it proves that the input includes the cache',
  'gen_ai.usage.<k>': 'whatever a provider called it: no unit that is known',
  'gen_ai.usage.experimental.reasoning_tokens_limit': 'a limit, not a count',
  'gen_ai.usage.partial.*': 'counts while a stream runs; the whole follows',
  'gen_ai.usage.raw': 'the same counts again',
  'gen_ai.aggregated_usage.*': 'a sum over other spans',
  'codex.turn.token_usage.*': 'a sum over the calls of a turn',
  'mlflow.trace.tokenUsage': 'a sum over the trace',
  'mlflow.trace.cost': 'a sum over the trace',
  'anthropic.message.count_tokens.input_tokens': 'counting is free',
  'openai.request.service_tier': 'the tier asked for is not the tier served',
  'gen_ai.openai.request.service_tier': 'the tier asked for is not the tier served',
  'anthropic.request.service_tier': 'the tier asked for is not the tier served',
  'gen_ai.usage.cost.source': 'kept beside the amount',
  'github.copilot.*': 'no money: premium requests and AI units',
  'trace.metadata.openrouter_generation.usage_upstream': 'what the upstream took; the charge stands beside it',
  'langfuse.observation.usage_details#total': 'the sum of its buckets',
  'mlflow.chat.tokenUsage#total_tokens': 'the sum of the two',
  'spring_ai: error': 'a class by its name alone, read as the message: elsewhere it is one',
  'haystack: haystack.component.output#replies[].meta.model': 'the model that answered: response_model',
  'gen_ai.server.time_to_first_token': 'seconds at one emitter, milliseconds at another',
  'trace.metadata.openrouter.provider_slug': 'gen_ai.provider.name has it too',
  tool_token_count: 'the prompts of tools; the total tells them',
}

/** Parts of a reported cost are kept as sent: its total is what is compared. */
const partsOfCost = /^cost_(input|output|cache|reasoning|tools|before|upstream)/

const reasonOf = (spelling: Spelling): string | undefined =>
  Object.entries(notRead).find(([name]) => matches(name, spelling))?.[1]

const usageFields: Readonly<Record<string, string>> = {
  input_tokens: 'input',
  output_tokens: 'output',
  cache_read_tokens: 'cacheRead',
  cache_write_tokens: 'cacheWrite',
  cache_write_5m_tokens: 'cacheWrite',
  cache_write_1h_tokens: 'cacheWrite1h',
  reasoning_tokens: 'reasoning',
  input_audio_tokens: 'inputAudio',
  output_audio_tokens: 'outputAudio',
  input_image_tokens: 'inputImage',
  output_image_tokens: 'outputImage',
  cache_read_audio_tokens: 'cacheReadAudio',
}
const textFields: Readonly<Record<string, string>> = {
  provider: 'provider',
  request_model: 'request_model',
  response_model: 'response_model',
  response_id: 'response_id',
  finish_reasons: 'finish_reason',
  service_tier: 'service_tier',
  error_type: 'error_type',
}

type Value = Attributes[string]

/** Scope under which an attribute that is JSON is looked into. */
const scopes: Readonly<Record<string, string>> = {
  vercel_ai_sdk_v3_v4: 'ai',
  vercel_ai_sdk_v5: 'ai',
  vercel_ai_sdk_v6: 'ai',
  langfuse_sdk: 'langfuse-sdk',
  mlflow: 'mlflow',
  langsmith: 'langsmith',
  google_adk: 'gcp.vertex.agent',
  genkit: 'genkit-tracer',
  haystack: 'haystack',
}
/** What makes such a span the call that it is. */
const besides: Readonly<Record<string, Attributes>> = {
  'genkit:output': { 'genkit:type': 'action', 'genkit:metadata:subtype': 'model', 'genkit:name': 'anthropic/claude-x' },
  'haystack.component.output': { 'haystack.component.type': 'OpenAIChatGenerator', 'haystack.component.name': 'llm' },
  'langsmith.usage_metadata': { 'langsmith.span.kind': 'llm' },
  'gen_ai.usage.input_token_details': { 'langsmith.span.kind': 'llm' },
  'gen_ai.usage.output_token_details': { 'langsmith.span.kind': 'llm' },
  'mastra.completion_start_time': { 'mastra.span.type': 'model_generation' },
  'gcp.vertex.agent.llm_response': { 'gcp.vertex.agent.event_id': 'e' },
  'genkit:name': { 'genkit:type': 'action', 'genkit:metadata:subtype': 'model' },
}

function plain(value: unknown): unknown {
  return value instanceof Double ? value.value : value
}

function attributesOf(attribute: string, value: Value): Attributes {
  const [name = '', path] = attribute.split('#')
  if (path === undefined) return { ...besides[name], [name]: value }
  const sent: unknown = plain(value)
  const inside = path.split('.').reduceRight<unknown>((nested, key) => {
    const list = key.endsWith('[]')
    return { [list ? key.slice(0, -2) : key]: list ? [nested] : nested }
  }, sent)
  return { ...besides[name], [name]: JSON.stringify(inside) }
}

function read({ attribute, dialect, field, signal }: Spelling, value: Value, base: Attributes = {}) {
  const attributes = { ...base, ...attributesOf(attribute, value) }
  if (signal === 'log') return bench.rows(logOf(dialect, attributes))[0]
  const scope = attribute.includes('#') ? (scopes[dialect] ?? dialect) : 'somebody.unknown'
  const model = field === 'request_model' ? {} : { 'gen_ai.request.model': 'm' }
  const call = { 'gen_ai.operation.name': 'chat', ...model }
  return bench.rows(tracesRequest({ scope, spans: [{ attributes: { ...call, ...attributes } }] }))[0]
}

/** The event of a command-line agent that tells of a call. */
const events: Readonly<
  Record<
    string,
    {
      readonly scope: string
      readonly name: string
      readonly failed: string
      readonly tokens: readonly [string, string]
    }
  >
> = {
  claude_code_logs: {
    scope: 'com.anthropic.claude_code.events',
    name: 'claude_code.api_request',
    failed: 'claude_code.api_error',
    tokens: ['input_tokens', 'output_tokens'],
  },
  codex_cli: {
    scope: 'codex_otel',
    name: 'codex.sse_event',
    failed: 'codex.sse_event',
    tokens: ['input_token_count', 'output_token_count'],
  },
  gemini_cli: {
    scope: 'gemini-cli',
    name: 'gemini_cli.api_response',
    failed: 'gemini_cli.api_error',
    tokens: ['input_token_count', 'output_token_count'],
  },
}

function logOf(dialect: string, attributes: Attributes): Uint8Array {
  const event = events[dialect]!
  const isFailed = 'error' in attributes || 'error_type' in attributes || 'status_code' in attributes
  const name = isFailed || 'error.message' in attributes ? event.failed : event.name
  const kind = name === 'codex.sse_event' && 'error.message' in attributes ? 'response.failed' : 'response.completed'
  const time = BigInt(nowMs) * 1_000_000n
  const sent = Object.entries({
    'session.id': 's',
    'conversation.id': 'c',
    'event.name': name,
    'event.kind': kind,
    ...attributes,
  })
  const call = logCalls.callOf(
    {
      source: { resource: new Map(), scopeName: event.scope, scopeVersion: '1' },
      timeUnixNano: time,
      observedUnixNano: time,
      severityNumber: 9,
      severityText: '',
      body: name,
      attributes: new Map(sent.map(([key, value]) => [key, String(plain(value))])),
      traceId: '',
      spanId: '',
      eventName: '',
    },
    nowMs,
  )
  if (call === undefined) throw new Error(`${name} with ${JSON.stringify(attributes)} is no call`)
  return encodeLogCalls([call])
}

/** Reads a spelling and says whether the value came where it belongs. */
function arrives(spelling: Spelling): void {
  const { dialect, field, attribute, signal } = spelling
  const isLog = signal === 'log'
  const [input, output] = isLog ? events[dialect]!.tokens : ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens']
  const tokens = { [input]: 100, [output]: 50 }
  const usage = usageFields[field]
  const column = textFields[field]
  if (usage !== undefined) {
    const isTotal = usage === 'input' || usage === 'output'
    expect(read(spelling, 7, isTotal && !isLog ? {} : tokens)?.['usage']).toMatchObject({ [usage]: 7 })
    if (!attribute.includes('#'))
      expect(read(spelling, '7', isTotal && !isLog ? {} : tokens)?.['usage']).toMatchObject({ [usage]: 7 })
  } else if (column !== undefined) {
    const word = field === 'provider' ? 'openai' : 'some-word'
    expect(read(spelling, word, isLog ? tokens : {})).toMatchObject({ [column]: word })
  } else arrivesOtherwise(spelling, tokens)
}

function arrivesOtherwise(spelling: Spelling, tokens: Attributes): void {
  switch (spelling.field) {
    case 'total_tokens': {
      const cached = { ...tokens, 'gen_ai.usage.cache_read.input_tokens': 40, cached_token_count: 40 }
      expect(read(spelling, 190, cached)?.['usage']).toMatchObject({ input: 140 })
      return
    }
    case 'extra_input_tokens':
      expect(read(spelling, 7, tokens)?.['usage']).toMatchObject({ input: 107 })
      return
    case 'extra_output_tokens':
      expect(read(spelling, 7, tokens)?.['usage']).toMatchObject({ output: 57 })
      return
    case 'cost_total':
      read(spelling, new Double(0.5), tokens)
      expect(bench.batch.costs[cost.reported]).toBe(0.5e12)
      return
    case 'cost_currency':
      read(spelling, 'EUR', { 'gen_ai.usage.cost.amount': new Double(0.5) })
      expect(bench.batch.costs[cost.reported]).toBeNaN()
      return
    case 'service_speed':
      read(spelling, 'fast', tokens)
      expect(bench.normaliser.conditions.text(bench.batch.condition[0]!)).toContain('"speed":"fast"')
      return
    case 'error_message':
      expect(read(spelling, 'prompt is too long', { 'error.type': 'Error' })?.['failure_class']).toBe('context_length')
      return
    case 'error_code':
    case 'error_status':
    case 'http_status':
      expect(read(spelling, 429)?.['failure_class']).toBe('rate_limit')
      return
    case 'ttft':
      expect(
        read(spelling, spelling.attribute.endsWith('_start_time') ? '2100-01-01T00:00:00Z' : 700, tokens)?.['ttft_ns'],
      ).toBeGreaterThan(0)
      return
    default:
      throw new Error(`no test of ${spelling.field}`)
  }
}

/** Spellings of the event of a span, of a score, and of times, which have tests of their own. */
const elsewhere = (each: Spelling): boolean =>
  each.signal === 'span_event' || each.dialect === 'otel_evaluation' || (each.signal === 'log' && each.field === 'ttft')

/** Those that a dialect's own function reads out of text of its own. */
const inside: Readonly<Record<string, string>> = {
  langsmith: 'langsmith',
  mastra: 'mastra',
  google_adk: 'google-adk',
  genkit: 'genkit',
  haystack: 'haystack',
}
const known = new Set(dialects.map(({ id }) => id))
const isSpoken = ({ dialect }: Spelling): boolean => inside[dialect] === undefined || known.has(inside[dialect])

const checked = spellings.filter((each) => !elsewhere(each) && !partsOfCost.test(each.field) && isSpoken(each))

describe('spellings of the field', () => {
  test.each(checked.filter((each) => reasonOf(each) === undefined))('$dialect: $attribute is $field', (spelling) =>
    arrives(spelling),
  )

  test('every reason is needed', () => {
    expect(Object.keys(notRead).filter((name) => !spellings.some((each) => matches(name, each)))).toEqual([])
  })
})

function matches(name: string, { attribute, dialect }: Spelling): boolean {
  return name.endsWith('*')
    ? attribute.startsWith(name.slice(0, -1))
    : name === attribute || name === `${dialect}: ${attribute}`
}
