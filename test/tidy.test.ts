// Rules that a test can hold, so that no reviewer has to. Each is a row of a table: amend the table and docs/design.md in
// the same commit.

import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { options, propertyName } from '../collector/config.ts'
import { configPage } from '../collector/config-docs.ts'
import { createMetrics } from '../collector/metrics.ts'

/** Where a file lives and what it may import, besides its own room. The first room that fits has the file. */
interface Room {
  readonly name: string
  readonly files: RegExp
  readonly may: readonly string[] | 'everything'
  /** Rooms that may import this one; absent: those whose `may` names it. */
  readonly onlyFor?: readonly string[]
}

const rooms: readonly Room[] = [
  { name: 'schemas', files: /^schemas\//, may: [] },
  { name: 'processors', files: /^processors\//, may: ['schemas'] },
  {
    name: 'leaves',
    files: /^collector\/(config(-[a-z]+)?|log|metrics|open-metrics|version|file-watch|settled-file)\.ts$/,
    may: ['schemas'],
  },
  { name: 'journal', files: /^collector\/journal\//, may: ['schemas', 'leaves'] },
  { name: 'clickhouse', files: /^collector\/clickhouse\//, may: ['processors', 'schemas', 'leaves'] },
  { name: 'otlp', files: /^collector\/otlp\//, may: ['processors', 'schemas', 'leaves'] },
  {
    name: 'sinks',
    files: /^collector\/sinks\//,
    may: ['clickhouse', 'journal', 'processors', 'schemas', 'leaves'],
  },
  {
    name: 'writer',
    files: /^collector\/(writer|insert-attempt|quarantine)\.ts$/,
    may: ['clickhouse', 'journal', 'schemas', 'leaves'],
  },
  { name: 'pipeline', files: /^collector\/pipeline\.ts$/, may: ['otlp', 'sinks', 'processors', 'schemas', 'leaves'] },
  {
    name: 'questions',
    files:
      /^collector\/((queries|query-values|score-store|dataset-store|currency-store|explained-trace)\.ts$|exporting\/)/,
    may: ['clickhouse', 'processors', 'schemas', 'leaves'],
  },
  {
    name: 'api',
    files: /^collector\/api\//,
    may: ['questions', 'clickhouse', 'processors', 'schemas', 'leaves'],
  },
  {
    name: 'background',
    files: /^collector\/score-resolver\.ts$/,
    may: ['questions', 'clickhouse', 'processors', 'schemas', 'leaves'],
  },
  { name: 'keys', files: /^collector\/keys\//, may: ['schemas', 'leaves'], onlyFor: ['top', 'test'] },
  {
    name: 'own prices',
    files: /^collector\/prices\//,
    may: ['processors', 'schemas', 'leaves'],
    onlyFor: ['top', 'test'],
  },
  {
    name: 'score configurations',
    files: /^collector\/score-configs\//,
    may: ['questions', 'clickhouse', 'processors', 'schemas', 'leaves'],
    onlyFor: ['top', 'test'],
  },
  {
    name: 'repricing',
    files: /^collector\/repricing\//,
    may: ['clickhouse', 'processors', 'schemas', 'leaves', 'words'],
  },
  {
    name: 'reconciling',
    files: /^collector\/reconciling\//,
    may: ['clickhouse', 'repricing', 'processors', 'schemas', 'leaves'],
  },
  {
    name: 'settling',
    files: /^collector\/settling\//,
    may: ['questions', 'clickhouse', 'repricing', 'processors', 'schemas', 'leaves'],
  },
  { name: 'words', files: /^collector\/words-table\.ts$/, may: [] },
  {
    name: 'invoices',
    files: /^collector\/invoices\//,
    may: ['questions', 'clickhouse', 'processors', 'schemas', 'leaves'],
    onlyFor: ['top', 'test'],
  },
  {
    name: 'loaders',
    files: /^collector\/(registry|price-files|price-lists|tokenizer|currency-file|schema-check)\.ts$/,
    may: ['processors', 'schemas'],
    onlyFor: ['top', 'test'],
  },
  {
    name: 'operator',
    files: /^collector\/(admin|ready-line|telemetry|own-listeners)\.ts$/,
    may: ['schemas', 'leaves'],
    onlyFor: ['top', 'test'],
  },
  {
    name: 'top',
    files: /^collector\/(main|cli|command(-[a-z]+)?|accounts|write-side|stored-books)\.ts$|^collector\/commands\//,
    may: 'everything',
    onlyFor: ['test'],
  },
  { name: 'deploy', files: /^deploy\//, may: ['schemas'] },
  { name: 'test', files: /^test\//, may: 'everything', onlyFor: [] },
]

/** Rooms that compute and do nothing else. */
const pureRooms = ['schemas', 'processors']
const pureBuiltins = ['node:crypto']
/** Rooms that run where development dependencies are not installed. */
const shippedFolders = /^(collector|processors|schemas)\//

/** Files of these folders are loaded by name when the program runs. */
const plugFolders = [/^processors\/dialects\//, /^processors\/price-sources\//, /^collector\/commands\//]

/** Options and metrics of the public contract that no code serves yet; a row goes when its code comes. */
const notServedYet: { options: string[]; metrics: string[] } = { options: [], metrics: [] }

/** Pages made from code; `npm run docs` writes them anew. */
const generatedPages = [{ file: 'docs/config.md', render: configPage }]

const linesMax = { code: 500, test: 700 }
/** Files that are one table. */
const tables = [/-table\.ts$/, /^deploy\/grafana\/[a-z]+\.ts$/]

const written = /\.(ts|md|sql|yml|yaml|xml)$|Dockerfile$/
const fixtures = /^test\/fixtures\//

const textRules: readonly { name: string; files: RegExp; not?: RegExp; pattern: RegExp; isCodeOnly?: true }[] = [
  { name: 'no any', files: /\.ts$/, pattern: /(:|\bas|<) ?any\b/, isCodeOnly: true },
  { name: 'no errors silenced', files: /\.ts$/, pattern: /@ts-(ignore|expect-error|nocheck)/ },
  { name: 'nothing left to do', files: written, not: fixtures, pattern: /\b(TO[D]O|FIX[M]E|XX[X])\b/ },
  { name: 'no test left out', files: /\.ts$/, pattern: /\b(it|test|describe)\.(only|skip|todo)\b/ },
  { name: 'no paths of one machine', files: /./, pattern: /(?<![\w.])\/(work\/[a-z.]|root\/|tmp\/bash_)/ },
  { name: 'no package hosts', files: /./, pattern: /https?:\/\/(registry|proxy|mirror|packages?)\.(?!example)/ },
  {
    name: 'one vote a person, but where each measurement counts',
    files: /^schemas\/queries\/.*\.sql$/,
    pattern: /author_id = ''\)?, s\.score_id/,
  },
  {
    name: 'no clock, chance or environment where things are computed',
    files: /^(schemas|processors)\/.*\.ts$/,
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bprocess\./,
    isCodeOnly: true,
  },
]

const root = join(import.meta.dirname, '..')
const isForeign = (path: string): boolean => /(^|\/)(node_modules|\.git|data|coverage)(\/|$)/.test(path)
const files = globSync('**/*', { cwd: root, exclude: isForeign })
  .concat(globSync('.ci/*', { cwd: root }))
  .filter(
    (path) =>
      /\.[a-z]+$|(^|\/)(Dockerfile|run)$/.test(path) &&
      /\.(ts|md|sql|json|ya?ml|xml|js|mjs|sh)$|Dockerfile|\.ci\//.test(path),
  )
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
const sources = files.filter((file) => file.endsWith('.ts') && file !== 'vitest.config.ts')

/** What the import and export lines of a file name; code is formatted, so they begin a line. */
function importsOf(file: string): string[] {
  const text = texts.get(file) ?? ''
  const lines = text.matchAll(/^(?:import|export)\b[^'"`]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...lines].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function resolved(file: string, name: string): string {
  return normalize(join(dirname(file), name)).replaceAll('\\', '/')
}

function roomOf(file: string): Room | undefined {
  return rooms.find((room) => room.files.test(file))
}

function isDrawn(from: Room, to: Room): boolean {
  if (from === to) return true
  if (to.onlyFor !== undefined) return to.onlyFor.includes(from.name)
  return from.may === 'everything' || from.may.includes(to.name)
}

test('the scanner sees every form of import', () => {
  const seen = importsOf('collector/cli.ts')
  expect(seen).toContain('node:fs')
  expect(seen).toContain('./command.ts')
  expect(importsOf('collector/telemetry.ts')).toContain('@opentelemetry/sdk-node')
  expect(importsOf('collector/config.ts')).toContain('./config-values.ts')
  expect(sources.length).toBeGreaterThan(100)
})

test('every file has a room', () => {
  expect(sources.filter((file) => roomOf(file) === undefined)).toEqual([])
})

test('arrows point as drawn', () => {
  const wrong: string[] = []
  for (const file of sources) {
    for (const name of importsOf(file).filter((each) => each.startsWith('.'))) {
      const target = resolved(file, name)
      const [from, to] = [roomOf(file), roomOf(target)]
      if (!texts.has(target) && !existsSync(join(root, target))) wrong.push(`${file} → ${target}, which is not there`)
      else if (from === undefined || to === undefined) continue
      else if (!isDrawn(from, to)) wrong.push(`${file} → ${target} (${from.name} → ${to.name})`)
    }
  }
  expect(wrong).toEqual([])
})

test('what computes imports nothing that could act', () => {
  const wrong: string[] = []
  for (const file of sources.filter((each) => pureRooms.includes(roomOf(each)?.name ?? ''))) {
    for (const name of importsOf(file)) {
      if (!name.startsWith('.') && !pureBuiltins.includes(name)) wrong.push(`${file} → ${name}`)
    }
  }
  expect(wrong).toEqual([])
})

test('what is shipped imports declared dependencies alone', () => {
  const { dependencies } = JSON.parse(texts.get('package.json') ?? '{}') as { dependencies: Record<string, string> }
  const wrong: string[] = []
  for (const file of sources.filter((each) => shippedFolders.test(each))) {
    for (const name of importsOf(file)) {
      if (name.startsWith('.') || name.startsWith('node:')) continue
      const [first, second] = name.split('/')
      const packageName = name.startsWith('@') ? `${first}/${second}` : first
      if (!Object.hasOwn(dependencies, packageName ?? '')) wrong.push(`${file} → ${name}`)
    }
  }
  expect(wrong).toEqual([])
})

test('every file is reached from the program, a script or a test', () => {
  const scripts = files.filter((file) => file === 'package.json' || file.startsWith('.ci/'))
  const starts = sources.filter(
    (file) =>
      file.endsWith('.test.ts') ||
      plugFolders.some((folder) => folder.test(file)) ||
      // A program for the hand says in its head how it is run.
      texts.get(file)?.includes(`node ${file}`) ||
      scripts.some((script) => texts.get(script)?.includes(file)),
  )
  const reached = new Set<string>()
  const waiting = ['collector/cli.ts', ...starts]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    // Any quoted path counts: children are started and folders are loaded by name.
    for (const [, name = ''] of (texts.get(file) ?? '').matchAll(/['"`/]([\w./-]+\.ts)['"`]/g)) {
      for (const target of [resolved(file, name), normalize(name)]) if (texts.has(target)) waiting.push(target)
    }
  }
  expect(sources.filter((file) => !reached.has(file))).toEqual([])
})

test('every option is read and every metric is fed', () => {
  const running = sources.filter((file) => /^collector\//.test(file) && !/^collector\/(config|metrics)/.test(file))
  const code = running.map((file) => texts.get(file)).join('\n')
  const isUsed = (property: string): boolean => new RegExp(`\\.${property}\\b`).test(code)
  const { expose, close, ...metrics } = createMetrics({ version: '', priceBook: () => '', onError: () => undefined })
  close()
  const readByConfig = ['clickhouseUser', 'clickhousePassword', 'allowUnauthenticated']
  const unread = options.map(propertyName).filter((property) => !readByConfig.includes(property) && !isUsed(property))
  expect(unread).toEqual(notServedYet.options)
  expect(Object.keys(metrics).filter((property) => !isUsed(property))).toEqual(notServedYet.metrics)
  expect(expose()).toContain('# EOF')
})

test.each(generatedPages)('$file is what the code says', ({ file, render }) => {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(join(root, file), render())
  expect(readFileSync(join(root, file), 'utf8')).toBe(render())
  expect(render()).toMatch(/^<!-- Generated from /)
})

test('no file is longer than can be read in one go', () => {
  const long = sources.filter((file) => {
    const lines = texts.get(file)?.split('\n').length ?? 0
    return lines > (file.startsWith('test/') ? linesMax.test : linesMax.code) && !tables.some((each) => each.test(file))
  })
  expect(long).toEqual([])
})

test.each(textRules)('$name', ({ files: where, not, pattern, isCodeOnly }) => {
  const found: string[] = []
  for (const file of files.filter((each) => where.test(each) && not?.test(each) !== true)) {
    for (const [i, line] of (texts.get(file) ?? '').split('\n').entries()) {
      if (isCodeOnly && /^\s*(\/\/|\/?\*)/.test(line)) continue
      if (pattern.test(line)) found.push(`${file}:${i + 1}: ${line.trim().slice(0, 120)}`)
    }
  }
  expect(found).toEqual([])
})

test('the lock file names no host, so that it serves every registry', () => {
  const { packages } = JSON.parse(texts.get('package-lock.json') ?? '{}') as {
    packages: Record<string, { resolved?: string }>
  }
  expect(Object.entries(packages).filter(([, { resolved: from }]) => from?.includes('://'))).toEqual([])
})
