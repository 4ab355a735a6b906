// Runs in a child process under `node --experimental-ffi`: libchdb as a ClickHouse server with HTTP and native listeners.
// The call blocks this process's only thread until its standard input ends, which is when the parent stops or dies.
//   node --experimental-ffi engine-child.ts <libchdb> <argument of clickhouse local> …

import ffi from 'node:ffi'
import { writeSync } from 'node:fs'

// A service manager may signal every process of the service. The engine has to outlast its parent's last inserts, so it
// takes no orders but the end of its input: a handler that never gets to run is how Node ignores a signal.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

const [library = '', ...rest] = process.argv.slice(2)
const { functions } = ffi.dlopen(library, {
  chdb_query_cmdline: { arguments: ['int32', 'pointer'], return: 'pointer' },
  chdb_result_error: { arguments: ['pointer'], return: 'pointer' },
  // Of the C library that libchdb is linked with.
  _exit: { arguments: ['int32'], return: 'void' },
})

const texts = ['clickhouse', ...rest].map((text) => Buffer.from(`${text}\0`))
const argv = Buffer.alloc(8 * (texts.length + 1))
texts.forEach((text, i) => {
  argv.writeBigUInt64LE(BigInt(ffi.getRawPointer(text)), i * 8)
})

const result = functions['chdb_query_cmdline']!(texts.length, argv) as bigint
const error = result ? (functions['chdb_result_error']!(result) as bigint) : 0n
if (error) writeSync(2, `${ffi.toString(error)}\n`)
// Not by returning: libchdb's destructors race with its own threads and end 8 of 100 stops in a segmentation fault (26.7.3).
functions['_exit']!(error ? 1 : 0)
