// spanledger scores rejudge: scores that came before their configuration was what it is; shown, or judged anew.

import { randomUUIDv7 } from 'node:crypto'
import type { ClickHouse } from '../clickhouse/client.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { loadConfigFile } from '../score-configs/file.ts'
import { rejudge, type StaleScores } from '../score-configs/rejudge.ts'
import { readSetConfigs } from '../score-configs/store.ts'
import { section } from '../words-table.ts'

/** A page of scores may be large: each may have a comment of 10,000 characters and a text of 65,536. */
const ledgerOptions = { requestTimeoutMs: 600_000, responseBytesMax: 512 << 20 }

export default {
  name: 'scores',
  summary: 'Show how the score configurations in force would judge earlier scores; judge them anew',
  arguments: { usage: 'rejudge', min: 1, max: 1 },
  options: [
    { flag: 'project', value: 'NAME', doc: 'Only scores of a project (all)' },
    { flag: 'name', value: 'NAME', doc: 'Only scores of a name (all)' },
    { flag: 'write', doc: 'Judge them anew; without it nothing is written' },
  ],
  async run(context) {
    const [action] = context.arguments
    if (action !== 'rejudge') throw new UsageError(`scores has no action "${action}": it has rejudge`)
    return withLedger(context.config, (clickhouse) => run(context, clickhouse), ledgerOptions)
  },
} satisfies Command

async function run(context: CommandContext, clickhouse: ClickHouse): Promise<number> {
  const { scoreConfigsFile: file } = context.config
  const { configs: declared, findings } = file === '' ? { configs: [], findings: [] } : loadConfigFile(file)
  if (findings.length > 0)
    throw new UsageError(`score_configs_file: ${findings[0]}; spanledger check-config lists all ${findings.length}`)
  const [project, name] = [context.option('project') ?? '', context.option('name') ?? '']
  const parts = { clickhouse, declared, set: await readSetConfigs(clickhouse), project, name }
  if (!context.has('write')) {
    const stale = await rejudge(parts, null)
    context.print({ stale }, () =>
      words(stale, 'Scores that another configuration has judged, and what the present one says'),
    )
    return stale.length === 0 ? exitCode.done : exitCode.finding
  }
  const changed = await rejudge(parts, { run: randomUUIDv7(), nowMs: Date.now() })
  // Somebody may have changed a score meanwhile, or the resolver found its target.
  const left = await rejudge(parts, null)
  context.print({ changed, left }, () =>
    [words(changed, 'Scores judged anew'), ...(left.length === 0 ? [] : [words(left, 'Left, run it again')])].join(
      '\n\n',
    ),
  )
  return left.length === 0 ? exitCode.done : exitCode.finding
}

function words(scores: readonly StaleScores[], title: string): string {
  if (scores.length === 0) return 'Every score is judged by the configuration in force.'
  return section(title, scores, {
    project: 'project',
    name: 'name',
    config_before: 'judged by',
    config_after: 'in force',
    scores: 'scores',
    verdicts_changed: 'changed',
    good_before: 'good',
    good_after: 'good now',
    bad_before: 'bad',
    bad_after: 'bad now',
    flagged_before: 'flagged',
    flagged_after: 'flagged now',
  })
}
