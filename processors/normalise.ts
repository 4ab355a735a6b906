// hot: Attributes of any dialect → the canonical columns of a batch: identity, attribution, usage, status, content.
// Works a span at a time over integers; text is not made into JavaScript strings on the common path.

import type { AttributionColumn } from '../schemas/attribution.ts'
import { contentCount, costCount, low, type SpanBatch, text } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { usageUnitCount } from '../schemas/usage.ts'
import { attributionFields } from './attribution.ts'
import type { Dialect, UsageMeaning } from './dialect.ts'
import { type FieldName, slotOf } from './fields.ts'
import { KeyTable } from './key-table.ts'
import type { ConditionTable } from './pricing/conditions.ts'
import { canonicalProvider } from './pricing/provider-names.ts'
import { ResourceReader } from './resource-reader.ts'
import { SpanFields } from './span-fields.ts'
import { SpanMetadata } from './span-metadata.ts'
import { SpanOutcome } from './span-outcome.ts'
import { SpanUsage } from './span-usage.ts'
import { SpanView } from './span-view.ts'
import { WordList, type Words } from './words.ts'

const nothingKnown: UsageMeaning = {}

export interface NormaliseSettings {
  /** False: prompts and answers are dropped before anything is written. */
  readonly keepContent: boolean
  /** Attributes of the user's own → columns of attribution; on the span, in its metadata or on its resource. */
  readonly attributeMap?: ReadonlyMap<string, AttributionColumn>
}

/** Owns the tables that turn attributes into columns; one per process, used for one batch at a time. */
export class Normaliser {
  readonly conditions: ConditionTable
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly settings: NormaliseSettings
  private readonly keys: KeyTable
  private readonly words: WordList
  private readonly resources: ResourceReader
  private readonly fields: SpanFields
  private readonly metadata: SpanMetadata
  private readonly usage: SpanUsage
  private readonly outcome: SpanOutcome
  private readonly view: SpanView
  private readonly meanings = new Map<number, UsageMeaning>()
  /** Number of each scope's name and version, by their ids; and what each scope of the batch at hand is. */
  private readonly emitters = new Map<number, number>()
  private scopeEmitter = new Int32Array(64)
  private scopeDialect = new Int32Array(64)
  private lastEmitter = -1
  private lastDialect = -1
  private lastProvider = -1
  private lastMeaning: UsageMeaning = nothingKnown
  private readonly providers = new Map<number, number>()
  private dialectIds = new Int32Array(0)
  /** 1 for a dialect that is not the conventions' own. */
  private readonly isFramework: Uint8Array
  private generation = -1

  constructor(batch: SpanBatch, strings: StringTable, dialects: readonly Dialect[], settings: NormaliseSettings) {
    this.batch = batch
    this.strings = strings
    this.settings = settings
    this.keys = new KeyTable(dialects, strings, ownFields(settings.attributeMap))
    this.isFramework = Uint8Array.from(this.keys.dialects, ({ id }) => (id.startsWith('otel-semconv') ? 0 : 1))
    this.words = new WordList(strings)
    this.resources = new ResourceReader(batch, strings, this.keys)
    this.fields = new SpanFields(batch, strings, this.keys)
    this.metadata = new SpanMetadata(batch, strings, this.keys, this.fields)
    this.usage = new SpanUsage(batch, strings, this.fields)
    this.outcome = new SpanOutcome(batch, strings, this.keys, this.fields)
    this.view = new SpanView(batch, strings, this.fields)
    this.conditions = this.usage.conditions
  }

  /** Attribute keys met so far that tell of a score on a span. */
  get scoreKeys(): ReadonlySet<number> {
    return this.keys.scoreKeys
  }

  /** Fills the canonical columns of all rows. `nowMs` bounds what times are believed. */
  run(nowMs: number): void {
    const { batch, strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.meanings.clear()
      this.emitters.clear()
      this.lastEmitter = -1
      this.providers.clear()
      this.dialectIds = Int32Array.from(this.keys.dialects, ({ id }) => strings.internText(id))
    }
    const words = this.words.get()
    clearColumns(batch)
    this.fields.open()
    this.resources.read()
    this.readScopes()
    for (let row = 0; row < batch.rows; row++) this.span(row, nowMs, words)
    if (!this.settings.keepContent) batch.hasContent.fill(0, 0, batch.rows)
  }

  private readScopes(): void {
    const { batch } = this
    if (this.scopeEmitter.length < batch.scopes) {
      this.scopeEmitter = new Int32Array(batch.scopes * 2)
      this.scopeDialect = new Int32Array(batch.scopes * 2)
    }
    for (let scope = 0; scope < batch.scopes; scope++) {
      const place = batch.scopeName[scope]! * 0x1000000 + batch.scopeVersion[scope]!
      let emitter = this.emitters.get(place)
      if (emitter === undefined) {
        emitter = this.emitters.size
        this.emitters.set(place, emitter)
      }
      this.scopeEmitter[scope] = emitter
      this.scopeDialect[scope] = this.keys.dialectOfScope(batch.scopeName[scope]!)
    }
  }

