// The OTLP/gRPC door: @grpc/grpc-js carrying bytes, with limits on everything that a sender can make large or slow.
// Messages stay bytes here: a deserialiser that throws would turn bad data into INTERNAL, which senders do not drop.
// Source: opentelemetry-proto 1.11.0, docs/specification.md "OTLP/gRPC"; grpc health checking protocol v1.

import {
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { Cursor } from '../../schemas/protobuf.ts'
import { Refusal } from '../../schemas/refusal.ts'
import {
  type Door,
  type DoorContext,
  type DoorLimits,
  type DoorOptions,
  doorContext,
  type Signal,
  withPort,
} from './door.ts'
import { GrpcExchange } from './grpc-exchange.ts'
import { cutConnections, tuneServer } from './grpc-seams.ts'

export interface OtlpGrpcOptions extends DoorOptions {
  /** What `grpc.health.v1` answers while the door is open; always serving by default. */
  readonly isServing?: () => boolean
}

const services = {
  traces: 'opentelemetry.proto.collector.trace.v1.TraceService',
  logs: 'opentelemetry.proto.collector.logs.v1.LogsService',
  metrics: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
} as const satisfies Record<Signal, string>

const healthPath = '/grpc.health.v1.Health/Check'

/** Listens for OTLP over gRPC, without TLS. Rejects with the error of listening. */
export async function startOtlpGrpc(options: OtlpGrpcOptions): Promise<Door> {
  const door = new GrpcDoor(doorContext(options), options.isServing ?? (() => true))
  await door.listen(options.endpoint)
  return door
}

type Handler = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void

class GrpcDoor implements Door {
  endpoint = ''
  private readonly context: DoorContext
  private readonly isServing: () => boolean
  private readonly server: Server
  private readonly signals = new Map<string, Signal>()
  /** The metadata of a call is the one object that both its interceptor and its handler see. */
  private readonly exchanges = new WeakMap<object, GrpcExchange>()
  private closing: Promise<void> | undefined

  constructor(context: DoorContext, isServing: () => boolean) {
    this.context = context
    this.isServing = isServing
    this.server = new Server({
      ...serverOptions(context.limits),
      interceptors: [(method, call) => this.intercept(method.path, call)],
    })
    for (const signal of ['traces', 'logs', 'metrics'] as const) {
      const path = `/${services[signal]}/Export`
      this.signals.set(path, signal)
      this.register(path, (call, answer) => this.export(signal, call, answer))
    }
    this.register(healthPath, (call, answer) => this.health(call.request, answer))
  }

  async listen(endpoint: string): Promise<void> {
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(endpoint, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound)
        else reject(error)
      })
    })
    tuneServer(this.server, this.context.limits.connectionsMax, this.context.asksKeys)
    this.endpoint = withPort(endpoint, port)
  }

  close(graceMs: number): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      this.context.isClosing = true
      // One half-sent call would keep a polite shutdown waiting for ever.
      const timer = setTimeout(() => cutConnections(this.server), graceMs)
      this.server.tryShutdown(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    return this.closing
  }

  private register(path: string, handler: Handler): void {
    const same = (bytes: Buffer): Buffer => bytes
    this.server.register(path, handler, same, same, 'unary')
  }

  private intercept(
    path: string,
    call: ConstructorParameters<typeof ServerInterceptingCall>[0],
  ): ServerInterceptingCall {
    const exchange = new GrpcExchange(this.context, this.signals.get(path), call)
    const { listener } = exchange
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          ...listener,
          onReceiveMetadata: (metadata, admitted) => {
            this.exchanges.set(metadata, exchange)
            listener.onReceiveMetadata?.(metadata, admitted)
          },
        }),
    })
  }

  private export(signal: Signal, call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
    const exchange = this.exchanges.get(call.metadata)
    if (exchange === undefined || signal === 'metrics') {
      answer({ code: new Refusal('internal', '').rule.grpc, details: 'call without admission' })
      return
    }
    exchange.hand(signal, call.request).then(
      (body) => answer(null, body),
      (status) => answer(status),
    )
  }

  /** HealthCheckRequest { string service = 1 } → HealthCheckResponse { ServingStatus status = 1 } */
  private health(request: Buffer, answer: sendUnaryData<Buffer>): void {
    const service = serviceName(request)
    if (service !== '' && service !== services.traces && service !== services.logs) {
      answer({ code: 5, details: `service "${service?.slice(0, 128) ?? ''}" is not known here` })
      return
    }
    answer(null, !this.context.isClosing && this.isServing() ? serving : notServing)
  }
}

const serving = Buffer.from([8, 1])
const notServing = Buffer.from([8, 2])

function serverOptions(limits: DoorLimits): ConstructorParameters<typeof Server>[0] {
  return {
    'grpc.max_receive_message_length': limits.bodyBytesMax,
    'grpc.max_concurrent_streams': limits.streamsMax,
    'grpc.max_connection_idle_ms': Math.max(limits.idleMs, 300_000),
    'grpc.max_connection_age_ms': limits.connectionAgeMs,
    'grpc.max_connection_age_grace_ms': limits.requestMs,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
  }
}

/** Undefined for bytes that are not the message. */
function serviceName(request: Buffer): string | undefined {
  const cursor = new Cursor()
  cursor.open(request)
  let name = ''
  try {
    while (cursor.at < cursor.end) {
      const tag = cursor.varint()
      if (tag !== 10) {
        cursor.skip(tag)
        continue
      }
      const end = cursor.enter()
      name = request.toString('utf8', cursor.at, end)
      cursor.at = end
    }
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
  return name
}
