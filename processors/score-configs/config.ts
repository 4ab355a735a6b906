// A score configuration: what scores of one name may be, and which of their values are good. What it says is JSON of one shape in
// file, API and database.

import { createHash } from 'node:crypto'

export const configTypes = ['numeric', 'boolean', 'categorical', 'text'] as const
export type ConfigType = (typeof configTypes)[number]

export interface ScoreCategory {
  readonly label: string
  readonly value?: number
  readonly verdict?: 'good' | 'bad'
}

export interface ScoreConfig {
  readonly name: string
  readonly type: ConfigType
  /** Of a numeric score; both ends belong to it. */
  readonly range?: { readonly min?: number; readonly max?: number }
  /** Of a categorical score: all labels there are. */
  readonly categories?: readonly ScoreCategory[]
  /** Which values are better; of a boolean score `low` says that true is bad. */
  readonly direction?: 'high' | 'low'
  /** Good from here on in the direction, itself included; what is beyond is bad. */
  readonly threshold?: number
  readonly on_violation: 'refuse' | 'flag'
  /** `author`: of several on one target the newest counts. `none`: each counts, as a repeated measurement does. */
  readonly one_vote: 'author' | 'none'
  readonly description?: string
}

export interface DeclaredConfig {
  readonly config: ScoreConfig
  /** Empty: every project. */
  readonly projects: readonly string[]
}

export interface ConfigInForce {
  readonly config: ScoreConfig
  readonly version: string
  /** The same for a project and a name, whatever the configuration says. */
  readonly id: string
  readonly source: 'file' | 'api'
  /** When the API set it, Unix milliseconds; of a file, when it was first seen here. */
  readonly sinceMs: number
}

/** `relevance@3fa9c1d2`: its name, and a hash of what it makes of a score. */
export function versionOf({ name, type, range, categories, direction, threshold, one_vote }: ScoreConfig): string {
  const judging = [type, range?.min, range?.max, categories?.map(partsOf), direction, threshold, one_vote]
  return `${name}@${hashOf(JSON.stringify(judging)).slice(0, 8)}`
}

/** In the form of a UUID, as clients of Langfuse's API expect one. */
export function idOf(project: string, name: string): string {
  const hash = hashOf(JSON.stringify([project, name]))
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}

/** What is in force for a project, by name: its own of the file, then those of the API, then those of the file for everybody. */
export function configsOf(
  project: string,
  declared: readonly (DeclaredConfig & { readonly sinceMs: number })[],
  set: readonly { readonly project: string; readonly config: ScoreConfig; readonly sinceMs: number }[],
): Map<string, ConfigInForce> {
  const byName = new Map<string, ConfigInForce>()
  const add = (config: ScoreConfig, source: ConfigInForce['source'], sinceMs: number): void => {
    const { name } = config
    byName.set(name, { config, version: versionOf(config), id: idOf(project, name), source, sinceMs })
  }
  for (const each of declared) if (each.projects.length === 0) add(each.config, 'file', each.sinceMs)
  for (const each of set) if (each.project === project) add(each.config, 'api', each.sinceMs)
  for (const each of declared) if (each.projects.includes(project)) add(each.config, 'file', each.sinceMs)
  return byName
}

function partsOf({ label, value, verdict }: ScoreCategory): unknown[] {
  return [label, value, verdict]
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
