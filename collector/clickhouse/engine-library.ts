// Where libchdb is: npm's package for this platform, installed as an optional dependency.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
  'darwin-x64': '@chdb/lib-darwin-x64',
}

const wayOut = 'set SPANLEDGER_CLICKHOUSE_URL=http://user:password@host:8123 to use a ClickHouse server'

/** Path of libchdb; throws an Error that names the way out where npm has no such package or did not install it. */
export function libraryPath(platform = `${process.platform}-${process.arch}`): string {
  const name = packages[platform]
  if (name === undefined) {
    const known = Object.keys(packages).join(', ')
    throw new Error(`the embedded ClickHouse does not exist for ${platform} (only for ${known}): ${wayOut}`)
  }
  try {
    const path = join(createRequire(import.meta.url).resolve(`${name}/package.json`), '../libchdb.so')
    if (existsSync(path)) return path
  } catch {
    // Not installed: said below.
  }
  throw new Error(
    `the npm package ${name} of the embedded ClickHouse is not installed: run \`npm ci\` with optional dependencies (on Linux it needs glibc, not musl), or ${wayOut}`,
  )
}
