-- title: Reported costs beside our prices
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: min_calls UInt32 = 20
-- param: tolerance Float64 = 0.005
-- param: spread Float64 = 0.02
-- param: limit UInt32 = 100

-- Calls that a sender reported a cost for and that have a whole price of ours, by model and source. `ratio` is reported over ours, the
-- median of the calls; nine in ten lie between `ratio_low` and `ratio_high` or beyond one of them. `verdict`: `drift`, the same difference on
-- nearly every call since `first_day`: our price or theirs is not the one in force; `differs`, no such day, but the sums do not agree;
-- `agrees`, within `tolerance`; `too few`, less than `min_calls`. Counts and sums are of the days since `first_day`, or of all days.
WITH
  compared AS
  (
    SELECT
      c.provider AS provider,
      c.model AS model,
      c.reported_cost_source AS source,
      toDate(c.start_time) AS day,
      c.price_entry AS price_entry,
      c.start_time AS start_time,
      c.reported_cost AS reported,
      if(c.cost_status = 'reported', c.computed_cost, c.total_cost) AS ours,
      toFloat64(reported) / toFloat64(ours) AS ratio
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
      AND c.reported_cost IS NOT NULL
      AND ours > 0
      AND c.cost_status IN ('priced', 'reported')
      AND c.cost_reason = ''
  ),
  days AS
  (
    SELECT
      provider, model, source, day,
      quantile(0.5)(ratio) AS middle,
      abs(middle - 1) > {tolerance:Float64} AND quantile(0.95)(ratio) - quantile(0.05)(ratio) <= 2 * {spread:Float64} * middle AS is_steady
    FROM compared
    GROUP BY provider, model, source, day
  ),
  -- A drift goes on to the last day: it began behind the last day that was not like it.
  drifts AS
  (
    SELECT
      provider, model, source,
      argMax(middle, day) AS now,
      argMax(is_steady, day) AS is_steady_now,
      arraySort(groupArray((day, is_steady, middle))) AS each,
      arrayLastIndex(d -> NOT d.2 OR abs(d.3 / now - 1) > {spread:Float64}, each) AS before,
      if(is_steady_now, (each[before + 1]).1, toDate(0)) AS first_day
    FROM days
    GROUP BY provider, model, source
  )
SELECT
  c.provider AS provider,
  c.model AS model,
  c.source AS source,
  multiIf(calls < {min_calls:UInt32}, 'too few', any(d.is_steady_now), 'drift',
    abs(toFloat64(reported_cost) / toFloat64(our_cost) - 1) > {tolerance:Float64}, 'differs', 'agrees') AS verdict,
  quantile(0.5)(c.ratio) AS ratio,
  quantile(0.05)(c.ratio) AS ratio_low,
  quantile(0.95)(c.ratio) AS ratio_high,
  count() AS calls,
  min(c.day) AS first_day,
  max(c.day) AS last_day,
  sum(c.ours) AS our_cost,
  sum(c.reported) AS reported_cost,
  reported_cost - our_cost AS difference,
  argMax(c.price_entry, c.start_time) AS price_entry
FROM compared AS c
INNER JOIN drifts AS d ON d.provider = c.provider AND d.model = c.model AND d.source = c.source
WHERE c.day >= d.first_day
GROUP BY provider, model, source
ORDER BY verdict = 'drift' DESC, abs(difference) DESC, provider, model, source
LIMIT {limit:UInt32}
