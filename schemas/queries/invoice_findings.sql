-- title: Bill against ledger: where the differences come from
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 35 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- From the newest import of each provider's day. Difference is bill − ledger: plus when the bill is higher. The amounts of a day
-- add up to its difference; quantity part and price part add up to each amount.
SELECT
  f.day AS day,
  f.provider AS provider,
  f.category AS category,
  f.cause AS cause,
  f.model AS model,
  f.kind AS kind,
  sum(f.quantity) AS quantity,
  sum(f.amount) AS difference,
  sum(f.quantity_part) AS quantity_part,
  sum(f.price_part) AS price_part,
  any(f.evidence) AS evidence,
  any(f.label) AS label
FROM current_invoice_findings AS f
WHERE f.project_id = {project:String}
  AND f.day >= toDate({from:DateTime64(3, 'UTC')})
  AND f.day <= toDate({to:DateTime64(3, 'UTC')})
GROUP BY day, provider, category, cause, model, kind
ORDER BY day DESC, abs(difference) DESC, provider, category, cause, model, kind
LIMIT 1000
