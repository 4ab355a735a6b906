// Several instrumentations may speak under one scope: Langfuse's wrapper around a client and its callback for LangChain, all that MLflow
// logs by itself. Then one call has two records of one scope, and what tells those from two calls is the manner they are written in.
//
//   counts with the cache, or without     where it is known of the emitter or proved by the numbers
//   the name                              where the instrumentation gives it, and no user does

/** Scopes whose spans are named by the class or method that was wrapped. */
const named = 'mlflow'

/** '' where nothing tells. */
export function mannerOf(span: {
  readonly scope_name: string
  readonly name: string
  readonly usage_rule: string
}): string {
  if (span.scope_name.startsWith(named)) return span.name
  return /^(inclusive|exclusive):(?:emitter|arithmetic)/.exec(span.usage_rule)?.[1] ?? ''
}

/** The same in SQL, of columns of `spans`: a scope and a manner. */
export const emitterSql = `(scope_name, if(startsWith(scope_name, '${named}'), toString(name), extract(usage_rule, '^(inclusive|exclusive):(?:emitter|arithmetic)')))`
