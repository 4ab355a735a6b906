// What a key is for, and who stands behind a request that showed one.

export const scopes = ['ingest', 'feedback', 'read', 'manage'] as const

/** `ingest`: send spans and logs. `feedback`: send scores. `read`: ask. `manage`: delete scores, change what is configured. */
export type Scope = (typeof scopes)[number]

/** Whose request it is. */
export interface Caller {
  readonly project: string
  /** Prefix of the key; empty where none are asked for. */
  readonly key: string
  /** The key stands in a web page, so anybody may have sent this. */
  readonly isPublic: boolean
}

/** A key as its holder may see it. */
export interface KeyUse {
  readonly name: string
  readonly project: string
  readonly prefix: string
  readonly may: readonly Scope[]
  /** Unix milliseconds; null for never. */
  readonly expiresMs: number | null
  readonly origins: readonly string[]
  /** Unix milliseconds of the last request it was good for, since the start; null for none. */
  readonly lastUsedMs: number | null
}
