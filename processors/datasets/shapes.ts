// Calls as items of datasets, one JSON object a line, in the shapes that others read:
//
//   openai-evals          {"item": {…}, "sample": {…}}         content of a `file_content` source of OpenAI's Evals API
//   openai-evals-classic  {"input": [message, …], "ideal": …}  samples of the openai/evals framework
//   langfuse              {"input", "expectedOutput", "metadata", "sourceTraceId", "sourceObservationId", …}
//
// Sources: OpenAI's specification 2.3.0 (EvalJsonlFileContentSource: `item`, optional `sample`) and its evals guide
// (`sample.output_text`); openai/evals docs/build-eval.md (`input` in chat form or as text, `ideal`); Langfuse 62751446,
// CreateDatasetItemRequest. A message is {role, content} and, where tools were called, OpenAI's `tool_calls`.

import { answerText, type Conversation, type Spoken } from '../chat/captured.ts'
import { conversationIn, type ExportRecord, type ExportRow } from './record.ts'

export interface ShapeOptions {
  /** `good`: the answer is what was expected if it was judged good and by nobody bad; `output`: always; `none`: never. */
  readonly expected: 'good' | 'output' | 'none'
  /** '' for none. */
  readonly datasetName: string
}

export const shapes = {
  'openai-evals': openAiEvals,
  'openai-evals-classic': classicEvals,
  langfuse: langfuseItem,
} as const satisfies Readonly<Record<string, (row: ExportRow, options: ShapeOptions) => ExportRecord>>

function openAiEvals(row: ExportRow, { expected }: ShapeOptions): ExportRecord {
  const said = conversationIn(row)
  const { output } = said
  const message = output.messages.find(({ role }) => role === 'assistant')
  return {
    item: {
      id: itemId(row),
      input: asked(said),
      expected_output: expectation(row, output, expected),
      ...about(row, said),
    },
    sample: {
      model: row['response_model'] || row['model'],
      output_text: output.form === 'raw' ? output.raw : answerText(output),
      ...(message === undefined ? {} : { choices: [{ index: 0, finish_reason: row['finish_reason'], message }] }),
    },
  }
}

function classicEvals(row: ExportRow, { expected }: ShapeOptions): ExportRecord {
  const said = conversationIn(row)
  const ideal = expectation(row, said.output, expected)
  return {
    input: asked(said),
    // Without one, only model-graded evals can read the line: a made-up ideal would be worse.
    ...(ideal === null ? {} : { ideal }),
    metadata: { id: itemId(row), output: answerOf(said.output), ...about(row, said) },
  }
}

function langfuseItem(row: ExportRow, { expected, datasetName }: ShapeOptions): ExportRecord {
  const said = conversationIn(row)
  return {
    ...(datasetName === '' ? {} : { datasetName }),
    id: itemId(row),
    input: asked(said),
    expectedOutput: expectation(row, said.output, expected),
    metadata: { output: answerOf(said.output), ...about(row, said) },
    sourceTraceId: row['trace_id'],
    sourceObservationId: row['span_id'],
  }
}

/** The same for the same call each time it is exported, so that an import again is no second item. */
function itemId(row: ExportRow): string {
  return `${row['trace_id']}-${row['span_id']}`
}

function asked({ input }: Conversation): unknown {
  return input.form === 'none' ? null : input.form === 'raw' ? input.raw : input.messages
}

/** Its text; where it has none, the calls of tools it made; null when nothing was captured. */
function answerOf(output: Spoken): unknown {
  if (output.form === 'raw') return output.raw
  return answerText(output) || (output.messages.length === 0 ? null : output.messages)
}

function expectation(row: ExportRow, output: Spoken, expected: ShapeOptions['expected']): unknown {
  if (expected === 'none') return null
  const verdicts = scoresOf(row).map(({ verdict }) => Number(verdict))
  const isGood = verdicts.includes(1) && !verdicts.includes(-1)
  return expected === 'output' || isGood ? answerOf(output) : null
}

/** Where an item comes from, and why it may be of interest. */
function about(row: ExportRow, { input, output }: Conversation): ExportRecord {
  const names = [
    'trace_id',
    'span_id',
    'start_time',
    'provider',
    'model',
    'feature',
    'env',
    'release',
    'prompt_name',
    'prompt_version',
    'status',
    'failure_class',
    'finish_reason',
    'duration_ms',
    'input_tokens',
    'output_tokens',
    'total_cost',
    'cost_status',
  ]
  const known = names.filter((name) => row[name] !== '' && row[name] !== undefined)
  return {
    input_form: input.form,
    output_form: output.form,
    ...Object.fromEntries(known.map((name) => [name, row[name]])),
    scores: scoresOf(row).map(({ name, value, label, verdict, source, comment }) => ({
      name,
      value,
      label,
      verdict,
      source,
      comment,
    })),
  }
}

function scoresOf(row: ExportRow): readonly ExportRow[] {
  return (row['scores'] ?? []) as readonly ExportRow[] // an array of named tuples, as JSON
}
