// Clients of the gRPC door: grpc-js where it is honest enough, node:http2 and bare frames where it would not do it.

import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { decoded } from './json-judge.ts'

export const tracesPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

/** One unary call by grpc-js on a connection of its own. */
export function call(
  endpoint: string,
  path: string,
  message: Buffer,
  headers: Record<string, string> = {},
): Promise<Buffer> {
  const client = new Client(endpoint, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, message, metadata, (error, answer) => {
      if (error === null) resolve(answer ?? Buffer.alloc(0))
      else reject(error)
    })
  }).finally(() => client.close())
}

export function failure(made: Promise<unknown>): Promise<ServiceError> {
  return made.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error: ServiceError) => error,
  )
}

export function code(made: Promise<unknown>): Promise<number> {
  return made.then(
    () => status.OK,
    (error: ServiceError) => error.code,
  )
}

/** google.rpc.Status of the trailers, undefined when there is none. */
export function details(error: ServiceError): Record<string, unknown> | undefined {
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  return bytes instanceof Buffer ? decoded('RpcStatus', bytes) : undefined
}

export interface RawReply {
  readonly code: number
  readonly message: string
  readonly body: Buffer
}

/** A call whose frames are given byte by byte; it is half closed after them unless told not to. */
export async function rawCall(
  endpoint: string,
  frames: Uint8Array,
  headers: Record<string, string> = {},
  options: { readonly keepOpen?: boolean } = {},
): Promise<RawReply> {
  const session = await openSession(endpoint)
  try {
    return await replyOf(rawStream(session, frames, headers, options.keepOpen ?? false))
  } finally {
    session.destroy()
  }
}

export async function openSession(endpoint: string): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://${endpoint}`)
  session.on('error', () => session.destroy())
  await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject))
  return session
}

export function rawStream(
  session: ClientHttp2Session,
  frames: Uint8Array,
  headers: object,
  keepOpen: boolean,
): ClientHttp2Stream {
  const stream = session.request(
    { ':method': 'POST', ':path': tracesPath, 'content-type': 'application/grpc', te: 'trailers', ...headers },
    { endStream: false },
  )
  stream.write(frames)
  if (!keepOpen) stream.end()
  return stream
}

export function replyOf(stream: ClientHttp2Stream): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let found: Record<string, unknown> = {}
    const settle = (): void => {
      if (found['grpc-status'] === undefined) return
      const message = decodeURIComponent(String(found['grpc-message'] ?? ''))
      resolve({ code: Number(found['grpc-status']), message, body: Buffer.concat(pieces).subarray(5) })
    }
    stream.on('response', (headers) => {
      found = { ...found, ...headers }
    })
    stream.on('trailers', (trailers) => {
      found = { ...found, ...trailers }
      settle()
    })
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', settle)
    stream.on('error', reject)
    stream.on('close', () => reject(new Error(`closed with ${JSON.stringify(found)}`)))
  })
}

export function frame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length >>> 0, 1)
  return Buffer.concat([head, message])
}

/** One frame of HTTP/2 (RFC 9113, 4.1). */
export function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const

/** What a client says first. */
export const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  http2Frame(frameType.settings, 0, 0, Buffer.alloc(0)),
])

/** The header block of an export call: literals without indexing (RFC 7541, 6.2.2). */
export function exportHeaders(): Buffer {
  const lines = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', tracesPath],
    [':authority', 'x'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ] as const
  return Buffer.concat(
    lines.flatMap(([name, value]) => [
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]),
  )
}
