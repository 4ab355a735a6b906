// Runs in a child process under `node --experimental-ffi`: libchdb as a ClickHouse server with HTTP and native listeners.
// The call blocks this process's only thread until its input, a FIFO that the parent holds open, ends.
//   node --experimental-ffi engine-child.ts <libchdb.so> <argument of clickhouse local> …

import ffi from 'node:ffi'

const [library = '', ...rest] = process.argv.slice(2)
const { functions } = ffi.dlopen(library, {
  chdb_query_cmdline: { arguments: ['int32', 'pointer'], return: 'pointer' },
  chdb_result_error: { arguments: ['pointer'], return: 'pointer' },
})

const texts = ['clickhouse', ...rest].map((text) => Buffer.from(`${text}\0`))
const argv = Buffer.alloc(8 * (texts.length + 1))
texts.forEach((text, i) => {
  argv.writeBigUInt64LE(BigInt(ffi.getRawPointer(text)), i * 8)
})

const result = functions['chdb_query_cmdline']!(texts.length, argv) as bigint
const error = result ? (functions['chdb_result_error']!(result) as bigint) : 0n
// A failure to listen prints an exception and returns normally: an error text is what tells.
if (error) {
  process.stderr.write(`${ffi.toString(error)}\n`)
  process.exitCode = 1
}
