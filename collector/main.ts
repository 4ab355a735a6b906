// Composition root: builds the parts from the configuration, wires them by argument, stops them in order.
//
//   start   journal ─▶ engine or server ─▶ write side ─▶ admin, API, doors ─▶ own telemetry ─▶ the ready line
//   stop    the other way round: doors finish what is under way, last inserts, journal, engine

import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import { rateRows } from '../processors/currency-rates.ts'
import type { PriceBook } from '../processors/pricing/book.ts'
import { countAnswer, countKeys, keepAccounts, notReady } from './accounts.ts'
import { startAdmin } from './admin.ts'
import { startApi } from './api/server.ts'
import { type ClickHouse, connectClickHouse } from './clickhouse/client.ts'
import { EmbeddedClickHouse } from './clickhouse/embedded.ts'
import { type Config, clickHouseUrl, secretsOf } from './config.ts'
import { ConfigError } from './config-sources.ts'
import { type Endpoint, endpoint, formatEndpoint } from './config-values.ts'
import { loadCurrencyRates } from './currency-file.ts'
import { storeCurrencies } from './currency-store.ts'
import { Journal } from './journal/journal.ts'
import { Access } from './keys/access.ts'
import { KeyKeeper, WrongKeysFile } from './keys/keeper.ts'
import { createLog, type Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { Receiver, RequestHeaders } from './otlp/door.ts'
import { startOtlpGrpc } from './otlp/grpc.ts'
import { startOtlpHttp } from './otlp/http.ts'
import { InFlight } from './otlp/in-flight.ts'
import { Pipeline } from './pipeline.ts'
import { loadPriceBook } from './price-files.ts'
import { PriceKeeper, WrongPriceFile } from './prices/keeper.ts'
import { type Listening, readyLine, readyWords } from './ready-line.ts'
import { loadDialects } from './registry.ts'
import { makeSchemaCheck } from './schema-check.ts'
import { ScoreConfigKeeper, WrongConfigFile } from './score-configs/keeper.ts'
import { StoredBooks } from './stored-books.ts'
import { startTelemetry, type Telemetry } from './telemetry.ts'
import { loadTokenizers } from './tokenizer.ts'
import { version } from './version.ts'
import { startWriteSide } from './write-side.ts'

/**
 * How far the heap may grow between collections, in percent. Bodies arrive in 64 KiB buffers outside a heap of 25 MiB, and
 * V8 counts them against it: by its own choice it marks the heap anew for every 11 MiB received. See decision 12.
 */
const heapGrowingPercent = 300

/** Everybody is this project where no keys are given out. */
const project = (): string => 'default'

/** A part that runs, and how it is stopped; stopped in the reverse of the order they were started in. */
interface Part {
  readonly name: string
  readonly stop: () => Promise<void>
}

export interface Collector {
  readonly listening: Listening
  /** Stops everything in order; what was answered is in ClickHouse or in the journal. */
  stop(): Promise<void>
}

/** `spanledger serve`: runs until SIGTERM or SIGINT, then stops in order. Resolves with the exit code. */
export async function serve(config: Config, { isJson }: { readonly isJson: boolean }): Promise<number> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`)
  const log = createLog({ level: config.logLevel, secrets: secretsOf(config) })
  const signalled = new Promise<string>((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, done)
  })
  process.on('unhandledRejection', (error) => log.error('a rejected promise was not looked after: a bug', { error }))
  const collector = await startCollector(config, log)
  const { listening } = collector
  process.stdout.write(
    process.stdout.isTTY && !isJson
      ? readyWords(listening, { version, database: config.clickhouseDatabase, asksKeys: config.keysFile !== '' })
      : readyLine(listening),
  )
  log.info(`stopping on ${await signalled}`)
  await collector.stop()
  return 0
}

/** Starts all parts; rejects, with those started so far stopped again, when one cannot start. */
export async function startCollector(config: Config, log: Log): Promise<Collector> {
  // The library would print its own lines beside our log.
  setLogVerbosity(logVerbosity.NONE)
  const parts: Part[] = []
  const stop = async (): Promise<void> => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const { name } = part
      await part.stop().catch((error: unknown) => log.error(`${name} could not be stopped`, { error }))
    }
  }
  try {
    return { listening: await startParts(config, log, parts), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startParts(config: Config, log: Log, parts: Part[]): Promise<Listening> {
  let prices: PriceKeeper | undefined
  const metrics = createMetrics({
    version,
    priceBook: () => prices?.book.version ?? '',
    onError: (metric, error) => log.limited(metric, 'error', `metric ${metric} cannot be read`, { error }),
  })
  parts.push({ name: 'metrics', stop: async () => metrics.close() })
  const keys = await openKeys(config, log)
  if (keys !== undefined) parts.push({ name: 'keys', stop: () => keys.keeper.close() })
  countKeys(metrics, keys)
  const journal = await openJournal(config, log)
  parts.push({ name: 'journal', stop: () => journal.close() })
  const storedBooks = new StoredBooks(log)
  // The journal's lock holds for the whole data directory.
  const keeper = await openPrices(config, log, (book) => storedBooks.offer(book))
  prices = keeper
  parts.push({ name: 'own prices', stop: () => keeper.close() })
  metrics.priceBookReloadFailures.from(() => keeper.reloadFailures)
  metrics.priceBookStale.from(() => (keeper.findings.length === 0 ? 0 : 1))
  const scoreConfigs = await openScoreConfigs(config, log, metrics)
  parts.push({ name: 'score configurations', stop: () => scoreConfigs.close() })
  const engine = await startEngine(config, log)
  if (engine !== null) parts.push({ name: 'embedded engine', stop: () => engine.stop() })
  const url = engine?.httpUrl ?? clickHouseUrl(config)?.reveal() ?? ''
  const clickhouse = connectClickHouse({ url, database: config.clickhouseDatabase })
  parts.push({ name: 'ClickHouse client', stop: () => clickhouse.close() })

  const pipeline = new Pipeline({
    store: journal,
    dialects: await loadDialects(),
    book: () => keeper.book,
    settings: {
      keepContent: config.content === 'store',
      retentionDays: config.retentionDays,
      contentRetentionDays: config.contentRetentionDays,
      attributeMap: config.attributeMap,
    },
    ...(config.estimateUsage ? { tokenizerFor: await loadTokenizers() } : {}),
    reportedCostAsCharge: config.reportedCostAsCharge,
    automaticFeedback: {
      rules: config.automaticFeedback,
      outputTokensMax: config.answerTokensMax,
      checkSchema: makeSchemaCheck(),
      version,
    },
    judgeScore: (score) => scoreConfigs.judge(score),
    meter: {
      calls: (status, count) => metrics.calls.add(count, status),
      rejected: (count) => metrics.spansRefused.add(count, 'bad_request'),
      repeated: (count) => metrics.spansRepeated.add(count),
      automaticScore: (rule) => metrics.automaticScores.add(1, rule),
      scoresWaiting: () => writeSide.poke(),
    },
  })
  const appendScores: Pipeline['appendScores'] = (scores) => pipeline.appendScores(scores)
  // Known only once everything listens, because it must not be one of the listeners.
  let telemetry: Telemetry | undefined
  const writeSide = startWriteSide({
    config,
    url,
    isEmbedded: engine !== null,
    journal,
    clickhouse,
    storedBooks,
    version,
    appendScores,
    around: (request, insert) =>
      telemetry === undefined
        ? insert()
        : telemetry.trace('insert', { table: request.table, rows: request.rows }, insert),
    onInsert: ({ ms }) => metrics.insertSeconds.observe(ms / 1000),
    book: () => keeper.book,
    onSettled: (changes) => metrics.corrections.add(changes),
    onDifference: (usd) => metrics.ledgerDifferenceUsd.set(usd),
    log,
  })
  parts.push({ name: 'write side', stop: () => writeSide.stop() })
  keepAccounts(metrics, { journal, writerStats: () => writeSide.stats(), rejectedSpans: () => pipeline.rejectedSpans })
  if (engine !== null) await writeSide.schema
  const followed = scoreConfigs.follow(clickhouse, writeSide.schema)
  // It looks no more before the database goes.
  parts.push({ name: 'score configurations of the database', stop: () => scoreConfigs.close() })
  // No score is taken before it is known what it may be, where that can be known.
  if (engine !== null) await followed
  void loadCurrencies(config, { clickhouse, schema: writeSide.schema, log })

  const admin = await startAdmin({
    endpoint: config.adminEndpoint,
    metrics,
    ready: () => ({
      reasons: notReady(journal),
      notices: [...keeper.notices(), ...scoreConfigs.notices(), ...(keys?.keeper.notices() ?? [])],
    }),
  })
  parts.push({ name: 'admin', stop: () => admin.close() })
  // The door over HTTP, once it listens.
  let otlpHttp = ''
  const api = await startApi({
    endpoint: config.apiEndpoint,
    clickhouse,
    stream: clickhouse.stream,
    command: clickhouse.command,
    appendScores,
    otlpEndpoint: () => otlpHttp,
    corsOrigins: config.apiCorsOrigins,
    trustedProxies: config.trustedProxies,
    prices: keeper,
    scoreConfigs,
    project,
    ...(keys === undefined ? {} : { keys: keys.access }),
    log,
    version,
    meter: {
      answered: ({ refusal }) => (refusal === undefined ? undefined : metrics.requestsRefused.add(1, 'api', refusal)),
    },
  })
  parts.push({ name: 'API', stop: () => api.close() })

  const inFlight = new InFlight(config.inflightBytesMax)
  metrics.inflightBytes.from(() => inFlight.bytes)
  const receiver = traced(pipeline, () => telemetry)
  const limits = { bodyBytesMax: config.requestBytesMax, inFlightBytesMax: config.inflightBytesMax }
  const door = {
    receiver,
    project: keys === undefined ? project : keys.projectOf,
    asksKeys: keys !== undefined,
    limits,
    inFlight,
    meter: { answered: countAnswer.bind(undefined, metrics) },
  }
  const http = await startOtlpHttp({
    ...door,
    endpoint: formatEndpoint(config.otlpHttpEndpoint),
    corsOrigins: config.otlpCorsOrigins,
  })
  otlpHttp = http.endpoint
  parts.push({ name: 'OTLP over HTTP', stop: () => http.close(config.shutdownGraceMs) })
  const grpc = await startOtlpGrpc({ ...door, endpoint: formatEndpoint(config.otlpGrpcEndpoint) })
  parts.push({ name: 'OTLP over gRPC', stop: () => grpc.close(config.shutdownGraceMs) })

  const listening: Listening = {
    otlpGrpc: parsed(grpc.endpoint),
    otlpHttp: parsed(http.endpoint),
    api: api.endpoint,
    admin: admin.endpoint,
    clickhouseHttp: addressOf(url),
    ...(engine === null ? {} : { clickhouseNative: parsed(engine.nativeEndpoint) }),
  }
  const listeners = [listening.otlpGrpc, listening.otlpHttp, listening.api, listening.admin]
  telemetry = await startTelemetry({
    endpoint: config.telemetryOtlpEndpoint,
    sampleRatio: config.telemetrySampleRatio,
    listeners,
    version,
    log,
  })
  parts.push({ name: 'own telemetry', stop: () => telemetry!.close() })
  return listening
}

async function startEngine(config: Config, log: Log): Promise<EmbeddedClickHouse | null> {
  if (config.clickhouseUrl !== null) return null
  return EmbeddedClickHouse.start({
    dataDir: resolve(config.dataDir, 'engine'),
    httpEndpoint: formatEndpoint(config.embeddedHttpEndpoint),
    nativeEndpoint: formatEndpoint(config.embeddedNativeEndpoint),
    memoryBytesMax: config.embeddedMemoryBytesMax,
    log: (event, detail) =>
      log.limited(event, event === 'engine_restarted' ? 'info' : 'error', event.replaceAll('_', ' '), { detail }),
  })
}

/** A file that is wrong at the very first start is wrong configuration; later the last good one stays in use. */
async function openPrices(config: Config, log: Log, onBook: (book: PriceBook) => void): Promise<PriceKeeper> {
  try {
    return await PriceKeeper.open({
      catalogue: loadPriceBook(),
      file: config.pricesFile,
      dataDir: config.dataDir,
      log,
      onBook,
    })
  } catch (error) {
    if (!(error instanceof WrongPriceFile)) throw error
    for (const finding of error.findings) log.error(finding)
    throw new ConfigError(
      `prices_file ${config.pricesFile} has ${error.findings.length} findings: ${error.findings[0]}; spanledger check-config lists them all`,
    )
  }
}

async function openScoreConfigs(config: Config, log: Log, metrics: Metrics): Promise<ScoreConfigKeeper> {
  const file = config.scoreConfigsFile
  try {
    const keeper = await ScoreConfigKeeper.open({
      file,
      dataDir: config.dataDir,
      log,
      meter: {
        refused: (violation) => metrics.scoresRefused.add(1, violation),
        flagged: (violation) => metrics.scoresFlagged.add(1, violation),
      },
    })
    metrics.scoreConfigReloadFailures.from(() => keeper.reloadFailures)
    metrics.scoreConfigsStale.from(() => (keeper.findings.length === 0 ? 0 : 1))
    return keeper
  } catch (error) {
    if (!(error instanceof WrongConfigFile)) throw error
    for (const finding of error.findings) log.error(finding)
    throw new ConfigError(
      `score_configs_file ${file} has ${error.findings.length} findings: ${error.findings[0]}; spanledger check-config lists them all`,
    )
  }
}

interface Keys {
  readonly keeper: KeyKeeper
  readonly access: Access
  /** For the doors of OTLP. Throws Refusal. */
  readonly projectOf: (headers: RequestHeaders, address: string) => string
}

/** Undefined without a file: nobody has to show a key. A file that is wrong at the start is wrong configuration. */
async function openKeys(config: Config, log: Log): Promise<Keys | undefined> {
  if (config.keysFile === '') return undefined
  try {
    const keeper = await KeyKeeper.open({ file: config.keysFile, log })
    const access = new Access({ entries: () => keeper.entries })
    const projectOf: Keys['projectOf'] = (headers, address) =>
      access.admit({ headers, address, need: 'ingest' }).project
    if (keeper.entries.size === 0) log.warn('keys_file has no keys: every request will be refused')
    return { keeper, access, projectOf }
  } catch (error) {
    if (!(error instanceof WrongKeysFile)) throw error
    for (const finding of error.findings) log.error(finding)
    throw new ConfigError(
      `keys_file ${config.keysFile} has ${error.findings.length} findings: ${error.findings[0]}; spanledger keys check lists them all`,
    )
  }
}

/** Rates that are wrong stop nothing: those of the last start stay in use. */
async function loadCurrencies(
  config: Config,
  { clickhouse, schema, log }: { clickhouse: ClickHouse; schema: Promise<void>; log: Log },
): Promise<void> {
  const read =
    config.currencyRatesFile === '' ? { rates: [], findings: [] } : loadCurrencyRates(config.currencyRatesFile)
  for (const finding of read.findings) log.error(`currency_rates_file: ${finding}`)
  try {
    await schema
    await storeCurrencies(clickhouse, {
      rates: read.findings.length > 0 ? [] : rateRows(read.rates, config.reportingCurrency),
      reportingCurrency: config.reportingCurrency,
      nowMs: Date.now(),
    })
  } catch (error) {
    log.error('exchange rates could not be stored: those of the last start stay in use', { error })
  }
}

function openJournal(config: Config, log: Log): Promise<Journal> {
  return Journal.open({
    directory: resolve(config.dataDir, 'journal'),
    segmentRows: config.journalSegmentRows,
    backlogRows: config.journalBacklogRows,
    segmentBytes: config.journalSegmentBytes,
    segmentAgeMs: config.journalSegmentAgeMs,
    ...(config.journalBytesMax === null ? {} : { bytesMax: config.journalBytesMax }),
    reserveBytes: config.journalReserveBytes,
    onProblem: (problem) =>
      log.limited(`journal ${problem.kind}`, 'error', `journal: ${problem.kind.replaceAll('_', ' ')}`, { ...problem }),
  })
}

/** The receiver with a span around each request, unless the request brings our own spans back. */
function traced(receiver: Receiver, telemetry: () => Telemetry | undefined): Receiver {
  const around =
    (signal: 'traces' | 'logs'): Receiver['traces'] =>
    (body, owner) => {
      const own = telemetry()
      if (own === undefined || own.holdsOwnTelemetry(body)) return receiver[signal](body, owner)
      return own.trace('receive', { signal, bytes: body.length }, () => receiver[signal](body, owner))
    }
  return { traces: around('traces'), logs: around('logs') }
}

function parsed(text: string): Endpoint {
  const found = endpoint.parse(text)
  if (found === undefined) throw new Error(`"${text}" is no address`)
  return found
}

function addressOf(url: string): Endpoint {
  const { hostname, port, protocol } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) }
}
