-- title: Days with calls
-- param: project String = ''
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: to DateTime64(3, 'UTC') = now64(3, 'UTC')

SELECT DISTINCT toString(toDate(c.start_time)) AS day
FROM spans AS c
WHERE ({project:String} = '' OR c.project_id = {project:String})
  AND c.start_time >= {from:DateTime64(3, 'UTC')}
  AND c.start_time < {to:DateTime64(3, 'UTC')}
ORDER BY day
