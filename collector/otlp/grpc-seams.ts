// The places where we reach into @grpc/grpc-js 1.14.7 behind its public face, because it has no setting for them:
// bytes of messages that are still arriving, inflation within our limits, the windows and connections
// of a server.
// `test/otlp/grpc.test.ts` fails when one of them moves; the version is pinned.

import type { Http2Server, Http2Session, ServerHttp2Stream } from 'node:http2'
import { Duplex } from 'node:stream'
import type { Server, ServerInterceptingCallInterface } from '@grpc/grpc-js'

export interface CallSeams {
  readonly stream: Duplex & Pick<ServerHttp2Stream, 'close' | 'session'>
  /** Gets a whole frame (flag, length, message); its rejection is sent as the status of the call. */
  decompressMessage: (frame: Buffer, coding: string) => Promise<Buffer>
}

/** The inside of a call as the innermost interceptor is given it; undefined when grpc-js has changed. */
export function callSeams(call: ServerInterceptingCallInterface): CallSeams | undefined {
  const inside = call as unknown as Partial<CallSeams>
  if (!(inside.stream instanceof Duplex) || typeof inside.decompressMessage !== 'function') return undefined
  return inside as CallSeams
}

interface ServerSeams {
  readonly http2Servers: ReadonlyMap<Http2Server, { readonly sessions: ReadonlySet<Http2Session> }>
}

/** What a client may send before it hears from us. With the 64 KiB of HTTP/2 a request costs 1.4 times as much CPU. */
const windowBytes = { stream: 256 * 1024, connection: 1024 * 1024 } as const

/**
 * Sets what grpc-js leaves at its defaults; for a server that listens. With `asksKeys` a connection has HTTP/2's own window, of
 * 65,535 bytes, until `widenWindow`: that is what a stranger can make us read. Throws when grpc-js has changed.
 */
export function tuneServer(server: Server, connectionsMax: number, asksKeys: boolean): void {
  for (const inner of serverSeams(server).http2Servers.keys()) {
    inner.maxConnections = connectionsMax
    if (asksKeys) continue
    inner.updateSettings({ initialWindowSize: windowBytes.stream })
    inner.on('session', (session) => session.setLocalWindowSize(windowBytes.connection))
  }
}

const widened = new WeakSet<Http2Session>()

/** The connection of this call belongs to somebody we know. */
export function widenWindow({ stream }: CallSeams): void {
  const { session } = stream
  if (session === undefined || session.destroyed || widened.has(session)) return
  widened.add(session)
  session.settings({ initialWindowSize: windowBytes.stream })
  session.setLocalWindowSize(windowBytes.connection)
}

/** Cuts what is still open; `forceShutdown` alone leaves sessions be when channelz, which costs time, is off. */
export function cutConnections(server: Server): void {
  for (const { sessions } of serverSeams(server).http2Servers.values()) {
    for (const session of sessions) session.destroy()
  }
  server.forceShutdown()
}

function serverSeams(server: Server): ServerSeams {
  const inside = server as unknown as Partial<ServerSeams>
  if (!(inside.http2Servers instanceof Map)) throw new Error('grpc-js keeps its servers elsewhere than it did')
  return inside as ServerSeams
}
