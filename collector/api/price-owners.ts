// Own prices by the project whose they are: with keys, each sees what counts for it and changes what is its alone.

import type { Tree } from '../../processors/pricing/custom/fields.ts'
import type { CustomSettings } from '../../processors/pricing/custom/form.ts'
import type { KnownRecord } from '../../processors/pricing/custom/history.ts'
import { Refusal } from '../../schemas/refusal.ts'

interface Kept {
  readonly records: readonly KnownRecord[]
  readonly settings: CustomSettings
}

/** What counts for a project: what is for it, its organisations or everybody. */
export function keptFor(project: string, { records, settings }: Kept): Kept {
  const own = Object.entries(settings.organisations).filter(([, projects]) => projects.includes(project))
  const organisations = Object.fromEntries(own.map(([name]): [string, string[]] => [name, [project]]))
  const counts = ({ record }: KnownRecord): boolean =>
    (record.project?.includes(project) ?? true) &&
    (record.organisation?.some((name) => Object.hasOwn(organisations, name)) ?? true)
  return { records: records.filter(counts), settings: { ...settings, organisations } }
}

/** Whether nobody else is concerned. */
export function isOwned(project: string, { project: named }: KnownRecord['record']): boolean {
  return named?.length === 1 && named[0] === project
}

/** Throws Refusal('forbidden') for a record that would count for others too. */
export function checkForOwn(project: string, tree: Tree): void {
  const given = isMap(tree) && Object.hasOwn(tree, 'project') ? tree['project'] : undefined
  const named = Array.isArray(given) ? given : [given]
  if (named.length === 1 && named[0] === project) return
  throw new Refusal(
    'forbidden',
    `this key changes the prices of its own project: say "project": "${project}"; those of all are in prices_file`,
  )
}

function isMap(tree: Tree): tree is { readonly [key: string]: Tree } {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree)
}
