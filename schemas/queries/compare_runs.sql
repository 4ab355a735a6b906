-- title: Two runs of a dataset side by side
-- param: project String = 'default'
-- param: a String = ''
-- param: b String = ''
-- param: dataset String = ''
-- param: name String = ''

-- One row a score name: what run `a` and run `b` got, and what `b` has more (`value_difference`, `pass_difference`, with 95 %
-- intervals). Several scores of one name on one item of one run are averaged first, so an item counts once. Items that both runs
-- have are compared with each other (`pairs`): the interval is then that of the differences within them, else that of two groups.
-- Value: t interval (Welch's for two groups), NULL below three and where
-- all are alike. Passes, of scores that say good or bad: Agresti and Min's for
-- pairs, Agresti and Caffo's for two groups. `b_wins` by verdict, else by value; higher is better unless the score's configuration
-- says low. Costs and latencies are of the calls in the traces judged, those of evaluators left out: a call without a known cost is
-- in `unpriced_calls` and in no sum; latency is from the first call's start to the last one's end.
WITH
  -- Student's t at 97.5 % for so many degrees of freedom, within 3 % from 2 on (Cornish-Fisher).
  (f) -> 1.959964 + 2.372271 / f + 2.822500 / (f * f) + 2.555850 / (f * f * f) AS t975,
  directions AS
  (
    SELECT g.name AS name, argMax(if(g.is_deleted = 1, '', JSONExtractString(g.config, 'direction')), g.recorded_at) AS direction
    FROM score_configs AS g
    WHERE g.project_id IN ('', {project:String})
    GROUP BY name
  ),
  judged AS
  (
    SELECT
      s.name AS name,
      s.run_name = {b:String} AS is_b,
      -- What has no item is one by itself, in no pair.
      if(s.item_id = '', concat('\0', s.run_name, '\0', s.trace_id, '\0', if(s.trace_id = '', s.score_id, s.span_id)), s.item_id) AS item,
      s.trace_id AS trace_id,
      if(s.error_type = '', s.value, NULL) AS value,
      if(s.error_type = '' AND s.verdict != 0, toFloat64(s.verdict = 1), NULL) AS pass,
      s.error_type != '' AS is_failed
    FROM current_scores AS s
    WHERE s.project_id = {project:String}
      AND s.run_name IN ({a:String}, {b:String})
      AND s.run_name != ''
      AND ({dataset:String} = '' OR s.dataset = {dataset:String})
      AND ({name:String} = '' OR s.name = {name:String})
  ),
  -- Spans of evaluators and what is below them, eight deep: a judge may be a chain of its own.
  judging AS
  (
    SELECT t.trace_id AS trace_id, arrayJoin(arrayFold(
      (found, i) -> arrayDistinct(arrayConcat(found, arrayMap(s -> s.1, arrayFilter(s -> has(found, s.2), t.spans)))),
      range(8), t.evaluators)) AS span_id
    FROM
    (
      SELECT e.trace_id AS trace_id, groupUniqArray((e.span_id, e.parent_span_id)) AS spans,
        groupUniqArrayIf(e.span_id, e.kind = 'evaluator') AS evaluators
      FROM spans AS e
      WHERE e.project_id = {project:String} AND e.trace_id IN (SELECT j.trace_id FROM judged AS j)
      GROUP BY trace_id
      HAVING notEmpty(evaluators)
    ) AS t
  ),
  spend AS
  (
    SELECT
      c.trace_id AS trace_id,
      sum(c.total_cost) AS cost,
      countIf(c.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
      dateDiff('nanosecond', min(c.start_time), max(addNanoseconds(c.start_time, c.duration_ns))) / 1e6 AS latency_ms
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.trace_id IN (SELECT j.trace_id FROM judged AS j)
      AND (c.trace_id, c.parent_span_id) NOT IN (SELECT g.trace_id, g.span_id FROM judging AS g)
    GROUP BY trace_id
  ),
  spend_by_name AS
  (
    SELECT
      t.name AS name,
      sumIf(p.cost, NOT t.is_b) AS a_cost,
      sumIf(p.cost, t.is_b) AS b_cost,
      avgOrNullIf(toFloat64(p.cost), NOT t.is_b) AS a_cost_per_trace,
      avgOrNullIf(toFloat64(p.cost), t.is_b) AS b_cost_per_trace,
      sumIf(p.unpriced_calls, NOT t.is_b) AS a_unpriced_calls,
      sumIf(p.unpriced_calls, t.is_b) AS b_unpriced_calls,
      quantileOrNullIf(0.5)(p.latency_ms, NOT t.is_b) AS a_latency_ms,
      quantileOrNullIf(0.5)(p.latency_ms, t.is_b) AS b_latency_ms,
      quantileOrNullIf(0.95)(p.latency_ms, NOT t.is_b) AS a_latency_p95_ms,
      quantileOrNullIf(0.95)(p.latency_ms, t.is_b) AS b_latency_p95_ms
    FROM (SELECT DISTINCT j.name AS name, j.is_b AS is_b, j.trace_id AS trace_id FROM judged AS j) AS t
    INNER JOIN spend AS p ON p.trace_id = t.trace_id
    GROUP BY name
  ),
  items AS
  (
    SELECT
      j.name AS name,
      j.item AS item,
      avgOrNullIf(j.value, NOT j.is_b) AS a_value,
      avgOrNullIf(j.value, j.is_b) AS b_value,
      avgOrNullIf(j.pass, NOT j.is_b) AS a_pass,
      avgOrNullIf(j.pass, j.is_b) AS b_pass,
      countIf(NOT j.is_b AND j.is_failed) AS a_failed,
      countIf(j.is_b AND j.is_failed) AS b_failed
    FROM judged AS j
    GROUP BY name, item
  ),
  sums AS
  (
    SELECT
      i.name AS name,
      any(d.direction) = 'low' AS is_low_good,
      countIf(i.a_value IS NOT NULL OR i.a_pass IS NOT NULL) AS a_items,
      countIf(i.b_value IS NOT NULL OR i.b_pass IS NOT NULL) AS b_items,
      sum(i.a_failed) AS a_failed,
      sum(i.b_failed) AS b_failed,
      count(i.a_value) AS a_values,
      count(i.b_value) AS b_values,
      avg(i.a_value) AS a_mean,
      avg(i.b_value) AS b_mean,
      varSamp(i.a_value) / a_values AS a_spread,
      varSamp(i.b_value) / b_values AS b_spread,
      count(i.b_value - i.a_value) AS value_pairs,
      avg(i.b_value - i.a_value) AS pair_difference,
      stddevSamp(i.b_value - i.a_value) / sqrt(value_pairs) AS pair_error,
      count(i.a_pass) AS a_judged,
      count(i.b_pass) AS b_judged,
      sum(i.a_pass) AS a_passed,
      sum(i.b_pass) AS b_passed,
      count(i.b_pass - i.a_pass) AS pass_pairs,
      -- Of pairs, by how much each gained.
      ifNull(sumIf(i.b_pass - i.a_pass, i.b_pass > i.a_pass), 0) AS gained,
      ifNull(sumIf(i.a_pass - i.b_pass, i.a_pass > i.b_pass), 0) AS lost,
      countIf(isNotNull(i.b_pass - i.a_pass) OR isNotNull(i.b_value - i.a_value)) AS pairs,
      countIf(ifNull(i.b_pass > i.a_pass, 0) OR (ifNull(i.b_pass = i.a_pass, 1) AND ifNull(if(d.direction = 'low', i.b_value < i.a_value, i.b_value > i.a_value), 0))) AS b_wins,
      countIf(ifNull(i.b_pass < i.a_pass, 0) OR (ifNull(i.b_pass = i.a_pass, 1) AND ifNull(if(d.direction = 'low', i.b_value > i.a_value, i.b_value < i.a_value), 0))) AS a_wins
    FROM items AS i
    LEFT JOIN directions AS d ON d.name = i.name
    GROUP BY name
  ),
  figures AS
  (
    SELECT
      u.*,
      u.value_pairs > 0 AS is_paired,
      if(is_paired, u.pair_difference, u.b_mean - u.a_mean) AS value_difference,
      if(is_paired, u.value_pairs - 1, pow(u.a_spread + u.b_spread, 2) / (pow(u.a_spread, 2) / (u.a_values - 1) + pow(u.b_spread, 2) / (u.b_values - 1))) AS freedom,
      if(is_paired, u.pair_error, sqrt(u.a_spread + u.b_spread)) AS value_error,
      -- Values all alike have no spread that says how sure they are.
      if(if(is_paired, u.value_pairs >= 3, u.a_values >= 3 AND u.b_values >= 3) AND value_error > 0, t975(freedom) * value_error, NULL) AS value_half,
      u.a_passed / nullIf(u.a_judged, 0) AS a_pass_rate,
      u.b_passed / nullIf(u.b_judged, 0) AS b_pass_rate,
      multiIf(u.pass_pairs > 0, (u.gained - u.lost) / u.pass_pairs, b_pass_rate - a_pass_rate) AS pass_difference,
      (u.a_passed + 1) / (u.a_judged + 2) AS a_near,
      (u.b_passed + 1) / (u.b_judged + 2) AS b_near,
      if(u.pass_pairs > 0, (u.gained - u.lost) / (u.pass_pairs + 2), b_near - a_near) AS pass_centre,
      multiIf(
        u.pass_pairs > 0, 1.959964 * sqrt(u.gained + u.lost + 1 - pow(u.gained - u.lost, 2) / (u.pass_pairs + 2)) / (u.pass_pairs + 2),
        u.a_judged > 0 AND u.b_judged > 0, 1.959964 * sqrt(a_near * (1 - a_near) / (u.a_judged + 2) + b_near * (1 - b_near) / (u.b_judged + 2)),
        NULL
      ) AS pass_half
    FROM sums AS u
  )
SELECT
  f.name AS name,
  {a:String} AS a,
  {b:String} AS b,
  if(f.is_low_good, 'low', 'high') AS better,
  f.a_items AS a_items,
  f.b_items AS b_items,
  f.a_failed AS a_failed,
  f.b_failed AS b_failed,
  f.a_mean AS a_mean,
  f.b_mean AS b_mean,
  f.value_difference AS value_difference,
  f.value_difference - f.value_half AS value_low,
  f.value_difference + f.value_half AS value_high,
  f.a_judged AS a_judged,
  f.b_judged AS b_judged,
  f.a_pass_rate AS a_pass_rate,
  f.b_pass_rate AS b_pass_rate,
  f.pass_difference AS pass_difference,
  -- greatest and least pass over NULL.
  if(f.pass_half IS NULL, NULL, greatest(f.pass_centre - f.pass_half, -1)) AS pass_low,
  if(f.pass_half IS NULL, NULL, least(f.pass_centre + f.pass_half, 1)) AS pass_high,
  f.pairs AS pairs,
  f.b_wins AS b_wins,
  f.a_wins AS a_wins,
  f.pairs - f.b_wins - f.a_wins AS ties,
  p.a_cost AS a_cost,
  p.b_cost AS b_cost,
  p.a_cost_per_trace AS a_cost_per_trace,
  p.b_cost_per_trace AS b_cost_per_trace,
  p.a_unpriced_calls AS a_unpriced_calls,
  p.b_unpriced_calls AS b_unpriced_calls,
  p.a_latency_ms AS a_latency_ms,
  p.b_latency_ms AS b_latency_ms,
  p.a_latency_p95_ms AS a_latency_p95_ms,
  p.b_latency_p95_ms AS b_latency_p95_ms
FROM figures AS f
LEFT JOIN spend_by_name AS p ON p.name = f.name
ORDER BY name
SETTINGS join_use_nulls = 1
