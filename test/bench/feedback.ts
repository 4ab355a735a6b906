// What feedback costs the collector: posts a CPU-second, each answered when it is on disk, until all of them can be asked for;
// and how long an answer takes at half of that rate.

import { join } from 'node:path'
import type { TestEngine } from '../engine.ts'
import { cpuSeconds, type Running, run } from './processes.ts'

export interface FeedbackFigures {
  readonly postsPerCpuSecond: number
  readonly postsPerSecond: number
  readonly halfLoad: { readonly rate: number; readonly ackMs: { readonly p50: number; readonly p99: number } }
  /** From the answer to one post until a query shows it. */
  readonly visibleMs: readonly number[]
}

interface Load {
  readonly acknowledged: number
  readonly refused: number
  readonly seconds: number
  readonly ackMs: { readonly p50: number; readonly p99: number }
}

let runs = 0

export async function measureFeedback(
  { clickhouse }: TestEngine,
  collector: Running,
  posts: number,
): Promise<FeedbackFigures> {
  const endpoint = collector.ready['api']!
  const stored = async (): Promise<number> =>
    Number((await clickhouse.query<{ n: string }>('SELECT count() AS n FROM scores AS s'))[0]?.n ?? 0)
  const load = (count: number, rate: number): Promise<Load> => {
    const args = { endpoint, posts: count, rate, run: ++runs }
    const flags = Object.entries(args).map(([name, value]) => `--${name}=${value}`)
    return run<Load>([join(import.meta.dirname, 'feedback-load.ts'), ...flags])
  }
  const until = async (rows: number): Promise<void> => {
    while ((await stored()) < rows) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // Warm first: the second run is counted.
  const warm = await load(posts / 2, 0)
  await until(warm.acknowledged)
  const before = await stored()
  const cpu = cpuSeconds(collector.pid)
  const full = await load(posts, 0)
  if (full.refused > 0) throw new Error(`${full.refused} of ${posts} posts refused`)
  await until(before + full.acknowledged)
  const postsPerCpuSecond = full.acknowledged / (cpuSeconds(collector.pid) - cpu)
  const rate = Math.round(full.acknowledged / full.seconds / 2)
  const half = await load(Math.max(1000, rate * 5), rate)
  const visibleMs: number[] = []
  for (let i = 0; i < 3; i++) {
    const rows = await stored()
    const startedAt = performance.now()
    await load(1, 0)
    await until(rows + 1)
    visibleMs.push(performance.now() - startedAt)
  }
  return {
    postsPerCpuSecond,
    postsPerSecond: full.acknowledged / full.seconds,
    halfLoad: { rate, ackMs: half.ackMs },
    visibleMs,
  }
}
