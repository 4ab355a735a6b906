// The last good configurations on the disk of this collector: for a start while the file is wrong, or while ClickHouse is away.

import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DeclaredConfig } from '../../processors/score-configs/config.ts'
import { parsedConfig, type SetConfig } from './store.ts'

export interface ConfigCopy {
  /** Of the file; null when none was ever right. */
  readonly declared: readonly DeclaredConfig[] | null
  /** Of the database; null when it was never read. */
  readonly set: readonly SetConfig[] | null
}

export function copyFile(dataDir: string): string {
  return join(dataDir, 'score-configs.json')
}

/** Throws an Error that names the file when it is damaged. */
export function readCopy(file: string): ConfigCopy {
  if (!existsSync(file)) return { declared: null, set: null }
  try {
    const { declared, set } = JSON.parse(readFileSync(file, 'utf8')) as ConfigCopy // written by `writeCopy` alone
    return { declared: declared?.filter(isKnown) ?? null, set: set?.filter(isKnown) ?? null }
  } catch (cause) {
    throw new Error(`${file} is damaged: move it away, it is made again from the file and the database`, { cause })
  }
}

/** Durable when it resolves. */
export async function writeCopy(file: string, copy: ConfigCopy): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(JSON.stringify(copy))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}

/** Another version of the program may have written it. */
function isKnown({ config }: { readonly config: { readonly name: string } }): boolean {
  return parsedConfig(JSON.stringify(config), config.name) !== undefined
}
