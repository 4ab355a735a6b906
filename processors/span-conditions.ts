// hot: What a call was served under → a number of `ConditionTable`. The texts are compared as interned ids, so a span whose
// combination was seen before costs a few integer comparisons.

import { low, type SpanBatch, valueType } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { slotOf } from './fields.ts'
import { type CallConditions, ConditionTable } from './pricing/conditions.ts'
import { placeOfEndpoint } from './pricing/endpoints.ts'
import type { SpanFields } from './span-fields.ts'

const sources = [
  'speed',
  'region',
  'dataResidency',
  'deploymentType',
  'searchContextSize',
  'imageSize',
  'imageQuality',
  'videoSize',
  'endpoint',
] as const
const slots = Int32Array.from(sources, (name) => slotOf[name])
/** The sources, and the tier behind them. */
const partCount = sources.length + 1
const tierPart = sources.length
const endpointPart = sources.indexOf('endpoint')
/** Combinations remembered; many more than there are, for nearly all spans have one of a few. */
const memoSize = 1 << 10

export class SpanConditions {
  readonly table = new ConditionTable()
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly fields: SpanFields
  private readonly parts = new Int32Array(partCount)
  private readonly guesses = new Int32Array(sources.length)
  private readonly memoParts = new Int32Array(memoSize * partCount)
  private readonly memoIds = new Int32Array(memoSize).fill(-1)
  /** Of the combination in `parts`. */
  private last = 0
  private generation = -1

  constructor(batch: SpanBatch, strings: StringTable, fields: SpanFields) {
    this.batch = batch
    this.strings = strings
    this.fields = fields
  }

  run(row: number): void {
    const { batch, fields, parts, guesses } = this
    const tier = batch.low[low.service_tier]![row]!
    let isSame = tier === parts[tierPart] && this.generation === this.strings.generation
    const isTold = fields.told.size > 0
    for (let i = 0; i < slots.length; i++) {
      let part = 0
      const winner = fields.winners[slots[i]!]!
      if (winner >= 0 && batch.attrType[winner] !== valueType.empty) {
        // The same part of the last span that had one is the likely one.
        part = fields.interned(winner, guesses[i]!)
        guesses[i] = part
      } else if (winner < 0 && isTold) part = fields.told.get(slots[i]!) ?? 0
      if (part === parts[i]) continue
      parts[i] = part
      isSame = false
    }
    parts[tierPart] = tier
    if (!isSame) this.last = this.remembered()
    batch.condition[row] = this.last
  }

  private remembered(): number {
    const { strings, parts, memoParts, memoIds } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      memoIds.fill(-1)
    }
    let hash = 0
    for (let i = 0; i < partCount; i++) hash = Math.imul(hash ^ parts[i]!, 0x01000193)
    const place = (hash ^ (hash >>> 15)) & (memoSize - 1)
    const from = place * partCount
    if (memoIds[place]! >= 0) {
      let i = 0
      while (i < partCount && memoParts[from + i] === parts[i]) i++
      if (i === partCount) return memoIds[place]!
    }
    memoIds[place] = this.table.id(this.conditions())
    memoParts.set(parts, from)
    return memoIds[place]!
  }

  private conditions(): Partial<CallConditions> {
    const text = (name: (typeof sources)[number]): string => this.strings.text(this.parts[sources.indexOf(name)]!)
    const place = placeOfEndpoint(this.strings.text(this.parts[endpointPart]!))
    return {
      serviceTier: this.strings.text(this.parts[tierPart]!),
      speed: text('speed'),
      region: text('region') || place.region,
      dataResidency: text('dataResidency') || place.dataResidency,
      deploymentType: text('deploymentType'),
      searchContextSize: text('searchContextSize'),
      imageSize: text('imageSize'),
      imageQuality: text('imageQuality'),
      videoSize: text('videoSize'),
    }
  }
}
