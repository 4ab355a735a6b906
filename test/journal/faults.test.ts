// The disk and the power fail: injected errors, crash points, and a model that knows what was acknowledged.

import { describe, expect, test } from 'vitest'
import type { Journal, JournalProblem } from '../../collector/journal/journal.ts'
import { dice } from '../dice.ts'
import { ManualClock, MemoryDisk, systemError } from './memory-disk.ts'
import { drain, idsIn, openOn, quiet, record, refusalReason, take } from './rows.ts'

/** Fails the named operation on segment files, once or for as long as it stays. */
function failing(code: string, operation: string, { times = 1 } = {}): MemoryDisk['trouble'] {
  let left = times
  return (what, file) => {
    if (what === operation && file.endsWith('.segment') && left-- > 0) throw systemError(code, file)
    return undefined
  }
}

describe('a failed append', () => {
  test('EIO from fdatasync: the group is refused and never delivered, what was before it is, the file is not used again', async () => {
    const problems: JournalProblem[] = []
    const disk = new MemoryDisk()
    const journal = await openOn(disk, { onProblem: (problem) => problems.push(problem) })
    await journal.append([record([1])])
    await quiet()
    disk.trouble = failing('EIO', 'fdatasync')
    expect(await refusalReason(journal.append([record([2]), record([3])]))).toBe('journal_failed')
    await journal.append([record([4])])

    const delivered = await drain(journal)
    expect(delivered.map(({ ids }) => ids)).toEqual([[1], [4]])
    expect(problems).toMatchObject([{ kind: 'io_failed', operation: 'append to the journal' }])
    expect(journal.stats()).toMatchObject({ ioErrors: 1, rows: 0 })
    expect(journal.stats().appendedRows[0]).toBe(2)
    expect([...disk.content().keys()]).not.toContain('/journal/000001.segment')
    await journal.close()
  })

  test('the refused group stays away after a crash too, although its bytes are in the file', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await quiet()
    disk.trouble = failing('EIO', 'fdatasync')
    await refusalReason(journal.append([record([2])]))
    await quiet()
    expect(disk.content().get('/journal/000001.segment')?.includes('#2,')).toBe(true)
    const reopened = await openOn(new MemoryDisk(disk.content()))
    expect((await drain(reopened)).flatMap(({ ids }) => ids)).toEqual([1])
    await reopened.close()
  })

  test('the first group of a segment fails: the file goes away', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await quiet()
    disk.trouble = failing('EIO', 'fdatasync')
    expect(await refusalReason(journal.append([record([1])]))).toBe('journal_failed')
    expect(await drain(journal)).toEqual([])
    expect([...disk.content().keys()]).not.toContain('/journal/000001.segment')
    expect(await refusalReason(journal.append([record([2])]))).toBe('accepted')
    await journal.close()
    expect(disk.openDescriptors).toBe(0)
  })

  test('a disk that fails for a while: refused for a while, accepted after, nothing half', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await quiet()
    disk.trouble = failing('EIO', 'fdatasync', { times: 7 })
    const answers: string[] = []
    const accepted = [1]
    for (let id = 2; id <= 12; id++) {
      const answer = await refusalReason(journal.append([record([id])]))
      answers.push(answer)
      if (answer === 'accepted') accepted.push(id)
    }
    expect(answers[0]).toBe('journal_failed')
    expect(answers.at(-1)).toBe('accepted')
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual(accepted)
    await journal.close()
    expect(disk.openDescriptors).toBe(0)
  })

  test('short writes are continued', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await quiet()
    disk.trouble = (operation) => (operation === 'writev' ? 7 : undefined)
    await journal.append([record([1, 2, 3]), record([4], { table: 1 })])
    disk.trouble = () => undefined
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([1, 2, 3, 4])
    await journal.close()
  })

  test('a short write that ends in a full disk is journal_full, and counts for nothing', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await quiet()
    let writes = 0
    disk.trouble = (operation, file) => {
      if (operation !== 'writev') return undefined
      if (writes++ > 0) throw systemError('ENOSPC', file)
      return 60
    }
    expect(await refusalReason(journal.append([record([2])]))).toBe('journal_full')
    disk.trouble = () => undefined
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([1])
    await journal.close()
  })

  test('full is over when space is free again, though nobody may send because we said so', async () => {
    const disk = new MemoryDisk()
    const clock = new ManualClock()
    const journal = await openOn(disk, { clock, reserveBytes: 1_000_000, segmentRows: 1, backlogRows: 1, sparesMax: 0 })
    await journal.append([record([1])])
    disk.freeBytes = 1_000_000
    await quiet()
    await refusalReason(journal.append([record([2])]))
    expect(await refusalReason(journal.append([record([3])]))).toBe('journal_full')
    expect((await drain(journal)).flatMap(({ ids }) => ids)).toEqual([1, 2])
    expect(journal.stats()).toMatchObject({ isFull: true, rows: 0 })
    disk.freeBytes = 2 ** 40
    clock.advance(10_000)
    await quiet()
    expect(journal.stats().isFull).toBe(false)
    await journal.close()
  })

  test('after a failed write the next segment ends by its own age', async () => {
    const disk = new MemoryDisk()
    const clock = new ManualClock()
    const journal = await openOn(disk, { clock })
    const first = take(journal)
    await journal.append([record([1])])
    clock.advance(500)
    disk.trouble = failing('EIO', 'fdatasync', { times: 1 })
    expect(await refusalReason(journal.append([record([2])]))).toBe('journal_failed')
    expect(await idsIn(await first)).toEqual([1])
    const second = take(journal)
    expect(await refusalReason(journal.append([record([3])]))).toBe('accepted')
    expect(clock.pending).toBe(1)
    clock.advance(999)
    await quiet()
    expect(journal.stats().segments).toBe(2)
    clock.advance(1)
    expect(await idsIn(await second)).toEqual([3])
    await journal.close()
  })
})

