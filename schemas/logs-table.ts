// Every column of `logs`: OTLP log records, kept whole because instrumentations send events (prompts, usage of command-line
// agents, evaluations) on this signal. Short retention: bodies hold message content.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const text = { type: 'String', codec: 'ZSTD(1)' } as const
const map = { type: `Map(${low}, String)`, codec: 'ZSTD(3)' } as const

export const logsTable = {
  name: 'logs',
  doc: 'Log records as received; evaluation events among them are also rows of `scores`.',
  columns: [
    { name: 'project_id', type: low, doc: 'Project of the sender.' },
    {
      name: 'time',
      type: "DateTime64(9, 'UTC')",
      codec: 'Delta(8), ZSTD(1)',
      doc: 'Time of the event, else when it was observed, else when it came.',
    },
    { name: 'trace_id', ...text, doc: 'Lower hex; empty without context.' },
    { name: 'span_id', ...text, doc: 'Lower hex; empty without context.' },
    { name: 'event_name', type: low, doc: '`event_name`, else the attribute `event.name`.' },
    { name: 'severity_number', type: 'UInt8', doc: 'OTLP severity, 0 unspecified.' },
    { name: 'severity_text', type: low, doc: 'Severity as sent.' },
    { name: 'body', type: 'String', codec: 'ZSTD(3)', doc: 'Body: text as it is, anything else as JSON.' },
    { name: 'attributes', ...map, doc: 'Attributes of the record.' },
    { name: 'service', type: low, doc: 'Resource `service.name`.' },
    { name: 'scope_name', type: low, doc: 'Instrumentation scope.' },
    { name: 'scope_version', type: low, doc: 'Version of the instrumentation scope.' },
    { name: 'resource', ...map, doc: 'Resource attributes.' },
    { name: 'record_id', type: 'UInt64', doc: 'Hash of the record: the same record sent again is one row.' },
    {
      name: 'retention_days',
      type: 'UInt16',
      unit: 'days',
      doc: 'Days from the time of the row, or from its arrival where that is later, until it is dropped.',
    },
    { name: 'ingested_at', type: "DateTime64(3, 'UTC')", codec: 'Delta(8), ZSTD(1)', doc: 'Version of the row.' },
  ],
} as const satisfies Table
