// The file of keys, YAML or JSON → entries, or everything that is wrong with it, by line.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml'
import { type KeyEntry, readKeys } from './entries.ts'

export interface KeysFile {
  readonly entries: readonly KeyEntry[]
  /** `keys.yaml:12: keys[0] "web": …`; empty when it is sound. */
  readonly findings: readonly string[]
}

const bytesMax = 8 * 2 ** 20

/** Throws nothing: what cannot be read is a finding. */
export function loadKeysFile(file: string): KeysFile {
  const name = basename(file)
  try {
    return parseKeysFile(readFileSync(file), name)
  } catch (error) {
    return wrongKeysFile(name, `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
}

/** The same for bytes at hand. Findings quote no hash and no key. */
export function parseKeysFile(bytes: Uint8Array, name: string): KeysFile {
  if (bytes.length > bytesMax) return wrongKeysFile(name, `has ${bytes.length} bytes, limit is ${bytesMax}`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return wrongKeysFile(name, 'is not UTF-8')
    throw error
  }
  const lines = new LineCounter()
  // Scalars stay text: a prefix such as sl_000000000000 or a hash of digits is no number.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined)
    return wrongKeysFile(`${name}:${lines.linePos(problem.pos[0]).line}`, problem.message.split(/[:\n]/)[0]!)
  let tree: unknown
  try {
    tree = document.toJS({ maxAliasCount: 0 })
  } catch {
    return wrongKeysFile(name, 'has aliases, which are not read')
  }
  const list = isMap(document.contents) ? document.contents.get('keys', true) : undefined
  const { entries, findings } = readKeys(tree)
  const lineOf = (index: number): string => {
    const item = isSeq(list) ? list.items[index] : undefined
    return isNode(item) && item.range ? `:${lines.linePos(item.range[0]).line}` : ''
  }
  return { entries, findings: findings.map(({ index, text: said }) => `${name}${lineOf(index)}: ${said}`) }
}

/** A file that cannot even be read. */
export function wrongKeysFile(name: string, what: string): KeysFile {
  return { entries: [], findings: [`${name}: ${what}`] }
}
