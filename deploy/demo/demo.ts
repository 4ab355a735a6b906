// `npm run demo`: a pretended provider, an application with real clients and instrumentations, and the collector between the
// application and ClickHouse. Prints what the ledger says and holds it to what the provider billed, to the last digit.

import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { formatPicoUsd } from '../../schemas/money.ts'
import type { ApplicationReport } from './application.ts'
import type { CollectorEndpoints } from './collector-process.ts'
import { CollectorProcess, findRunningCollector } from './collector-process.ts'
import type { Comparison } from './comparison.ts'
import { compare } from './comparison.ts'
import type { FakeProvider } from './fake-provider.ts'
import { startFakeProvider } from './fake-provider.ts'
import type { InvoiceLine } from './invoice.ts'
import type { LedgerCall, LedgerScore } from './ledger.ts'
import { LedgerReader } from './ledger.ts'
import { callsTable, scoresTable, totalsTable } from './tables.ts'

export interface DemoOptions extends CollectorEndpoints {
  /** Takes the demo's text, a paragraph at a time. */
  readonly print: (text: string) => void
  /** Adds a stream whose instrumentation reports no usage: billed, and of unknown cost in the ledger. */
  readonly withUnreported?: boolean
}

export interface DemoResult {
  readonly invoice: readonly InvoiceLine[]
  readonly report: ApplicationReport
  readonly calls: readonly LedgerCall[]
  readonly scores: readonly LedgerScore[]
  readonly comparison: Comparison
}

const applicationTimeoutMs = 60_000
const ledgerTimeoutMs = 60_000
const pollIntervalMs = 100

/**
 * Sends the demo's traffic and feedback to a collector and compares its ledger with the provider's invoice.
 * Resolves also when they differ: see `comparison.isEqual`. Rejects when something could not run.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const run = randomBytes(4).toString('hex')
  const provider = await startFakeProvider(run)
  const ledger = new LedgerReader({ url: options.clickhouseHttp, database: options.database, run })
  try {
    options.print(
      'An application asks OpenAI and Anthropic (both pretended) through their official clients, and gives feedback…',
    )
    const report = await runApplication(options, provider, run)
    const { calls, scores } = await readWhenThere(ledger, provider.invoice, report)
    const unreported = report.workflows.filter(({ isUsageReported }) => !isUsageReported).map(({ traceId }) => traceId)
    const comparison = compare(provider.invoice, calls, new Set(unreported))
    printResult(options, { report, calls, scores, comparison })
    return { invoice: provider.invoice, report, calls, scores, comparison }
  } finally {
    await ledger.close()
    await provider.close()
  }
}

/** Runs the application to its end, configured as any application is: by the environment variables of its libraries. */
async function runApplication(
  { otlpHttp, api, withUnreported = false }: DemoOptions,
  provider: FakeProvider,
  run: string,
): Promise<ApplicationReport> {
  const own = Object.entries(process.env).filter(([name]) => !/^(OTEL|OPENAI|ANTHROPIC)_/.test(name))
  const child = fork(fileURLToPath(new URL('./application.ts', import.meta.url)), {
    execArgv: [],
    env: {
      ...Object.fromEntries(own),
      OPENAI_BASE_URL: provider.openaiUrl,
      OPENAI_API_KEY: 'not-a-key',
      ANTHROPIC_BASE_URL: provider.anthropicUrl,
      ANTHROPIC_API_KEY: 'not-a-key',
      OTEL_EXPORTER_OTLP_ENDPOINT: otlpHttp,
      OTEL_SERVICE_NAME: 'support-desk',
      OTEL_RESOURCE_ATTRIBUTES: `service.instance.id=${run},deployment.environment.name=demo`,
      SPANLEDGER_API_URL: api,
      DEMO_WITH_UNREPORTED: String(withUnreported),
    },
  })
  let report: ApplicationReport | undefined
  child.on('message', (message) => {
    report = message as ApplicationReport
  })
  const killer = setTimeout(() => child.kill('SIGKILL'), applicationTimeoutMs)
  // The channel closes after its last message; the exit alone may come before it.
  await Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  clearTimeout(killer)
  if (child.exitCode !== 0 || report === undefined)
    throw new Error(`the demo's application ended with ${child.exitCode ?? child.signalCode} and no report`)
  return report
}

/** Asks ClickHouse until every call and every score is there and resolved, or time is up; then takes what there is. */
async function readWhenThere(ledger: LedgerReader, invoice: readonly InvoiceLine[], report: ApplicationReport) {
  const judged = {
    traces: report.workflows.map(({ traceId }) => traceId),
    responses: invoice.flatMap(({ responseId }) => responseId ?? []),
  }
  const callsExpected = invoice.length + report.workflows.filter(({ outcome }) => outcome === 'failed').length
  const deadline = Date.now() + ledgerTimeoutMs
  for (;;) {
    const calls = await ledger.calls()
    const scores = await ledger.scores(judged)
    const resolved = scores.filter(({ isResolved }) => isResolved).length
    const isThere = calls.length >= callsExpected && resolved >= report.scores.length
    if (isThere || Date.now() > deadline) return { calls, scores }
    await sleep(pollIntervalMs)
  }
}

