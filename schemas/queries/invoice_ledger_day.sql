-- title: Usage by day, kind and conditions, as provider bills have it
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 2 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 1 DAY
-- param: tz String = 'UTC'

-- Days of the time zone `tz`, which is the provider's. Kinds are disjoint: `input` is neither read from nor written to a cache.
-- Where one cost column covers several kinds, it is divided by the rates of the call's price entry; the kinds of a call add up to
-- its cost. `repeated_*` is the part of calls whose response id and usage came before, or whose calling span has the same usage.
-- `requests` are calls; those that failed before anything was used are left out. An empty geo is the usual one, `?` not known.
WITH
  calls AS
  (
    SELECT
      c.start_time AS start_time,
      c.provider AS provider, c.model AS model, c.response_id AS response_id,
      c.service_tier AS service_tier, c.price_conditions AS price_conditions,
      c.price_book AS price_book, c.price_entry AS price_entry,
      toFloat64(ifNull(c.input_tokens, 0)) AS all_input, toFloat64(ifNull(c.output_tokens, 0)) AS all_output,
      toFloat64(c.cache_read_tokens) AS cache_read, toFloat64(c.cache_write_tokens) AS cache_write, c.usage_other AS usage_other,
      c.input_cost AS input_cost, c.cache_read_cost AS cache_read_cost, c.cache_write_cost AS cache_write_cost,
      c.output_cost AS output_cost, c.other_cost AS other_cost, c.total_cost AS total_cost,
      -- Which call it is, which answer, and which usage its own span and the calling one would show.
      sipHash64(c.trace_id, c.span_id) AS span_key,
      sipHash64(c.provider, c.response_id, all_input, all_output) AS id_key,
      sipHash64(c.trace_id, c.span_id, c.provider, all_input, cache_read, all_output) AS own_key,
      sipHash64(c.trace_id, c.parent_span_id, c.provider, all_input, cache_read, all_output) AS parent_key
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
      AND c.cost_reason != 'failed_no_usage'
  ),
  repeated AS
  (
    SELECT id_key, min(span_key) AS first
    FROM calls
    WHERE response_id != ''
    GROUP BY id_key
    HAVING count() > 1
  ),
  entries AS
  (
    SELECT price_book, entry_id, arraySort(groupArray((min_input_tokens, rates, per))) AS bands
    FROM model_prices FINAL
    GROUP BY price_book, entry_id
  ),
  -- What is alike is summed first; costs are linear in tokens within a price entry and band, so sums divide as calls do.
  sums AS
  (
    SELECT
      toString(toDate(a.start_time, {tz:String})) AS day, a.provider AS provider, a.model AS model,
      a.service_tier AS service_tier, a.price_conditions AS price_conditions,
      a.price_book AS price_book, a.price_entry AS price_entry,
      arrayCount(edge -> a.all_input > edge, (SELECT groupUniqArray(min_input_tokens) FROM model_prices)) AS size,
      (a.response_id != '' AND r.first != 0 AND a.span_key != r.first)
        OR a.parent_key IN (SELECT own_key FROM calls WHERE all_input + all_output > 0) AS is_repeat,
      [a.input_cost IS NULL, a.cache_read_cost IS NULL, a.cache_write_cost IS NULL, a.output_cost IS NULL,
        a.other_cost IS NULL, a.total_cost IS NULL] AS nulls,
      arraySort(mapKeys(a.usage_other)) AS units,
      count() AS calls, min(a.response_id != '') AS has_id, max(a.all_input) AS largest,
      sum(a.all_input) AS all_input, sum(a.all_output) AS all_output,
      sum(a.cache_read) AS cache_read, sum(a.cache_write) AS cache_write, sumMap(a.usage_other) AS u,
      sum(a.input_cost) AS input_cost, sum(a.cache_read_cost) AS cache_read_cost, sum(a.cache_write_cost) AS cache_write_cost,
      sum(a.output_cost) AS output_cost, sum(a.other_cost) AS other_cost, sum(a.total_cost) AS total_cost
    FROM calls AS a
    LEFT JOIN repeated AS r ON r.id_key = a.id_key
    GROUP BY day, provider, model, service_tier, price_conditions, price_book, price_entry, size, is_repeat, nulls, units
  ),
  kinds AS
  (
    SELECT
      a.day AS day, a.provider AS provider, a.model AS model, a.calls AS calls, a.has_id AS has_id, a.is_repeat AS is_repeat,
      JSONExtractString(a.price_conditions, 'serviceTier') AS priced_tier,
      if(priced_tier = '', a.service_tier, priced_tier) AS tier,
      JSONExtractString(a.price_conditions, 'dataResidency') AS residency,
      JSONExtractString(a.price_conditions, 'deploymentType') AS deployment,
      JSONExtractString(a.price_conditions, 'region') AS region,
      multiIf(residency != '', residency, a.provider IN ('openai', 'anthropic'), '', deployment != '', deployment,
        a.provider NOT IN ('aws.bedrock', 'gcp.vertex_ai') OR region = '', '?', region = 'global', '', 'regional') AS geo,
      JSONExtractString(a.price_conditions, 'speed') AS speed,
      arrayLast(b -> b.1 = 0 OR a.largest > b.1, e.bands) AS band,
      if(band.1 > 0, 'long', '') AS band_name,
      a.u AS u,
      a.cache_read - least(a.cache_read, u['cache_read_audio_tokens']) AS read_text,
      a.cache_write - least(a.cache_write, u['cache_write_1h_tokens']) AS write_5m,
      u['input_audio_tokens'] + u['input_image_tokens'] + u['input_video_tokens'] AS input_others,
      u['output_audio_tokens'] + u['output_image_tokens'] AS output_others,
      a.nulls = [1, 1, 1, 1, 1, 0] AS is_whole, a.total_cost AS total_cost,
      arrayFilter(k -> k.3 > 0, [
        ('input', 1, a.all_input - a.cache_read - a.cache_write - input_others, 'input'),
        ('input_audio', 1, u['input_audio_tokens'], 'inputAudio'),
        ('input_image', 1, u['input_image_tokens'], 'inputImage'),
        ('input_video', 1, u['input_video_tokens'], 'inputVideo'),
        ('cache_read', 2, read_text, 'cacheRead'),
        ('cache_read_audio', 2, u['cache_read_audio_tokens'], 'cacheReadAudio'),
        ('cache_write_5m', 3, write_5m, 'cacheWrite'),
        ('cache_write_1h', 3, u['cache_write_1h_tokens'], 'cacheWrite1h'),
        ('output', 4, a.all_output - output_others, 'output'),
        ('output_audio', 4, u['output_audio_tokens'], 'outputAudio'),
        ('output_image', 4, u['output_image_tokens'], 'outputImage'),
        ('web_search', 5, u['web_search_calls'] + u['web_search_queries'] + u['search_queries'], 'webSearch'),
        ('file_search', 5, u['file_search_calls'], 'fileSearch'),
        ('code_session', 5, u['code_interpreter_sessions'], 'codeSession'),
        ('search_unit', 5, u['search_units'], 'searchUnit'),
        ('web_search', 5, u['grounded_requests'], 'groundedRequest'),
        ('images', 5, u['images'], 'images'),
        ('characters', 5, u['input_characters'], 'characters'),
        ('audio_seconds', 5, u['audio_seconds'], 'audioSeconds'),
        ('video_seconds', 5, u['video_seconds'], 'videoSeconds'),
        ('pages', 5, u['document_pages'], 'pages')
      ]) AS kinds,
      [a.input_cost, a.cache_read_cost, a.cache_write_cost, a.output_cost, a.other_cost] AS columns
    FROM sums AS a
    LEFT JOIN entries AS e ON e.price_book = a.price_book AND e.entry_id = a.price_entry
  ),
  priced AS
  (
    SELECT k.*,
      arrayMap(kind -> toDecimal128(round(toDecimal256(kind.3, 6) * toDecimal256(if(k.band.2[kind.4] = '', '0', k.band.2[kind.4]), 15)
        / toDecimal256(multiIf(k.band.3[kind.4] != '', k.band.3[kind.4], k.band.3['tokens'] != '', k.band.3['tokens'], '1'), 0), 12), 12),
        k.kinds) AS worth
    FROM kinds AS k
  ),
  shared AS
  (
    SELECT p.*, arraySum(p.worth) AS worth_sum,
      arrayMap(w -> if(NOT p.is_whole, w, if(worth_sum = 0, toDecimal128(0, 12),
        toDecimal128(round(w * toDecimal256(ifNull(p.total_cost, 0), 12) / worth_sum, 12), 12))), p.worth) AS shares
    FROM priced AS p
  ),
  split AS
  (
    SELECT h.*,
      -- The first kind of a column takes what its other kinds leave of the cost.
      arrayMap((kind, share, i) -> multiIf(
        h.is_whole AND i = 1, h.total_cost - (arraySum(h.shares) - h.shares[1]),
        h.is_whole, CAST(share, 'Nullable(Decimal(38, 12))'),
        h.columns[kind.2] IS NULL, NULL,
        i = arrayFirstIndex(other -> other.2 = kind.2, h.kinds),
          h.columns[kind.2] - arraySum((other, each, at) -> if(other.2 = kind.2 AND at != i, each, toDecimal128(0, 12)),
            h.kinds, h.shares, arrayEnumerate(h.kinds)),
        CAST(share, 'Nullable(Decimal(38, 12))')), h.kinds, h.shares, arrayEnumerate(h.kinds)) AS costs
    FROM shared AS h
  )
SELECT
  s.day AS day,
  s.provider AS provider,
  s.model AS model,
  part.1 AS kind,
  s.tier AS tier,
  s.geo AS geo,
  s.speed AS speed,
  s.band_name AS band,
  part.3 IS NOT NULL AS is_priced,
  toString(sum(toDecimal128(part.2, 12))) AS quantity,
  sum(part.3) AS cost,
  sum(s.calls) AS calls,
  toString(sumIf(toDecimal128(part.2, 12), s.is_repeat)) AS repeated_quantity,
  sumIf(ifNull(part.3, 0), s.is_repeat) AS repeated_cost,
  min(s.has_id) AS has_ids
FROM split AS s
ARRAY JOIN arrayConcat(
  arrayMap((k, cost) -> (k.1, k.3, cost), s.kinds, s.costs),
  [('requests', toFloat64(s.calls), CAST(NULL, 'Nullable(Decimal(38, 12))'))]) AS part
GROUP BY day, provider, model, kind, tier, geo, speed, band, is_priced
ORDER BY day, provider, model, kind, tier, geo, speed, band, is_priced
