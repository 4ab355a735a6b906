// spanledger prices: is our book sound, what do public lists say, and which entries would they make. Proposes, never edits.

import { existsSync, writeFileSync } from 'node:fs'
import { PriceBook } from '../../processors/pricing/book.ts'
import { checkPriceFiles } from '../../processors/pricing/check.ts'
import { type ComparedModel, type Comparison, compareList } from '../../processors/pricing/list-compare.ts'
import { type Proposal, proposeEntries } from '../../processors/pricing/list-propose.ts'
import type { ListReading } from '../../processors/pricing/price-list.ts'
import { canonicalProvider } from '../../processors/pricing/provider-names.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { instantOf } from '../command-times.ts'
import { unknownName } from '../config-sources.ts'
import { readPriceFiles } from '../price-files.ts'
import { loadPriceList, priceListNames, readInstalledList, readPriceList } from '../price-lists.ts'
import { ownFile } from '../prices/known-book.ts'
import { section } from '../words-table.ts'

const actions = ['check', 'diff', 'import'] as const
/** Differences shown in words; all of them are in --json. */
const shownMax = 60

export default {
  name: 'prices',
  summary: 'Check the price book, compare it with public lists, or have entries proposed from them',
  arguments: { usage: 'check [FOLDER]|diff|import', min: 1, max: 2 },
  options: [
    {
      flag: 'from',
      value: 'LIST',
      doc: `Public list, or several as LIST=FILE,LIST=FILE: ${priceListNames().join(', ')}`,
    },
    { flag: 'file', value: 'FILE', doc: 'File or folder of the list (for genai-prices: the installed package)' },
    { flag: 'at', value: 'TIME', doc: 'Instant compared at (now)' },
    { flag: 'provider', value: 'NAME', doc: 'This provider alone (all that the list has)' },
    { flag: 'model', value: 'NAME', doc: 'Models whose names begin so (all)' },
    { flag: 'out', value: 'FILE', doc: 'import: a new file for the proposals (standard output)' },
  ],
  async run(context) {
    const [action, folder] = context.arguments
    if (folder !== undefined && action !== 'check') throw new UsageError(`prices ${action} takes no further word`)
    switch (actions.find((each) => each === action)) {
      case 'check':
        return check(context)
      case 'diff':
        return diff(context)
      case 'import':
        return propose(context)
      default:
        throw new UsageError(unknownName('action', action ?? '', actions))
    }
  },
} satisfies Command

function check(context: CommandContext): number {
  for (const flag of ['from', 'file', 'at', 'provider', 'model', 'out'])
    if (context.has(flag)) throw new UsageError(`prices check: --${flag} does not go with it`)
  const folder = context.arguments[1]
  if (folder !== undefined && !existsSync(folder)) throw new UsageError(`prices check: there is no ${folder}`)
  const { files, findings } = readPriceFiles(folder)
  const all = [...findings, ...checkPriceFiles(files)]
  const own = ownFile(files, context.config).findings.map(({ text }) => text)
  const entries = files.reduce((sum, file) => sum + file.entries.length, 0)
  const book = all.length === 0 ? new PriceBook(files).version : null
  const isSound = all.length + own.length === 0
  const result = { ok: isSound, price_book: book, providers: files.length, entries, findings: all, own_findings: own }
  context.print(result, () =>
    [
      `${files.length} providers, ${entries} entries, price book ${book ?? 'none'}`,
      ...[...all, ...own].map((finding) => `  ${finding}`),
      isSound ? 'sound' : `${all.length + own.length} findings`,
    ].join('\n'),
  )
  return isSound ? exitCode.done : exitCode.finding
}

interface ReadList {
  readonly id: string
  readonly name: string
  readonly reading: ListReading
}

async function diff(context: CommandContext): Promise<number> {
  if (context.has('out')) throw new UsageError('prices diff: --out does not go with it')
  const { files, ours, atMs, filter } = booksOf(context)
  let isSame = true
  for (const { id, reading } of await listsOf(context)) {
    const comparison = compareList(ours, reading.entries, { files, atMs, filter })
    if (comparison.rows.some(({ verdict }) => verdict === 'differs')) isSame = false
    const compared = { list: id, compared_at: new Date(atMs).toISOString(), price_book: ours.version }
    context.print({ ...compared, ...asData(comparison), ...asNotes(reading) }, () =>
      [`${id}, compared at ${compared.compared_at} with ${ours.version}`, ...diffWords(comparison, reading)].join('\n'),
    )
  }
  return isSame ? exitCode.done : exitCode.finding
}

