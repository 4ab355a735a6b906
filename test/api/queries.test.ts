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
  { given: '2026-11-24Tea', want: '2026-11-24Tea' },
  { given: 1_790_000_000, want: 1_790_000_000 },
])('the time $given is asked as $want', async ({ given, want }) => {
  expect((await asked(parseQuery('q', text), { from: given }))?.parameters).toEqual({ from: want })
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
