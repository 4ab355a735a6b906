-- title: Price entries in use
-- param: project String = ''
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

-- Every band of the entries that priced a call of the range, from the book that priced it. `rates` is empty where the book's
-- entries are not in `model_prices`.
SELECT
  u.price_book AS price_book,
  u.price_entry AS price_entry,
  p.conditions AS conditions,
  p.min_input_tokens AS min_input_tokens,
  p.currency AS currency,
  p.rates AS rates,
  p.per AS per,
  p.minimum AS minimum
FROM
(
  SELECT DISTINCT c.price_book AS price_book, c.price_entry AS price_entry
  FROM llm_calls AS c
  WHERE ({project:String} = '' OR c.project_id = {project:String})
    AND c.start_time >= {from:DateTime64(3, 'UTC')}
    AND c.start_time < {to:DateTime64(3, 'UTC')}
    AND c.price_entry != ''
) AS u
LEFT JOIN
(
  SELECT price_book, entry_id, conditions, min_input_tokens, currency, rates, per, minimum
  FROM model_prices FINAL
) AS p ON p.price_book = u.price_book AND p.entry_id = u.price_entry
ORDER BY price_book, price_entry, min_input_tokens