describe('done', () => {
  test('power cut at any step of it: the segment comes at most once more, whole and under its id', async () => {
    const outcomes: string[] = []
    for (let step = 1; step <= 12; step++) {
      const disk = new MemoryDisk()
      const journal = await openOn(disk, { segmentRows: 1, sparesMax: 0 })
      await journal.append([record([1])])
      await journal.append([record([2])])
      const segment = await take(journal)
      await quiet()
      const power = new PowerSwitch(disk, step)
      await Promise.race([journal.done(segment), power.off])
      for (const seed of [1, 2, 3]) {
        const random = dice(seed * 100 + step)
        const reopened = await openOn(new MemoryDisk(disk.contentAfterPowerCut(() => random() < 0.5)))
        const delivered = await drain(reopened)
        expect(delivered.flatMap(({ ids }) => ids).filter((id) => id === 2)).toEqual([2])
        const again = delivered.filter(({ ids }) => ids.includes(1))
        expect(again.length).toBeLessThanOrEqual(1)
        for (const { id, ids } of again) expect([id, ids]).toEqual([segment.id, [1]])
        outcomes.push(`${power.isOff} ${again.length}`)
        await reopened.close()
      }
    }
    // The switch was in time for some steps and the segment came again; done ended before it in others, and it did not.
    expect(outcomes).toContain('true 1')
    expect(outcomes).toContain('false 0')
    expect(outcomes).not.toContain('false 1')
  })

  test('a done mark that cannot be written: the file goes away instead', async () => {
    const disk = new MemoryDisk()
    const journal = await openOn(disk)
    await journal.append([record([1])])
    await journal.seal()
    const segment = await take(journal)
    await quiet()
    disk.trouble = failing('EIO', 'fdatasync')
    await journal.done(segment)
    const reopened = await openOn(new MemoryDisk(disk.contentAfterPowerCut(() => false)))
    expect(await drain(reopened)).toEqual([])
    await reopened.close()
  })
})

/** Lets `steps` operations happen; at the next the power is gone, and whoever waits for the disk waits for ever. */
class PowerSwitch {
  isOff = false
  readonly off: Promise<void>
  private readonly resolveOff: () => void

  constructor(disk: MemoryDisk, steps: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.off = promise
    this.resolveOff = resolve
    let left = steps
    disk.trouble = () => {
      if (this.isOff || left-- <= 0) {
        this.isOff = true
        this.resolveOff()
        throw new PowerCut()
      }
      return undefined
    }
  }
}

class PowerCut extends Error {}

/** What the world outside the journal knows. */
class Model {
  readonly acknowledged = new Set<number>()
  readonly offered = new Set<number>()
  /** Ids in ClickHouse, by the token they came with: a token seen before is thrown away, as ClickHouse does. */
  readonly stored = new Map<string, readonly number[]>()
  readonly finished = new Set<string>()

