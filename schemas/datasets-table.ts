// Every column of `datasets`, `dataset_items` and `dataset_run_items`: what evaluations are run over, and what answered it.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const instant = "DateTime64(3, 'UTC')"

export const datasetsTable = {
  name: 'datasets',
  doc: "Datasets kept by Langfuse's SDKs; the newest row of a name is what it is.",
  columns: [
    { name: 'project_id', type: low, doc: 'Project.' },
    { name: 'name', type: 'String', doc: 'Name, which is its id as well; `scores.dataset` of its runs.' },
    { name: 'created_at', type: instant, doc: 'When it was made first.' },
    { name: 'recorded_at', type: instant, doc: 'When this was said of it.' },
    { name: 'description', type: 'String', doc: 'What it is; empty when nobody says.' },
    { name: 'metadata', type: 'String', doc: 'JSON; empty without.' },
  ],
} as const satisfies Table

export const datasetItemsTable = {
  name: 'dataset_items',
  doc: 'Items of datasets, every version; the newest row of an id is in force.',
  columns: [
    { name: 'project_id', type: low, doc: 'Project.' },
    { name: 'item_id', type: 'String', doc: 'Id, of one dataset of the project; `scores.item_id` of its results.' },
    { name: 'dataset', type: 'String', doc: 'Dataset it is of.' },
    { name: 'created_at', type: instant, doc: 'When it was made first.' },
    { name: 'recorded_at', type: instant, doc: 'When this version was said.' },
    { name: 'input', type: 'String', codec: 'ZSTD(3)', doc: 'JSON; empty without.' },
    { name: 'expected_output', type: 'String', codec: 'ZSTD(3)', doc: 'JSON; empty without.' },
    { name: 'metadata', type: 'String', codec: 'ZSTD(3)', doc: 'JSON; empty without.' },
    { name: 'source_trace_id', type: 'String', doc: 'Trace it was taken from.' },
    { name: 'source_span_id', type: 'String', doc: 'Span it was taken from.' },
    { name: 'status', type: low, doc: '`ACTIVE` or `ARCHIVED`.' },
    { name: 'is_deleted', type: 'UInt8', doc: '1 when it was deleted.' },
  ],
} as const satisfies Table

export const datasetRunItemsTable = {
  name: 'dataset_run_items',
  doc: 'Which trace answered which item in which run, as SDKs say it apart from the spans.',
  columns: [
    { name: 'project_id', type: low, doc: 'Project.' },
    { name: 'trace_id', type: 'String', doc: 'Trace of the answer.' },
    { name: 'span_id', type: 'String', doc: 'Span of the answer; empty for the whole trace.' },
    { name: 'run_id', type: 'String', doc: 'Made of project, dataset and name of the run, as Langfuse makes it.' },
    { name: 'item_id', type: 'String', doc: 'Item that was answered.' },
    { name: 'run_name', type: 'String', doc: 'Run; `scores.run_name` of its results.' },
    { name: 'dataset', type: 'String', doc: 'Dataset of the item.' },
    { name: 'recorded_at', type: instant, doc: 'When it was said.' },
    { name: 'description', type: 'String', doc: 'What the run is; empty when nobody says.' },
    { name: 'metadata', type: 'String', doc: 'JSON of the run; empty without.' },
  ],
} as const satisfies Table
