// Users' own prices as they are kept: what the file and the API take, read and put into one form. Amounts are decimal
// texts, instants are `YYYY-MM-DDTHH:MM:SSZ`. A record never changes: other content is another record under the same id.
//
//   file, API ─▶ read.ts ─▶ CustomRecord ─▶ compile.ts ─▶ PriceOverride, OverrideAlias ─▶ PriceBook

import type { UsageUnitName } from '../../../schemas/usage.ts'
import type { Rates, When } from '../file.ts'

/** Keys of the lists of the file, and what a record of each list is. */
export const recordLists = { prices: 'price', discounts: 'discount', plans: 'plan', aliases: 'alias' } as const

export type RecordKind = (typeof recordLists)[keyof typeof recordLists]
export const recordKinds = Object.values(recordLists)

interface RecordBase {
  /** Chosen by the user, one record each; rows name it. */
  readonly id: string
  /** Canonical provider name. */
  readonly provider: string
  /** Projects it is for; absent with `organisation` absent too: the whole installation. */
  readonly project?: readonly string[]
  readonly organisation?: readonly string[]
  readonly validFrom?: string
  readonly validTo?: string
  /** Only when the user gives it; else the instant the collector first saw it counts. */
  readonly recordedAt?: string
  readonly note?: string
}

interface RecordOfModels extends RecordBase {
  /** Exact ids, prefixes as `acme-*`, or `*`. */
  readonly model: readonly string[]
  readonly when?: When
}

/** A card of its own. */
export interface CustomPrice extends RecordOfModels {
  readonly kind: 'price'
  readonly rates: Rates
  /** Higher bands; each lists every rate. */
  readonly bands?: readonly {
    readonly over?: number
    readonly inclusive?: boolean
    readonly thinking?: true
    readonly rates: Rates
  }[]
  readonly per: { readonly [unit: string]: number }
  readonly minimum?: { readonly [unit in UsageUnitName]?: string }
  readonly currency: string
}

/** A share off the catalogue's rates, whatever conditions and sizes they depend on. */
export interface CustomDiscount extends RecordOfModels {
  readonly kind: 'discount'
  /** Off the list, 0 to 100. */
  readonly percent: string
  /** Absent: every unit. */
  readonly units?: readonly UsageUnitName[]
}

export const planPeriods = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const

/** Calls that a fixed fee covers: priced at 0. */
export interface CustomPlan extends RecordOfModels {
  readonly kind: 'plan'
  readonly fee?: { readonly amount: string; readonly currency: string; readonly period: (typeof planPeriods)[number] }
}

/** A reported name that stands for a model: a deployment, an inference profile, a gateway's route. */
export interface CustomAlias extends Omit<RecordBase, 'provider'> {
  readonly kind: 'alias'
  /** As reported, canonical; absent: of any provider. */
  readonly provider?: string
  /** Exact, or a prefix as `openai/*`. */
  readonly name: string
  /** Provider of the model; absent: the same. */
  readonly to?: string
  /** With a prefix, `*` in it is what followed the prefix. */
  readonly model: string
}

export type CustomRecord = CustomPrice | CustomDiscount | CustomPlan | CustomAlias

/** What scopes and schedules refer to. */
export interface CustomSettings {
  /** Organisation → its projects. */
  readonly organisations: { readonly [name: string]: readonly string[] }
  /** Local dates by name, for `exceptCalendar`. */
  readonly calendars: { readonly [name: string]: readonly string[] }
}

export const noSettings: CustomSettings = { organisations: {}, calendars: {} }
