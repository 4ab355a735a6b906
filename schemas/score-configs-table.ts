// Every column of `score_configs` and `score_rejudgements`: what scores are judged by, and every verdict that was changed by it.

import type { Table } from './table.ts'

const low = 'LowCardinality(String)'
const instant = "DateTime64(3, 'UTC')"

export const scoreConfigsTable = {
  name: 'score_configs',
  doc: 'Score configurations, every version that was ever in force; appended, never changed.',
  columns: [
    { name: 'project_id', type: low, doc: 'Project it is for; empty: every project.' },
    { name: 'name', type: 'String', doc: 'Name of the scores it is for.' },
    {
      name: 'source',
      type: low,
      doc: '`api`: the newest row of a name is in force. `file`: in force while the file of a collector says so.',
    },
    { name: 'recorded_at', type: instant, doc: 'When it was set.' },
    { name: 'version', type: 'String', doc: 'As in `scores.config`: name and a hash of what it says.' },
    { name: 'config', type: 'String', doc: 'What it says, JSON as the API takes it.' },
    { name: 'is_deleted', type: 'UInt8', doc: '1 when it was ended.' },
  ],
} as const satisfies Table

export const rejudgementsTable = {
  name: 'score_rejudgements',
  doc: 'Verdicts that `spanledger scores rejudge` changed after a configuration had changed.',
  columns: [
    { name: 'project_id', type: low, doc: 'As in `scores`.' },
    { name: 'score_id', type: 'String', doc: 'As in `scores`.' },
    { name: 'version', type: 'UInt64', doc: 'Version of the row of `scores` that has the new verdict.' },
    { name: 'name', type: low, doc: 'Name of the score.' },
    { name: 'judged_at', type: instant, doc: 'When.' },
    { name: 'run', type: 'String', doc: 'The run of the command, one for all rows it changed.' },
    { name: 'config_before', type: low, doc: 'Configuration that had judged it; empty for none.' },
    { name: 'config_after', type: low, doc: 'Configuration that judges it now.' },
    { name: 'verdict_before', type: 'Int8', doc: 'Verdict it had.' },
    { name: 'verdict_after', type: 'Int8', doc: 'Verdict it has from then on.' },
    { name: 'violation_before', type: low, doc: 'How it broke its configuration; empty if it did not.' },
    { name: 'violation_after', type: low, doc: 'The same from then on.' },
  ],
} as const satisfies Table
