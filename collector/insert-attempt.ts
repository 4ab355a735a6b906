// One try of an insert, and what its failure means.

import type { JournalClock } from './journal/settings.ts'
import { QuarantineFullError } from './quarantine.ts'

export type FailureKind = 'world' | 'data' | 'config'

/** What is needed of a ClickHouse error; any other error is the world's, and so is worth another try. */
interface ClassifiedError {
  readonly kind?: unknown
  readonly code?: unknown
}

export function failureKind(error: unknown): FailureKind {
  if (error instanceof QuarantineFullError) return 'config'
  const { kind } = (error ?? {}) as ClassifiedError
  return kind === 'data' || kind === 'config' ? kind : 'world'
}

/** ClickHouse's error number. */
export function clickHouseCode(error: unknown): number | null {
  const { code } = (error ?? {}) as ClassifiedError
  return typeof code === 'number' ? code : null
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export interface AttemptLimits {
  readonly clock: JournalClock
  readonly deadlineMs: number
  /** When `stop` fires, the try may take this much longer. */
  readonly stopGraceMs: number
  readonly stop: AbortSignal
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/**
 * Runs one try; gives up at the deadline or some time after the stop, with DeadlineError, whether the work obeys its
 * signal or not. Work that was given up may still succeed: the outcome is ambiguous.
 */
export async function attempt(work: (signal: AbortSignal) => Promise<void>, limits: AttemptLimits): Promise<void> {
  const { clock, stop } = limits
  const controller = new AbortController()
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  const giveUp = (why: string): void => {
    const error = new DeadlineError(why)
    controller.abort(error)
    reject(error)
  }
  const cancels = [clock.after(limits.deadlineMs, () => giveUp(`no answer in ${limits.deadlineMs} ms`))]
  const onStop = (): void => {
    cancels.push(clock.after(limits.stopGraceMs, () => giveUp('stopped before the answer')))
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop)
  try {
    await Promise.race([work(controller.signal), givenUp])
  } finally {
    stop.removeEventListener('abort', onStop)
    for (const cancel of cancels) cancel()
  }
}

/** Resolves after `ms`, or at once when stopped. */
export function pause(ms: number, { clock, stop }: { clock: JournalClock; stop: AbortSignal }): Promise<void> {
  if (stop.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      stop.removeEventListener('abort', end)
      cancel()
      resolve()
    }
    const cancel = clock.after(ms, end)
    stop.addEventListener('abort', end)
  })
}
