// Every column of `scores`: feedback and evaluations, each with the dimensions of the call it judges.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const text = { type: 'String', codec: 'ZSTD(1)' } as const
const money = { type: 'Nullable(Decimal(18, 12))', codec: 'T64, ZSTD(1)', unit: 'USD' } as const

/** Values of the column `violation`. */
export const scoreViolations = ['wrong_type', 'out_of_range', 'unknown_category'] as const

export const scoresTable = {
  name: 'scores',
  doc: 'Feedback and evaluation scores; read the newest state of each through `current_scores`, with those that break their configuration through `all_scores`.',
  columns: [
    { name: 'project_id', type: low, doc: 'Project of the sender.' },
    { name: 'name', type: low, doc: 'Name of the score, `gen_ai.evaluation.name`; `user_feedback` for thumbs.' },
    {
      name: 'created_at',
      type: "DateTime64(3, 'UTC')",
      codec: 'Delta(8), ZSTD(1)',
      doc: 'When it was given; never changes.',
    },
    { name: 'score_id', ...text, doc: 'Id, chosen by the sender or made here; idempotency key.' },
    {
      name: 'target',
      type: low,
      doc: '`span`, `trace` or `session`; `run` for a score of a whole run until its name is known; empty when nothing names one.',
    },
    { name: 'trace_id', ...text, doc: 'Trace judged, as resolved; any short string is accepted.' },
    { name: 'span_id', ...text, doc: 'Span judged, as resolved; empty for a whole trace.' },
    { name: 'response_id', ...text, doc: 'Response judged, when named by the sender.' },
    { name: 'given_trace_id', ...text, doc: 'Trace id as sent, before resolution by response id.' },
    { name: 'given_span_id', ...text, doc: 'Span id as sent, before resolution by response id.' },
    {
      name: 'data_type',
      type: low,
      doc: '`numeric`, `boolean`, `categorical`; `text` and `correction` have a text and are no votes.',
    },
    {
      name: 'value',
      type: 'Nullable(Float64)',
      codec: 'ZSTD(1)',
      doc: 'Number; NULL for a label alone and for a failed evaluation.',
    },
    {
      name: 'label',
      type: low,
      doc: 'Label as given; thumbs without one get `thumbs_up`, `neutral` or `thumbs_down`.',
    },
    { name: 'verdict', type: 'Int8', doc: '1 good, -1 bad, 0 neither: by its configuration, else by itself.' },
    {
      name: 'said_verdict',
      type: 'Int8',
      doc: 'The same by label and kind of value alone; counts where `config` names one.',
    },
    {
      name: 'config',
      type: low,
      doc: 'Version of the configuration that judged it, as in `score_configs`; empty without one.',
    },
    {
      name: 'violation',
      type: low,
      doc: 'How it breaks its configuration: `wrong_type`, `out_of_range`, `unknown_category`; such scores are in no figure.',
    },
    {
      name: 'each_counts',
      type: 'UInt8',
      doc: '1 when every score of an author counts, not only the newest on a target: a repeated measurement.',
    },
    { name: 'source', type: low, doc: '`user`, `human-review`, `automated` or `eval`.' },
    { name: 'author_id', ...text, doc: 'Who gave it.' },
    { name: 'evaluator', type: low, doc: 'Evaluator.' },
    { name: 'evaluator_version', type: low, doc: 'Version of the evaluator.' },
    { name: 'error_type', type: low, doc: 'Set when the evaluation failed; such a row has no value.' },
    { name: 'run_name', type: low, doc: 'Run of a dataset, or experiment, that the score is a result of.' },
    { name: 'dataset', type: low, doc: 'Dataset of the run.' },
    { name: 'item_id', ...text, doc: 'Item of the dataset that was judged; runs are compared item by item.' },
    { name: 'eval_cost', ...money, doc: 'Cost of the evaluation itself, when reported.' },
    { name: 'comment', type: 'String', codec: 'ZSTD(3)', doc: 'Comment or explanation.' },
    {
      name: 'text',
      type: 'String',
      codec: 'ZSTD(3)',
      doc: 'What a `text` score says; the better answer of a `correction`.',
    },
    { name: 'tags', type: 'Array(String)', codec: 'ZSTD(1)', doc: 'Tags.' },
    { name: 'metadata', type: `Map(${low}, String)`, codec: 'ZSTD(1)', doc: 'Everything else that was sent.' },
    { name: 'resolved', type: 'UInt8', doc: '1 once the columns below were copied from the target.' },
    {
      name: 'target_time',
      type: "DateTime64(3, 'UTC')",
      codec: 'Delta(8), ZSTD(1)',
      doc: 'Start of the span judged; when the score came, until resolved.',
    },
    { name: 'kind', type: low, doc: 'Kind of the span judged.' },
    { name: 'env', type: low, doc: 'As in `spans`.' },
    { name: 'service', type: low, doc: 'As in `spans`.' },
    { name: 'release', type: low, doc: 'As in `spans`.' },
    { name: 'feature', type: low, doc: 'As in `spans`.' },
    { name: 'provider', type: low, doc: 'Provider of the call judged; empty when the trace used several.' },
    { name: 'model', type: low, doc: 'Model of the call judged; `mixed` when the trace used several.' },
    { name: 'prompt_name', type: low, doc: 'As in `spans`.' },
    { name: 'prompt_version', type: low, doc: 'As in `spans`.' },
    { name: 'user_id', ...text, doc: 'As in `spans`: the user of the call, not the author.' },
    { name: 'session_id', ...text, doc: 'As in `spans`; or the session judged.' },
    { name: 'team', type: low, doc: 'As in `spans`.' },
    { name: 'customer', ...text, doc: 'As in `spans`.' },
    {
      name: 'calls',
      type: 'UInt32',
      codec: 'T64, ZSTD(1)',
      doc: 'Calls of a model that it judges: 1 for a call, of a trace all that it had when the score found it.',
    },
    { name: 'span_cost', ...money, doc: 'Cost of the span or of the whole trace judged; NULL when unknown.' },
    { name: 'retention_days', type: 'UInt16', unit: 'days', doc: 'Days until the row is dropped.' },
    {
      name: 'version',
      type: 'UInt64',
      codec: 'Delta(8), ZSTD(1)',
      doc: 'Highest wins: Unix milliseconds of the change.',
    },
    { name: 'is_deleted', type: 'UInt8', doc: '1 after a deletion.' },
  ],
} as const satisfies Table
