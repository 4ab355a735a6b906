// Pages of an answer whose rows each say how many there are in all.

export interface Page {
  readonly limit: number
  readonly offset: number
}

export interface Listed<T> {
  readonly rows: readonly T[]
  readonly total: number
}

/** A page, and how many rows there are in all, also where the page is behind the last. Rejects as `ask` does. */
export async function listed<T extends object>(ask: (page: Page) => Promise<T[]>, page: Page): Promise<Listed<T>> {
  const rows = await ask(page)
  // Behind the last page there is no row that says how many there are.
  const [any] = rows.length > 0 || page.offset === 0 ? rows : await ask({ limit: 1, offset: 0 })
  return { rows, total: Number((any as { readonly total?: unknown } | undefined)?.total ?? 0) }
}
