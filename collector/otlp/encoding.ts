// Content codings of request bodies: which are taken, and inflation that is bounded before a byte is inflated.

import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { Refusal } from '../../schemas/refusal.ts'

export type ContentCoding = 'identity' | 'gzip' | 'deflate' | 'zstd'

/** What a refusal names, and what `Accept-Encoding` of a 415 says. */
export const codingsTaken = 'gzip, deflate, zstd'

/** A body may grow to this size freely; beyond it, no more than `ratioMax` times its compressed size. */
const freeBytes = 1024 * 1024
const ratioMax = 200

/** Up to this compressed size a body is inflated at once: the trip to another thread costs more. */
const syncBytesMax = 64 * 1024

/** RFC 8878 asks decoders for 8 MiB; larger windows are memory that the body limit does not see. */
const zstdWindowLogMax = 23

/** Of the four threads of the pool, so that names and files are not kept waiting. */
const parallelMax = 2

/** Reads a Content-Encoding or grpc-encoding header. Throws Refusal('unsupported_encoding'). */
export function contentCoding(header: string | undefined): ContentCoding {
  const named = (header ?? '').trim().toLowerCase()
  switch (named) {
    case '':
    case 'identity':
      return 'identity'
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'deflate':
    case 'zstd':
      return named
    default:
      throw new Refusal(
        'unsupported_encoding',
        `content encoding "${named.slice(0, 64)}" is not taken, send one of ${codingsTaken}`,
      )
  }
}

/**
 * Inflates a body; small ones at once, large ones on another thread. The result is the caller's to keep.
 * Throws or rejects with Refusal: `too_large` past `bytesMax` or the ratio, `bad_request` for damaged data.
 */
export function inflate(body: Buffer, coding: ContentCoding, bytesMax: number): Buffer | Promise<Buffer> {
  if (coding === 'identity') return body
  const options = inflateOptions(body, coding, bytesMax)
  if (body.length > syncBytesMax) return inflateAside(body, coding, options)
  try {
    return inflaters[coding].sync(body, options)
  } catch (error) {
    throw inflateRefusal(error, body.length, coding, options.maxOutputLength)
  }
}

type InflateOptions = zlib.ZlibOptions & zlib.ZstdOptions & { readonly maxOutputLength: number }

interface Inflater {
  readonly sync: (body: Buffer, options: InflateOptions) => Buffer
  readonly aside: (body: Buffer, options: InflateOptions) => Promise<Buffer>
}

const inflaters: Record<Exclude<ContentCoding, 'identity'>, Inflater> = {
  gzip: { sync: zlib.gunzipSync, aside: promisify(zlib.gunzip) },
  deflate: { sync: zlib.inflateSync, aside: promisify(zlib.inflate) },
  zstd: { sync: zlib.zstdDecompressSync, aside: promisify(zlib.zstdDecompress) },
}

function inflateOptions(body: Buffer, coding: ContentCoding, bytesMax: number): InflateOptions {
  const maxOutputLength = Math.min(bytesMax, Math.max(freeBytes, body.length * ratioMax))
  // A gzip member ends with the size it inflates to. It may lie: it only chooses how much is allocated at once, and
  // one piece of the right size inflates twice as fast as many small ones (one byte more lets zlib see the end).
  const announced = coding === 'gzip' && body.length >= 18 ? body.readUInt32LE(body.length - 4) : body.length * 6
  const chunkSize = Math.max(1024, Math.min(announced + 1, maxOutputLength))
  if (coding === 'zstd') {
    const params = { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLogMax }
    return { maxOutputLength, chunkSize, params, rejectGarbageAfterEnd: true }
  }
  return { maxOutputLength, chunkSize, ...(coding === 'deflate' && { rejectGarbageAfterEnd: true }) }
}

let running = 0
const waiting: (() => void)[] = []

async function inflateAside(
  body: Buffer,
  coding: Exclude<ContentCoding, 'identity'>,
  options: InflateOptions,
): Promise<Buffer> {
  // Whoever finishes hands its place on, so `running` never passes the limit.
  if (running >= parallelMax) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await inflaters[coding].aside(body, options)
  } catch (error) {
    throw inflateRefusal(error, body.length, coding, options.maxOutputLength)
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

function inflateRefusal(error: unknown, size: number, coding: ContentCoding, bytesMax: number): Refusal {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new Refusal('too_large', `${size} bytes of ${coding} inflate to more than ${bytesMax} bytes, the limit`, {
      cause: error,
    })
  }
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new Refusal('too_large', `the zstd window is larger than 2^${zstdWindowLogMax} bytes, the limit`, {
      cause: error,
    })
  }
  return new Refusal('bad_request', `the body is not sound ${coding}: ${message}`, { cause: error })
}
