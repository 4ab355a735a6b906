// spanledger reprice: what another price book would make of calls that are in the ledger already; written beside it as a run,
// adopted, undone. docs/repricing.md.

import type { ClickHouse } from '../clickhouse/client.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { bookOf } from '../command-book.ts'
import { withLedger } from '../command-clickhouse.ts'
import { instantOf, periodOf, periodOptions } from '../command-times.ts'
import { drift } from '../reconciling/rollups.ts'
import type { DifferenceGroup, DifferenceTotals } from '../repricing/differences.ts'
import { progressOf } from '../repricing/progress.ts'
import { completeSteps, type PublishParts, step } from '../repricing/publish.ts'
import { differencesOf, keptCalls, runSummary } from '../repricing/reading.ts'
import { recompute } from '../repricing/recompute.ts'
import { filterOf, findRun, listRuns, type PricingRun } from '../repricing/runs.ts'
import { type CallFilter, compareRows, planSlices, sliceRows } from '../repricing/slices.ts'
import { differenceWords, runWords } from '../repricing/words.ts'
import { createRun, writeRun } from '../repricing/write-run.ts'
import { StoredBooks } from '../stored-books.ts'
import { section } from '../words-table.ts'

const actions = ['list', 'show', 'resume', 'adopt', 'undo'] as const
type Action = (typeof actions)[number]

/** Statements over millions of rows may take their time. */
const ledgerOptions = { requestTimeoutMs: 600_000, responseBytesMax: 256 << 20 }

export default {
  name: 'reprice',
  summary: 'Show what the price book would now make of past calls; write it as a run, adopt a run, undo it',
  arguments: { usage: '[list | show RUN | resume RUN | adopt RUN | undo RUN]', min: 0, max: 2 },
  options: [
    ...periodOptions,
    { flag: 'project', value: 'NAME', doc: 'Only calls of a project (all)' },
    { flag: 'provider', value: 'NAME', doc: 'Only calls of a provider (all)' },
    { flag: 'model', value: 'NAME', doc: 'Only calls of a model, as priced, asked for or answered (all)' },
    { flag: 'as-of', value: 'TIME', doc: 'By the prices as they were known then (all that is recorded)' },
    { flag: 'write', doc: 'Write the run beside the ledger, to be adopted; without it nothing is written' },
  ],
  async run(context) {
    const [action, id] = context.arguments
    if (action === undefined)
      return withLedger(context.config, (clickhouse) => compare(context, clickhouse), ledgerOptions)
    if (!(actions as readonly string[]).includes(action))
      throw new UsageError(`reprice has no action "${action}": it has ${actions.join(', ')}`)
    if ((action === 'list') !== (id === undefined))
      throw new UsageError(action === 'list' ? 'reprice list takes no RUN' : `reprice ${action} takes the id of a RUN`)
    return withLedger(
      context.config,
      (clickhouse) => act(context, clickhouse, action as Action, id ?? ''),
      ledgerOptions,
    )
  },
} satisfies Command

async function act(context: CommandContext, clickhouse: ClickHouse, action: Action, id: string): Promise<number> {
  if (action === 'list') {
    const runs = (await listRuns(clickhouse)).map(runSummary)
    context.print({ runs }, () =>
      section('Repricing runs', runs, {
        pricing_run: 'run',
        state: 'state',
        price_book: 'book',
        calls: 'calls',
        changed: 'changed',
        original_cost: 'ledger USD',
        total_cost: 'run USD',
        difference: 'difference',
      }),
    )
    return exitCode.done
  }
  const run = await findRun(clickhouse, id)
  if (run === null) throw new UsageError(`there is no run ${id}: spanledger reprice list shows them`)
  if (action === 'show') {
    const { tz } = periodOf(context)
    const differences = await differencesOf(clickhouse, run, tz)
    context.print({ ...runSummary(run), differences }, () => `${runWords(run)}\n${differenceWords(differences)}`)
    return exitCode.done
  }
  if (action === 'resume' && run.state === 'writing') return resumeWriting(context, clickhouse, run)
  const parts = publishParts(context, clickhouse)
  if (action === 'resume') {
    const done = await completeSteps(parts)
    const now = done.find(({ pricing_run }) => pricing_run === id) ?? run
    if (now === run) context.note(`run ${id} is ${run.state}: there is nothing to resume`)
    return settled(context, clickhouse, now)
  }
  return settled(context, clickhouse, await step(parts, id, action === 'adopt' ? 'adopting' : 'undoing'))
}

/** What a step came to, with the proof that the rollups followed. */
async function settled(context: CommandContext, clickhouse: ClickHouse, run: PricingRun): Promise<number> {
  const found = await drift(clickhouse, filterOf(run))
  const isOdd = run.left_alone > 0 || found.groups > 0
  context.print({ ...runSummary(run), drift: found }, () =>
    [
      runWords(run),
      found.groups === 0
        ? 'Drift audit: 0, the rollups are the sums of their rows.'
        : `Drift audit: ${found.groups} groups of the rollups differ from their rows by ${found.cost} USD.`,
    ].join('\n'),
  )
  return isOdd ? exitCode.finding : exitCode.done
}

function publishParts(context: CommandContext, clickhouse: ClickHouse): PublishParts {
  const reporters = new Map<string, (done: number) => void>()
  return {
    clickhouse,
    database: context.config.clickhouseDatabase,
    onProgress(run, phase, done) {
      const key = `${run.pricing_run} ${phase}`
      let report = reporters.get(key)
      if (report === undefined) {
        report = progressOf(`${run.state} ${run.pricing_run}, ${phase}`, rowsOf(run, run.slices.length), context.note)
        reporters.set(key, report)
      }
      report(rowsOf(run, done))
    },
  }
}