function printResult(
  { print: say }: DemoOptions,
  { report, calls, scores, comparison }: Omit<DemoResult, 'invoice'>,
): void {
  const workflows = new Map(report.workflows.map(({ traceId, name }) => [traceId, name]))
  say(`Calls, read back from ClickHouse\n${callsTable(calls, workflows)}`)
  say(`Scores, each with the call it judges\n${scoresTable(scores)}`)
  say(`What the provider billed and what the ledger says\n${totalsTable(comparison)}`)
  say(conclusion(comparison))
}

/** What to type to see the same and more. */
function whereToLook({ clickhouseHttp, database, api }: CollectorEndpoints): string {
  const clickhouse = new URL('/', clickhouseHttp)
  clickhouse.username = ''
  clickhouse.password = ''
  const calls = `SELECT start_time, provider, model, input_tokens, output_tokens, total_cost, cost_status FROM ${database}.llm_calls ORDER BY start_time DESC LIMIT 50`
  const models = `SELECT model, count(), sum(total_cost) FROM ${database}.llm_calls GROUP BY model FORMAT PrettyCompact`
  return [
    'Where to look',
    `  in a browser   ${clickhouse}play#${Buffer.from(calls).toString('base64')}`,
    `  by SQL         curl -s ${clickhouse} -d '${models}'`,
    `  by HTTP        curl -s ${api}/api/feedback/quality/models`,
  ].join('\n')
}

function conclusion({ lines, isEqual, invoicePicoUsd, ledgerPicoUsd, unknownPicoUsd }: Comparison): string {
  const unknown = lines.filter(({ kind }) => kind === 'unknown').length
  if (!isEqual) {
    const odd = lines.filter(({ kind }) => kind === 'different' || kind === 'missing' || kind === 'extra')
    const words = odd.map((line) => `  ${line.kind}: ${describe(line)}`)
    const gap = formatPicoUsd(invoicePicoUsd - unknownPicoUsd - ledgerPicoUsd)
    return [`NOT EQUAL: invoice less ledger is ${gap} USD`, ...words].join('\n')
  }
  const rest =
    unknown === 0
      ? ''
      : ` The provider billed ${formatPicoUsd(unknownPicoUsd)} USD more for ${unknown} call whose instrumentation reports no usage: the ledger lists it as unpriced, not as 0.`
  return `Equal to the last digit: ${formatPicoUsd(ledgerPicoUsd)} USD in the ledger, the same on the invoice.${rest}`
}

function describe(compared: Comparison['lines'][number]): string {
  const billed =
    'line' in compared
      ? `billed ${compared.line.responseId ?? compared.line.endpoint} ${formatPicoUsd(compared.line.picoUsd)} ${JSON.stringify(compared.line.usage)}`
      : 'not billed'
  const counted =
    'call' in compared
      ? `ledger ${compared.call.spanId} ${compared.call.costStatus} ${compared.call.picoUsd === null ? 'null' : formatPicoUsd(compared.call.picoUsd)} ${JSON.stringify(compared.call.usage)}`
      : 'not in the ledger'
  return `${billed}; ${counted}`
}

/** Exit codes as everywhere in the project: 0 done, 1 a difference found, 3 could not run. */
async function main(): Promise<number> {
  const say = (text: string) => console.log(`\n${text}`)
  const withUnreported = process.argv.includes('--with-unreported')
  const running = await findRunningCollector()
  if (running !== undefined) {
    const { comparison } = await runDemo({ ...running, print: say, withUnreported })
    say(whereToLook(running))
    return comparison.isEqual ? 0 : 1
  }
  console.log('No collector is running here: starting one on free ports, with its data in a temporary directory.')
  const dataDir = await mkdtemp(join(tmpdir(), 'spanledger-demo-'))
  try {
    const collector = await CollectorProcess.start(dataDir)
    // A terminal's Ctrl-C reaches the collector too; any other signal is passed on.
    process.on('SIGINT', () => (process.stdin.isTTY ? undefined : collector.stop()))
    process.on('SIGTERM', () => collector.stop())
    try {
      const { comparison } = await runDemo({ ...collector.endpoints, print: say, withUnreported })
      if (process.stdin.isTTY && process.stdout.isTTY) {
        say(whereToLook(collector.endpoints))
        say('The collector goes on running. Ctrl-C stops it and removes its data.')
        await collector.exited()
      } else say('To look around, leave `npm start` running and run the demo again: it then uses that collector.')
      return comparison.isEqual ? 0 : 1
    } finally {
      await collector.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

if (import.meta.main)
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    return 3
  })
