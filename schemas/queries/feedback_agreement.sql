-- title: Do judges agree with people?
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 90 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY

-- Each judge (evaluator, its version, the name of its score) against people's votes on the same target, good or bad on both
-- sides; of several votes by one author or one judge on one target the newest counts. `kappa` is Cohen's: agreement beyond
-- chance, NULL where chance alone would agree always.
WITH newest AS
(
  SELECT
    s.source IN ('user', 'human-review') AS is_person,
    s.name AS name,
    s.evaluator AS evaluator,
    s.evaluator_version AS evaluator_version,
    s.verdict AS verdict,
    s.trace_id AS trace_id,
    s.span_id AS span_id,
    if(s.target = 'session', s.session_id, '') AS session_id
  FROM current_scores AS s
  WHERE s.project_id = {project:String}
    AND s.resolved = 1
    AND s.error_type = ''
    AND s.target_time >= {from:DateTime64(3, 'UTC')}
    AND s.target_time < {to:DateTime64(3, 'UTC')}
  ORDER BY s.created_at DESC, s.version DESC, s.score_id DESC
  LIMIT 1 BY is_person, if(is_person AND s.author_id = '', s.score_id, ''), s.author_id, name, evaluator, evaluator_version, trace_id, span_id, session_id
)
SELECT
  name,
  evaluator,
  evaluator_version,
  count() AS pairs,
  countIf(judge = 1 AND person = 1) AS both_good,
  countIf(judge = 1 AND person = -1) AS judge_good_person_bad,
  countIf(judge = -1 AND person = 1) AS judge_bad_person_good,
  countIf(judge = -1 AND person = -1) AS both_bad,
  (both_good + both_bad) / pairs AS agreement,
  ((both_good + judge_good_person_bad) * (both_good + judge_bad_person_good)
    + (both_bad + judge_bad_person_good) * (both_bad + judge_good_person_bad)) / (pairs * pairs) AS by_chance,
  if(by_chance = 1, NULL, (agreement - by_chance) / (1 - by_chance)) AS kappa
FROM
(
  SELECT j.name AS name, j.evaluator AS evaluator, j.evaluator_version AS evaluator_version, j.verdict AS judge, p.verdict AS person
  FROM newest AS j
  INNER JOIN newest AS p ON p.trace_id = j.trace_id AND p.span_id = j.span_id AND p.session_id = j.session_id
  WHERE NOT j.is_person AND p.is_person AND j.verdict != 0 AND p.verdict != 0
)
GROUP BY name, evaluator, evaluator_version
ORDER BY pairs DESC, name, evaluator, evaluator_version
