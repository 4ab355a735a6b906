// What each rule finds on the spans of one request, and what it leaves alone.

import { describe, expect, test } from 'vitest'
import { makeSchemaCheck } from '../../collector/schema-check.ts'
import { FindingsOfBatch } from '../../processors/automatic-feedback/find.ts'
import { type AutomaticRule, automaticRules } from '../../schemas/automatic-rules.ts'
import { Bench } from '../batches.ts'
import { captureNames, traceRequests } from '../captures.ts'
import { type Attributes, type SpanInput, tracesRequest } from '../otlp-messages.ts'

const all: ReadonlySet<AutomaticRule> = new Set(automaticRules)

/** `span rule:evidence` of every finding. */
function found(
  spans: readonly SpanInput[],
  {
    rules = all,
    outputTokensMax = 0,
    keepContent = true,
  }: { rules?: ReadonlySet<AutomaticRule>; outputTokensMax?: number; keepContent?: boolean } = {},
): string[] {
  const bench = new Bench({ keepContent })
  const settings = { rules, outputTokensMax, checkSchema: makeSchemaCheck() }
  const findings = new FindingsOfBatch(bench.batch, bench.strings, bench.charge, settings)
  bench.rows(tracesRequest({ spans }))
  return findings.run().map(({ rule, row, evidence }) => `${bench.spanId(row).slice(-1)} ${rule}:${evidence}`)
}

const id = (digit: number) => `00f067aa0ba902b${digit}`

/** A call that ended well after 12 tokens, unless said otherwise. */
function call(attributes: Attributes, span: Partial<SpanInput> = {}): SpanInput {
  return {
    spanId: id(1),
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4.1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 40,
      'gen_ai.usage.output_tokens': 12,
      ...attributes,
    },
    ...span,
  }
}

const said = (content: string, reason = 'stop'): Attributes => ({
  'gen_ai.output.messages': JSON.stringify([
    { role: 'assistant', parts: [{ type: 'text', content }], finish_reason: reason },
  ]),
})
const json: Attributes = { 'gen_ai.output.type': 'json' }
const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
}
const parameters = (value: object): Attributes => ({ 'llm.invocation_parameters': JSON.stringify(value) })
const bySchema = parameters({ response_format: { type: 'json_schema', json_schema: { name: 'weather', schema } } })
const failed = { status: { code: 2 } } as const

interface Case {
  readonly name: string
  readonly span: SpanInput
  /** Empty for nothing. */
  readonly want: string
}

const refusals: readonly Case[] = [
  {
    name: 'a finish reason of Anthropic',
    span: call({ 'gen_ai.response.finish_reasons': ['refusal'] }),
    want: 'refusal:finish_reason',
  },
  {
    name: 'a part that OpenAI marks',
    span: call({
      'output.value': '{"choices":[{"message":{"role":"assistant","content":null,"refusal":"I cannot do that."}}]}',
    }),
    want: 'refusal:refusal_part',
  },
  {
    name: "a part in the conventions' messages",
    span: call({
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"refusal","content":"No."}]}]',
    }),
    want: 'refusal:refusal_part',
  },
  { name: 'words', span: call(said("I'm sorry, but I can't assist with that request.")), want: 'refusal:words' },
  {
    name: 'words with a curly apostrophe',
    span: call(said('I’m sorry, but I can’t help with that.')),
    want: 'refusal:words',
  },
  {
    name: 'words as plain text',
    span: call({ 'ai.response.text': 'I cannot provide that information.' }),
    want: 'refusal:words',
  },
  {
    name: 'words of an answer without counts',
    span: call({ ...said('I am unable to help with this.'), 'gen_ai.usage.output_tokens': null }),
    want: 'refusal:words',
  },
  {
    name: 'words in OpenInference',
    span: call({ 'llm.output_messages.0.message.content': 'Sorry, I can’t help with that.' }),
    want: 'refusal:words',
  },
  {
    name: 'words in an event',
    span: call(
      {},
      {
        events: [
          {
            name: 'gen_ai.choice',
            attributes: { message: '{"role":"assistant","content":"I can\'t comply with this request."}' },
          },
        ],
      },
    ),
    want: 'refusal:words',
  },
  {
    name: 'an answer that only begins with sorry',
    span: call(said('Sorry for the delay! Your parcel arrives today.')),
    want: '',
  },
  {
    name: 'an answer about what cannot be done',
    span: call(said("I can't find order 17 in the list; it has 12 orders.")),
    want: '',
  },
  {
    name: 'a long answer that begins like a refusal',
    span: call({ ...said("I'm sorry, but I can't help with that. ".repeat(40)), 'gen_ai.usage.output_tokens': 900 }),
    want: '',
  },
  {
    name: 'a refusal that was asked to be JSON is no malformed JSON',
    span: call({ ...said("I'm sorry, but I can't assist with that."), ...json }),
    want: 'refusal:words',
  },
]

