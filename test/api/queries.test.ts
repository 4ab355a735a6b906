// The head of a question is read, its defaults stand in, and nothing but its own parameters is taken.

import { expect, test } from 'vitest'
import { loadQueries, parseQuery, type Query, runQuery } from '../../collector/queries.ts'

const text = `-- title: Calls of a user
-- param: user String = ''
-- param: from DateTime64(3, 'UTC') = now64(3, 'UTC') - INTERVAL 7 DAY
-- param: limit UInt32 = 50

-- What it means,
-- in two lines.
SELECT 1 -- not the head
WHERE user_id = {user:String} AND start_time >= {from:DateTime64(3, 'UTC')} LIMIT {limit:UInt32}
`

async function asked(query: Query, params: Readonly<Record<string, unknown>>) {
  let seen: { sql: string; parameters: unknown } | undefined
  await runQuery(
    {
      query: async (sql, parameters) => {
        seen = { sql, parameters }
        return []
      },
    },
    query,
    params,
  )
  return seen
}

test('a question is its title, parameters, meaning and SQL', () => {
  expect(parseQuery('calls_of_user', text)).toEqual({
    id: 'calls_of_user',
    title: 'Calls of a user',
    description: 'What it means, in two lines.',
    params: [
      { name: 'user', type: 'String', default: "''" },
      { name: 'from', type: "DateTime64(3, 'UTC')", default: "now64(3, 'UTC') - INTERVAL 7 DAY" },
      { name: 'limit', type: 'UInt32', default: '50' },
    ],
    sql: text,
  })
})

test.each([
  { text: 'SELECT 1', error: /does not begin with "-- title/ },
  { text: '-- title: A\n-- param: x String\nSELECT {x:String}', error: /not "-- param: name type = default"/ },
  { text: '-- title: A\nSELECT {x:String}', error: /uses {x:String} and does not declare it/ },
  { text: '-- title: A\n-- param: x UInt8 = 1\nSELECT {x:String}', error: /does not declare it/ },
])('$text is refused', ({ text: wrong, error }) => {
  expect(() => parseQuery('a', wrong)).toThrow(error)
})

test('given parameters are bound by the server, defaults are written in', async () => {
  const seen = await asked(parseQuery('q', text), { user: "'; DROP TABLE x", limit: undefined })
  expect(seen?.parameters).toEqual({ user: "'; DROP TABLE x" })
  expect(seen?.sql).toContain('user_id = {user:String}')
  expect(seen?.sql).toContain("start_time >= CAST((now64(3, 'UTC') - INTERVAL 7 DAY) AS DateTime64(3, 'UTC'))")
  expect(seen?.sql).toContain('LIMIT CAST((50) AS UInt32)')
})

test.each([
  { given: '2026-11-24T10:00:00+01:00', want: '2026-11-24 09:00:00.000' },
  { given: '2026-11-24T10:00:00.5Z', want: '2026-11-24 10:00:00.500' },
  { given: new Date(0), want: '1970-01-01 00:00:00.000' },
  { given: '2026-11-24 10:00:00', want: '2026-11-24 10:00:00' },
  { given: '2026-11-24', want: '2026-11-24' },
  { given: '2024-02-29 10:00', want: '2024-02-29 10:00' },
  { given: 1_790_000_000, want: 1_790_000_000 },
])('the time $given is asked as $want', async ({ given, want }) => {
  expect((await asked(parseQuery('q', text), { from: given }))?.parameters).toEqual({ from: want })
})

const typed = `-- title: T
-- param: at DateTime64(3, 'UTC') = now()
-- param: few UInt8 = 1
-- param: score Nullable(Int8) = NULL
-- param: tz String = 'UTC'
-- param: sources Array(String) = []
-- choice: sources = user eval
SELECT {at:DateTime64(3, 'UTC')}, {few:UInt8}, {score:Nullable(Int8)}, {tz:String}, {sources:Array(String)}
`

test.each([
  [{ at: '2026-11-24Tea' }, 'at is "2026-11-24Tea"; it must be a time from 1970 to 2105, such as 2026-11-01T09:00:00Z'],
  [{ at: '2026-02-30' }, 'at is "2026-02-30"; it must be a time'],
  [{ at: '2026-13-45' }, 'at is "2026-13-45"; it must be a time'],
  [{ at: '' }, 'at is ""; it must be a time'],
  [{ at: '1900-01-01' }, 'at is "1900-01-01"; it must be a time from 1970'],
  [{ at: '2300-01-01T00:00:00Z' }, 'at is "2300-01-01T00:00:00Z"; it must be a time'],
  [{ few: '300' }, 'few is "300"; it must be a whole number from 0 to 255'],
  [{ few: '1.5' }, 'few is "1.5"; it must be a whole number'],
  [{ score: -129 }, 'score is "-129"; it must be a whole number from -128 to 127'],
  [{ tz: 'Mars' }, 'tz is "Mars"; it must be a time zone such as UTC or Europe/Berlin'],
  [{ tz: '+02:00' }, 'tz is "+02:00"; it must be a time zone'],
  [{ sources: ['user', 'robot'] }, 'sources is "robot"; it may be user, eval'],
])('%j is refused', async (params, words) => {
  await expect(asked(parseQuery('q', typed), params)).rejects.toThrow(words)
})

test('a parameter the question does not have is refused by name', async () => {
  await expect(asked(parseQuery('q', text), { users: 'ada' })).rejects.toThrow(
    /^q has no parameter "users"; it has user, from, limit$/,
  )
})

test('every file of the folder is a question, by id', () => {
  const ids = loadQueries().map((query) => query.id)
  expect(ids).toEqual([...ids].sort())
  expect(ids).toContain('quality')
})
