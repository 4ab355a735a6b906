// What both OTLP doors share: whom they hand requests to, their limits, and what they tell about each answer.

import type { Refusal } from '../../schemas/refusal.ts'
import { InFlight } from './in-flight.ts'

/** Verdict on one export request, given once its rows are durable. */
export interface ExportOutcome {
  readonly rejected: number
  /** Why rows were rejected, or a warning when none were; empty on full success. */
  readonly message: string
}

/**
 * Takes OTLP protobuf. The body is lent until the call returns, not until its promise settles: what is kept is copied.
 * Rejects with Refusal when nothing of it is stored.
 */
export interface Receiver {
  traces(body: Uint8Array, project: string): Promise<ExportOutcome>
  logs(body: Uint8Array, project: string): Promise<ExportOutcome>
}

export type Signal = 'traces' | 'logs' | 'metrics'

/** Lower-case header names; gRPC metadata looks the same. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface DoorLimits {
  /** One request, before and after inflation. OTLP 1.11.0 asks for 64 MiB. */
  readonly bodyBytesMax: number
  /** All requests of a door that are being read or answered; more are refused with `queue_full`. */
  readonly inFlightBytesMax: number
  readonly connectionsMax: number
  /** Streams on one HTTP/2 connection. */
  readonly streamsMax: number
  /** From connection or previous answer to the end of the request head. */
  readonly headMs: number
  /** From the first byte to the last of a request. */
  readonly requestMs: number
  /** How long a connection without a request is kept. */
  readonly idleMs: number
  /** How long a gRPC connection is kept at all, so that clients spread anew over collectors. */
  readonly connectionAgeMs: number
}

export const doorLimits: DoorLimits = {
  bodyBytesMax: 64 * 1024 * 1024,
  inFlightBytesMax: 256 * 1024 * 1024,
  connectionsMax: 2000,
  streamsMax: 128,
  headMs: 10_000,
  requestMs: 30_000,
  idleMs: 65_000,
  connectionAgeMs: 600_000,
}

export interface DoorAnswer {
  readonly door: 'http' | 'grpc'
  /** Undefined when the request did not get as far as naming one. */
  readonly signal: Signal | undefined
  /** Undefined: taken, wholly or in part. */
  readonly refusal: Refusal | undefined
  /** After inflation, as handed to the receiver; 0 when it was not. */
  readonly bodyBytes: number
  /** Arrival of the request head to the answer. */
  readonly durationMs: number
}

export interface DoorMeter {
  /** Called once for each request that was answered; one whose client went away before is not. */
  answered(answer: DoorAnswer): void
}

export interface DoorOptions {
  /** host:port; port 0 takes a free one; an IPv6 host is in brackets. */
  readonly endpoint: string
  readonly receiver: Receiver
  /** Which project a request belongs to, by its headers and its sender's IP address: asked before the body is read. May throw Refusal. */
  readonly project: (headers: RequestHeaders, address: string) => string
  /** Senders show who they are: until one has, it may not send as much ahead. */
  readonly asksKeys?: boolean
  readonly limits?: Partial<DoorLimits>
  /** Given to both doors to bound their bodies together; else each bounds its own. */
  readonly inFlight?: InFlight
  readonly meter?: DoorMeter
}

/** What the exchanges of one server share. */
export interface DoorContext {
  readonly receiver: Receiver
  readonly project: (headers: RequestHeaders, address: string) => string
  readonly asksKeys: boolean
  readonly limits: DoorLimits
  readonly inFlight: InFlight
  readonly meter: DoorMeter | undefined
  isClosing: boolean
}

export function doorContext(options: DoorOptions): DoorContext {
  const { receiver, project, asksKeys = false, limits: given, inFlight, meter } = options
  const limits = { ...doorLimits, ...given }
  return {
    receiver,
    project,
    asksKeys,
    limits,
    inFlight: inFlight ?? new InFlight(limits.inFlightBytesMax),
    meter,
    isClosing: false,
  }
}

export interface Door {
  /** The address in fact listened on. */
  readonly endpoint: string
  /** Takes no new request, lets those in flight finish for `graceMs`, then cuts. May be called twice. */
  close(graceMs: number): Promise<void>
}

/** `host:port`, `[::1]:port` → its parts. Throws Error for anything else: the configuration was checked before. */
export function splitEndpoint(endpoint: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(endpoint) ?? []
  if (port === undefined || Number(port) > 65_535) throw new Error(`"${endpoint}" is not host:port`)
  return { host: bracketed ?? plain ?? '', port: Number(port) }
}

/** The endpoint with the port that was in fact bound. */
export function withPort(endpoint: string, port: number): string {
  return endpoint.replace(/:\d+$/, `:${port}`)
}