const empties: readonly Case[] = [
  { name: 'no text in the message', span: call(said('')), want: 'empty-answer:no_text' },
  { name: 'white space', span: call(said(' \n ')), want: 'empty-answer:no_text' },
  {
    name: 'a message without parts',
    span: call({ 'gen_ai.output.messages': '[{"role":"assistant","parts":[]}]' }),
    want: 'empty-answer:no_text',
  },
  {
    name: 'no tokens, no content captured',
    span: call({ 'gen_ai.usage.output_tokens': 0 }),
    want: 'empty-answer:no_tokens',
  },
  {
    name: 'thinking and nothing else',
    span: call({
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"}]}]',
      'gen_ai.usage.reasoning.output_tokens': 11,
    }),
    want: '',
  },
  {
    name: 'a failure that says so',
    span: call({ 'error.type': 'EmptyResponseError' }, failed),
    want: 'empty-answer:error',
  },
  {
    name: 'a call of a tool',
    span: call({
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"tool_call","name":"f","arguments":{}}]}]',
    }),
    want: '',
  },
  {
    name: 'a call of a tool whose parts were left out',
    span: call({ ...said(''), 'gen_ai.response.finish_reasons': ['tool-calls'] }),
    want: '',
  },
  {
    name: 'a call of a tool that Genkit says stopped',
    span: call({ 'output.value': '{"message":{"role":"model","content":[{"toolRequest":{"name":"f"}}]}}' }),
    want: '',
  },
  {
    name: 'an image',
    span: call({ 'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"blob","data":"AAAA"}]}]' }),
    want: '',
  },
  { name: 'a short answer', span: call({ ...said('4'), 'gen_ai.usage.output_tokens': 1 }), want: '' },
  { name: 'nothing known', span: call({ 'gen_ai.usage.output_tokens': null }), want: '' },
]

