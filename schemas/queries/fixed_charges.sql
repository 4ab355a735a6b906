-- title: Fixed charges
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: limit UInt32 = 100

-- Plans that covered calls of the time, which cost 0 each: the fee is no part of any other total. `fee` is for a whole
-- `period`, however short the time asked about; null where the plan does not say.
WITH plans AS
(
  SELECT
    entry_id,
    any(rates['fixed']) AS fee_text,
    any(currency) AS fee_currency,
    any(per['fixed']) AS fee_period,
    any(source) AS terms
  FROM model_prices
  WHERE startsWith(entry_id, 'plan:')
  GROUP BY entry_id
)
SELECT
  c.price_entry AS plan,
  if(any(p.fee_text) = '', NULL, any(p.fee_text)) AS fee,
  any(p.fee_currency) AS currency,
  any(p.fee_period) AS period,
  any(p.terms) AS terms,
  count() AS calls,
  sum(c.input_tokens) AS input_tokens,
  sum(c.output_tokens) AS output_tokens,
  min(c.start_time) AS first_seen,
  max(c.start_time) AS last_seen
FROM llm_calls AS c
LEFT JOIN plans AS p ON p.entry_id = c.price_entry
WHERE c.project_id = {project:String}
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
  AND startsWith(c.price_entry, 'plan:')
GROUP BY plan
ORDER BY calls DESC, plan
LIMIT {limit:UInt32}