async function propose(context: CommandContext): Promise<number> {
  const { files, ours, atMs, filter } = booksOf(context)
  const out = context.option('out')
  if (out !== undefined && existsSync(out)) throw new UsageError(`--out ${out} is there already: name a new file`)
  const lists = await listsOf(context)
  const now = new Date().toISOString()
  const { proposals, findings } = proposeEntries(
    ours,
    lists.map(({ name, reading }) => ({ name, entries: reading.entries })),
    { files, atMs, filter, readOn: now.slice(0, 10), recordedAt: `${now.slice(0, 19)}Z` },
  )
  const result = {
    compared_at: new Date(atMs).toISOString(),
    price_book: ours.version,
    lists: lists.map(({ id, reading }) => ({ list: id, ...asNotes(reading) })),
    proposals,
    findings,
  }
  if (out !== undefined) writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`, { flag: 'wx' })
  const counts = { proposals: proposals.length, findings: findings.length, out: out ?? null }
  context.print(out === undefined ? result : counts, () =>
    out === undefined ? JSON.stringify(result, null, 2) : proposalWords(proposals, findings, out),
  )
  return exitCode.done
}

function booksOf(context: CommandContext) {
  const { files, findings } = readPriceFiles()
  if (findings.length > 0) throw new Error(`prices cannot be read: ${findings[0]}`)
  const at = context.option('at')
  const provider = context.option('provider')
  const canonical = provider === undefined ? undefined : canonicalProvider(provider)
  const known = files.map((file) => file.provider)
  if (canonical !== undefined && !known.includes(canonical))
    throw new UsageError(`--provider: ${unknownName('provider', provider ?? '', known)}`)
  return {
    files,
    ours: new PriceBook(files),
    atMs: at === undefined ? Date.now() : instantOf('at', at, 'UTC').epochMilliseconds,
    filter: { provider: canonical, model: context.option('model') },
  }
}

/** `--from litellm --file F`, or `--from litellm=F,portkey=G,genai-prices`. */
async function listsOf(context: CommandContext): Promise<ReadList[]> {
  const names = priceListNames()
  const from = context.option('from')
  if (from === undefined) throw new UsageError(`--from is missing: one of ${names.join(', ')}`)
  const asked = from.split(',').map((each) => {
    const [id = '', ...path] = each.split('=')
    return { id, path: path.length === 0 ? undefined : path.join('=') }
  })
  if (context.has('file') && (asked.length > 1 || asked[0]?.path !== undefined))
    throw new UsageError('--file is for a single --from LIST; several are LIST=FILE,LIST=FILE')
  const lists: ReadList[] = []
  for (const { id, path = context.option('file') } of asked) {
    if (!names.includes(id)) throw new UsageError(`--from: ${unknownName('list', id, names)}`)
    const list = await loadPriceList(id)
    if (path !== undefined && !existsSync(path)) throw new UsageError(`--from ${id}: there is no ${path}`)
    try {
      const reading = path === undefined ? await readInstalledList(list) : readPriceList(list, path)
      if (reading === null)
        throw new UsageError(`--from ${id} needs its file, and --file names none: it is published at ${list.from}`)
      lists.push({ id, name: list.name, reading })
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`--from ${id}: ${error.message}`, { cause: error })
      throw error
    }
  }
  return lists
}

function asData({ rows, otherProviders }: Comparison): object {
  const counts = Object.fromEntries(
    (['same', 'differs', 'only_ours', 'only_theirs'] as const).map((verdict) => [verdict, count(rows, verdict)]),
  )
  return {
    counts,
    models: rows.map((row) => ({
      provider: row.provider,
      model: row.model,
      conditions: row.conditions,
      verdict: row.verdict,
      price_entry: row.priceEntry,
      differences: row.differences.map(({ fromTokens, ...difference }) => ({ ...difference, from_tokens: fromTokens })),
      units_only_ours: row.unitsOnlyOurs,
      units_only_theirs: row.unitsOnlyTheirs,
    })),
    other_providers: otherProviders,
  }
}

function asNotes({ notUnderstood, cleaned }: ListReading): object {
  return { not_understood: notUnderstood, cleaned }
}

function count(rows: readonly ComparedModel[], verdict: ComparedModel['verdict']): number {
  return rows.filter((row) => row.verdict === verdict).length
}

function diffWords({ rows, otherProviders }: Comparison, reading: ListReading): string[] {
  const lines = rows.flatMap((row) =>
    row.differences.map(({ unit, fromTokens, ours, theirs, ratio }) => ({
      provider: row.provider,
      model: row.model,
      under: under(row),
      unit,
      from: fromTokens,
      ours,
      theirs,
      ratio,
      entry: row.priceEntry,
    })),
  )
  const names = (verdict: ComparedModel['verdict']): string =>
    rows
      .flatMap((row) =>
        row.verdict === verdict ? [[row.model, under(row)].filter((part) => part !== '').join(' ')] : [],
      )
      .slice(0, 20)
      .join(', ')
  const others = Object.values(otherProviders).reduce((sum, each) => sum + each, 0)
  return [
    `same ${count(rows, 'same')}, differs ${count(rows, 'differs')}, only ours ${count(rows, 'only_ours')}, only theirs ${count(rows, 'only_theirs')}`,
    '',
    section('Differences', lines.slice(0, shownMax), {
      provider: 'provider',
      model: 'model',
      under: 'under',
      unit: 'unit',
      from: 'from tokens',
      ours: 'ours USD',
      theirs: 'theirs USD',
      ratio: 'theirs/ours',
      entry: 'our entry',
    }),
    ...(lines.length > shownMax ? [`… and ${lines.length - shownMax} more: --json has all, --provider fewer`, ''] : []),
    `Only theirs: ${names('only_theirs') || 'none'}`,
    `Only ours: ${names('only_ours') || 'none'}`,
    `Providers we have no prices of: ${Object.keys(otherProviders).length}, ${others} models`,
    `Not understood: ${reading.notUnderstood.length}; cleaned of float dust: ${reading.cleaned.length}`,
  ]
}

function under({ conditions }: ComparedModel): string {
  return Object.values(conditions).join(' ')
}

function proposalWords(proposals: readonly Proposal[], findings: readonly string[], out: string): string {
  const rows = proposals.map(({ entry, agree, differ, instead }) => ({
    entry: entry.id,
    confidence: entry.confidence,
    agree: agree.join(', '),
    differ: differ.join(', '),
    instead,
  }))
  return [
    section('Proposed', rows.slice(0, shownMax), {
      entry: 'entry',
      confidence: 'confidence',
      agree: 'says so',
      differ: 'says otherwise',
      instead: 'instead of',
    }),
    `${proposals.length} proposals in ${out}, ${findings.length} findings of the build checks; no price file was touched`,
  ].join('\n')
}
