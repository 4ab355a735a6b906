// spanledger what-if: what past calls would have cost on another model or by another price list. docs/repricing.md.

import { readFileSync } from 'node:fs'
import { PriceBook } from '../../processors/pricing/book.ts'
import { checkPriceFiles } from '../../processors/pricing/check.ts'
import { noConditions } from '../../processors/pricing/conditions.ts'
import type { PriceFile } from '../../processors/pricing/file.ts'
import { canonicalProvider } from '../../processors/pricing/provider-names.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { bookOf } from '../command-book.ts'
import { withLedger } from '../command-clickhouse.ts'
import { periodOf, periodOptions } from '../command-times.ts'
import { loadPriceBook } from '../price-files.ts'
import { loadOverrides } from '../prices/own-file.ts'
import type { Instead } from '../repricing/calls.ts'
import { progressOf } from '../repricing/progress.ts'
import { type CallFilter, compareRows, planSlices } from '../repricing/slices.ts'
import { type WhatIfAnswer, whatIf } from '../repricing/what-if.ts'
import { section } from '../words-table.ts'

const ledgerOptions = { requestTimeoutMs: 600_000, responseBytesMax: 256 << 20 }

export default {
  name: 'what-if',
  summary: 'Compute what past calls would have cost on another model or by another price list; writes nothing',
  options: [
    ...periodOptions,
    { flag: 'project', value: 'NAME', doc: 'Only calls of a project (all)' },
    { flag: 'provider', value: 'NAME', doc: 'Only calls of a provider (all)' },
    { flag: 'model', value: 'NAME', doc: 'Only calls of a model, as priced, asked for or answered (all)' },
    { flag: 'to-model', value: 'PROVIDER/MODEL', doc: 'Price them as calls of this model' },
    {
      flag: 'prices',
      value: 'FILE',
      doc: "Price them by this file: own prices (YAML, JSON), or a provider's price file in place of ours",
    },
  ],
  async run(context) {
    const { from, to, tz } = periodOf(context)
    const named = ['project', 'provider', 'model'].flatMap((flag) => {
      const value = context.option(flag)
      return value === undefined ? [] : [[flag, value]]
    })
    const filter: CallFilter = {
      fromMs: from.epochMilliseconds,
      toMs: to.epochMilliseconds,
      ...Object.fromEntries(named),
    }
    const { book, instead } = priceOf(context, filter.toMs)
    const answer = await withLedger(
      context.config,
      async (clickhouse) => {
        const slices = await planSlices(clickhouse, filter, compareRows)
        const rows = (upTo: number): number =>
          Math.round(slices.slice(0, upTo).reduce((sum, each) => sum + each.rows, 0))
        const report = progressOf('pricing', rows(slices.length), context.note)
        const input = { clickhouse, filter, slices, tz, bookFor: (project: string) => book.forProject(project) }
        return whatIf({ ...input, ...(instead === undefined ? {} : { instead }) }, (done) => report(rows(done)))
      },
      ledgerOptions,
    )
    const assumptions = assumptionsOf(answer, instead)
    const iso = (ms: number): string => new Date(ms).toISOString()
    context.print(
      { from: iso(filter.fromMs), to: iso(filter.toMs), to_model: instead ?? null, ...answer, assumptions },
      () => words(answer, { filter, instead, assumptions }),
    )
    return exitCode.done
  },
} satisfies Command

function priceOf(context: CommandContext, toMs: number): { readonly book: PriceBook; readonly instead?: Instead } {
  const [target, file] = [context.option('to-model'), context.option('prices')]
  if (target === undefined && file === undefined)
    throw new UsageError('what-if takes --to-model PROVIDER/MODEL, --prices FILE, or both')
  const book = file === undefined ? bookOf(context.config, null) : bookWith(context, file)
  if (target === undefined) return { book }
  const slash = target.indexOf('/')
  if (slash <= 0 || slash === target.length - 1)
    throw new UsageError(`--to-model: "${target}" is not PROVIDER/MODEL such as openai/gpt-4.1`)
  const instead = { provider: canonicalProvider(target.slice(0, slash)), model: target.slice(slash + 1) }
  if (book.resolve(instead.provider, instead.model, noConditions, toMs - 1).kind === 'miss') {
    const near = book.suggest(instead.provider, instead.model)
    const hint = near === null ? '' : `; it has ${near.provider}/${near.model}`
    throw new UsageError(`--to-model: the price book has no price of ${target} at that time${hint}`)
  }
  return { book, instead }
}

