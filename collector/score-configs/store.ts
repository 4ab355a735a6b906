// Score configurations in ClickHouse, where all collectors of one database share what the API has set. Rows are appended; the
// newest of a name is in force. What files say is noted beside it, so that a version on a score can be read for ever.

import { type DeclaredConfig, type ScoreConfig, versionOf } from '../../processors/score-configs/config.ts'
import { readScoreConfig } from '../../processors/score-configs/read.ts'
import type { ClickHouse } from '../clickhouse/client.ts'

export type ConfigStore = Pick<ClickHouse, 'query' | 'command'>

/** A configuration that the API has set. */
export interface SetConfig {
  readonly project: string
  readonly config: ScoreConfig
  readonly sinceMs: number
}

/** What the API has set, for all projects. Rejects with ClickHouseError. */
export async function readSetConfigs(store: ConfigStore): Promise<SetConfig[]> {
  const rows = await store.query<{ project_id: string; name: string; said: string; since_ms: string }>(
    `SELECT c.project_id AS project_id, c.name AS name, argMax(c.config, (c.recorded_at, c.version)) AS said,
  toUnixTimestamp64Milli(max(c.recorded_at)) AS since_ms
FROM score_configs AS c
WHERE c.source = 'api'
GROUP BY project_id, name
HAVING argMax(c.is_deleted, (c.recorded_at, c.version)) = 0
ORDER BY project_id, name`,
  )
  return rows.flatMap(({ project_id, name, said, since_ms }) => {
    const config = parsedConfig(said, name)
    return config === undefined ? [] : [{ project: project_id, config, sinceMs: Number(since_ms) }]
  })
}

/** Durable when it resolves; null ends what is there. Later than everything before it, whatever clocks say. */
export async function appendSetConfig(
  store: ConfigStore,
  { project, name, config }: { readonly project: string; readonly name: string; readonly config: ScoreConfig | null },
): Promise<void> {
  await store.command(
    `INSERT INTO score_configs (project_id, name, source, recorded_at, version, config, is_deleted)
SELECT {project:String}, {name:String}, 'api', greatest(now64(3, 'UTC'), max(c.recorded_at) + toIntervalMillisecond(1)),
  {version:String}, {config:String}, {deleted:UInt8}
FROM score_configs AS c
WHERE c.project_id = {project:String} AND c.name = {name:String} AND c.source = 'api'`,
    {
      project,
      name,
      version: config === null ? '' : versionOf(config),
      config: config === null ? '' : JSON.stringify(config),
      deleted: config === null ? 1 : 0,
    },
  )
}

/** Notes what a file says, once each version, so that those on scores can be looked up. */
export async function noteFileConfigs(store: ConfigStore, declared: readonly DeclaredConfig[]): Promise<void> {
  const wanted = declared.flatMap(({ config, projects }) =>
    (projects.length === 0 ? [''] : projects).map((project) => ({ project, config })),
  )
  if (wanted.length === 0) return
  const rows = await store.query<{ project_id: string; name: string; config: string }>(
    `SELECT DISTINCT c.project_id AS project_id, c.name AS name, c.config AS config FROM score_configs AS c WHERE c.source = 'file'`,
  )
  const known = new Set(rows.map(({ project_id, name, config }) => JSON.stringify([project_id, name, config])))
  for (const { project, config } of wanted) {
    const { name } = config
    const said = JSON.stringify(config)
    if (known.has(JSON.stringify([project, name, said]))) continue
    await store.command(
      `INSERT INTO score_configs (project_id, name, source, recorded_at, version, config)
SELECT {project:String}, {name:String}, 'file', now64(3, 'UTC'), {version:String}, {config:String}`,
      { project, name, version: versionOf(config), config: said },
    )
  }
}

/** As kept in the database or in a copy of it; undefined for what this version of the program does not understand. */
export function parsedConfig(said: string, name: string): ScoreConfig | undefined {
  try {
    return readScoreConfig(JSON.parse(said), name).config
  } catch {
    // Not JSON: nothing of ours wrote it.
    return undefined
  }
}
