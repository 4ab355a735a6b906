// The file of score configurations, YAML or JSON → the configurations, or everything that is wrong with it, by line.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isNode, LineCounter, parseDocument } from 'yaml'
import type { DeclaredConfig } from '../../processors/score-configs/config.ts'
import { type ConfigFinding, configFindingText, readScoreConfigs } from '../../processors/score-configs/read.ts'

const bytesMax = 4 * 2 ** 20

export interface ConfigFile {
  readonly configs: readonly DeclaredConfig[]
  /** One line each; then there are no configurations. */
  readonly findings: readonly string[]
}

/** Throws nothing: a file that cannot be read is a finding. */
export function loadConfigFile(file: string): ConfigFile {
  try {
    return parseConfigFile(readFileSync(file), basename(file))
  } catch (error) {
    return wrong(`${basename(file)}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
}

export function parseConfigFile(bytes: Uint8Array, name: string): ConfigFile {
  if (bytes.length > bytesMax) return wrong(`${name}: has ${bytes.length} bytes, limit is ${bytesMax}`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return wrong(`${name}: is not UTF-8`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false })
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0)
    return {
      configs: [],
      findings: problems.map(({ pos, message }) => `${name}:${lines.linePos(pos[0]).line}: ${message.split('\n')[0]}`),
    }
  let tree: unknown
  try {
    tree = document.toJS({ maxAliasCount: 0 })
  } catch {
    return wrong(`${name}: has aliases, which are not read`)
  }
  const { configs, findings } = readScoreConfigs(tree)
  const lineOf = ({ path }: ConfigFinding): number => {
    for (let end = path.length; end > 0; end--) {
      const node = document.getIn(path.slice(0, end), true)
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  return { configs, findings: findings.map((each) => `${name}:${lineOf(each)}: ${configFindingText(each)}`) }
}

function wrong(finding: string): ConfigFile {
  return { configs: [], findings: [finding] }
}
