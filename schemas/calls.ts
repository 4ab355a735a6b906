// What is a call of a model among spans, for statements that read `spans` itself.

/** SQL that is true for the rows of `table` that the view `llm_calls` has; tests hold the two together. */
export function isCallOf(table: string): string {
  return `${table}.cost_reason NOT IN ('aggregate', 'duplicate', 'replayed', 'not_a_model_call')`
}
