// Writes answers: through the response as usual, or straight onto the socket where there is no response to use or
// where a large body is still on its way and the connection must end.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HeaderLine } from './cors.ts'
import { announcedBytes } from './http-body.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Buffer
}

/** Up to this size the rest of a refused body is read and dropped, so that the connection can go on. */
const drainBytesMax = 1024 * 1024

/** How long a socket stays half open after a last answer, for the client to read it before it is reset. */
const lingerMs = 1000

/** Answers a request. With `isLast` the connection ends afterwards. */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: HttpAnswer,
  isLast: boolean,
): void {
  const { socket } = response
  if (!isBodyDrained(request) && socket !== null && !response.headersSent) {
    sendLast(socket, answer)
    return
  }
  const headers: string[] = []
  for (const [name, value] of answer.headers) headers.push(name, value)
  if (isLast) headers.push('Connection', 'close')
  if (answer.status !== 204) headers.push('Content-Length', String(answer.body.length))
  response.writeHead(answer.status, headers)
  response.end(answer.body)
}

/** True when no more of the body is to come than is worth reading. */
function isBodyDrained(request: IncomingMessage): boolean {
  if (request.complete) return true
  // A client that was not told to continue may send its body or not: nobody knows what the next bytes would be.
  if (request.headers.expect !== undefined) return false
  const announced = announcedBytes(request)
  return announced !== undefined && announced <= drainBytesMax
}

/** Writes a whole answer onto the socket and ends the connection, gently: a reset could outrun the answer. */
export function sendLast(socket: Duplex, answer: HttpAnswer): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`]
  for (const [name, value] of answer.headers) lines.push(`${name}: ${value}`)
  lines.push(`Content-Length: ${answer.body.length}`, `Date: ${new Date().toUTCString()}`, 'Connection: close', '', '')
  socket.cork()
  socket.write(lines.join('\r\n'), 'latin1')
  socket.end(answer.body)
  socket.uncork()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}