function rowsOf({ slices }: Pick<PricingRun, 'slices'>, upTo: number): number {
  return Math.round(slices.slice(0, upTo).reduce((sum, { rows }) => sum + rows, 0))
}

function filterFrom(context: CommandContext): { readonly filter: CallFilter; readonly tz: string } {
  const { from, to, tz } = periodOf(context)
  const named = ['project', 'provider', 'model'].flatMap((flag) => {
    const value = context.option(flag)
    return value === undefined ? [] : [[flag, value]]
  })
  return { filter: { fromMs: from.epochMilliseconds, toMs: to.epochMilliseconds, ...Object.fromEntries(named) }, tz }
}

/** The dry run, or with --write the run itself. */
async function compare(context: CommandContext, clickhouse: ClickHouse): Promise<number> {
  const isWriting = context.has('write')
  const { filter, tz } = filterFrom(context)
  const asOf = context.option('as-of')
  const asOfMs = asOf === undefined ? null : instantOf('as-of', asOf, tz).epochMilliseconds
  const book = bookOf(context.config, asOfMs)
  if (isWriting) await completeSteps(publishParts(context, clickhouse))
  for (const { pricing_run, state } of await listRuns(clickhouse, ['adopting', 'undoing']))
    context.note(`run ${pricing_run} was interrupted while ${state}: spanledger reprice resume ${pricing_run}`)
  const slices = await planSlices(clickhouse, filter, isWriting ? sliceRows : compareRows)
  const input = { clickhouse, filter, slices, tz, bookFor: (project: string) => book.forProject(project) }
  const report = progressOf(isWriting ? 'writing' : 'comparing', rowsOf({ slices }, slices.length), context.note)
  let run: PricingRun | null = null
  let differences = null
  if (isWriting) {
    // Whatever entry a row will name can be read in SQL.
    const books = new StoredBooks({ limited: (_, __, line) => context.note(line) })
    books.offer(book)
    await books.open(clickhouse, AbortSignal.timeout(60_000))
    const begun = await createRun(clickhouse, { filter, slices, asOf: asOfMs, priceBook: book.version })
    context.note(
      `run ${begun.pricing_run}: spanledger reprice resume ${begun.pricing_run} goes on with it, should this end early`,
    )
    const written = await writeRun({ ...input, onProgress: (_, done) => report(rowsOf({ slices }, done)) }, begun)
    run = written.run
    differences = written.differences
  } else {
    differences = await recompute(input, { slice: (done) => report(rowsOf({ slices }, done)) })
  }
  return answer(context, {
    run,
    filter,
    asOf: asOfMs,
    book: book.version,
    totals: differences.totals(),
    differences: differences.list(),
    kept: await keptCalls(clickhouse, filter),
  })
}

async function resumeWriting(context: CommandContext, clickhouse: ClickHouse, run: PricingRun): Promise<number> {
  const book = bookOf(context.config, run.as_of)
  if (book.version !== run.price_book) {
    throw new Error(
      `run ${run.pricing_run} was begun with price book ${run.price_book}, it is now ${book.version}: begin a new run`,
    )
  }
  const { tz } = periodOf(context)
  const report = progressOf('writing', rowsOf(run, run.slices.length), context.note)
  const parts = { clickhouse, tz, bookFor: (project: string) => book.forProject(project) }
  const { run: written } = await writeRun({ ...parts, onProgress: (_, done) => report(rowsOf(run, done)) }, run)
  const differences = await differencesOf(clickhouse, written, tz)
  context.print({ ...runSummary(written), differences }, () => `${runWords(written)}\n${differenceWords(differences)}`)
  return exitCode.done
}

interface Answer {
  readonly run: PricingRun | null
  readonly filter: CallFilter
  readonly asOf: number | null
  readonly book: string
  readonly totals: DifferenceTotals
  readonly differences: readonly DifferenceGroup[]
  readonly kept: readonly { readonly cost_status: string; readonly cost_reason: string; readonly calls: number }[]
}

function answer(context: CommandContext, { run, filter, asOf, book, totals, differences, kept }: Answer): number {
  const { fromMs, toMs, ...filters } = filter
  const iso = (ms: number): string => new Date(ms).toISOString()
  context.print(
    {
      from: iso(fromMs),
      to: iso(toMs),
      ...filters,
      as_of: asOf === null ? null : iso(asOf),
      price_book: book,
      run: run?.pricing_run ?? null,
      ...totals,
      kept,
      differences,
    },
    () =>
      [
        `Price book ${book}${asOf === null ? '' : ` as of ${iso(asOf)}`}, calls from ${iso(fromMs)} to ${iso(toMs)}\n`,
        `Calls     ${totals.calls} looked at, ${totals.changed} change: ${totals.newly_priced} become priced, ${totals.newly_unpriced} unpriced`,
        `Cost      ${totals.original_cost} USD in the ledger, ${totals.total_cost} USD by the book, of the calls that change`,
        `Change    ${totals.difference} USD`,
        ...kept.map(({ cost_status, cost_reason, calls }) => {
          const reason = cost_reason === '' ? '' : `, ${cost_reason}`
          return `Kept      ${calls} ${cost_status}${reason}`
        }),
        '',
        differenceWords(differences),
        run === null
          ? totals.changed === 0
            ? 'Nothing would change.'
            : 'Nothing was written. With --write this becomes a run that can be adopted.'
          : `Written as run ${run.pricing_run}; spanledger reprice adopt ${run.pricing_run} moves the ledger.`,
      ].join('\n'),
  )
  return run === null && totals.changed > 0 ? exitCode.finding : exitCode.done
}