  private span(row: number, nowMs: number, words: Words): void {
    const { batch, fields, outcome } = this
    const scope = batch.scope[row]!
    const scopeName = batch.scopeName[scope]!
    batch.low[low.scope_name]![row] = scopeName
    batch.low[low.scope_version]![row] = batch.scopeVersion[scope]!
    outcome.times(row, nowMs)
    this.resources.apply(row)
    let scopeDialect = this.scopeDialect[scope]!
    const marked = fields.collect(row, scopeDialect >= 0)
    fields.store(row)
    if (fields.winners[slotOf.metadataJson]! >= 0) this.metadata.run(row)
    if (scopeDialect < 0 && marked >= 0) scopeDialect = this.keys.dialectOfSharedScope(scopeName)
    const provider = this.provider(row)
    const dialect = scopeDialect >= 0 ? scopeDialect : marked
    const meaning = this.readDialect(row, dialect, scope, provider)
    if (fields.winners[slotOf.freshInputTokens]! >= 0)
      this.view.setUsageIfMissing('inputTokens', this.view.number('freshInputTokens'))
    this.usage.run(row, words, meaning, scopeDialect >= 0, dialect >= 0 && this.isFramework[dialect] === 1)
    outcome.kind(row, words, this.view.kind)
    outcome.events(row, words)
    outcome.status(row, words, this.view.isError)
    fields.forget()
  }

  /** Lets the span's dialect read what its table cannot say; returns how its counts are meant. */
  private readDialect(row: number, dialect: number, scope: number, provider: number): UsageMeaning {
    const { batch, view } = this
    if (dialect < 0) {
      view.open(row, nothingKnown)
      return nothingKnown
    }
    batch.low[low.dialect]![row] = this.dialectIds[dialect]!
    view.open(row, this.meaning(dialect, scope, provider))
    const { read, readsEach } = this.keys.dialects[dialect]!
    if (read !== undefined && (readsEach === true || this.fields.hasRaw())) read(view)
    view.meaning.mend?.(view)
    return view.meaning
  }

  /** Folds the provider's spelling into its OpenTelemetry name; what was sent stays in `attributes` where it differs. */
  private provider(row: number): number {
    const { batch, fields, strings } = this
    const column = batch.low[low.provider]!
    let sent = column[row]!
    const vendor = fields.winners[slotOf.vendor]!
    if (sent === 0 && vendor >= 0) sent = fields.interned(vendor)
    if (sent === 0) return 0
    let canonical = this.providers.get(sent)
    if (canonical === undefined) {
      canonical = strings.internText(canonicalProvider(strings.text(sent)))
      this.providers.set(sent, canonical)
    }
    column[row] = canonical
    const winner = fields.winners[slotOf.provider]!
    if (canonical !== sent && winner >= 0) batch.attrRoom[winner] = 0
    return canonical
  }

  private meaning(dialect: number, scope: number, provider: number): UsageMeaning {
    const { batch, strings } = this
    const emitter = this.scopeEmitter[scope]!
    // Fast path: the span before is of the same emitter and provider.
    if (emitter === this.lastEmitter && dialect === this.lastDialect && provider === this.lastProvider)
      return this.lastMeaning
    // 24 bits for an id: a request of gigabytes would be needed for more.
    const place = (emitter * 0x100 + dialect) * 0x1000000 + provider
    let meaning = this.meanings.get(place)
    if (meaning === undefined) {
      meaning =
        this.keys.dialects[dialect]!.meaning?.({
          scope: strings.text(batch.scopeName[scope]!),
          version: strings.text(batch.scopeVersion[scope]!),
          provider: strings.text(provider),
        }) ?? nothingKnown
      this.meanings.set(place, meaning)
    }
    this.lastEmitter = emitter
    this.lastDialect = dialect
    this.lastProvider = provider
    this.lastMeaning = meaning
    return meaning
  }
}

function ownFields(map: ReadonlyMap<string, AttributionColumn> = new Map()): ReadonlyMap<string, FieldName> {
  return new Map([...map].map(([name, column]) => [name, attributionFields[column]]))
}

function clearColumns(batch: SpanBatch): void {
  const { rows } = batch
  for (let i = 0; i < batch.low.length; i++) if (i !== low.name) batch.low[i]!.fill(0, 0, rows)
  for (const column of [text.user_id, text.session_id, text.customer, text.response_id]) {
    batch.textStart[column]!.fill(0, 0, rows)
    batch.textEnd[column]!.fill(0, 0, rows)
  }
  batch.usage.fill(Number.NaN, 0, rows * usageUnitCount)
  batch.costs.fill(Number.NaN, 0, rows * costCount)
  batch.contentAttr.fill(-1, 0, rows * contentCount)
  batch.temperature.fill(Number.NaN, 0, rows)
  batch.maxTokens.fill(Number.NaN, 0, rows)
  batch.stream.fill(-1, 0, rows)
  batch.countedAs.fill(-1, 0, rows)
  batch.ttftNano.fill(0, 0, rows)
  batch.startClamped.fill(0, 0, rows)
  batch.attempt.fill(0, 0, rows)
  batch.attempts.fill(0, 0, rows)
  batch.hasContent.fill(0, 0, rows)
  batch.badUsage.fill(0, 0, rows)
  batch.charged.fill(0, 0, rows)
  batch.condition.fill(0, 0, rows)
}
