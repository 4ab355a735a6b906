// What people do with an answer without saying what they think of it. Not opinions: they have names of their own, and no figure of
// votes has them (docs/decisions/0030). What is listed here may be sent without a score.

export const implicitPrefix = 'implicit-'

/** Signal → its value where the sender gives none: 1 the answer was of use, -1 it was not, or not as it was. */
export const implicitSignals = {
  copy: 1,
  edit: -1,
  regenerate: -1,
  escalate: -1,
  abandon: -1,
} as const satisfies Readonly<Record<string, -1 | 1>>

export interface ImplicitSignal {
  readonly signal: string
  readonly value: -1 | 1
}

/** The signal that a score of this name is; undefined for every other name. */
export function implicitSignal(name: string): ImplicitSignal | undefined {
  if (!name.startsWith(implicitPrefix)) return undefined
  const signal = name.slice(implicitPrefix.length)
  if (!Object.hasOwn(implicitSignals, signal)) return undefined
  return { signal, value: implicitSignals[signal as keyof typeof implicitSignals] }
}