  insert(token: string, ids: readonly number[]): void {
    const before = this.stored.get(token)
    if (before === undefined) {
      this.stored.set(token, ids)
      return
    }
    // What is thrown away must have been in the first insert, unless nobody was promised it.
    const hidden = ids.filter((id) => this.acknowledged.has(id) && !before.includes(id))
    if (hidden.length > 0) throw new Error(`token ${token} was used for other rows before; lost: ${hidden}`)
  }

  check(): void {
    const rows = [...this.stored.values()].flat()
    const distinct = new Set(rows)
    if (distinct.size !== rows.length) throw new Error('a row was stored twice')
    for (const id of this.acknowledged) if (!distinct.has(id)) throw new Error(`acknowledged row ${id} is not stored`)
    for (const id of distinct) if (!this.offered.has(id)) throw new Error(`row ${id} was never sent`)
  }
}

describe('model', () => {
  test('random work, power cuts, kills and I/O errors: no acknowledged row is lost or doubled', async () => {
    for (let seed = 1; seed <= 400; seed++) {
      try {
        await runModel(seed)
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  })
})

async function runModel(seed: number): Promise<void> {
  const random = dice(seed)
  const model = new Model()
  let content = new Map<string, Buffer>()
  for (let life = 0; life < 4; life++) {
    const disk = new MemoryDisk(content)
    const crash = new AbortController()
    let operationsLeft = Math.floor(random() * 120)
    const isFlaky = random() < 0.3
    disk.trouble = (operation, file) => {
      if (operationsLeft-- <= 0) crash.abort()
      if (crash.signal.aborted) throw new PowerCut()
      if (isFlaky && operation !== 'read' && random() < 0.03) throw systemError('EIO', file)
      return operation === 'writev' && random() < 0.05 ? 1 + Math.floor(random() * 40) : undefined
    }
    try {
      await live(disk, model, random, crash.signal)
    } catch (error) {
      if (!crash.signal.aborted && !isFlaky) throw error
    }
    crash.abort()
    content = random() < 0.5 ? disk.content() : disk.contentAfterPowerCut(() => random() < 0.5)
  }

  const journal = await openOn(new MemoryDisk(content))
  for (const { id, ids } of await drain(journal)) model.insert(id, ids)
  await journal.close()
  model.check()
}

/** One process: appends and a reader, until the power goes. */
async function live(disk: MemoryDisk, model: Model, random: () => number, power: AbortSignal): Promise<void> {
  const journal = await openOn(disk, { segmentBytes: 4096, segmentRows: 6, backlogRows: 12, sparesMax: 2 })
  const reader = deliver(journal, model, random, power).then(
    () => null,
    (error: unknown) => error,
  )
  for (let step = 0; step < 40 && !power.aborted; step++) {
    const first = model.offered.size
    const ids = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => first + i)
    for (const id of ids) model.offered.add(id)
    const fill = random() < 0.05 ? 3000 : Math.floor(random() * 300)
    const half = Math.floor(ids.length / 2)
    const records = [ids.slice(0, half), ids.slice(half)].filter(({ length }) => length > 0)
    const answer = await refusalReason(journal.append(records.map((part, table) => record(part, { table, fill }))))
    // The power is gone: an answer would not have reached anybody, and the memory disk no longer says the truth.
    if (answer === 'accepted' && !power.aborted) for (const id of ids) model.acknowledged.add(id)
    if (random() < 0.1) await journal.seal()
    if (random() < 0.3) await quiet()
  }
  await quiet()
  if (random() < 0.3 && !power.aborted) await journal.close()
  const failure = await reader
  if (failure !== null) throw failure
}

async function deliver(journal: Journal, model: Model, random: () => number, power: AbortSignal): Promise<void> {
  const stop = new AbortController()
  power.addEventListener('abort', () => stop.abort())
  for (let count = 0; count < 8 && !power.aborted; count++) {
    if (journal.stats().segments === 0) {
      await quiet()
      continue
    }
    await journal.seal()
    const segment = await journal.nextSealed(AbortSignal.any([stop.signal, AbortSignal.timeout(1000)]))
    if (segment === undefined || power.aborted) return
    const ids = await idsIn(segment)
    if (model.finished.has(segment.id)) throw new Error(`segment ${segment.id} came again after done`)
    model.insert(segment.id, ids)
    if (random() < 0.2) {
      journal.putBack(segment)
      continue
    }
    await journal.done(segment)
    if (!power.aborted) model.finished.add(segment.id)
  }
}
