// The file of users' own prices, YAML or JSON → records, or everything that is wrong with it.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { PriceBook } from '../../processors/pricing/book.ts'
import { checkCustomPrices, type PlacedRecord } from '../../processors/pricing/custom/check.ts'
import { type CustomBookParts, customBookParts } from '../../processors/pricing/custom/compile.ts'
import { type Finding, findingText, type Tree } from '../../processors/pricing/custom/fields.ts'
import { type CustomRecord, type CustomSettings, noSettings } from '../../processors/pricing/custom/form.ts'
import { readCustomPrices } from '../../processors/pricing/custom/read.ts'

export interface OwnPrices {
  readonly records: readonly CustomRecord[]
  readonly settings: CustomSettings
  /** Empty when it is sound. */
  readonly findings: readonly FileFinding[]
}

export interface FileFinding extends Pick<Finding, 'entry' | 'field' | 'message'> {
  /** From 1; 0 when it is of no line. */
  readonly line: number
  /** `prices.yaml:12: prices[0] "acme-large": rates.input: "two" is not …`. */
  readonly text: string
}

const bytesMax = 4 * 2 ** 20
const nodesMax = 200_000
const depthMax = 20

/**
 * Records of a file, checked for themselves, together and against the catalogue of `book`; `others` are records from
 * elsewhere that hold at the same time. Throws nothing: what cannot be read is a finding.
 */
export function loadOwnPrices(file: string, book: PriceBook, others: readonly PlacedRecord[] = []): OwnPrices {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return wrongFile(file, `cannot be read (${code})`)
  }
  return parseOwnPrices(bytes, basename(file), book, others)
}

/** The same for bytes at hand; `name` stands in findings. */
export function parseOwnPrices(
  bytes: Uint8Array,
  name: string,
  book: PriceBook,
  others: readonly PlacedRecord[] = [],
): OwnPrices {
  if (bytes.length > bytesMax) return wrongFile(name, `has ${bytes.length} bytes, limit is ${bytesMax}`)
  const read = readTree(bytes)
  if ('problems' in read) {
    const findings = read.problems.map(({ line, message }) => findingAt(name, line, { entry: '', field: '', message }))
    return { records: [], settings: noSettings, findings }
  }
  const { records, places, settings, top } = readCustomPrices(read.tree)
  const placed = [...places].map(([record, place]) => ({ record, place }))
  checkCustomPrices([...others, ...placed], settings, top, book.catalogueNames())
  return {
    records,
    settings,
    findings: top.findings
      .map((each) => findingAt(name, read.lineOf(each), each))
      .sort((one, other) => one.line - other.line),
  }
}

/** A file that cannot even be read. */
export function wrongFile(name: string, message: string): OwnPrices {
  return { records: [], settings: noSettings, findings: [findingAt(name, 0, { entry: '', field: '', message })] }
}

function findingAt(name: string, line: number, finding: Pick<Finding, 'entry' | 'field' | 'message'>): FileFinding {
  const { entry, field, message } = finding
  return { line, entry, field, message, text: `${name}${line === 0 ? '' : `:${line}`}: ${findingText(finding)}` }
}

/** YAML or JSON as a tree, numbers by their text, or why it is none. */
export function readTree(
  bytes: Uint8Array,
):
  | { readonly tree: Tree; lineOf(finding: Finding): number }
  | { readonly problems: readonly { readonly line: number; readonly message: string }[] } {
  const text = decoded(bytes)
  if (text === undefined) return { problems: [{ line: 0, message: 'is not UTF-8' }] }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false })
  const problems = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
    line: lines.linePos(pos[0]).line,
    message: message.split('\n')[0]!,
  }))
  if (problems.length > 0) return { problems }
  const walk = new Walk(document, lines)
  const tree = walk.tree(document.contents, '', 0)
  if (walk.problem !== '') return { problems: [{ line: 0, message: walk.problem }] }
  return { tree, lineOf: (finding) => walk.lineOf(finding) }
}

/** What a price book takes of a file, as if all of it was first seen at `seenMs` (Unix milliseconds). */
export function loadOverrides(
  file: string,
  book: PriceBook,
  seenMs: number,
): CustomBookParts & { readonly findings: readonly string[] } {
  const { records, settings, findings } = loadOwnPrices(file, book)
  const seenAt = `${new Date(seenMs).toISOString().slice(0, 19)}Z`
  const seen = records.map((record) => ({ record, seenAt }))
  return { ...customBookParts(seen, settings), findings: findings.map(({ text }) => text) }
}

/** A YAML document as a tree of texts, and the line each of its places is in. */
class Walk {
  /** Why it cannot be read; empty when it can. */
  problem = ''
  private nodes = 0
  private readonly document: Document
  private readonly lines: LineCounter
  private readonly offsets = new Map<string, number>()

  constructor(document: Document, lines: LineCounter) {
    this.document = document
    this.lines = lines
  }

  /** Numbers as they are written; what YAML has besides JSON is a problem. */
  tree(node: unknown, path: string, depth: number): Tree {
    if (++this.nodes > nodesMax || depth > depthMax) {
      this.problem = `is too large: at most ${nodesMax} values, ${depthMax} levels deep`
      return null
    }
    if (isAlias(node)) return this.tree(node.resolve(this.document), path, depth + 1)
    if (isNode(node) && node.range) this.note(path, node.range[0])
    if (isMap(node)) {
      return Object.fromEntries(
        node.items.map(({ key, value }): [string, Tree] => {
          const name = isScalar(key) ? String(key.source ?? key.value) : ''
          const at = path === '' ? name : `${path}.${name}`
          if (isScalar(key) && key.range) this.note(at, key.range[0])
          return [name, this.tree(value, at, depth + 1)]
        }),
      )
    }
    if (isSeq(node))
      return node.items.map((item, i) => this.tree(item, path === '' ? `${i}` : `${path}.${i}`, depth + 1))
    if (!isScalar(node) || node.value === null) return null
    if (typeof node.value === 'number' || typeof node.value === 'bigint') return node.source ?? String(node.value)
    return typeof node.value === 'boolean' ? node.value : String(node.value)
  }

  /** Of the place or the nearest one around it; 0 when there is none. */
  lineOf({ path }: Finding): number {
    for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const offset = this.offsets.get(at)
      if (offset !== undefined) return this.lines.linePos(offset).line
    }
    return 0
  }

  private note(path: string, offset: number): void {
    if (path !== '' && !this.offsets.has(path)) this.offsets.set(path, offset)
  }
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
