// Values of columns that travel as text → ClickHouse expressions of their type.

/** By kind of column: the expression of its value, from an expression of its text. Text that is none is NULL, or 0. */
export const fromText = {
  text: (text: string) => text,
  low: (text: string) => `CAST(${text}, 'LowCardinality(String)')`,
  decimal: (text: string) => `toDecimal64OrNull(${text}, 12)`,
  countOrNull: (text: string) => `toUInt64OrNull(${text})`,
  count: (text: string) => `toUInt64OrZero(${text})`,
  quantities: (text: string) =>
    `CAST(JSONExtract(${text}, 'Map(String, Float64)'), 'Map(LowCardinality(String), Float64)')`,
  uint16: (text: string) => `toUInt16OrZero(${text})`,
} as const

export type TextKind = keyof typeof fromText
