// How a ClickHouse table is declared: once, as a list of columns. The Native header, the insert list, the migration
// and docs/columns.md are derived from the declaration or held to it by a test.

export interface Column {
  readonly name: string
  /** ClickHouse type, spelled as `system.columns` prints it. */
  readonly type: string
  /** ClickHouse codec list, as in `CODEC(...)`; the server's default when absent. */
  readonly codec?: string
  /** What one unit of the number is, for the documentation. */
  readonly unit?: string
  /** The semantic-convention attribute that was moved into this column and is not repeated in `attributes`. */
  readonly semconv?: string
  readonly doc: string
}

export interface Table {
  readonly name: string
  readonly doc: string
  readonly columns: readonly Column[]
}

/** Column list of an `INSERT`, in the order of the Native header. */
export function columnNames(table: Table): string[] {
  return table.columns.map((column) => column.name)
}
