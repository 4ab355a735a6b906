// spanledger invoice: a provider's bill beside the ledger, tokens before money, every difference with its cause.

/// <reference lib="esnext.temporal" />
import { randomUUIDv7 } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { amountOf, type Finding } from '../../processors/invoices/finding.ts'
import { formatsOf, invoiceProviders, ledgerProviders } from '../../processors/invoices/formats.ts'
import { priceHints } from '../../processors/invoices/hints.ts'
import { type LedgerCell, readLedgerCsv } from '../../processors/invoices/ledger.ts'
import { InvoiceError } from '../../processors/invoices/line.ts'
import { emptyMap, type MapFile, readMap } from '../../processors/invoices/map.ts'
import { compareInvoice, type InvoiceResult } from '../../processors/invoices/result.ts'
import { PriceBook } from '../../processors/pricing/book.ts'
import { formatPicoUsd } from '../../schemas/money.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { withLedger } from '../command-clickhouse.ts'
import { instantOf } from '../command-times.ts'
import { readLedgerDays } from '../invoices/ledger.ts'
import { type BillFiles, readBillFiles } from '../invoices/read.ts'
import { storeInvoice } from '../invoices/store.ts'
import { loadPriceBook } from '../price-files.ts'
import { section } from '../words-table.ts'

export default {
  name: 'invoice',
  summary: "Lay a provider's usage or cost export beside the ledger and say where they differ and why",
  arguments: { usage: '<provider> <file>...', min: 2, max: 10_000 },
  options: [
    { flag: 'project', value: 'NAME', doc: 'Compare with the calls of one project (all)' },
    {
      flag: 'map',
      value: 'FILE',
      doc: 'YAML or JSON: labels of the bill that no rule reads, and accounts that are projects',
    },
    {
      flag: 'as-of',
      value: 'TIME',
      doc: 'When the export was made: days that ended shortly before are provisional (now)',
    },
    { flag: 'ledger-csv', value: 'FILE', doc: 'Compare with a ledger day as CSV instead of the database' },
    { flag: 'dry-run', doc: 'Store nothing' },
  ],
  async run(context) {
    const [provider = '', ...paths] = context.arguments
    const formats = formatsOf(provider)
    if (formats.length === 0)
      throw new UsageError(`"${provider.slice(0, 32)}" is none of the providers ${invoiceProviders.join(', ')}`)
    const missing = paths.find((path) => !existsSync(path))
    if (missing !== undefined) throw new UsageError(`${missing}: no such file`)
    const map = mapOf(context.option('map'))
    const asOf = instantOf('as-of', context.option('as-of') ?? Temporal.Now.instant().toString(), 'UTC')
    const read = await readBillFiles(paths, formats, { map })
    const hints = priceHints(new PriceBook(loadPriceBook()).entries())
    const providers = ledgerProviders(provider)
    const compare = (ledger: readonly LedgerCell[]): InvoiceResult =>
      compareInvoice({ bill: read.bill, ledger, hints, map, providers, asOf: asOf.epochMilliseconds })
    const csv = context.option('ledger-csv')
    if (csv !== undefined) return shown(context, read, compare(ledgerOf(csv)), null)
    const project = context.option('project') ?? null
    return withLedger(
      context.config,
      async (clickhouse) => {
        const zone = read.bill.formats[0]?.zone ?? 'UTC'
        const ledger = await readLedgerDays(clickhouse, { days: read.bill.days, zone, project })
        const result = compare(ledger.cells)
        if (context.has('dry-run')) return shown(context, read, result, null)
        const importId = randomUUIDv7()
        await storeInvoice(clickhouse, {
          importId,
          importedAt: new Date(),
          project: project ?? (ledger.projects.length > 1 ? '' : (ledger.projects[0] ?? 'default')),
          asked: provider,
          bill: read.bill,
          files: read.files,
          result,
        })
        return shown(context, read, result, importId)
      },
      { requestTimeoutMs: 600_000 },
    )
  },
} satisfies Command