const forms: readonly Case[] = [
  {
    name: 'text where JSON was asked for',
    span: call({ ...said('It is sunny.'), ...json }),
    want: 'malformed-json:not_json',
  },
  {
    name: 'JSON that breaks off',
    span: call({ ...said('{"city": "Paris", "degrees": '), ...json }),
    want: 'malformed-json:not_json',
  },
  { name: 'JSON', span: call({ ...said('{"city": "Paris"}'), ...json }), want: '' },
  { name: 'text where nothing was asked for', span: call(said('It is sunny {')), want: '' },
  {
    name: 'text where text was asked for',
    span: call({ ...said('{"city": '), 'gen_ai.output.type': 'text' }),
    want: '',
  },
  {
    name: 'what was cut says nothing',
    span: call({ ...said('{"city": '), ...json, 'gen_ai.response.finish_reasons': ['length'] }),
    want: 'too-long:cut',
  },
  {
    name: 'an open end without a reason says nothing',
    span: call({ ...said('{"city": '), ...json, 'gen_ai.response.finish_reasons': [] }),
    want: '',
  },
  {
    name: 'a capture that was cut says nothing',
    span: call({
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"{\\"city',
      ...json,
    }),
    want: '',
  },
  {
    name: 'a text that was cut at a round length says nothing',
    span: call({ 'ai.response.text': `{"city": "${'x'.repeat(118)}`, ...json }),
    want: '',
  },
  {
    name: 'a fence around JSON',
    span: call({ ...said('```json\n{"city": "Paris"}\n```'), ...json }),
    want: 'format-violation:fenced',
  },
  {
    name: 'words around JSON',
    span: call({ ...said('Here you are: {"city": "Paris"}'), ...json }),
    want: 'format-violation:surrounded',
  },
  {
    name: 'none of the choices',
    span: call({ ...said('maybe'), ...parameters({ extra_body: { guided_choice: ['yes', 'no'] } }) }),
    want: 'format-violation:not_a_choice',
  },
  {
    name: 'one of the choices',
    span: call({ ...said('yes'), ...parameters({ guided_choice: ['yes', 'no'] }) }),
    want: '',
  },
  {
    name: 'a member too few',
    span: call({ ...said('{"city": "Paris"}'), ...bySchema }),
    want: 'schema-violation:required',
  },
  {
    name: 'a wrong type',
    span: call({ ...said('{"city": "Paris", "degrees": "warm"}'), ...bySchema }),
    want: 'schema-violation:type',
  },
  {
    name: 'a member too many',
    span: call({ ...said('{"city": "Paris", "degrees": 20, "sky": "blue"}'), ...bySchema }),
    want: 'schema-violation:additionalProperties',
  },
  {
    name: 'an answer as the schema wants it',
    span: call({ ...said('{"city": "Paris", "degrees": 20}'), ...bySchema }),
    want: '',
  },
  { name: 'no JSON for a schema', span: call({ ...said('Paris'), ...bySchema }), want: 'malformed-json:not_json' },
  {
    name: "the Responses API's format",
    span: call({ ...said('{}'), ...parameters({ text: { format: { type: 'json_schema', name: 'w', schema } } }) }),
    want: 'schema-violation:required',
  },
  {
    name: "Langfuse's parameters",
    span: call({
      'langfuse.observation.output': '{"role":"assistant","content":"[]"}',
      'langfuse.observation.model.parameters': JSON.stringify({
        response_format: { type: 'json_schema', json_schema: { schema } },
      }),
    }),
    want: 'schema-violation:type',
  },
  {
    name: "Gemini's type",
    span: call({
      ...said('sunny'),
      request_data: JSON.stringify({ config: { response_mime_type: 'application/json' } }),
    }),
    want: 'malformed-json:not_json',
  },
  {
    name: "Pydantic AI's own mode",
    span: call({
      ...said('{"city": 1}'),
      model_request_parameters: JSON.stringify({ output_mode: 'native', output_object: { json_schema: schema } }),
    }),
    want: 'schema-violation:required',
  },
  {
    name: 'a schema as an attribute of its own',
    span: call({ ...said('{"city": "Paris"}'), 'gen_ai.request.structured_output_schema': JSON.stringify(schema) }),
    want: 'schema-violation:required',
  },
  {
    name: 'a failure that the client saw',
    span: call({ 'error.type': 'ValidationError' }, failed),
    want: 'schema-violation:error',
  },
]

const others: readonly Case[] = [
  { name: 'cut at its limit', span: call({ 'gen_ai.response.finish_reasons': ['max_tokens'] }), want: 'too-long:cut' },
  {
    name: "Gemini's spelling",
    span: call({ 'gen_ai.response.finish_reasons': ['FinishReason.MAX_TOKENS'] }),
    want: 'too-long:cut',
  },
  {
    name: 'filtered',
    span: call({ 'gen_ai.response.finish_reasons': ['content_filter'] }),
    want: 'content-filter:finish_reason',
  },
  {
    name: 'filtered with an error',
    span: call({ 'error.type': 'ContentPolicyViolationError' }, failed),
    want: 'content-filter:error',
  },
  { name: 'rate limits say nothing of answers', span: call({ 'error.type': 'RateLimitError' }, failed), want: '' },
  {
    name: 'a tool that failed',
    span: {
      spanId: id(1),
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'weather',
        'error.type': 'ValueError',
      },
      ...failed,
    },
    want: 'tool-error:error',
  },
  {
    name: 'a tool that was stopped',
    span: {
      spanId: id(1),
      attributes: { 'gen_ai.operation.name': 'execute_tool', 'error.type': 'CancelledError' },
      ...failed,
    },
    want: '',
  },
  {
    name: 'a tool whose result says so',
    span: {
      spanId: id(1),
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.call.result': '{"content":[{"type":"text","text":"no such city"}],"isError":true}',
      },
    },
    want: 'tool-error:result',
  },
  {
    name: 'a tool that worked',
    span: {
      spanId: id(1),
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.call.result': '{"content":[],"isError":false}',
      },
    },
    want: '',
  },
  {
    name: 'an embedding has no answer',
    span: call({ 'gen_ai.operation.name': 'embeddings', 'gen_ai.usage.output_tokens': 0 }),
    want: '',
  },
  {
    name: 'a step that is no call',
    span: {
      spanId: id(1),
      attributes: { 'gen_ai.operation.name': 'invoke_agent', 'error.type': 'ContentFilterError' },
      ...failed,
    },
    want: '',
  },
]

