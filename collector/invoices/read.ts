// Reads the files of a bill, packed by gzip or not, a chunk at a time, and remembers what they were by their hash.

import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { InvoiceFormat, ReadContext } from '../../processors/invoices/format.ts'
import { type FileRead, type ImportedBill, InvoiceImport } from '../../processors/invoices/import.ts'

export interface BillFile {
  readonly name: string
  /** Of the file as it is, in hex. */
  readonly sha256: string
}

export interface BillFiles {
  readonly bill: ImportedBill
  readonly files: readonly BillFile[]
}

const chunkBytes = 1 << 20

/**
 * Files as one bill; memory is bound by distinct lines, not by rows. A file given twice under two names counts once.
 * Rejects with InvoiceError naming file and line, or with the error of the file system.
 */
export async function readBillFiles(
  paths: readonly string[],
  formats: readonly InvoiceFormat[],
  context: ReadContext,
): Promise<BillFiles> {
  const bill = new InvoiceImport(formats, context)
  const files: BillFile[] = []
  for (const path of paths) {
    // Hashed first: the same file again must not be read into the sums.
    const sha256 = await hashOf(path)
    if (files.some((file) => file.sha256 === sha256)) continue
    const name = basename(path)
    files.push({ name, sha256 })
    await readInto(bill.file(name), path)
  }
  return { bill: bill.result(), files }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function readInto(file: FileRead, path: string): Promise<void> {
  const text = new TextDecoder('utf-8', { ignoreBOM: true })
  const take = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) file.push(text.decode(chunk, { stream: true }))
  }
  const stream = createReadStream(path, { highWaterMark: chunkBytes })
  if (isGzip(path)) await pipeline(stream, createGunzip({ chunkSize: chunkBytes }), take)
  else await pipeline(stream, take)
  file.push(text.decode())
  file.end()
}

function isGzip(path: string): boolean {
  const head = Buffer.alloc(2)
  const handle = openSync(path, 'r')
  try {
    readSync(handle, head, 0, 2, 0)
  } finally {
    closeSync(handle)
  }
  return head[0] === 0x1f && head[1] === 0x8b
}
