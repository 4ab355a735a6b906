-- title: Usage and cost by day, price entry and what was reported
-- param: project String = ''
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 1 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')
-- param: edges Map(String, Array(UInt64)) = map()
-- param: single Array(String) = []
-- param: tags Array(String) = []

-- Calls that differ in none of this are one line, so that their units can be taken apart and priced after being summed: the
-- band of their size (`edges`: per book and entry, input tokens above which the next band holds), and which units they reported
-- at all. Entries of `single` price every call by itself: there calls of equal usage alone are one line.
WITH
  concat(c.price_book, ' ', c.price_entry) AS price_key,
  mapApply((name, quantity) -> (toString(name), toDecimal128(toString(quantity), 9)), c.usage_other) AS further
SELECT
  toString(toDate(c.start_time)) AS day,
  c.project_id AS project,
  c.provider AS provider,
  c.model AS model,
  c.service_tier AS tier,
  c.price_conditions AS conditions,
  c.price_entry AS price_entry,
  c.price_book AS price_book,
  c.cost_status AS cost_status,
  c.pricing_currency AS pricing_currency,
  arrayCount(edge -> ifNull(c.input_tokens, 0) > edge, {edges:Map(String, Array(UInt64))}[price_key]) AS band,
  mapFilter((name, value) -> value != '', mapFromArrays(
    {tags:Array(String)},
    arrayMap(name -> multiIf(name = 'env', toString(c.env), name = 'service', toString(c.service), name = 'feature', toString(c.feature),
      name = 'release', toString(c.release), name = 'prompt', toString(c.prompt_name), ''), {tags:Array(String)})
  )) AS tags,
  count() AS calls,
  sum(c.input_tokens) AS input,
  sum(c.output_tokens) AS output,
  sum(c.cache_read_tokens) AS cache_read,
  sum(c.cache_write_tokens) AS cache_write,
  sum(c.reasoning_tokens) AS reasoning,
  sumMap(further) AS other,
  toUnixTimestamp64Milli(max(c.start_time + INTERVAL c.duration_ns NANOSECOND)) AS last_end_ms,
  sum(c.total_cost) AS total_cost,
  sum(c.pricing_currency_cost) AS pricing_currency_cost,
  sum(c.input_cost) AS input_cost,
  sum(c.cache_read_cost) AS cache_read_cost,
  sum(c.cache_write_cost) AS cache_write_cost,
  sum(c.output_cost) AS output_cost,
  sum(c.other_cost) AS other_cost
FROM llm_calls AS c
WHERE ({project:String} = '' OR c.project_id = {project:String})
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
  AND c.cost_status != 'not_billed'
GROUP BY
  day, project, provider, model, tier, conditions, price_entry, price_book, cost_status, pricing_currency, band, tags,
  isNull(c.input_tokens), isNull(c.output_tokens), c.cache_read_tokens > 0, c.cache_write_tokens > 0, c.reasoning_tokens > 0,
  arraySort(mapKeys(c.usage_other)),
  if(has({single:Array(String)}, price_key), toString((c.input_tokens, c.output_tokens, c.cache_read_tokens, c.cache_write_tokens, c.reasoning_tokens, arraySort(mapValues(further)))), '')
ORDER BY day, project, provider, model, tier, conditions, price_entry, price_book, cost_status, band, tags, calls, total_cost
