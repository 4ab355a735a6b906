-- title: Bill beside ledger, line by line
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 35 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- From the newest import of each provider's day. Difference is bill − ledger; NULL quantities and costs are not on that side.
SELECT
  l.day AS day,
  l.provider AS provider,
  l.account AS account,
  l.model AS model,
  l.kind AS kind,
  l.tier AS tier,
  l.geo AS geo,
  l.label AS label,
  l.bill_quantity AS bill_quantity,
  l.ledger_quantity AS ledger_quantity,
  l.bill_cost AS bill_cost,
  l.ledger_cost AS ledger_cost,
  l.quantity_part + l.price_part AS difference,
  l.state AS state
FROM current_invoice_lines AS l
WHERE l.project_id = {project:String}
  AND l.day >= toDate({from:DateTime64(3, 'UTC')})
  AND l.day <= toDate({to:DateTime64(3, 'UTC')})
ORDER BY day DESC, provider, account, model, kind, tier, geo, label
LIMIT 5000
