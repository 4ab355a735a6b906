// SQL in the shapes that panels of the spend board take: a total over time, the biggest few and the rest, over time or as lines.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { type Measure, named, scoped, spend, usage } from './sql.ts'

/** One additive number a bucket, for a stat with a sparkline. Buckets without a value are left out, not drawn as 0. */
export function total(measure: string, names: readonly Measure[]): string {
  return `SELECT $__timeInterval(u.at) AS time, ${measure} AS value
FROM ${usage([], names)}
GROUP BY time
HAVING isNotNull(value)
ORDER BY time`
}

const seriesMost = 8

/** Spend in the buckets of `bucket`: one series for each of the dearest models, one more for all others, so that they add up. */
export function spendByModel(bucket: string): string {
  return `SELECT time, if(place <= ${seriesMost}, series, '[other]') AS model, sum(part) AS value
FROM
(
  SELECT time, series, part, dense_rank() OVER (ORDER BY whole DESC NULLS LAST, series) AS place
  FROM
  (
    SELECT ${bucket} AS time, ${named('u.model')} AS series, ${spend} AS part,
      sum(part) OVER (PARTITION BY series) AS whole
    FROM ${usage(['model'], ['costed_calls', 'total_cost'])}
    GROUP BY time, series
  )
)
GROUP BY time, model
HAVING isNotNull(value)
ORDER BY time, model`
}

const topMeasures = [
  'calls',
  'priced_calls',
  'unpriced_calls',
  'costed_calls',
  'errors',
  'input_tokens',
  'output_tokens',
  'total_cost',
] as const satisfies readonly Measure[]

/** The dearest values of a dimension, then one line for the rest: the lines of `cost_by_feature.sql`, over `usage`. */
export function top(dimension: string, counted: string, limit: number): string {
  return `SELECT if(place <= ${limit}, any(g.name), '[other]') AS ${dimension}, count() AS ${counted},
  sum(g.calls) AS calls, sum(g.priced_calls) AS priced_calls, sum(g.unpriced_calls) AS unpriced_calls,
  sum(g.errors) AS errors, sum(g.input_tokens) AS input_tokens, sum(g.output_tokens) AS output_tokens,
  sum(g.cost) AS total_cost, toFloat64(total_cost) / nullIf(toFloat64(sum(total_cost) OVER ()), 0) AS cost_share
FROM
(
  SELECT ${named(`u.${dimension}`)} AS name,
    ${topMeasures.map((measure) => `sum(u.${measure}) AS ${measure}`).join(', ')},
    if(costed_calls > 0, total_cost, NULL) AS cost,
    least(row_number() OVER (ORDER BY cost DESC NULLS LAST, calls DESC, name), ${limit + 1}) AS place
  FROM ${usage([dimension], topMeasures)}
  GROUP BY name
) AS g
GROUP BY place
ORDER BY place`
}

/** p50 and p95 of the calls that succeeded, for the `limit` models with most calls. */
export function latency(limit: number): string {
  return `SELECT time, model, p50, p95
FROM
(
  SELECT time, model, p50, p95, dense_rank() OVER (ORDER BY whole DESC, model) AS place
  FROM
  (
    SELECT $__timeInterval(c.start_time) AS time, ${named('c.model')} AS model,
      quantile(0.5)(c.duration_ns / 1e6) AS p50, quantile(0.95)(c.duration_ns / 1e6) AS p95,
      sum(count()) OVER (PARTITION BY model) AS whole
    FROM llm_calls AS c
    WHERE $__timeFilter(c.start_time)
    AND c.status != 'error'
    AND ${scoped('c')}
    GROUP BY time, model
  )
)
WHERE place <= ${limit}
ORDER BY time, model`
}
