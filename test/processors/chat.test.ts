// What a call was asked and what it answered, in plain messages: the forms that instrumentations capture, as recorded.

import { describe, expect, test } from 'vitest'
import { answerText, type Captured, conversationOf } from '../../processors/chat/captured.ts'

const empty: Captured = { system_instructions: '', input_messages: '', output_messages: '', attributes: {} }
const hi = [{ role: 'user', content: 'hi' }]
const hello = [{ role: 'assistant', content: 'Hello' }]
const paris = (id: string) => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id, type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }],
})
const sunny = { role: 'tool', content: 'sunny', tool_call_id: 'c1' }

describe('input', () => {
  const cases: readonly { name: string; value?: unknown; attributes?: Record<string, string>; want: unknown }[] = [
    { name: 'the conventions', value: [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }], want: hi },
    { name: 'OpenAI', value: { model: 'gpt-4.1', messages: hi }, want: hi },
    {
      name: 'OpenAI responses',
      value: {
        instructions: 'Be brief',
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'weather?' }] },
          { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Paris"}' },
          { type: 'function_call_output', call_id: 'c1', output: 'sunny' },
        ],
      },
      want: [{ role: 'system', content: 'Be brief' }, { role: 'user', content: 'weather?' }, paris('c1'), sunny],
    },
    {
      name: 'Anthropic',
      value: {
        max_tokens: 10,
        system: [{ type: 'text', text: 'Be brief' }],
        messages: [
          { role: 'user', content: 'weather?' },
          { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Paris' } }] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'sunny' }] },
        ],
      },
      want: [{ role: 'system', content: 'Be brief' }, { role: 'user', content: 'weather?' }, paris('c1'), sunny],
    },
    {
      name: 'Gemini',
      value: {
        contents: [
          { role: 'user', parts: [{ text: 'weather?' }] },
          { role: 'model', parts: [{ functionCall: { name: 'weather', args: { city: 'Paris' }, id: 'c1' } }] },
        ],
        config: { systemInstruction: 'Be brief' },
      },
      want: [{ role: 'system', content: 'Be brief' }, { role: 'user', content: 'weather?' }, paris('c1')],
    },
    {
      name: 'LangChain',
      value: {
        messages: [[{ lc: 1, type: 'constructor', id: ['langchain', 'HumanMessage'], kwargs: { content: 'hi' } }]],
      },
      want: hi,
    },
    {
      name: 'Vercel AI SDK',
      value: [
        { role: 'user', content: [{ type: 'text', text: 'weather?' }] },
        {
          role: 'assistant',
          content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: { city: 'Paris' } }],
        },
        {
          role: 'tool',
          content: [{ type: 'tool-result', toolCallId: 'c1', output: { type: 'text', value: 'sunny' } }],
        },
      ],
      want: [{ role: 'user', content: 'weather?' }, paris('c1'), sunny],
    },
    {
      name: 'OpenInference, before the request beside it',
      value: { messages: ["ChatMessage(role='user')"] },
      attributes: {
        'llm.input_messages.0.message.role': 'user',
        'llm.input_messages.0.message.contents.0.message_content.type': 'text',
        'llm.input_messages.0.message.contents.0.message_content.text': 'weather?',
        'llm.input_messages.1.message.role': 'assistant',
        'llm.input_messages.1.message.tool_calls.0.tool_call.id': 'c1',
        'llm.input_messages.1.message.tool_calls.0.tool_call.function.name': 'weather',
        'llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments': '{"city":"Paris"}',
      },
      want: [{ role: 'user', content: 'weather?' }, paris('c1')],
    },
    {
      name: 'OpenLLMetry, the tenth after the ninth',
      attributes: Object.fromEntries(
        Array.from({ length: 11 }, (_, i) => i).flatMap((i) => [
          [`gen_ai.prompt.${i}.role`, 'user'],
          [`gen_ai.prompt.${i}.content`, i === 0 ? '[{"type": "text", "text": "0"}]' : String(i)],
        ]),
      ),
      want: Array.from({ length: 11 }, (_, i) => ({ role: 'user', content: String(i) })),
    },
    {
      name: 'events, one attribute each',
      attributes: {
        'gen_ai.tool.message.2.content': '[{"toolResult":{"toolUseId":"c1","content":[{"text":"sunny"}]}}]',
        'gen_ai.user.message.0.content': '[{"text":"weather?"}]',
        'gen_ai.assistant.message.1.content':
          '[{"toolUse":{"toolUseId":"c1","name":"weather","input":{"city":"Paris"}}}]',
      },
      want: [{ role: 'user', content: 'weather?' }, paris('c1'), sunny],
    },
    {
      name: 'events, all in one',
      attributes: { events: '[{"event.name":"gen_ai.user.message","role":"user","content":"hi"}]' },
      want: hi,
    },
  ]
  test.each(cases)('$name', ({ value, attributes = {}, want }) => {
    const { input } = conversationOf({
      ...empty,
      input_messages: value === undefined ? '' : JSON.stringify(value),
      attributes,
    })
    expect(input).toEqual({ form: 'messages', messages: want, raw: '' })
  })

  test('text without a role is of the user, and said to be text', () => {
    expect(conversationOf({ ...empty, input_messages: 'hi' }).input).toEqual({ form: 'text', messages: hi, raw: '' })
    expect(conversationOf({ ...empty, input_messages: '[not JSON' }).input.form).toBe('text')
  })

  test('system instructions kept apart come first, once', () => {
    const captured = { ...empty, system_instructions: '[{"type":"text","content":"Be brief"}]', input_messages: 'hi' }
    expect(conversationOf(captured).input.messages).toEqual([{ role: 'system', content: 'Be brief' }, ...hi])
    const own = JSON.stringify([{ role: 'system', content: 'Mine' }, ...hi])
    expect(conversationOf({ ...captured, input_messages: own }).input.messages).toHaveLength(2)
  })

  const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x' } }] }]
  test.each([
    ['an image', JSON.stringify(image)],
    ['texts of an embedding', '{"input":["a","b"]}'],
    ['objects turned to text', `{"messages":["ChatMessage(role='user')"]}`],
    ['an object of no known form', '{"city":"Paris"}'],
    ['what is nested without end', '['.repeat(5000) + ']'.repeat(5000)],
  ])('%s stays as captured, and is said to be raw', (_, input_messages) => {
    expect(conversationOf({ ...empty, input_messages }).input).toEqual({
      form: 'raw',
      messages: [],
      raw: input_messages,
    })
  })

  test('roles without words are not captured', () => {
    expect(conversationOf({ ...empty, attributes: { 'gen_ai.prompt.0.role': 'user' } }).input.form).toBe('none')
    expect(conversationOf(empty)).toMatchObject({ input: { form: 'none' }, output: { form: 'none' } })
  })

  test('keys of objects are only keys', () => {
    const attributes = { 'llm.input_messages.0.__proto__.polluted': 'yes', 'llm.input_messages.__proto__.role': 'x' }
    conversationOf({ ...empty, attributes })
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})

