// Every column of `span_content`: prompts and answers, apart from the spans because they are ten times their bytes
// and live a shorter time.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const text = { type: 'String', codec: 'ZSTD(1)' } as const
const message = { type: 'String', codec: 'ZSTD(3)' } as const

export const contentTable = {
  name: 'span_content',
  doc: 'Prompts and answers of spans that carried them.',
  columns: [
    { name: 'project_id', type: low, doc: 'As in `spans`.' },
    { name: 'start_time', type: "DateTime64(9, 'UTC')", codec: 'Delta(8), ZSTD(1)', doc: 'As in `spans`.' },
    { name: 'trace_id', ...text, doc: 'Lower hex.' },
    { name: 'span_id', ...text, doc: 'Lower hex.' },
    { name: 'user_id', ...text, doc: 'As in `spans`; for erasure.' },
    { name: 'system_instructions', ...message, doc: 'System instructions, as sent.' },
    { name: 'input_messages', ...message, doc: 'Input messages, as sent.' },
    { name: 'output_messages', ...message, doc: 'Output messages, as sent.' },
    { name: 'tool_definitions', ...message, doc: 'Tool definitions, as sent.' },
    {
      name: 'attributes',
      type: `Map(${low}, String)`,
      codec: 'ZSTD(3)',
      doc: 'Content of dialects that spread it over several attributes, by their own names.',
    },
    {
      name: 'retention_days',
      type: 'UInt16',
      unit: 'days',
      doc: 'Days from the time of the row, or from its arrival where that is later, until it is dropped.',
    },
    { name: 'ingested_at', type: "DateTime64(3, 'UTC')", codec: 'Delta(8), ZSTD(1)', doc: 'Version of the row.' },
  ],
} as const satisfies Table
