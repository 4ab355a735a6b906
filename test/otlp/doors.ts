// Clients and a receiver for tests of the OTLP doors. The receiver is honest: it keeps what it says it kept.

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { DoorAnswer, DoorMeter, ExportOutcome, Receiver } from '../../collector/otlp/door.ts'
import type { Refusal } from '../../schemas/refusal.ts'

export interface Received {
  readonly signal: 'traces' | 'logs'
  readonly body: Uint8Array
  readonly project: string
}

/** Keeps every body it takes; may be told to refuse, to reject rows, or to wait before it answers. */
export class RecordingReceiver implements Receiver {
  readonly received: Received[] = []
  outcome: ExportOutcome = { rejected: 0, message: '' }
  refusal: Refusal | Error | undefined
  /** Resolves when answers may go out. */
  gate: Promise<void> | undefined
  private arrivals: (() => void)[] = []

  traces(body: Uint8Array, project: string): Promise<ExportOutcome> {
    return this.take({ signal: 'traces', body: new Uint8Array(body), project })
  }

  logs(body: Uint8Array, project: string): Promise<ExportOutcome> {
    return this.take({ signal: 'logs', body: new Uint8Array(body), project })
  }

  /** Resolves when the next request is handed over. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.arrivals.push(resolve))
  }

  private async take(request: Received): Promise<ExportOutcome> {
    const { refusal } = this
    for (const arrived of this.arrivals.splice(0)) arrived()
    await this.gate
    if (refusal !== undefined) throw refusal
    this.received.push(request)
    return this.outcome
  }
}

export class RecordingMeter implements DoorMeter {
  readonly answers: DoorAnswer[] = []

  answered(answer: DoorAnswer): void {
    this.answers.push(answer)
  }

  /** Reasons in order; `taken` for what was. */
  get reasons(): string[] {
    return this.answers.map(({ refusal }) => refusal?.reason ?? 'taken')
  }
}

export interface HttpReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** One request by node's client. An array body is sent chunked. */
export function send(
  endpoint: string,
  path: string,
  options: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Uint8Array | readonly Uint8Array[]
  } = {},
): Promise<HttpReply> {
  const { method = 'POST', headers = {}, body = new Uint8Array() } = options
  return new Promise((resolve, reject) => {
    const request = httpRequest(`http://${endpoint}${path}`, { method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
      )
    })
    request.on('error', reject)
    if (body instanceof Uint8Array) request.end(body)
    else {
      for (const piece of body) request.write(piece)
      request.end()
    }
  })
}

/** A connection that says exactly what the test says. */
export class RawClient {
  readonly socket: Socket
  private pieces: Buffer[] = []
  private readonly closed: Promise<void>
  private watchers: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (piece: Buffer) => {
      this.pieces.push(piece)
      for (const watcher of this.watchers.splice(0)) watcher()
    })
    // A reset is one of the ways a connection may end here.
    socket.on('error', () => socket.destroy())
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()))
  }

  static open(endpoint: string): Promise<RawClient> {
    const colon = endpoint.lastIndexOf(':')
    const socket = connect(Number(endpoint.slice(colon + 1)), endpoint.slice(0, colon))
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawClient(socket)))
    })
  }

  write(bytes: string | Uint8Array): this {
    this.socket.write(bytes)
    return this
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('latin1')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }

  /** Everything received when the other side has closed. */
  async untilClosed(): Promise<string> {
    await this.closed
    return this.text
  }

  async until(part: string): Promise<string> {
    while (!this.text.includes(part)) {
      await Promise.race([new Promise<void>((resolve) => this.watchers.push(resolve)), this.closed])
      if (this.socket.destroyed && !this.text.includes(part)) throw new Error(`closed after: ${this.text}`)
    }
    return this.text
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Sends text and returns what came back until the server closed. */
export async function exchange(endpoint: string, bytes: string | Uint8Array): Promise<string> {
  const client = await RawClient.open(endpoint)
  return client.write(bytes).untilClosed()
}

/** Status and JSON body of a raw answer. */
export function rawAnswer(text: string): { status: number; head: string; body: unknown } {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head, body: body === '' ? undefined : JSON.parse(body) }
}