describe('output', () => {
  test.each<[string, unknown]>([
    ['the conventions', [{ role: 'assistant', parts: [{ type: 'text', content: 'Hello' }], finish_reason: 'stop' }]],
    [
      'OpenAI',
      { id: 'x', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello', tool_calls: null } }] },
    ],
    [
      'OpenAI responses',
      {
        output: [
          { type: 'reasoning', summary: [] },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello' }] },
        ],
      },
    ],
    ['Anthropic', { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hello' }] }],
    [
      'thoughts are not said',
      [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm' },
            { type: 'text', text: 'Hello' },
          ],
        },
      ],
    ],
    ['Gemini', { candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] } }], usage_metadata: {} }],
    ['ADK', { content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }],
    ['Bedrock', { output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } }, stopReason: 'x' }],
    [
      'LangChain',
      { generations: [[{ text: 'Hello', message: { lc: 1, id: ['x', 'AIMessage'], kwargs: { content: 'Hello' } } }]] },
    ],
    ['Haystack', { replies: [{ role: 'assistant', content: [{ text: 'Hello' }] }] }],
    ['AutoGen', { finish_reason: 'stop', content: 'Hello' }],
  ])('%s', (_, value) => {
    const { output } = conversationOf({ ...empty, output_messages: JSON.stringify(value) })
    expect(output).toEqual({ form: 'messages', messages: hello, raw: '' })
    expect(answerText(output)).toBe('Hello')
  })

  test("tools that Vercel's AI SDK names apart are called by the answer", () => {
    const calls = '[{"toolCallId":"c1","toolName":"weather","input":"{\\"city\\":\\"Paris\\"}"}]'
    const { output } = conversationOf({ ...empty, attributes: { 'ai.response.toolCalls': calls } })
    expect(output).toEqual({ form: 'messages', messages: [paris('c1')], raw: '' })
    expect(answerText(output)).toBe('')
  })

  test('an answer that is data is not a message', () => {
    expect(conversationOf({ ...empty, output_messages: '{"city":"Paris"}' }).output).toMatchObject({
      form: 'raw',
      raw: '{"city":"Paris"}',
    })
  })
})
