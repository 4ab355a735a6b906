// Rows of an export as records and as items of datasets: what is expected of a call, and what stands where nothing is known.

import { expect, test } from 'vitest'
import { recordOf } from '../../processors/datasets/record.ts'
import { type ShapeOptions, shapes } from '../../processors/datasets/shapes.ts'

const row = {
  trace_id: 't',
  span_id: 's',
  model: 'm',
  system_instructions: '',
  input_messages: '{"messages":[{"role":"user","content":"hi"}]}',
  output_messages: 'Hello',
  tool_definitions: '',
  content_attributes: {},
  scores: [] as readonly object[],
}
const judged = (...verdicts: number[]) => ({ ...row, scores: verdicts.map((verdict) => ({ name: 'x', verdict })) })
const options: ShapeOptions = { expected: 'good', datasetName: '' }

test.each([
  ['nobody judged', judged(), null],
  ['all good', judged(1, 0), 'Hello'],
  ['one bad', judged(1, -1), null],
  ['neither', judged(0), null],
])('expected is an answer that was found good: %s', (_, given, want) => {
  expect(shapes.langfuse(given, options)).toMatchObject({ expectedOutput: want })
  expect(shapes.langfuse(given, { ...options, expected: 'output' })).toMatchObject({ expectedOutput: 'Hello' })
  expect(shapes.langfuse(given, { ...options, expected: 'none' })).toMatchObject({ expectedOutput: null })
})

test('an answer that only called tools is its messages; what has no known form is as captured; nothing is null', () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
  const message = { role: 'assistant', content: '', tool_calls: [call] }
  const tools = { ...row, output_messages: JSON.stringify([message]) }
  expect(shapes.langfuse(tools, options)).toMatchObject({ metadata: { output: [message], output_form: 'messages' } })
  const data = { ...row, output_messages: '{"city":"Paris"}' }
  expect(shapes['openai-evals'](data, options)).toMatchObject({
    item: { output_form: 'raw' },
    sample: { output_text: '{"city":"Paris"}' },
  })
  const none = { ...row, input_messages: '', output_messages: '' }
  expect(shapes['openai-evals-classic'](none, options)).toMatchObject({
    input: null,
    metadata: { input_form: 'none', output: null },
  })
})

test('captured content comes as JSON where it is, as text where it is not, and as null where there is none', () => {
  expect(recordOf(row, 'captured')).toEqual({
    trace_id: 't',
    span_id: 's',
    model: 'm',
    system_instructions: null,
    input: { messages: [{ role: 'user', content: 'hi' }] },
    output: 'Hello',
    tool_definitions: null,
    scores: [],
  })
  expect(recordOf({ ...row, output_messages: '{broken' }, 'captured')).toMatchObject({ output: '{broken' })
  expect(recordOf({ ...row, output_messages: '1.50' }, 'captured')).toMatchObject({ output: '1.50' })
})