describe.each([
  ['refusal', refusals],
  ['empty answer', empties],
  ['form', forms],
  ['tools, filters, length', others],
])('%s', (_, cases) => {
  test.each(cases)('$name', ({ span, want }) => {
    expect(found([span])).toEqual(want === '' ? [] : [`1 ${want}`])
  })
})

test('each rule has a switch, and a span has one finding for one failure', () => {
  for (const { span, want } of [...refusals, ...empties, ...forms, ...others].filter(({ want }) => want !== '')) {
    const rule = want.split(':')[0] as AutomaticRule
    expect(found([span], { rules: new Set([rule]) })).toEqual([`1 ${want}`])
    expect(found([span], { rules: new Set(automaticRules.filter((each) => each !== rule)) })).toEqual([])
  }
  expect(
    found(
      others.map(({ span }) => span),
      { rules: new Set() },
    ),
  ).toEqual([])
})

test('a limit of one’s own marks longer answers, thinking left out', () => {
  const spans = [
    call({ 'gen_ai.usage.output_tokens': 500 }),
    call({ 'gen_ai.usage.output_tokens': 501 }, { spanId: id(2) }),
    call({ 'gen_ai.usage.output_tokens': 900, 'gen_ai.usage.reasoning.output_tokens': 600 }, { spanId: id(3) }),
  ]
  expect(found(spans, { outputTokensMax: 500 })).toEqual(['2 too-long:over_limit'])
  expect(found(spans)).toEqual([])
})

test('content that is not kept is judged all the same', () => {
  expect(found([call({ ...said('It is sunny.'), ...json })], { keepContent: false })).toEqual([
    '1 malformed-json:not_json',
  ])
})

test('two instrumentations around one call give one finding, of the call that carries the money', () => {
  const refusal = said("I'm sorry, but I can't assist with that.")
  const outer = call(refusal, { spanId: id(1) })
  const inner = call(refusal, { spanId: id(2), parentSpanId: id(1) })
  expect(found([outer, inner])).toEqual(['2 refusal:words'])
  expect(found([inner, outer])).toEqual(['2 refusal:words'])
  // Only the outer one saw the words.
  expect(found([outer, call({}, { spanId: id(2), parentSpanId: id(1) })])).toEqual(['2 refusal:words'])
})

test('a failure that goes up through spans is told once', () => {
  const error = {
    'error.type': 'ContentFilterError',
    'gen_ai.usage.input_tokens': null,
    'gen_ai.usage.output_tokens': null,
  }
  const outer = call(error, { spanId: id(1), ...failed })
  const inner = call(error, { spanId: id(2), parentSpanId: id(1), ...failed })
  expect(found([outer, inner])).toEqual(['2 content-filter:error'])
  const tool = (digit: number, parent?: number): SpanInput => ({
    spanId: id(digit),
    ...(parent === undefined ? {} : { parentSpanId: id(parent) }),
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'f' },
    ...failed,
  })
  expect(found([tool(1), tool(2, 1)])).toEqual(['2 tool-error:error'])
  expect(found([tool(1), tool(2)])).toEqual(['1 tool-error:error', '2 tool-error:error'])
})

