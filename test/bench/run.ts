// The benchmarks of docs/benchmarks.md, as ratios measured in one run: `npm run bench [-- --quick] [-- --only PART]`.
// Collector, engine and generator are processes of their own; CPU is counted over all threads of the collector from the
// first send until the rows are countable. Each collector is measured twice: right after its start, while V8 still compiles,
// and warm. The straightforward collector takes turns with ours in the same run, and is given the same two runs.
// Estimate: 5 µs a span for the columns, 3 µs for receiving, journal and insert at 600 bytes a row: 100–120k spans a CPU-second.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startTestEngine } from '../engine.ts'
import { measureCore } from './core.ts'
import { measureFeedback } from './feedback.ts'
import { makeTemplates, type PayloadName, stamp } from './payload.ts'
import { measurePricing } from './pricing.ts'
import { cpuSeconds, type Running, residentMiB, run, start } from './processes.ts'
import { shareOf } from './profile.ts'
import { measureQuality } from './quality.ts'
import { measureSettling } from './settling.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})
const scale = options.quick ? 0.2 : 1
const here = import.meta.dirname
const rounds = options.quick ? 1 : 3
const limitMs = 120_000

interface Load {
  readonly acknowledged: number
  readonly refused: number
  readonly seconds: number
  readonly ackMs: { readonly p50: number; readonly p99: number }
}

interface Shape {
  readonly name: string
  readonly payload: PayloadName
  readonly perRequest: number
  readonly protocol: 'http' | 'grpc'
  readonly spans: number
}

interface Figure {
  readonly spansPerCpuSecond: number
  readonly rowsPerSecond: number
  readonly engineCpuPerMillion: number
  readonly peakMiB: number
  readonly ackMs: Load['ackMs']
}

const shapes: readonly Shape[] = [
  { name: 'S, 500 a request, HTTP', payload: 'S', perRequest: 500, protocol: 'http', spans: 200_000 },
  { name: 'C, 500 a request, HTTP', payload: 'C', perRequest: 500, protocol: 'http', spans: 60_000 },
  { name: 'S, 20 a request, HTTP', payload: 'S', perRequest: 20, protocol: 'http', spans: 100_000 },
  { name: 'S, 500 a request, gRPC', payload: 'S', perRequest: 500, protocol: 'grpc', spans: 200_000 },
]

const parts = ['core', 'pricing', 'collector', 'feedback', 'settling', 'quality'] as const
const isAsked = (part: (typeof parts)[number]): boolean => options.only === '' || options.only === part
if (options.only !== '' && !(parts as readonly string[]).includes(options.only))
  throw new Error(`--only ${options.only}: there is ${parts.join(', ')}`)
if (options.only === 'quality') {
  // Half an hour and two gigabytes of rows: only when asked for.
  await quality()
  process.exit(0)
}
if (isAsked('pricing')) pricing()
if (isAsked('core')) core()
const engine = await startTestEngine()
let runs = 0
try {
  if (isAsked('collector')) {
    await compare()
    await idleAndHalfLoad()
  }
  if (isAsked('feedback')) await feedback()
  if (isAsked('pricing')) await pricingShare()
  if (isAsked('settling')) await settling()
} finally {
  await engine.stop()
}
process.exit(0)

function pricing(): void {
  console.log('\nPricing: a mix of models, conditions and usage, resolved as the ledger does it; CPU of this thread')
  const { rowsPerSecond, range, questions, foreignPerSecond, ratio } = measurePricing(rounds + 2)
  const millions = (rate: number): string => (rate / 1e6).toFixed(2)
  console.log(
    `  ${millions(rowsPerSecond)} million/s (${millions(range[0])} to ${millions(range[1])}), ${questions} questions; genai-prices calcPrice ${(foreignPerSecond / 1e3).toFixed(1)} thousand/s, ratio ${ratio.toFixed(0)}`,
  )
}

async function feedback(): Promise<void> {
  console.log('\nFeedback: one piece a request, each answered when it is on disk')
  const { postsPerCpuSecond, postsPerSecond, halfLoad, visibleMs } = await withCollector((collector) =>
    measureFeedback(engine, collector, Math.round(30_000 * scale)),
  )
  console.log(
    `  ${Math.round(postsPerCpuSecond)} posts a CPU-second, ${Math.round(postsPerSecond)}/s; at ${halfLoad.rate}/s ack p50 ${halfLoad.ackMs.p50} ms, p99 ${halfLoad.ackMs.p99} ms; post to query ${visibleMs.map((ms) => Math.round(ms)).join(', ')} ms`,
  )
}

