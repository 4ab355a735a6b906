-- title: Quality and cost
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 90 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: by String = 'model'
-- choice: by = all model provider prompt feature service env release team customer user
-- param: step String = 'none'
-- choice: step = none hour day week month
-- param: tz String = 'UTC'
-- param: name String = ''
-- param: sources Array(String) = []
-- choice: sources = user human-review automated eval
-- param: model String = ''
-- param: prompt String = ''
-- param: flagged UInt8 = 0

-- Votes on the calls of each group and all calls of the group, counted apart and then put side by side, so that neither multiplies
-- the other; with a `step` for each stretch of time too. `name` asks for scores of one name, `sources` for those of people
-- (`user`, `human-review`), judges (`eval`) or checks (`automated`); all by default. Of several votes by one author on one target the
-- newest counts. `positive_share` is of all votes, `pass_rate` of those that are good or bad; both with their 95 % interval (Wilson).
-- `avg_value` is the mean of the numbers given, to twelve digits, of scores that are no votes too; it says little unless `name` is given.
-- `cost_per_positive` is the spend of all calls of the group, failed and unrated ones included, for each good vote: NULL without one.
-- `avg_cost` is over wholly priced calls, `priced_share` of the calls. `rated_calls` are calls that a vote judges, by themselves or
-- with their trace. Groups without votes are listed: their spend is bought without knowing what for. `[none]` names no value; `mixed`
-- are votes on traces of several models, which have no spend of their own. A vote whose call was not found counts where its sender
-- named the group. Calls that evaluators made are left out, unless a `prompt` is asked for, which may be theirs; scores that break
-- their configuration, unless `flagged` is 1; signals (docs/decisions/0030) always.
WITH
  -- Bounds of a share, 95 %: side -1 is the lower one.
  (part, whole, side) -> (part + 1.92073 + side * 1.95996 * sqrt(part * (whole - part) / whole + 0.960365)) / (whole + 3.84146) AS wilson,
  -- A sum of floats differs in its last digits by the order of its parts, which several threads make another one each time.
  mean -> intExp10(toUInt8(least(18, greatest(0, 11 - floor(log10(abs(mean))))))) AS scale_of,
  mean -> round(mean * scale_of(mean)) / scale_of(mean) AS twelve_digits,
  -- With constants to choose by, the columns that are not chosen are not read.
  (model, provider, prompt_name, prompt_version, feature, service, env, release, team, customer, user) ->
    if({by:String} = 'model', model,
    if({by:String} = 'provider', provider,
    if({by:String} = 'prompt', if(prompt_name = '', '', concat(prompt_name, '@', prompt_version)),
    if({by:String} = 'feature', feature,
    if({by:String} = 'service', service,
    if({by:String} = 'env', env,
    if({by:String} = 'release', release,
    if({by:String} = 'team', team,
    if({by:String} = 'customer', customer,
    if({by:String} = 'user', user, 'all')))))))))) AS group_of,
  at -> if({step:String} = 'hour', toUnixTimestamp(toStartOfHour(at, {tz:String})),
    if({step:String} = 'day', toUnixTimestamp(toStartOfDay(at, {tz:String})),
    if({step:String} = 'week', toUnixTimestamp(toDateTime(toMonday(at, {tz:String}), {tz:String})),
    if({step:String} = 'month', toUnixTimestamp(toDateTime(toStartOfMonth(at, {tz:String}), {tz:String})), 0)))) AS step_of,
  toStartOfHour({from:DateTime64(3, 'UTC')} + toIntervalMillisecond(3599999), 'UTC') AS first_hour,
  least(toStartOfHour({to:DateTime64(3, 'UTC')}, 'UTC'), toStartOfHour(now('UTC'), 'UTC')) AS last_hour,
  {by:String} IN ('all', 'model', 'provider', 'feature', 'service', 'env')
    AND {prompt:String} = ''
    AND dateDiff('hour', first_hour, last_hour) > 24
    AND timezoneOffset(toDateTime({from:DateTime64(3, 'UTC')}, {tz:String})) % 3600 = 0 AS is_rolled_up,
  -- One row a ballot, its newest vote; 2 and nan stand for a vote that says neither and for no number. Groups are numbers until they
  -- are few: a third less work.
  ballots AS
  (
    SELECT
      any(cityHash64(group_of(s.model, s.provider, s.prompt_name, s.prompt_version, s.feature, s.service, s.env, s.release, s.team, s.customer, s.user_id))) AS group_hash,
      any(step_of(s.target_time)) AS at,
      any(cityHash64(s.trace_id)) AS trace,
      any(if(s.span_id != '' AND s.calls = 1, cityHash64(s.span_id), 0)) AS call,
      max(s.calls) AS calls,
      argMax(toInt8(ifNull(s.vote, 2)), s.given) AS vote,
      argMax(ifNull(s.value, nan), s.given) AS value
    FROM votes AS s
    WHERE s.project_id = {project:String}
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
      AND ({name:String} = '' OR s.name = {name:String})
      AND (empty({sources:Array(String)}) OR s.source IN {sources:Array(String)})
      AND ({model:String} = '' OR s.model = {model:String})
      AND ({prompt:String} = '' OR s.prompt_name = {prompt:String})
      AND (s.violation = '' OR {flagged:UInt8} = 1)
      AND (s.resolved = 1 OR ({step:String} = 'none' AND {by:String} != 'all' AND group_of(s.model, s.provider, s.prompt_name, s.prompt_version, s.feature, s.service, s.env, s.release, s.team, s.customer, s.user_id) != ''))
    GROUP BY s.ballot
  ),
  names AS
  (
    SELECT DISTINCT group_of(n.model, n.provider, n.prompt_name, n.prompt_version, n.feature, n.service, n.env, n.release, n.team, n.customer, n.user_id) AS key, cityHash64(key) AS group_hash
    FROM scores AS n
    WHERE n.project_id = {project:String}
      AND n.target_time >= {from:DateTime64(3, 'UTC')}
      AND n.target_time < {to:DateTime64(3, 'UTC')}
  ),
  sums AS
  (
    SELECT
      t.group_hash AS group_hash,
      t.at AS at,
      sum(t.votes) AS votes,
      sum(t.positive) AS positive,
      sum(t.negative) AS negative,
      sum(t.numbers) AS numbers,
      sum(t.total_value) AS total_value,
      sum(greatest(t.calls_of_whole, t.calls_apart)) AS rated_calls
    FROM
    (
      -- A trace that was judged as a whole is rated whole, whoever judged its calls besides.
      SELECT
        any(b.group_hash) AS group_hash,
        any(b.at) AS at,
        countIf(b.vote != 2) AS votes,
        countIf(b.vote = 1) AS positive,
        countIf(b.vote = -1) AS negative,
        countIf(NOT isNaN(b.value)) AS numbers,
        sumIf(b.value, NOT isNaN(b.value)) AS total_value,
        maxIf(b.calls, b.call = 0 AND b.vote != 2) AS calls_of_whole,
        uniqExactIf(b.call, b.call != 0 AND b.vote != 2) AS calls_apart
      FROM ballots AS b
      GROUP BY cityHash64(b.group_hash, b.at, b.trace)
    ) AS t
    GROUP BY group_hash, at
  ),
  quality AS
  (
    SELECT n.key AS key, m.at AS at, m.votes AS votes, m.positive AS positive, m.negative AS negative, m.numbers AS numbers,
      m.total_value AS total_value, m.rated_calls AS rated_calls
    FROM sums AS m
    INNER JOIN names AS n ON n.group_hash = m.group_hash
  ),
  -- Whole hours of long ranges come from the rollup where it has the columns asked for, and the open hour never; what judges asked
  -- for is taken away again, found by hour and trace as the calls are sorted.
  usage AS
  (
    SELECT
      group_of(r.model, r.provider, '', '', r.feature, r.service, r.env, '', '', '', '') AS key,
      step_of(r.hour) AS at,
      r.calls AS calls,
      r.priced_calls - r.partial_calls + r.other_currency_calls AS priced_calls,
      r.unpriced_calls + r.partial_calls AS unpriced_calls,
      r.errors AS errors,
      r.priced_calls AS costed_calls,
      r.total_cost AS total_cost,
      r.whole_calls AS whole_calls,
      r.whole_cost AS whole_cost
    FROM usage_hourly AS r
    WHERE r.project_id = {project:String}
      AND is_rolled_up
      AND r.hour >= first_hour
      AND r.hour < last_hour
      AND ({model:String} = '' OR r.model = {model:String})
    UNION ALL
    SELECT
      group_of(c.model, c.provider, c.prompt_name, c.prompt_version, c.feature, c.service, c.env, c.release, c.team, c.customer, c.user_id) AS key,
      step_of(c.start_time) AS at,
      toInt64(1) AS calls,
      c.cost_status IN ('priced', 'reported', 'estimated') AS priced_calls,
      c.cost_status IN ('unpriced', 'partial', 'invalid') AS unpriced_calls,
      c.status = 'error' AS errors,
      isNotNull(c.total_cost) AS costed_calls,
      toDecimal128(ifNull(c.total_cost, 0), 12) AS total_cost,
      priced_calls AND costed_calls AS whole_calls,
      if(whole_calls, total_cost, 0) AS whole_cost
    FROM llm_calls AS c
    WHERE c.project_id = {project:String}
      AND c.start_time >= {from:DateTime64(3, 'UTC')}
      AND c.start_time < {to:DateTime64(3, 'UTC')}
      AND (NOT is_rolled_up OR c.start_time < first_hour OR c.start_time >= last_hour)
      AND ({model:String} = '' OR c.model = {model:String})
      AND ({prompt:String} = '' OR c.prompt_name = {prompt:String})
    UNION ALL
    SELECT
      group_of(j.model, j.provider, j.prompt_name, j.prompt_version, j.feature, j.service, j.env, j.release, j.team, j.customer, j.user_id) AS key,
      step_of(j.start_time) AS at,
      toInt64(-1) AS calls,
      -(j.cost_status IN ('priced', 'reported', 'estimated')) AS priced_calls,
      -(j.cost_status IN ('unpriced', 'partial', 'invalid')) AS unpriced_calls,
      -(j.status = 'error') AS errors,
      -isNotNull(j.total_cost) AS costed_calls,
      -toDecimal128(ifNull(j.total_cost, 0), 12) AS total_cost,
      -(priced_calls AND costed_calls) AS whole_calls,
      if(whole_calls != 0, total_cost, 0) AS whole_cost
    FROM llm_calls AS j
    WHERE j.project_id = {project:String}
      AND {prompt:String} = ''
      AND j.start_time >= {from:DateTime64(3, 'UTC')}
      AND j.start_time < {to:DateTime64(3, 'UTC')}
      AND (toStartOfHour(j.start_time), j.trace_id) IN (
        SELECT arrayJoin(arrayMap(i -> toStartOfHour(e.start_time - 60) + 3600 * i, range(toUInt32(least(e.duration_ns, 86400000000000) / 3600000000000) + 2))), e.trace_id
        FROM spans AS e
        WHERE e.project_id = {project:String} AND e.kind = 'evaluator'
      )
      AND (j.trace_id, j.parent_span_id) IN (
        SELECT e.trace_id, e.span_id
        FROM spans AS e
        WHERE e.project_id = {project:String} AND e.kind = 'evaluator'
      )
      AND ({model:String} = '' OR j.model = {model:String})
  ),
  spend AS
  (
    SELECT
      u.key AS key,
      u.at AS at,
      sum(u.calls) AS calls,
      sum(u.priced_calls) AS priced_calls,
      sum(u.unpriced_calls) AS unpriced_calls,
      sum(u.errors) AS errors,
      if(sum(u.costed_calls) > 0, sum(u.total_cost), NULL) AS total_cost,
      toFloat64(sum(u.whole_cost)) / nullIf(sum(u.whole_calls), 0) AS avg_cost
    FROM usage AS u
    GROUP BY key, at
    HAVING calls > 0
  )
