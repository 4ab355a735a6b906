// Columns of `spans` that hold what a call costs.

/** By part, in all, and in the currency of its price: what a new price may change. Reported and wasted cost are others'. */
export const amountColumns = [
  'input_cost',
  'cache_read_cost',
  'cache_write_cost',
  'output_cost',
  'other_cost',
  'total_cost',
  'pricing_currency_cost',
] as const