function bookWith(context: CommandContext, file: string): PriceBook {
  const listed = providerFile(file)
  if (listed === null) {
    const files = loadPriceBook()
    const { findings, ...own } = loadOverrides(file, new PriceBook(files), Date.now())
    if (findings.length > 0) throw new UsageError(findings.join('\n'))
    return new PriceBook(files, own)
  }
  const findings = checkPriceFiles([listed])
  if (findings.length > 0) throw new UsageError(`${file}: ${findings.join('\n')}`)
  const others = loadPriceBook().filter(({ provider }) => provider !== listed.provider)
  return bookOf(context.config, null, [...others, listed])
}

/** A price file of one provider, in the form of processors/prices; null for anything else. */
function providerFile(file: string): PriceFile | null {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<PriceFile>
    return typeof read.provider === 'string' && Array.isArray(read.entries) ? (read as PriceFile) : null
  } catch {
    // Own prices then, whose reader says what is wrong with them.
    return null
  }
}

function assumptionsOf(answer: WhatIfAnswer, instead: Instead | undefined): string[] {
  const flagged = (flag: string): number => answer.flags.find((each) => each.flag === flag)?.calls ?? 0
  const of = (calls: number): string => `${calls} calls`
  const lines = [
    `Prices of book ${answer.price_book}, each in force when the call ended.`,
    'Calls that failed without usage, duplicates and sums of other spans cost nothing on either side.',
  ]
  if (instead !== undefined) {
    lines.unshift(
      'The same token counts: another model would count the same text differently, and answer at another length.',
      'Cache reads and writes as they were, although another model may cache other prefixes.',
    )
  }
  if (flagged('fallback_rate') > 0)
    lines.push(
      `Without a rate for cached or reasoning tokens they are charged as input or output: ${of(flagged('fallback_rate'))}.`,
    )
  if (flagged('tier_assumed') > 0)
    lines.push(`No service tier reported, standard assumed: ${of(flagged('tier_assumed'))}.`)
  if (flagged('standard_rate_used') > 0)
    lines.push(`Tier or another condition without a price, standard rate used: ${of(flagged('standard_rate_used'))}.`)
  for (const { unit, calls } of answer.units_without_rate) lines.push(`No rate for ${unit}, left out: ${of(calls)}.`)
  if (answer.unpriced_before.calls > 0) {
    const { calls, whatif_cost } = answer.unpriced_before
    lines.push(`No cost in the ledger, not compared: ${of(calls)}, which would have cost ${whatif_cost} USD.`)
  }
  for (const { reason, calls, original_cost } of answer.unpriced_then)
    lines.push(`No cost then (${reason}), not compared: ${of(calls)}, ${original_cost} USD in the ledger.`)
  return lines
}

function words(
  answer: WhatIfAnswer,
  {
    filter,
    instead,
    assumptions,
  }: { filter: CallFilter; instead: Instead | undefined; assumptions: readonly string[] },
): string {
  const iso = (ms: number): string => new Date(ms).toISOString()
  const { total } = answer
  const as = instead === undefined ? 'by the price list' : `as ${instead.provider}/${instead.model}`
  return [
    `Calls from ${iso(filter.fromMs)} to ${iso(filter.toMs)}, ${as}\n`,
    `Calls     ${total.calls}, of which ${total.compared} have a cost on both sides`,
    `Cost      ${total.original_cost} USD in the ledger, ${total.whatif_cost} USD ${as}`,
    `Change    ${total.difference} USD\n`,
    section('By day and model', answer.groups, {
      day: 'day',
      provider: 'provider',
      model: 'model',
      calls: 'calls',
      compared: 'compared',
      original_cost: 'ledger USD',
      whatif_cost: 'what if USD',
      difference: 'difference',
    }),
    'Assumed',
    ...assumptions.map((line) => `  ${line}`),
  ].join('\n')
}
