// The collector's own traces: one span for each request received and each insert, by OTLP to somewhere else. Off unless an
// endpoint is set, and then the SDK is not even loaded. It cannot feed back into itself: an endpoint that is one of its own
// listeners is refused, exporting is not traced, and what comes back by a detour is known by its service.instance.id.

import { randomUUID } from 'node:crypto'
import { type Attributes, context, DiagLogLevel, diag, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { ConfigError } from './config-sources.ts'
import { type Endpoint, formatEndpoint } from './config-values.ts'
import type { Log } from './log.ts'
import { ownListener } from './own-listeners.ts'

export interface TelemetryOptions {
  /** Base address, `/v1/traces` is added; empty is off. */
  readonly endpoint: string
  /** Share of traces that is sent, 0..1. */
  readonly sampleRatio: number
  /** Everything this process listens on, ports resolved. */
  readonly listeners: readonly Endpoint[]
  readonly version: string
  readonly log: Pick<Log, 'limited'>
}

/** A span under way. Attributes tell sizes, counts and reasons, never content. */
export interface OwnSpan {
  set(name: string, value: string | number | boolean): void
}

export interface Telemetry {
  /** Runs `work` as a span; what it throws is noted by kind and thrown on. */
  trace<T>(name: 'receive' | 'insert', attributes: Attributes, work: (span: OwnSpan) => Promise<T>): Promise<T>
  /** Whether spans of this resource are our own, come back by a detour: the receiver leaves them out. */
  isOwnTelemetry(serviceInstanceId: string): boolean
  /** Whether an export request, as protobuf or JSON, holds such spans; such a request is not traced again. */
  holdsOwnTelemetry(body: Uint8Array): boolean
  /** Sends what is left, for two seconds at most; may come twice. */
  close(): Promise<void>
}

const closeMs = 2000

/** Resolves at once when off. Throws ConfigError when the endpoint is one of our own listeners. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (options.endpoint === '') return off
  const own = await ownListener(options.endpoint, options.listeners)
  if (own !== undefined) {
    throw new ConfigError(
      `telemetry_otlp_endpoint ${options.endpoint} is this collector's own listener ${formatEndpoint(own)}: every trace would cause the next; name another collector or leave it empty`,
    )
  }
  const instanceId = randomUUID()
  const stop = await startSdk(options, instanceId)
  const needle = Buffer.from(instanceId)
  let closing: Promise<void> | undefined
  return {
    trace: traced(options.version),
    isOwnTelemetry: (serviceInstanceId) => serviceInstanceId === instanceId,
    holdsOwnTelemetry: (body) => Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(needle),
    close: () => (closing ??= stop()),
  }
}

const offSpan: OwnSpan = { set: () => undefined }

const off: Telemetry = {
  trace: (_name, _attributes, work) => work(offSpan),
  isOwnTelemetry: () => false,
  holdsOwnTelemetry: () => false,
  close: () => Promise.resolve(),
}

/** Loads the SDK and sends traces alone: without being told, it would send metrics and logs to port 4318, that is to us. */
async function startSdk(
  { endpoint, sampleRatio, version, log }: TelemetryOptions,
  instanceId: string,
): Promise<() => Promise<void>> {
  const [{ NodeSDK }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const attributes = { 'service.name': 'spanledger', 'service.version': version, 'service.instance.id': instanceId }
  const sdk = new NodeSDK({
    resourceDetectors: [{ detect: () => ({ attributes }) }],
    traceExporter: new OTLPTraceExporter({ url: tracesUrl(endpoint) }),
    sampler: {
      shouldSample: () => ({ decision: Math.random() < sampleRatio ? 2 : 0 }), // RECORD_AND_SAMPLED or NOT_RECORD
      toString: () => `ratio of roots: ${sampleRatio}`,
    },
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  })
  const tell = (message: string, ...more: unknown[]): void => {
    log.limited('telemetry', 'warn', 'own traces are not sent', { endpoint, problem: message, more })
  }
  const ignore = (): void => undefined
  diag.setLogger(
    { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  sdk.start()
  return async () => {
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, closeMs, 'late').unref())
    const sent = sdk.shutdown().catch((error: unknown) => tell(String(error)))
    if ((await Promise.race([sent, late])) === 'late')
      tell(`no answer in ${closeMs} ms at the stop, the last ones are lost`)
    trace.disable()
    context.disable()
    diag.disable()
  }
}

/** As OTEL_EXPORTER_OTLP_ENDPOINT: a base to which the path of the signal is added. */
function tracesUrl(endpoint: string): string {
  const base = endpoint.replace(/\/+$/, '')
  return base.endsWith('/v1/traces') ? base : `${base}/v1/traces`
}

const kinds = { receive: SpanKind.SERVER, insert: SpanKind.CLIENT } as const

function traced(version: string): Telemetry['trace'] {
  const tracer = trace.getTracer('spanledger', version)
  return async (name, attributes, work) => {
    // A root each: the trace of a sender is the sender's.
    const span = tracer.startSpan(name, { kind: kinds[name], attributes, root: true })
    try {
      return await work({ set: (key, value) => span.setAttribute(key, value) })
    } catch (error) {
      span.setAttribute('error.type', errorType(error))
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }
}

/** One word, no message: messages may quote what a client sent. */
function errorType(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason
  return error instanceof Error ? error.name : 'thrown'
}
