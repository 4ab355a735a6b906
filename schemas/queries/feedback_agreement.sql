-- title: Do judges agree with people?
-- param: project String = 'default'
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 90 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC') + INTERVAL 1 DAY
-- param: flagged UInt8 = 0

-- Each judge (evaluator, its version, the name of its score) against people's votes on the same target, good or bad on both
-- sides; of several votes by one author or one judge on one target the newest counts. `kappa` is Cohen's: agreement beyond
-- chance, NULL where chance alone would agree always. Rules
-- (`automated-…`) are judges that only say bad; implicit signals are no opinion.
-- Scores that break their configuration are left out, unless `flagged` is 1.
SELECT
  judge.1 AS name,
  judge.2 AS evaluator,
  judge.3 AS evaluator_version,
  count() AS pairs,
  countIf(judge.4 = 1 AND person = 1) AS both_good,
  countIf(judge.4 = 1 AND person = -1) AS judge_good_person_bad,
  countIf(judge.4 = -1 AND person = 1) AS judge_bad_person_good,
  countIf(judge.4 = -1 AND person = -1) AS both_bad,
  (both_good + both_bad) / pairs AS agreement,
  ((both_good + judge_good_person_bad) * (both_good + judge_bad_person_good)
    + (both_bad + judge_bad_person_good) * (both_bad + judge_good_person_bad)) / (pairs * pairs) AS by_chance,
  if(by_chance = 1, NULL, (agreement - by_chance) / (1 - by_chance)) AS kappa
FROM
(
  SELECT
    groupArrayIf((v.name, v.evaluator, v.evaluator_version, v.verdict), NOT v.is_person) AS judges,
    groupArrayIf(v.verdict, v.is_person) AS people
  FROM
  (
    SELECT
      s.source IN ('user', 'human-review') AS is_person,
      s.name AS name,
      s.evaluator AS evaluator,
      s.evaluator_version AS evaluator_version,
      cityHash64(s.trace_id, s.span_id, if(s.target = 'session', s.session_id, '')) AS target,
      argMax(s.verdict, toUnixTimestamp64Milli(s.created_at) * 1048576 + cityHash64(s.score_id) % 1048576) AS verdict
    FROM all_scores AS s
    WHERE s.project_id = {project:String}
      AND (s.violation = '' OR {flagged:UInt8} = 1)
      AND s.resolved = 1
      AND s.error_type = ''
      AND NOT startsWith(s.name, 'implicit-')
      AND s.target_time >= {from:DateTime64(3, 'UTC')}
      AND s.target_time < {to:DateTime64(3, 'UTC')}
    GROUP BY is_person, name, evaluator, evaluator_version, target, cityHash64(s.author_id, if((is_person AND s.author_id = '') OR s.each_counts = 1, s.score_id, ''))
  ) AS v
  WHERE v.verdict != 0
  GROUP BY v.target
  HAVING notEmpty(judges) AND notEmpty(people)
)
ARRAY JOIN judges AS judge
ARRAY JOIN people AS person
GROUP BY name, evaluator, evaluator_version
ORDER BY pairs DESC, name, evaluator, evaluator_version
