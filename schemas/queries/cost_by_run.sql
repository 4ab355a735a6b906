-- title: Cost before and by a repricing run
-- param: run String = ''
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: tz String = 'UTC'

-- The same calls as they were priced before the run and as the run prices them, whether it was adopted, undone or neither. A call
-- that the run does not change, or left alone, counts alike on both sides. Without a run both sides are the ledger.
SELECT
  b.day AS day,
  b.provider AS provider,
  b.model AS model,
  sum(b.before) AS original_cost,
  sum(b.after) AS total_cost,
  sum(b.after) - sum(b.before) AS difference
FROM (
  SELECT
    toDate(c.start_time, {tz:String}) AS day,
    c.provider AS provider,
    c.model AS model,
    toDecimal128(ifNull(c.total_cost, 0), 12) AS before,
    toDecimal128(ifNull(c.total_cost, 0), 12) AS after
  FROM llm_calls AS c
  WHERE c.project_id = {project:String}
    AND c.start_time >= {from:DateTime64(3, 'UTC')}
    AND c.start_time < {to:DateTime64(3, 'UTC')}
  UNION ALL
  -- What the ledger has of a changed call is taken out of the side it does not belong to, and what belongs there is put in.
  SELECT
    toDate(r.start_time, {tz:String}) AS day,
    if(is_after, r.provider, r.original_provider) AS provider,
    if(is_after, r.model, r.original_model) AS model,
    toDecimal128(if(r.step % 2 = 0, 0, if(is_after, -ifNull(r.total_cost, 0), ifNull(r.original_cost, 0))), 12) AS before,
    toDecimal128(if(r.step % 2 = 1, 0, if(is_after, ifNull(r.total_cost, 0), -ifNull(r.original_cost, 0))), 12) AS after
  FROM (
    SELECT * FROM span_recosts FINAL
    WHERE pricing_run = {run:String} AND step = (SELECT any(p.step) FROM pricing_runs AS p FINAL WHERE p.pricing_run = {run:String})
  ) AS r
  ARRAY JOIN [1, 0] AS is_after
  WHERE r.project_id = {project:String}
    AND r.start_time >= {from:DateTime64(3, 'UTC')}
    AND r.start_time < {to:DateTime64(3, 'UTC')}
) AS b
GROUP BY day, provider, model
ORDER BY day, provider, model
