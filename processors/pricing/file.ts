// The form of processors/prices/<provider>.json: rate cards as data, dated on two axes.
//
//   valid time      when the provider charges it      validFrom ≤ call < validTo
//   recorded time   when we learned it                recordedAt ≤ asOf, newest wins
//
// Entries are appended, never edited: a price change is a new entry with a later `recordedAt`, a correction is a new
// entry that `supersedes` the wrong one. Both questions "what did it cost" and "what did we think it cost then" stay
// answerable.

import type { UsageUnitName } from '../../schemas/usage.ts'
import type { CallConditions } from './conditions.ts'

export const conditionNames = [
  'serviceTier',
  'speed',
  'region',
  'dataResidency',
  'deploymentType',
  'searchContextSize',
  'imageSize',
  'imageQuality',
  'videoSize',
] as const satisfies readonly (keyof CallConditions)[]

export type ConditionName = (typeof conditionNames)[number]

/** A value, one of several, or anything but some; '' stands for "not reported". */
export type ConditionTest = string | readonly string[] | { readonly not: readonly string[] }

export interface Schedule {
  /** IANA zone the days and hours are written in. */
  readonly zone: string
  /** ISO weekdays, 1 = Monday; absent = all. A window that passes midnight belongs to the day it starts on. */
  readonly days?: readonly number[]
  /** `HH:MM-HH:MM`, start inclusive, end exclusive, may pass midnight; absent = all day. */
  readonly hours?: readonly string[]
  /** Name in `calendars` of the file: on its days the schedule does not hold. */
  readonly exceptCalendar?: string
}

/** Null and absent both say that the entry does not depend on it. */
export type When = { readonly [name in ConditionName]?: ConditionTest | null } & {
  readonly schedule?: Schedule | null
}

/** Unit name → decimal string of the currency, per published unit. Absolute: no multipliers are stored. */
export type Rates = { readonly [unit in UsageUnitName]?: string }

export interface Band {
  /** Absent in the first band. The size compared is all input tokens, cache included; the whole request moves. */
  readonly inputTokens?: { readonly over: number; readonly inclusive: boolean }
  /** Holds for calls that used reasoning tokens alone: the whole output of a call in thinking mode has another rate. */
  readonly thinking?: true
  readonly rates: Rates
}

export interface PriceSource {
  readonly what: string
  readonly read?: string
  readonly quote?: string
}

/** One rate card under one set of conditions. */
export interface PriceEntry {
  /** `<provider>/<model>#<n>`, never reused; it is stored on every span priced by it. */
  readonly id: string
  /** Exact ids, and prefixes for families whose ids carry a free part (`ft:gpt-4o-2024-08-06:`). */
  readonly models: { readonly exact: readonly string[]; readonly prefix?: readonly string[] }
  readonly validFrom: string | null
  readonly validTo: string | null
  readonly recordedAt: string
  readonly supersedes?: string
  /** True until the provider's announcement has come true. */
  readonly announced?: boolean
  readonly when?: When
  readonly bands: readonly Band[]
  /** Published divisor: `tokens` for all token units, else by unit name. */
  readonly per: { readonly [unit: string]: number }
  /** Least quantity billed of a unit that was used at all. */
  readonly minimum?: { readonly [unit in UsageUnitName]?: string }
  readonly currency: string
  readonly source: readonly PriceSource[]
  readonly confidence: 'high' | 'medium' | 'low'
}

/** Another name for an exact id, for a time. Repointing it is a further record with a later `recordedAt`. */
export interface ModelAlias {
  readonly alias: string
  readonly model: string
  readonly validFrom: string | null
  readonly validTo: string | null
  readonly recordedAt: string
  readonly source: readonly PriceSource[]
}

export interface PriceFile {
  /** Canonical provider name; the file is called `<provider>.json`. */
  readonly provider: string
  /** Serves models of others as well: a call that names no provider is taken for the maker's, not for a host's. */
  readonly isHost?: boolean
  /**
   * Its ids are those under which others serve the model too, or anybody at home (`llama-3.3-70b`): they do not tell who
   * served, so a call that names no provider is never taken for this host's.
   */
  readonly hasCommonIds?: boolean
  /** Path spellings in front of a model id that do not change the price: `models/`, `publishers/google/models/`. */
  readonly modelPaths?: readonly string[]
  /**
   * Endings of a model id that choose a route or a plugin and not another price: `:nitro`. Every other ending belongs
   * to the id, since it may change the price: `:free`. An id that is listed with such an ending keeps its own price.
   */
  readonly modelSuffixes?: readonly string[]
  /** Reported value → our value, per condition, lower case: { serviceTier: { fast: "priority" } }. */
  readonly spellings?: { readonly [name in ConditionName]?: { readonly [reported: string]: string } }
  /** A value that says more than its own condition: { deploymentType: { "global-batch": { serviceTier: "batch", … } } }. */
  readonly implies?: { readonly [name in ConditionName]?: { readonly [value: string]: Partial<CallConditions> } }
  /** The provider takes model ids in any case; each is listed in one. */
  readonly ignoresCase?: boolean
  /** Providers whose files are looked in for a model that this one lacks: two names of one service. */
  readonly sharesWith?: readonly string[]
  /** Local dates `YYYY-MM-DD` of the calendars that schedules name. */
  readonly calendars?: { readonly [name: string]: readonly string[] }
  readonly aliases?: readonly ModelAlias[]
  readonly entries: readonly PriceEntry[]
}

export const overrideScopes = ['project', 'organisation', 'installation'] as const
export type OverrideScope = (typeof overrideScopes)[number]

/** A price of the user's own. It replaces the whole card: a rate it does not give is not taken from the catalogue. */
export interface PriceOverride extends PriceEntry {
  readonly provider: string
  /** Narrower scopes go first; absent: installation. */
  readonly scope?: OverrideScope
  /** Projects or organisations it is for; absent: whoever the book is made for. */
  readonly names?: readonly string[]
  /** A share off the card that the catalogue gives, in percent of the list; its own bands are not looked at. */
  readonly discount?: { readonly percent: string; readonly units?: readonly UsageUnitName[] }
  /** A fixed charge covers the calls; null when the user does not say how much. */
  readonly plan?: { readonly amount: string; readonly currency: string; readonly period: string } | null
}

/** A reported name of the user's own for a model; looked up after the exact ids of its scope. */
export interface OverrideAlias {
  readonly id: string
  /** As reported; null: of any provider. */
  readonly provider: string | null
  /** Exact, or a prefix that ends in `*`. */
  readonly name: string
  /** Provider of the model; null: the same. */
  readonly to: string | null
  /** `*` in it is what the star in the name stood for. */
  readonly model: string
  readonly validFrom: string | null
  readonly validTo: string | null
  readonly recordedAt: string
  readonly scope?: OverrideScope
  readonly names?: readonly string[]
}