SELECT
  if(g.key = '', '[none]', g.key) AS group,
  if({step:String} = 'none', NULL, toDateTime(g.at, 'UTC')) AS time,
  g.calls AS calls,
  g.priced_calls AS priced_calls,
  g.unpriced_calls AS unpriced_calls,
  g.priced_calls / nullIf(g.priced_calls + g.unpriced_calls, 0) AS priced_share,
  g.errors AS errors,
  g.total_cost AS total_cost,
  g.avg_cost AS avg_cost,
  ifNull(g.votes, 0) AS votes,
  ifNull(g.positive, 0) AS positive,
  ifNull(g.negative, 0) AS negative,
  ifNull(g.votes - g.positive - g.negative, 0) AS neutral,
  g.positive / nullIf(g.votes, 0) AS positive_share,
  wilson(g.positive, nullIf(g.votes, 0), -1) AS positive_share_low,
  wilson(g.positive, nullIf(g.votes, 0), 1) AS positive_share_high,
  g.negative / nullIf(g.votes, 0) AS negative_share,
  (g.positive - g.negative) / nullIf(g.votes, 0) AS avg_score,
  g.positive / nullIf(g.positive + g.negative, 0) AS pass_rate,
  wilson(g.positive, nullIf(g.positive + g.negative, 0), -1) AS pass_rate_low,
  wilson(g.positive, nullIf(g.positive + g.negative, 0), 1) AS pass_rate_high,
  twelve_digits(g.total_value / nullIf(g.numbers, 0)) AS avg_value,
  ifNull(g.numbers, 0) AS numbers,
  if(isNull(g.calls), NULL, ifNull(g.rated_calls, 0)) AS rated_calls,
  rated_calls / nullIf(g.calls, 0) AS rated_share,
  toFloat64(g.total_cost) / nullIf(g.positive, 0) AS cost_per_positive
FROM
(
  SELECT
    if(isNull(c.key), q.key, c.key) AS key,
    if(isNull(c.key), q.at, c.at) AS at,
    c.calls AS calls,
    c.priced_calls AS priced_calls,
    c.unpriced_calls AS unpriced_calls,
    c.errors AS errors,
    c.total_cost AS total_cost,
    c.avg_cost AS avg_cost,
    toInt64(q.votes) AS votes,
    toInt64(q.positive) AS positive,
    toInt64(q.negative) AS negative,
    q.numbers AS numbers,
    q.total_value AS total_value,
    q.rated_calls AS rated_calls
  FROM spend AS c
  FULL JOIN quality AS q ON c.key = q.key AND c.at = q.at
) AS g
ORDER BY time, g.total_cost DESC NULLS LAST, votes DESC, group
SETTINGS join_use_nulls = 1