test('a replayed answer and a sum of several calls are not judged again', () => {
  const refusal = said("I'm sorry, but I can't assist with that.")
  expect(found([call({ ...refusal, 'gen_ai.operation.name': 'fetch_response' })])).toEqual([])
  const below = (digit: number, input: number) =>
    call({ 'gen_ai.usage.input_tokens': input }, { spanId: id(digit), parentSpanId: id(1) })
  const sum = call({ ...refusal, 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 24 })
  expect(found([sum, below(2, 60), below(3, 40)])).toEqual([])
})

test('an object of the AI SDK is judged by the schema of the span around it, and once', () => {
  const model = { 'ai.model.id': 'gpt-4.1', 'ai.model.provider': 'openai.chat' }
  const outer = (span: Partial<SpanInput>): SpanInput => ({
    spanId: id(1),
    name: 'ai.generateObject',
    attributes: {
      'ai.operationId': 'ai.generateObject',
      'ai.schema': JSON.stringify(schema),
      ...model,
      ...span.attributes,
    },
    ...(span.status ? { status: span.status } : {}),
  })
  const inner = (object: string): SpanInput => ({
    spanId: id(2),
    parentSpanId: id(1),
    name: 'ai.generateObject.doGenerate',
    attributes: {
      'ai.operationId': 'ai.generateObject.doGenerate',
      ...model,
      'ai.response.finishReason': 'stop',
      'ai.response.object': object,
      'ai.usage.inputTokens': 5,
      'ai.usage.outputTokens': 3,
    },
  })
  expect(found([outer({}), inner('{"city":"Paris","degrees":20}')])).toEqual([])
  expect(found([outer({}), inner('{"city":"Paris"}')])).toEqual(['2 schema-violation:required'])
  const message = 'No object generated: could not parse the response.'
  const broken = outer({ status: { code: 2, message }, attributes: { 'error.type': 'AI_NoObjectGeneratedError' } })
  expect(found([broken, inner('Paris is sunny')])).toEqual(['2 malformed-json:not_json'])
  // The call came before, in another request.
  expect(found([broken])).toEqual(['1 malformed-json:error'])
})

test('recorded clients: what failed is found, and nothing else', () => {
  const seen: string[] = []
  for (const capture of captureNames()) {
    for (const body of traceRequests(capture)) {
      const bench = new Bench()
      const findings = new FindingsOfBatch(bench.batch, bench.strings, bench.charge, {
        rules: all,
        outputTokensMax: 0,
        checkSchema: makeSchemaCheck(),
      })
      const rows = bench.rows(body, 1_796_000_000_000)
      for (const { rule, row, evidence } of findings.run())
        seen.push(`${capture}: ${rows[row]!['name']} ${rule}:${evidence}`)
    }
  }
  expect(seen).toEqual([
    'js-claude-code-traces: claude_code.tool.execution tool-error:error',
    'js-qwen-code: qwen-code.tool tool-error:error',
    'js-tanstack-ai: chat gpt-4.1-mini #0 malformed-json:error',
    'js-vercel-ai-5-objects: ai.generateObject.doGenerate malformed-json:not_json',
    'js-vercel-ai-5-objects: ai.generateObject.doGenerate malformed-json:not_json',
    'js-vercel-ai-6-objects: ai.generateObject.doGenerate malformed-json:not_json',
    'js-vercel-ai-6-objects: ai.generateObject.doGenerate malformed-json:not_json',
    'js-vercel-ai-6-objects: ai.generateObject.doGenerate malformed-json:not_json',
    'py-adk-20: execute_tool ask_inner tool-error:error',
    // The SDK's `parse` got text where an object was asked for.
    'py-dual-oi-contrib-openai: ChatCompletion schema-violation:error',
    'py-oi-openai-0130: ChatCompletion schema-violation:error',
    'py-traceloop-053: openai.chat schema-violation:error',
    'py-triple-openai: ChatCompletion schema-violation:error',
  ])
})
