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
