-- title: How scores are distributed
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 30 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: by String = 'all'
-- choice: by = all model provider prompt feature service env release team customer user
-- param: name String = ''
-- param: sources Array(String) = []
-- choice: sources = user human-review automated eval
-- param: bins UInt8 = 10
-- param: flagged UInt8 = 0

-- For each name of a score and each group: how many scores lie where. Numbers go into `bins` of equal width between the least and the
-- greatest of the name, the same in every group, `bin_from` included and `bin_to` not, but in the last; where a name has no more
-- different numbers than bins, each has a line of its own and both are that number. Scores without a number are counted by
-- `label`. `share` is of the scores of that name in the group. Of several by one author on one target the newest counts. Scores that
-- break their configuration are left out unless `flagged` is 1; failed evaluations and signals always.
WITH
  ballots AS
  (
    SELECT
      any(if({by:String} = 'model', s.model,
        if({by:String} = 'provider', s.provider,
        if({by:String} = 'prompt', if(s.prompt_name = '', '', concat(s.prompt_name, '@', s.prompt_version)),
        if({by:String} = 'feature', s.feature,
        if({by:String} = 'service', s.service,
        if({by:String} = 'env', s.env,
        if({by:String} = 'release', s.release,
        if({by:String} = 'team', s.team,
        if({by:String} = 'customer', s.customer,
        if({by:String} = 'user', s.user_id, 'all'))))))))))) AS key,
      s.name AS name,
      argMax((s.value, s.label), s.given) AS newest
    FROM votes AS s
    WHERE s.project_id = {project:String}
      AND s.resolved = 1
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
      AND ({name:String} = '' OR s.name = {name:String})
      AND (empty({sources:Array(String)}) OR s.source IN {sources:Array(String)})
      AND (s.violation = '' OR {flagged:UInt8} = 1)
    GROUP BY name, s.ballot
  ),
  ranges AS
  (
    SELECT b.name AS name, min(b.newest.1) AS low, max(b.newest.1) AS high, uniqExact(b.newest.1) AS numbers
    FROM ballots AS b
    GROUP BY name
  )
SELECT
  p.name AS name,
  if(p.key = '', '[none]', p.key) AS group,
  p.bin_from AS bin_from,
  if(isNull(p.bin), p.bin_from, p.low + p.width * (p.bin + 1)) AS bin_to,
  p.label AS label,
  count() AS scores,
  scores / sum(scores) OVER (PARTITION BY p.name, p.key) AS share
FROM
(
  SELECT
    b.key AS key,
    b.name AS name,
    r.low AS low,
    (r.high - r.low) / greatest({bins:UInt8}, 1) AS width,
    if(isNull(b.newest.1) OR r.numbers <= {bins:UInt8}, NULL, least(floor((b.newest.1 - r.low) / width), greatest({bins:UInt8}, 1) - 1)) AS bin,
    if(isNull(bin), b.newest.1, r.low + width * bin) AS bin_from,
    if(isNull(b.newest.1), b.newest.2, '') AS label
  FROM ballots AS b
  INNER JOIN ranges AS r ON r.name = b.name
) AS p
GROUP BY p.name, p.key, p.low, p.width, p.bin, p.bin_from, p.label
ORDER BY name, group, bin_from, label
