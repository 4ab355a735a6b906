// Processes that would do the same at the same time: one has the turn, the others wait. A claim is a row; the earliest live
// one has the turn. It is advice and no lock, for ClickHouse has none: what is done in a turn stands being done twice.

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ClickHouse } from './client.ts'

/** As a template of migrate.ts. Times are the server's own. */
export const claimsTable = `CREATE TABLE IF NOT EXISTS {db}.schema_claims{on_cluster} (
  owner String, claimed_at DateTime64(6, 'UTC'), seen_at DateTime64(6, 'UTC'), is_released UInt8
) ENGINE = {rmt}({everywhere}seen_at) ORDER BY (claimed_at, owner) TTL toDateTime(seen_at) + INTERVAL 1 DAY`

/** Claims of this process that are waited for or at work. */
const own = new Set<string>()

/**
 * A claim not renewed for so long is dead, and so is one of a process of this host that is gone, or of this process when
 * nobody in it is at it any more: it could not be released because ClickHouse was away.
 */
const deadMs = 15_000
const renewMs = 3000
const askMs = 200
/** An earlier claim is visible after this long, or it does not come first. */
const settleMs = 25

/**
 * Runs the work when it has the turn at the claims of `table`; waits as long as others that are alive come first, or until
 * the signal.
 */
export async function withClaim<T>(
  clickhouse: ClickHouse,
  table: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const owner = `${hostname()}:${process.pid}:${randomUUID()}`
  const write = (sql: string, parameters = { owner }): Promise<void> =>
    clickhouse.command(`INSERT INTO ${table} ${sql}`, parameters, { async_insert: 0 })
  const renewed = (isReleased: 0 | 1): string =>
    `SELECT owner, claimed_at, now64(6), ${isReleased} FROM ${table} FINAL WHERE owner = {owner:String}`

  own.add(owner)
  await write('SELECT {owner:String}, now64(6), now64(6), 0').catch((error: unknown) => {
    own.delete(owner)
    throw error
  })
  let renewal = Promise.resolve()
  const timer = setInterval(() => {
    // A claim that cannot be renewed dies by itself; if ClickHouse is away the work will say so.
    renewal = write(renewed(0)).catch(() => undefined)
  }, renewMs)
  try {
    await pause(settleMs)
    for (;;) {
      signal?.throwIfAborted()
      const [first] = await clickhouse.query<{ owner: string }>(
        `SELECT owner FROM ${table} FINAL WHERE is_released = 0 AND seen_at > now64(6) - toIntervalMillisecond({dead:UInt32})
        ORDER BY claimed_at, owner LIMIT 1`,
        { dead: deadMs },
      )
      if (first === undefined || first.owner === owner) break
      if (isGone(first.owner)) await write(renewed(1), first)
      else await pause(askMs)
    }
    return await work()
  } finally {
    own.delete(owner)
    clearInterval(timer)
    await renewal
    // Left unreleased it dies by itself.
    await write(renewed(1)).catch(() => undefined)
  }
}

/** Of another host nobody knows. */
function isGone(owner: string): boolean {
  const [host, pid] = owner.split(':')
  if (host !== hostname()) return false
  if (Number(pid) === process.pid) return !own.has(owner)
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