async function quality(): Promise<void> {
  console.log(
    '\nQuality by model over 30 days, and the feedback of one trace: least and median of five, CPU-seconds of the engine',
  )
  for await (const { calls, scores, byModel, trace, different } of measureQuality({
    calls: 2e7 * scale,
    scores: 1e6 * scale,
  })) {
    const shown = ({ ms, cpuSeconds }: typeof trace): string =>
      `${ms.map((each) => Math.round(each)).join(' / ')} ms, ${cpuSeconds.toFixed(2)} CPU-s`
    console.log(
      `  ${calls / 1e6} million calls, ${scores / 1e3} thousand scores: by model ${shown(byModel)}; one trace ${shown(trace)}; lines that differ from a plain recomputation: ${different}`,
    )
  }
}

async function settling(): Promise<void> {
  const { changesPerSecond } = await measureSettling(engine, Math.round(10_000 * scale))
  console.log(`\nSettling: calls told twice, put right: ${Math.round(changesPerSecond)}/s`)
}

function core(): void {
  console.log('\nColumns on one thread, microseconds a span')
  for (const payload of ['S', 'C'] as const) {
    const { spansPerSecond, microseconds, bytesPerSpan } = measureCore(payload, Math.round(300 * scale))
    console.log(`  ${payload}: ${spansPerSecond} spans/s, ${bytesPerSpan} B a span`, microseconds)
  }
}

async function compare(): Promise<void> {
  console.log('\nEnd to end: durable, priced, inserted; spans per CPU-second of the collector, median of %d', rounds)
  for (const shape of shapes) {
    const ours: Pair[] = []
    const plain: Pair[] = []
    for (let round = 0; round < rounds; round++) {
      const door = shape.protocol === 'grpc' ? 'otlp_grpc' : 'otlp_http'
      ours.push(await withCollector((collector) => measurePair(collector, collector.ready[door]!, shape)))
      if (shape.protocol === 'grpc') continue
      const fewer = { ...shape, spans: shape.spans / 4 }
      plain.push(await withStraightforward((collector) => measurePair(collector, collector.ready['otlp_http']!, fewer)))
    }
    print(shape.name, ours, plain)
  }
}

interface Pair {
  readonly cold: Figure
  readonly warm: Figure
}

async function measurePair(collector: Running, endpoint: string, shape: Shape): Promise<Pair> {
  const cold = await measure(collector, endpoint, shape)
  return { cold, warm: await measure(collector, endpoint, shape) }
}

function print(name: string, ours: readonly Pair[], plain: readonly Pair[]): void {
  const median = (numbers: readonly number[]): number =>
    numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
  const speed = (pairs: readonly Pair[], when: keyof Pair): number =>
    median(pairs.map((pair) => pair[when].spansPerCpuSecond))
  const of = (read: (figure: Figure) => number): number => median(ours.map(({ warm }) => read(warm)))
  const versus = (when: keyof Pair): string =>
    plain.length === 0
      ? ''
      : ` (straightforward ${Math.round(speed(plain, when))}, ratio ${(speed(ours, when) / speed(plain, when)).toFixed(1)})`
  console.log(
    `  ${name}: cold ${Math.round(speed(ours, 'cold'))}${versus('cold')}, warm ${Math.round(speed(ours, 'warm'))}${versus('warm')}`,
  )
  console.log(
    `    rows/s ${Math.round(of((f) => f.rowsPerSecond))}, engine CPU-s per million ${of((f) => f.engineCpuPerMillion).toFixed(1)}, peak RSS ${Math.round(of((f) => f.peakMiB))} MiB, ack p50/p99 ${of((f) => f.ackMs.p50)}/${of((f) => f.ackMs.p99)} ms at full load`,
  )
}

async function idleAndHalfLoad(): Promise<void> {
  console.log('\nIdle and at half load (S, 500 a request, HTTP)')
  await withCollector(async (collector) => {
    const idle = residentMiB(collector.pid)
    const shape = shapes[0]!
    const full = await measure(collector, collector.ready['otlp_http']!, { ...shape, spans: shape.spans * scale })
    const rate = Math.round(full.rowsPerSecond / 2)
    const half = await load(
      collector.ready['otlp_http']!,
      { ...shape, spans: Math.max(20_000, rate * 10 * scale) },
      rate,
    )
    const seen = await spanToRow(collector.ready['otlp_http']!)
    console.log(
      `  RSS idle ${Math.round(idle)} MiB; at ${rate} spans/s ack p50 ${half.ackMs.p50} ms, p99 ${half.ackMs.p99} ms; span to row ${seen.map((ms) => Math.round(ms)).join(', ')} ms`,
    )
  })
}

