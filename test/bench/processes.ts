// What a process used, from /proc: CPU seconds over all its threads and children, resident memory. Linux only.

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const ticksPerSecond = 100

interface ProcessStat {
  readonly parent: number
  readonly ticks: number
}

function stat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[1]), ticks: [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) }
  } catch {
    // It ended between the listing and the look.
    return undefined
  }
}

/** The process and all its descendants. */
function tree(root: number): number[] {
  const found = [root]
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const parents = new Map(all.map((pid) => [pid, stat(pid)?.parent]))
  for (let i = 0; i < found.length; i++) for (const [pid, parent] of parents) if (parent === found[i]) found.push(pid)
  return found
}

/** CPU seconds used so far, user and system, of the process and its descendants. */
export function cpuSeconds(root: number): number {
  return tree(root).reduce((sum, pid) => sum + (stat(pid)?.ticks ?? 0), 0) / ticksPerSecond
}

/** Resident memory in MiB, of the process alone. */
export function residentMiB(pid: number): number {
  const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(found?.[1] ?? 0) / 1024
}

export interface Running {
  readonly pid: number
  /** First JSON line it printed. */
  readonly ready: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Starts a program of ours with this Node and waits for its first line of JSON on standard output. */
export async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })
  const ready = await new Promise<Record<string, string>>((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line) as Record<string, string>))
    void ended.then(() => reject(new Error(`${args.join(' ')} ended before it was ready`)))
  })
  return {
    pid: child.pid!,
    ready,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Runs a program of ours to its end and returns the JSON it printed last. */
export async function run<T>(args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}`)
  return JSON.parse(output.trim().split('\n').at(-1)!) as T
}
