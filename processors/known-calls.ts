// hot: What earlier requests told of the spans above their calls: children end before their parents and are sent before them, so a
// sum that comes later is known for one when it comes, and is never billed. The other order, and all else that goes over several
// requests, is left to settling.
//
//   key      trace id 4, span id 2, project 1: a span that has not come, or carries no usage itself
//   beside   span id 2: who below it carries the money

import { nowhere, outerAt, role, type SpanBatch } from '../schemas/span-batch.ts'
import { type Charge, verdict } from './charge.ts'
import { RecentIds, wordAt, wordOfText } from './recent-ids.ts'

const keyWords = 7
const none = -1

/** Bounded; remembers at least the `capacity / 2` newest parents of calls. Owns its memory: 74 bytes a span at the default, 150 at most. */
export class KnownCalls {
  private readonly ids: RecentIds
  private readonly batch: SpanBatch
  private readonly charge: Charge
  /** Who carries the money below each row: as `SpanBatch.countedAs` has it. */
  private carriers = new Int32Array(512)

  constructor(batch: SpanBatch, charge: Charge, capacity = 1 << 17) {
    this.batch = batch
    this.charge = charge
    this.ids = new RecentIds({ keyWords, wordsBeside: 2, capacity })
  }

  /** After `charge`, on the same batch: finds further sums, and remembers what later requests need. */
  run(project: string): void {
    const { batch, charge } = this
    if (this.carriers.length < batch.rows) this.carriers = new Int32Array(batch.rows * 2)
    this.carriers.fill(none, 0, batch.rows)
    const projectWord = wordOfText(project)
    for (let place = 0; place < batch.rows; place++)
      this.row(charge.hasParents ? charge.order[place]! : place, projectWord)
  }

  private row(row: number, project: number): void {
    const { batch, charge, carriers } = this
    const hasUsage = charge.hasUsage(row)
    if (carriers[row] === none && !(hasUsage && batch.role[row] === role.call)) {
      this.setKey(row, batch.spanPos[row]!, project)
      if (this.ids.find()) carriers[row] = this.outside()
    }
    let carrier = carriers[row]!
    if (hasUsage && batch.role[row] === role.carrier && charge.verdicts[row] === verdict.none) {
      if (carrier === none || batch.charged[row] === 1) carrier = row
      else charge.set(row, verdict.aggregate, carrier)
    } else if (charge.verdicts[row] !== verdict.none) {
      carrier = batch.countedAs[row]!
      // Whom this one was counted as may have turned out a sum just now.
      if (carrier >= 0 && charge.verdicts[carrier] !== verdict.none) carrier = batch.countedAs[carrier]!
      batch.countedAs[row] = carrier
    } else if (hasUsage) carrier = row
    if (carrier !== none) this.tellParent(row, carrier, project)
  }

  private tellParent(row: number, carrier: number, project: number): void {
    const { batch, charge, carriers } = this
    const parent = charge.hasParents ? charge.parents[row]! : none
    if (parent >= 0) {
      if (carriers[parent] === none) carriers[parent] = carrier
      return
    }
    const parentAt = batch.parentPos[row]!
    if (parentAt === nowhere) return
    this.setKey(row, parentAt, project)
    if (this.ids.find()) return
    const [bytes, at] = carrier >= 0 ? [batch.bytes, batch.spanPos[carrier]!] : [batch.outerIds, outerAt(carrier)]
    this.ids.key[keyWords] = wordAt(bytes, at)
    this.ids.key[keyWords + 1] = wordAt(bytes, at + 4)
    this.ids.add()
  }

  private setKey(row: number, spanAt: number, project: number): void {
    const { key } = this.ids
    const { bytes } = this.batch
    const trace = this.batch.tracePos[row]!
    for (let i = 0; i < 4; i++) key[i] = wordAt(bytes, trace + i * 4)
    key[4] = wordAt(bytes, spanAt)
    key[5] = wordAt(bytes, spanAt + 4)
    key[6] = project
    this.ids.open()
  }

  /** The carrier that was found beside a key, as the batch holds it. */
  private outside(): number {
    const { key } = this.ids
    return this.batch.addOuterId(key[keyWords]!, key[keyWords + 1]!)
  }
}