function mapOf(path: string | undefined): MapFile {
  if (path === undefined) return emptyMap
  try {
    return readMap(parseYaml(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new UsageError(`--map ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function ledgerOf(path: string): LedgerCell[] {
  try {
    return readLedgerCsv(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof InvoiceError) throw new InvoiceError(`${path}: ${error.message}`, { cause: error })
    throw error
  }
}

function shown(context: CommandContext, read: BillFiles, result: InvoiceResult, importId: string | null): number {
  for (const note of result.notes)
    context.note(`spanledger: ${note.kind === 'incomplete' ? 'incomplete: ' : ''}${note.text}`)
  context.print(objectOf(read, result, importId), () => words(result))
  return result.isMatched ? exitCode.done : exitCode.finding
}

/** Findings of one cause together. */
interface Sum {
  readonly provider: string
  readonly category: string
  readonly cause: string
  readonly evidence: string
  quantity: bigint
  quantityPart: bigint
  pricePart: bigint
  count: number
}

function sums(findings: readonly Finding[]): Sum[] {
  const byCause = new Map<string, Sum>()
  for (const { provider, category, cause, evidence, quantity, quantityPart, pricePart } of findings) {
    const key = [provider, category, cause].join('\n')
    const sum = byCause.get(key) ?? {
      provider,
      category,
      cause,
      evidence,
      quantity: 0n,
      quantityPart: 0n,
      pricePart: 0n,
      count: 0,
    }
    byCause.set(key, sum)
    sum.quantity += quantity
    sum.quantityPart += quantityPart
    sum.pricePart += pricePart
    sum.count++
  }
  return [...byCause.values()]
}

function text(pico: bigint | null): string | null {
  return pico === null ? null : formatPicoUsd(pico)
}

function objectOf({ bill, files }: BillFiles, result: InvoiceResult, importId: string | null): object {
  return {
    import_id: importId,
    matched: result.isMatched,
    days: result.days,
    files: files.map((file) => ({ ...file, ...bill.files.find(({ name }) => name === file.name) })),
    totals: result.totals.map(({ provider, bill: total, billBeforeCredits, ledger, difference, otherCurrencies }) => ({
      provider,
      bill: text(total),
      bill_before_credits: text(billBeforeCredits),
      ledger: text(ledger),
      difference: text(difference),
      other_currencies: Object.fromEntries([...otherCurrencies].map(([code, amount]) => [code, text(amount)])),
    })),
    explained: sums(result.findings).map(
      ({ provider, category, cause, evidence, quantity, quantityPart, pricePart, count }) => ({
        provider,
        category,
        cause,
        amount: text(quantityPart + pricePart),
        quantity: text(quantity),
        quantity_part: text(quantityPart),
        price_part: text(pricePart),
        findings: count,
        evidence,
      }),
    ),
    findings: result.findings.map((finding) => ({
      day: finding.day,
      provider: finding.provider,
      account: finding.account,
      model: finding.model,
      kind: finding.kind,
      category: finding.category,
      cause: finding.cause,
      amount: text(amountOf(finding)),
      quantity: text(finding.quantity),
      quantity_part: text(finding.quantityPart),
      price_part: text(finding.pricePart),
      evidence: finding.evidence,
      label: finding.label,
    })),
    lines: result.lines.map((line) => ({
      day: line.day,
      provider: line.provider,
      account: line.account,
      model: line.model,
      kind: line.kind,
      tier: line.tier,
      geo: line.geo,
      label: line.label,
      bill_quantity: text(line.billQuantity),
      ledger_quantity: text(line.ledgerQuantity),
      bill_cost: text(line.billAmount),
      ledger_cost: text(line.ledgerAmount),
      difference: text(line.quantityPart + line.pricePart),
      quantity_part: text(line.quantityPart),
      price_part: text(line.pricePart),
      state: line.state,
    })),
    notes: result.notes,
  }
}

function words(result: InvoiceResult): string {
  const [first, last] = [result.days[0] ?? 'no day', result.days.at(-1) ?? '']
  const blocks = result.totals.map((totals) => {
    const { provider, bill, billBeforeCredits, ledger, difference, otherCurrencies } = totals
    const own = result.lines.filter((line) => line.provider === provider)
    const found = result.findings.filter((finding) => finding.provider === provider)
    const credits = bill === billBeforeCredits ? '' : ` (${text(billBeforeCredits)} before credits and discounts)`
    const others = [...otherCurrencies].map(([code, amount]) => `\nNot compared ${text(amount)} ${code}`)
    return [
      `${provider}, ${first}${first === last ? '' : ` to ${last}`}`,
      `Bill        ${bill === null ? 'no money in these files' : `${text(bill)} USD${credits}`}`,
      `Ledger      ${text(ledger)} USD`,
      `Difference  ${text(difference)} USD (bill - ledger)${others.join('')}\n`,
      section('Explained', sums(found).map(causeRow), {
        category: 'category',
        cause: 'cause',
        quantity: 'quantity',
        quantity_usd: 'by quantity',
        price_usd: 'by price',
        difference: 'USD',
      }),
      section('Lines', own.map(lineRow), {
        day: 'day',
        account: 'account',
        model: 'model',
        kind: 'kind',
        conditions: 'conditions',
        bill: 'on bill',
        ledger: 'in ledger',
        bill_cost: 'bill USD',
        ledger_cost: 'ledger USD',
        difference: 'difference',
        state: 'state',
      }),
    ].join('\n')
  })
  return blocks.join('\n')
}

function causeRow({ category, cause, quantity, quantityPart, pricePart }: Sum) {
  return {
    category,
    cause,
    quantity: quantity === 0n ? null : Number(text(quantity)),
    quantity_usd: text(quantityPart),
    price_usd: text(pricePart),
    difference: text(quantityPart + pricePart),
  }
}

function lineRow(line: InvoiceResult['lines'][number]) {
  return {
    day: line.day,
    account: line.account,
    // A name that nobody knows is shown as the bill prints it.
    model: line.state === 'unmapped' || (line.model === '' && line.ledgerQuantity === null) ? line.label : line.model,
    kind: line.kind,
    conditions: [line.tier, line.geo].filter((each) => each !== '').join(' '),
    bill: line.billQuantity === null ? null : Number(text(line.billQuantity)),
    ledger: line.ledgerQuantity === null ? null : Number(text(line.ledgerQuantity)),
    bill_cost: text(line.billAmount),
    ledger_cost: text(line.ledgerAmount),
    difference: text(line.quantityPart + line.pricePart),
    state: line.state,
  }
}
