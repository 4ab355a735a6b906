// The share of some methods in a V8 CPU profile: samples in them or in what they call, of all samples that are not idle.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface CallFrame {
  readonly functionName: string
  readonly url: string
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: CallFrame
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface Share {
  readonly busySeconds: number
  /** Percent of the busy time, by the name given. */
  readonly percent: Readonly<Record<string, number>>
}

/** Of the profiles in a folder, as `--cpu-prof-dir` leaves them; `methods` are `<end of the file's path>:<function>` by name. */
export function shareOf(folder: string, methods: Readonly<Record<string, string>>): Share {
  const spent: Record<string, number> = Object.fromEntries(Object.keys(methods).map((name) => [name, 0]))
  let busy = 0
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
    const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
    const nameOf = ({ url, functionName }: CallFrame): string | undefined =>
      Object.keys(methods).find((name) => `${url}:${functionName}`.endsWith(`/${methods[name]}`))
    for (const [i, id] of profile.samples.entries()) {
      const micros = profile.timeDeltas[i] ?? 0
      if (frames.get(id)?.functionName === '(idle)') continue
      busy += micros
      for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
        const frame = frames.get(at)
        const name = frame === undefined ? undefined : nameOf(frame)
        if (name === undefined) continue
        spent[name]! += micros
        break
      }
    }
  }
  return {
    busySeconds: busy / 1e6,
    percent: Object.fromEntries(Object.entries(spent).map(([name, micros]) => [name, (100 * micros) / busy])),
  }
}
