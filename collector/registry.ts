// Loads a folder of plug files at start: the folder is the registry. The only dynamic import of the program.

import { readdirSync } from 'node:fs'
import { checkDialect, type Dialect } from '../processors/dialect.ts'

/** All dialects, checked; throws naming the file that is not whole or that claims what another has. */
export async function loadDialects(
  folder: URL = new URL('../processors/dialects/', import.meta.url),
): Promise<Dialect[]> {
  const dialects: Dialect[] = []
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ts')) continue
    const plug = (await import(new URL(file, folder).href)) as { default?: unknown }
    dialects.push(checkDialect(plug.default, file))
  }
  return dialects
}
