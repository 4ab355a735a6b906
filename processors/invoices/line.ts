// One line of a provider's bill or usage report, in the form in which all of them can be laid beside the ledger.

import type { Fine } from './exact.ts'

/** Token families are disjoint: input is fresh input, neither read from nor written to a cache; output has reasoning in it. */
export const tokenFamilies = ['input', 'cache_read', 'cache_write', 'output'] as const
export type TokenFamily = (typeof tokenFamilies)[number]

/** Billed units without tokens, by the keys of `usage_other`. */
export const toolFamilies = [
  'web_search',
  'file_search',
  'code_session',
  'search_unit',
  'images',
  'characters',
  'audio_seconds',
  'video_seconds',
  'pages',
] as const
/** `all_input`: input that the source does not split into fresh and cached; `all`: one amount for every kind of a model. */
export type Family = TokenFamily | 'all_input' | 'all' | (typeof toolFamilies)[number] | 'requests' | 'other'

export function isTokens(family: string): family is TokenFamily {
  return (tokenFamilies as readonly string[]).includes(family)
}

export const dimensionNames = ['tier', 'geo', 'band', 'speed', 'ttl', 'modality'] as const
export type DimensionName = (typeof dimensionNames)[number]

/** What a price may depend on; null = the source does not say, '' = the usual case (standard, global, short, text). */
export type Dimensions = { readonly [name in DimensionName]: string | null }

export const usual: Dimensions = { tier: '', geo: '', band: '', speed: '', ttl: '', modality: '' }
export const unsaid: Dimensions = { tier: null, geo: null, band: null, speed: null, ttl: null, modality: '' }

/** Words of a label, before the name of the model is known to be one. */
export interface Meaning {
  /** As written or as put together from words; '' = no model in it, null = not said. */
  readonly model: string | null
  /** null = the label does not say what was counted. */
  readonly family: Family | null
  readonly dimensions: Partial<Dimensions>
  /** Whether the source names models by their ids, so that an unknown one is new and not misread. */
  readonly isModelId: boolean
}

export type Charge = 'usage' | 'credit' | 'discount' | 'tax' | 'other'

export interface BillLine extends Meaning {
  readonly dimensions: Dimensions
  /** In the file, from 1. */
  readonly line: number
  /** Day of the provider's zone, YYYY-MM-DD. */
  readonly day: string
  /** Provider as the ledger names it. */
  readonly provider: string
  /** The provider's project, workspace, account or subscription; '' = its default one, null = not said. */
  readonly account: string | null
  /** As printed. */
  readonly label: string
  readonly charge: Charge
  /** Of `family`'s unit; null = not on this source. */
  readonly quantity: Fine | null
  /** The quantity is a number of blocks whose size the source does not state: 1, 1,000 or 1,000,000. */
  readonly isBlocks?: boolean
  readonly amount: Fine | null
  /** Before discounts, when the source has it. */
  readonly listAmount?: Fine | null
  /** ISO code, upper case. */
  readonly currency: string
}

/** What a reader gives back, besides lines. */
export interface Sink {
  line(line: BillLine): void
  /** Something that makes the import less than whole, or that a reader of the result must know. */
  note(note: Note): void
  /** A day that the source covers, whether or not anything was used on it. */
  day(day: string): void
}

export interface Note {
  readonly kind: 'incomplete' | 'warning'
  /** '' = the whole file. */
  readonly day: string
  readonly text: string
}

/** Thrown for a file that cannot be read as what it seems to be; the message names line and field. */
export class InvoiceError extends Error {
  override readonly name = 'InvoiceError'
}