/** Of the main thread, which is most of the collector's CPU: of all of it the share is smaller. */
async function pricingShare(): Promise<void> {
  const profiles = mkdtempSync(join(tmpdir(), 'spanledger-bench-profile-'))
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
    await withCollector((collector) => measurePair(collector, collector.ready['otlp_http']!, shapes[0]!), flags)
    const { busySeconds, percent } = shareOf(profiles, { ledger: 'ledger.ts:run', charge: 'charge.ts:run' })
    const { ledger = Number.NaN, charge = Number.NaN } = percent
    console.log(
      `\nPricing in a profile of the collector (${shapes[0]!.name}): ledger ${ledger.toFixed(1)} %, charge ${charge.toFixed(1)} %, together ${(ledger + charge).toFixed(1)} % of ${busySeconds.toFixed(1)} busy seconds`,
    )
  } finally {
    rmSync(profiles, { recursive: true, force: true })
  }
}

async function measure(collector: Running, endpoint: string, shape: Shape): Promise<Figure> {
  const before = await countRows()
  const cpu = cpuSeconds(collector.pid)
  const engineCpu = cpuSeconds(engine.pid)
  const startedAt = performance.now()
  let peakMiB = 0
  const watch = setInterval(() => (peakMiB = Math.max(peakMiB, residentMiB(collector.pid))), 200)
  const sent = await load(endpoint, { ...shape, spans: shape.spans * scale }, 0)
  await until(async () => (await countRows()) - before >= sent.acknowledged)
  clearInterval(watch)
  const rows = (await countRows()) - before
  if (rows !== sent.acknowledged || sent.refused > 0)
    throw new Error(`${rows} rows for ${sent.acknowledged} acknowledged, ${sent.refused} refused`)
  return {
    spansPerCpuSecond: rows / (cpuSeconds(collector.pid) - cpu),
    rowsPerSecond: (rows / (performance.now() - startedAt)) * 1000,
    engineCpuPerMillion: ((cpuSeconds(engine.pid) - engineCpu) / rows) * 1e6,
    peakMiB,
    ackMs: sent.ackMs,
  }
}

function load(endpoint: string, shape: Shape, rate: number): Promise<Load> {
  const args = {
    endpoint,
    protocol: shape.protocol,
    payload: shape.payload,
    spans: Math.round(shape.spans),
    'per-request': shape.perRequest,
    rate,
    run: ++runs,
    connections: rate > 0 ? 8 : 4,
  }
  return run<Load>([join(here, 'generator.ts'), ...Object.entries(args).map(([name, value]) => `--${name}=${value}`)])
}

/** Milliseconds from sending five spans alone until `llm_calls` has them. */
async function spanToRow(endpoint: string): Promise<number[]> {
  const [template] = makeTemplates({ payload: 'S', perRequest: 5, count: 1 })
  const taken: number[] = []
  for (let n = 0; n < 3; n++) {
    const body = Buffer.alloc(template!.body.length)
    const length = stamp(template!, body, 0, ++runs)
    const before = await countRows('llm_calls')
    const from = performance.now()
    const answer = await fetch(`http://${endpoint}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: body.subarray(0, length),
    })
    if (answer.status !== 200) throw new Error(`refused with ${answer.status}`)
    await until(async () => (await countRows('llm_calls')) > before)
    taken.push(performance.now() - from)
  }
  return taken
}

async function countRows(from: 'spans' | 'llm_calls' = 'spans'): Promise<number> {
  const [row] = await engine.clickhouse.query<{ rows: string }>(`SELECT count() AS rows FROM ${from}`)
  return Number(row?.rows)
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('rows did not arrive')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function withCollector<T>(use: (collector: Running) => Promise<T>, flags: readonly string[] = []): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'spanledger-bench-'))
  const collector = await start([...flags, join(here, '../../collector/cli.ts'), 'serve'], {
    SPANLEDGER_DATA_DIR: data,
    SPANLEDGER_CLICKHOUSE_URL: engine.url,
    SPANLEDGER_CLICKHOUSE_DATABASE: engine.database,
    SPANLEDGER_OTLP_HTTP_ENDPOINT: '127.0.0.1:0',
    SPANLEDGER_OTLP_GRPC_ENDPOINT: '127.0.0.1:0',
    SPANLEDGER_API_ENDPOINT: '127.0.0.1:0',
    SPANLEDGER_ADMIN_ENDPOINT: '127.0.0.1:0',
  })
  try {
    return await use(collector)
  } finally {
    await collector.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

async function withStraightforward<T>(use: (collector: Running) => Promise<T>): Promise<T> {
  const collector = await start([join(here, 'straightforward.ts'), engine.url, engine.database])
  try {
    return await use(collector)
  } finally {
    await collector.stop()
  }
}
