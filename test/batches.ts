// Runs requests through the processors for tests, and shows rows of a batch as plain objects.

import { TraceDecoder } from '../collector/otlp/traces.ts'
import { loadDialects } from '../collector/registry.ts'
import { Charge, verdict } from '../processors/charge.ts'
import type { Dialect } from '../processors/dialect.ts'
import { inheritAttribution } from '../processors/inherit.ts'
import { Normaliser, type NormaliseSettings } from '../processors/normalise.ts'
import { attributeText } from '../schemas/any-value.ts'
import { attributeRoom, low, nowhere, SpanBatch, text } from '../schemas/span-batch.ts'
import { StringTable } from '../schemas/string-table.ts'
import { usageUnitCount, usageUnits } from '../schemas/usage.ts'

const dialects = await loadDialects()

/** A moment shortly after the spans that `otlp-messages.ts` makes. */
export const nowMs = 1_790_000_060_000

export class Bench {
  readonly strings = new StringTable()
  readonly batch = new SpanBatch()
  readonly decoder = new TraceDecoder(this.batch, this.strings)
  readonly normaliser: Normaliser
  readonly charge = new Charge(this.batch)

  constructor(settings: Partial<NormaliseSettings> = {}, spoken: readonly Dialect[] = dialects) {
    this.normaliser = new Normaliser(this.batch, this.strings, spoken, { keepContent: true, ...settings })
  }

  /** Decodes, normalises and charges one request; rows as objects of what is set. */
  rows(request: Uint8Array, atMs = nowMs): Record<string, unknown>[] {
    this.strings.trim()
    this.decoder.decode(request)
    this.normaliser.run(atMs)
    this.charge.run()
    inheritAttribution(this.batch, this.charge)
    return Array.from({ length: this.batch.rows }, (_, row) => this.row(row))
  }

  row(row: number): Record<string, unknown> {
    const { batch, strings } = this
    const shown: Record<string, unknown> = {}
    for (const [name, column] of Object.entries(low))
      if (batch.low[column]![row] !== 0) shown[name] = strings.text(batch.low[column]![row]!)
    for (const [name, column] of Object.entries(text)) {
      const start = batch.textStart[column]![row]!
      const end = batch.textEnd[column]![row]!
      if (end > start) shown[name] = batch.textOf(start, end)
    }
    const usage: Record<string, number> = {}
    for (const [slot, { name }] of usageUnits.entries()) {
      const count = batch.usage[row * usageUnitCount + slot]!
      if (!Number.isNaN(count)) usage[name] = count
    }
    if (Object.keys(usage).length > 0) shown['usage'] = usage
    const left = this.attributes(row, attributeRoom.attributes)
    if (Object.keys(left).length > 0) shown['attributes'] = left
    const kept = this.attributes(row, attributeRoom.content)
    if (Object.keys(kept).length > 0) shown['content'] = kept
    if (batch.ttftNano[row]! > 0) shown['ttft_ns'] = batch.ttftNano[row]
    if (batch.badUsage[row] === 1) shown['bad_usage'] = true
    const why = this.charge.verdicts[row]
    if (why !== verdict.none) shown['verdict'] = why === verdict.aggregate ? 'aggregate' : 'duplicate'
    return shown
  }

  spanId(row: number): string {
    return this.hex(this.batch.spanPos[row]!, 8)
  }

  traceId(row: number): string {
    return this.hex(this.batch.tracePos[row]!, 16)
  }

  hex(at: number, size: number): string {
    return at === nowhere ? '' : Buffer.from(this.batch.bytes.subarray(at, at + size)).toString('hex')
  }

  private attributes(row: number, room: number): Record<string, string> {
    const { batch, strings } = this
    const found: Record<string, string> = {}
    for (let i = batch.attrFrom[row]!; i < batch.attrTo[row]!; i++) {
      if (batch.attrRoom[i] === room) found[strings.text(batch.attrKey[i]!)] = attributeText(batch, i)
    }
    return found
  }
}
