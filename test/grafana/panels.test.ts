// Every panel and every variable of the committed dashboards, expanded as Grafana does it and run on a real engine as the
// user `grafana` of deploy/clickhouse/users.xml, over the ledger drawn in test/queries/ledger.ts.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utc } from '../api/rows.ts'
import { type Answer, ask, insert } from '../queries/ask.ts'
import {
  calls,
  day,
  hour,
  midnight,
  range,
  scoreRow,
  seed,
  spanId,
  spanRow,
  traceId,
  wholeLedger,
} from '../queries/ledger.ts'
import { type BoardFile, committed, type Panel, queryPanels, sqlOf } from './boards.ts'
import { type Board, expand, type Variable } from './expand.ts'
import { passwords, type Server, startServer } from './server.ts'

const boards = new Map(committed().map(({ board }) => [board.uid, board]))
const spend = boards.get('sl-spend') as BoardFile
const trace = boards.get('sl-trace') as BoardFile
const quality = boards.get('sl-quality') as BoardFile

const writer = { user: 'spanledger', password: passwords.spanledger }
const reader = { user: 'grafana', password: passwords.grafana }

let server: Server

beforeAll(async () => {
  server = await startServer()
  await seed(server.url, writer)
  const votes = [scoreRow('01', { verdict: 1 }), scoreRow('02', { verdict: 1 }), scoreRow('03', { verdict: -1 })]
  await insert(server.url, 'scores', votes, writer)
})

afterAll(() => server?.stop())

const projects = ['default']
const all: Record<string, Variable> = {
  datasource: { value: 'spanledger-clickhouse' },
  project: { value: projects },
  env: { value: '$__all' },
  service: { value: '$__all' },
  model: { value: '$__all' },
  trace_id: { value: traceId('01') },
  score: { value: '$__all' },
  source: { value: '$__all' },
}

interface Range {
  readonly from: number
  readonly to: number
}

const ranges: Readonly<Record<string, Range>> = {
  '5 minutes': { from: midnight - day + 9 * hour - 60_000, to: midnight - day + 9 * hour + 240_000 },
  '24 hours': { from: midnight - day, to: midnight },
  '30 days': { from: midnight - 30 * day, to: midnight },
}

function board({ from, to }: Range, variables: Record<string, Variable> = {}, timezone = 'utc'): Board {
  const intervalSeconds = Math.max(60, Math.round((to - from) / 1000 / 160))
  return { from: new Date(from), to: new Date(to), intervalSeconds, timezone, variables: { ...all, ...variables } }
}

function run(sql: string, on: Board): Promise<Answer> {
  return ask(server.url, expand(sql, on), reader)
}

function panel(of: BoardFile, title: string): string {
  const found = queryPanels(of).find((each) => each.title === title)
  if (found === undefined) throw new Error(`no panel "${title}"`)
  return sqlOf(found)
}

async function question(name: string, { from, to }: Range, parameters: Record<string, string> = {}): Promise<Answer> {
  const sql = readFileSync(new URL(`../../schemas/queries/${name}.sql`, import.meta.url), 'utf8')
  const defaults = {
    ...{ step: 'none', name: '', sources: '[]', model: '', prompt: '', flagged: '0', bins: '10' },
    project: 'default',
    tz: 'UTC',
    limit: '50',
    by: 'model',
    ...range(from, to),
    ...parameters,
  }
  return ask(server.url, sql, { ...writer, parameters: defaults })
}

describe.each(Object.entries(ranges))('over %s', (_, span) => {
  const choices: Record<string, Record<string, Variable>> = {
    all: { project: { value: '$__all' } },
    one: { env: { value: ['prod'] }, service: { value: ['web'] }, model: { value: ['gpt-4.1'] } },
    two: { env: { value: ['prod', '[none]'] }, model: { value: ['gpt-4.1', 'house-model'] } },
    quote: { model: { value: ["o'brien"] }, project: { value: ["it's", 'default'] } },
  }

  test.each(Object.entries(choices))('the spend board runs whole, with %s chosen', async (_name, variables) => {
    const on = board(span, variables)
    await Promise.all(queryPanels(spend).map(async (each) => expectShape(each, await run(sqlOf(each), on))))
    const queries = spend.templating.list.flatMap(({ query }) => (typeof query === 'object' ? [query.rawSql] : []))
    expect(queries).toHaveLength(4)
    for (const query of queries) expect((await run(query, on)).names).toEqual(['value'])
  })

  test.each(Object.entries(choices))('the quality board runs whole, with %s chosen', async (_name, variables) => {
    const chosen = _name === 'quote' ? { score: { value: ["it's"] }, source: { value: ['user', 'eval'] } } : {}
    const on = board(span, { ...variables, ...chosen })
    await Promise.all(queryPanels(quality).map(async (each) => expectShape(each, await run(sqlOf(each), on))))
    const queries = quality.templating.list.flatMap(({ query }) => (typeof query === 'object' ? [query.rawSql] : []))
    expect(queries).toHaveLength(6)
    for (const query of queries) expect((await run(query, on)).names).toEqual(['value'])
  })

  test('the trace board runs whole', async () => {
    const on = board(span)
    await Promise.all(queryPanels(trace).map(async (each) => expectShape(each, await run(sqlOf(each), on))))
  })
})

/** What the plugin and the panel type need of the columns; a Map or a state in a series would come out as nothing. */
function expectShape(each: Panel, { names, types, rows }: Answer): void {
  const plain = types.map((type) => type.replace(/^LowCardinality\((.*)\)$/, '$1').replace(/^Nullable\((.*)\)$/, '$1'))
  if (each.type === 'traces') {
    expect(names.slice(0, 7)).toEqual([
      'traceID',
      'spanID',
      'parentSpanID',
      'serviceName',
      'operationName',
      'startTime',
      'duration',
    ])
    return
  }
  for (const type of plain)
    expect(type, each.title).toMatch(/^(Date|DateTime|DateTime64|Decimal|U?Int\d+|Float64|String)\b/)
  if (each.targets?.[0]?.format === 0) {
    expect(names[0], each.title).toBe('time')
    expect(plain[0], each.title).toMatch(/^Date/)
    expect(plain.slice(1).filter((type) => type !== 'String').length, each.title).toBeGreaterThan(0)
    const times = rows.map((row) => String(row['time']))
    expect(times, each.title).toEqual([...times].sort())
  } else if (each.type === 'stat') {
    expect(rows.length, each.title).toBe(1)
    for (const type of plain) expect(type, each.title).not.toBe('String')
  }
}

/** Sum of a column over all rows; exact for the ledger's costs, which are multiples of 1/32. */
function sum({ rows }: Answer, column: string): number {
  return rows.reduce((total, row) => total + Number(row[column] ?? 0), 0)
}

describe('the spend board gives the figures of the questions', () => {
  const spans: Record<string, Range> = {
    'a day, from the calls': { from: midnight - day, to: midnight },
    '30 days, from the rollup': { from: midnight - 30 * day, to: midnight },
    '30 days with broken ends': { from: midnight - 30 * day + 1000, to: midnight - day + 9 * hour + 30_000 },
    '8 days that begin within an hour of calls': {
      from: midnight - 2 * day + 10 * hour - 60_000,
      to: midnight + 6 * day + 11 * hour,
    },
  }

  test.each(Object.entries(spans))('%s', async (_, span) => {
    const on = board(span)
    const [total] = (await question('cost_coverage', span)).rows
    expect(sum(await run(panel(spend, 'Spend'), on), 'value')).toBe(Number(total?.['total_cost']))
    expect(sum(await run(panel(spend, 'Unpriced calls'), on), 'value')).toBe(Number(total?.['unpriced_calls']))
    expect(sum(await run(panel(spend, 'Calls'), on), 'value')).toBe(Number(total?.['calls']))
    expect((await run(panel(spend, 'Priced share'), on)).rows).toEqual([{ priced_share: total?.['priced_share'] }])
    expect((await run(panel(spend, 'Error share'), on)).rows).toEqual([{ error_share: total?.['error_share'] }])

    const byModel = await run(panel(spend, 'Spend by model'), on)
    expect(sum(byModel, 'value')).toBe(Number(total?.['total_cost']))
    const byStatus = await run(panel(spend, 'Calls by price status'), on)
    expect(sum(byStatus, 'priced')).toBe(Number(total?.['priced_calls']))
    expect(sum(byStatus, 'unpriced')).toBe(Number(total?.['unpriced_calls']))
    expect(sum(byStatus, 'not billed')).toBe(Number(total?.['not_billed_calls']))
    const tokens = await run(panel(spend, 'Tokens by kind'), on)
    const kinds = tokens.names.slice(1).map((kind) => sum(tokens, kind))
    expect(kinds.reduce((a, b) => a + b)).toBe(Number(total?.['input_tokens']) + Number(total?.['output_tokens']))

    for (const [title, name] of [
      ['Top users', 'cost_by_user'],
      ['Top features', 'cost_by_feature'],
    ] as const) {
      const lines = ({ rows }: Answer) =>
        rows.map(({ input_tokens: _in, output_tokens: _out, estimated_cost: _estimated, ...row }) => row)
      expect(lines(await run(panel(spend, title), on)), title).toEqual(lines(await question(name, span)))
    }
    expect((await run(panel(spend, 'Models'), on)).rows).toEqual((await question('cost_by_model', span)).rows)
    expect((await run(panel(spend, 'Unpriced models'), on)).rows).toEqual((await question('unpriced_calls', span)).rows)
    expect((await run(panel(spend, 'Errors by model'), on)).rows).toEqual((await question('error_rate', span)).rows)
  })

  test('a long range reads whole hours from the rollup, a short one reads none', async () => {
    const at = midnight - 3 * day - 5 * hour
    const row = { project_id: 'rollup', kind: 'llm', calls: 7, priced_calls: 7 }
    await insert(server.url, 'usage_hourly', [{ ...row, hour: at / 1000 }], writer)
    const on = (span: Range) => board(span, { project: { value: ['rollup'] } })
    const calls = async (span: Range) => sum(await run(panel(spend, 'Calls'), on(span)), 'value')
    expect(await calls({ from: midnight - 7 * day, to: midnight })).toBe(0)
    expect(await calls({ from: midnight - 8 * day, to: midnight })).toBe(7)
    expect(await calls({ from: midnight - 12 * day, to: at + 1000 })).toBe(0)
    expect(await calls({ from: at + 1000, to: midnight + 8 * day })).toBe(0)
  })

  test('with a service or model chosen, top users of a long range come from the calls, and are right', async () => {
    const on = board(ranges['30 days'] as Range, { model: { value: ['gpt-4.1'] } })
    const lines = (await run(panel(spend, 'Top users'), on)).rows.map((row) => [row['user_id'], row['total_cost']])
    expect(lines).toEqual([
      ['cyd', '1'],
      ['ada', '0.5'],
      ['bob', '0.25'],
    ])
  })

  test('the window before is the range of equal length that ends where this one begins', async () => {
    const shown = async (span: Range) => (await run(panel(spend, 'Spend, window before'), board(span))).rows
    expect(await shown({ from: midnight - day, to: midnight })).toEqual([{ spend: '0.75', unpriced_calls: '0' }])
    const month = { from: midnight - day + 12 * hour + 30_000, to: midnight + 29 * day }
    expect(await shown(month)).toEqual([{ spend: '0.9375', unpriced_calls: '1' }])
  })

  test('a range without a price shows no spend, not a spend of 0', async () => {
    const on = board({ from: midnight - day + 12 * hour, to: midnight - day + 12 * hour + 30_000 })
    expect((await run(panel(spend, 'Spend'), on)).rows).toEqual([])
    expect(sum(await run(panel(spend, 'Unpriced calls'), on), 'value')).toBe(1)
    const quiet = board({ from: midnight - 90 * day, to: midnight - 60 * day })
    expect((await run(panel(spend, 'Priced share'), quiet)).rows).toEqual([{ priced_share: null }])
  })
})

describe('what the panels show', () => {
  const on = board({ from: midnight - 2 * day, to: midnight })

  test('spend by model: a bucket for each hour and model, and none for a model without a price', async () => {
    const { rows } = await run(panel(spend, 'Spend by model'), { ...on, intervalSeconds: 3600 })
    expect(rows.map((row) => [String(row['time']).slice(11, 16), row['model'], row['value']])).toEqual([
      ['10:00', 'gpt-4.1', '0.5'],
      ['23:00', 'gpt-4.1', '0.25'],
      ['09:00', 'gpt-4.1-mini', '0.1875'],
      ['12:00', 'house-model', '0.03125'],
      ['14:00', 'gpt-4.1', '1'],
    ])
  })

  test('tokens: every one in one kind', async () => {
    const { rows } = await run(panel(spend, 'Tokens by kind'), { ...on, intervalSeconds: 3600 })
    expect(rows[0]).toMatchObject({
      input: '500',
      'cache read': '400',
      'cache write': '100',
      output: '150',
      reasoning: '50',
    })
  })

  test('cache share of input', async () => {
    const { rows } = await run(panel(spend, 'Cache share of input'), { ...on, intervalSeconds: 3600 })
    expect(rows[0]).toMatchObject({ model: 'gpt-4.1', cache_share: 0.4 })
  })

  test('errors by class over time', async () => {
    const { rows } = await run(panel(spend, 'Errors by class'), { ...on, intervalSeconds: 3600 })
    expect(rows.map((row) => [row['failure_class'], row['errors']])).toEqual([
      ['timeout', '1'],
      ['rate_limit', '1'],
    ])
  })

  test('latency leaves failed calls out', async () => {
    const { rows } = await run(panel(spend, 'Latency by model, p50 and p95'), { ...on, intervalSeconds: 3600 })
    expect(rows.map((row) => [row['model'], row['p50'], row['p95']])).toContainEqual(['gpt-4.1-mini', 2000, 2000])
    expect(rows.map((row) => row['model'])).not.toContain("o'brien")
  })

  test('latest calls carry the exact cost as text', async () => {
    const { rows, types, names } = await run(panel(spend, 'Latest calls'), on)
    expect(types[names.indexOf('total_cost')]).toBe('Nullable(String)')
    expect(rows.map((row) => row['total_cost'])).toEqual(['1', null, '0.03125', null, '0.0625', '0.125', '0.25', '0.5'])
  })

  test('cost per positive: all spend of a model over its positive votes, as the question answers it', async () => {
    const answer = await run(panel(spend, 'Cost per positive, by model'), on)
    const asked = (await question('quality', wholeLedger)).rows
    expect(asked.map((row) => Object.fromEntries(answer.names.map((name) => [name, row[name]])))).toEqual(answer.rows)
    expect(answer.rows).toMatchObject([
      { group: 'gpt-4.1', calls: '3', votes: '2', positive: '2', total_cost: '1.75', cost_per_positive: 0.875 },
      { group: 'gpt-4.1-mini', votes: '1', positive: '0', negative: '1', cost_per_positive: null },
      { group: 'house-model', unpriced_calls: '2', votes: '0' },
      { group: "o'brien", total_cost: null },
    ])
    const chosen = { ...on, variables: { ...on.variables, model: { value: ['gpt-4.1-mini'] } } }
    expect((await run(panel(spend, 'Cost per positive, by model'), chosen)).rows).toMatchObject([{ negative: '1' }])
  })

  test('what retries cost', async () => {
    expect((await run(panel(spend, 'Cost of failed attempts'), on)).rows).toEqual([{ wasted_cost: '0.0625' }])
  })

  test('spend per day is by the day of the reader', async () => {
    const days = async (timezone: string) => {
      const { rows, types } = await run(
        panel(spend, 'Spend per day, last 30 days'),
        board(ranges['30 days'] as Range, {}, timezone),
      )
      expect(types[0]).toBe('Date')
      return rows.filter((row) => row['model'] === 'gpt-4.1').map((row) => row['value'])
    }
    expect(await days('utc')).toEqual(['0.75', '1'])
    expect(await days('Asia/Tokyo')).toEqual(['0.5', '1.25'])
  })

  test.each([
    ['env', ['[none]'], 1],
    ['env', ['dev', '[none]'], 2],
    ['service', ['worker'], 3],
    ['model', ["o'brien"], 1],
    ['model', ['gpt-4.1', 'gpt-4.1-mini'], 5],
    ['project', ['default', 'other'], 9],
    ['project', ["it's"], 0],
  ])('%s %j leaves the calls that have it', async (name, value, want) => {
    for (const days of [2, 30]) {
      const chosen = board({ from: midnight - days * day, to: midnight }, { [name]: { value } })
      expect(sum(await run(panel(spend, 'Calls'), chosen), 'value')).toBe(want)
    }
  })

  test('variables offer what is there, an empty value by its name', async () => {
    const values = async (name: string) => {
      const query = spend.templating.list.find((variable) => variable.name === name)?.query
      if (typeof query !== 'object') throw new Error(`${name} has no query`)
      return (await run(query.rawSql, on)).rows.map((row) => row['value'])
    }
    expect(await values('project')).toEqual(['default', 'other'])
    expect(await values('env')).toEqual(['[none]', 'dev', 'prod'])
    expect(await values('service')).toEqual(['web', 'worker'])
    expect(await values('model')).toEqual(['gpt-4.1', 'gpt-4.1-mini', 'house-model', "o'brien"])
  })

  test('more models than a chart can show are summed as [other], and nothing is lost', async () => {
    const template = calls[0] as (typeof calls)[number]
    const many = Array.from({ length: 12 }, (_, i) => ({
      ...template,
      project_id: 'crowd',
      at: midnight - 5 * hour + i * 60_000,
      id: `c${i}`,
      model: `model-${String(i).padStart(2, '0')}`,
      total_cost: String(2 ** i),
    }))
    await insert(
      server.url,
      'spans',
      many.map((each) => spanRow(each)),
      writer,
    )
    const crowd = board({ from: midnight - day, to: midnight }, { project: { value: ['crowd'] } })
    const answer = await run(panel(spend, 'Spend by model'), crowd)
    expect(new Set(answer.rows.map((row) => row['model'])).size).toBe(9)
    expect(sum({ ...answer, rows: answer.rows.filter((row) => row['model'] === '[other]') }, 'value')).toBe(15)
    expect(sum(answer, 'value')).toBe(2 ** 12 - 1)
  })
})

describe('the quality board', () => {
  const on = board(wholeLedger)
  const wanted = ['group', 'votes', 'positive_share', 'total_cost', 'cost_per_positive', 'avg_cost', 'rated_share']

  test('says what the question answers, by each dimension', async () => {
    for (const [title, by] of [
      ['By model', 'model'],
      ['By version of a prompt', 'prompt'],
      ['By feature', 'feature'],
      ['By team', 'team'],
      ['By environment', 'env'],
      ['By customer', 'customer'],
    ] as const) {
      const some = (answer: Answer) => answer.rows.map((row) => wanted.map((name) => row[name]))
      expect(some(await run(panel(quality, title), on)), title).toEqual(
        some(await question('quality', wholeLedger, { by })),
      )
    }
    expect((await run(panel(quality, 'By model'), on)).rows).toMatchObject([
      { group: 'gpt-4.1', votes: '2', positive_share: 1, cost_per_positive: 0.875 },
      { group: 'gpt-4.1-mini', votes: '1', positive_share: 0, cost_per_positive: null },
      { group: 'house-model', votes: '0', avg_cost: null },
      { group: "o'brien" },
    ])
  })

  test('one score and one source alone', async () => {
    const votes = async (variables: Record<string, Variable>) =>
      (await run(panel(quality, 'Votes'), board(wholeLedger, variables))).rows
    expect(await votes({ score: { value: ['user_feedback'] }, source: { value: ['user'] } })).toEqual([{ votes: '3' }])
    expect(await votes({ source: { value: ['eval'] } })).toEqual([{ votes: '0' }])
  })

  test('cost against quality: only what has both', async () => {
    expect((await run(panel(quality, 'Cost against quality, by model'), on)).rows).toMatchObject([
      { group: 'gpt-4.1', positive_share: 1, calls: '3' },
      { group: 'gpt-4.1-mini', positive_share: 0, avg_cost: 0.09375 },
    ])
  })

  test('positive share over time', async () => {
    const { rows } = await run(panel(quality, 'Positive share over time, by model'), on)
    expect(rows.map((row) => [row['time'], row['model'], row['positive_share']])).toEqual([
      [utc(midnight - 2 * day).slice(0, 19), 'gpt-4.1', 1],
      [utc(midnight - day).slice(0, 19), 'gpt-4.1', 1],
      [utc(midnight - day).slice(0, 19), 'gpt-4.1-mini', 0],
    ])
  })

  test('a failed evaluation is listed with the trace it was to judge', async () => {
    const failed = {
      project_id: 'failed',
      score_id: 'f',
      name: 'tone',
      source: 'eval',
      evaluator: 'judge',
      error_type: 'Timeout',
    }
    await insert(
      server.url,
      'scores',
      [scoreRow('03', failed), scoreRow('04', { ...failed, score_id: 'g', error_type: '' })],
      writer,
    )
    const chosen = board(wholeLedger, { project: { value: ['failed'] } })
    expect((await run(panel(quality, 'Failed evaluations'), chosen)).rows).toMatchObject([
      { trace_id: traceId('03'), evaluator: 'judge', error_type: 'Timeout', failed: '1', made: '2' },
    ])
  })
})

describe('the trace board', () => {
  const on = board({ from: midnight - 2 * day, to: midnight })

  test('shows every span of the trace, root first, with milliseconds and the proof of the cost as tags', async () => {
    const { rows } = await run(panel(trace, 'Trace'), on)
    expect(rows.map((row) => row['spanID'])).toEqual(['10', '01', '11', '12'].map((id) => spanId(id)))
    expect(rows[0]).toMatchObject({ traceID: traceId('01'), parentSpanID: '', serviceName: 'web' })
    expect(rows[1]).toMatchObject({
      parentSpanID: spanId('10'),
      operationName: 'chat',
      startTime: midnight - 2 * day + 10 * hour,
      duration: 1000,
    })
    const tags = (index: number) =>
      Object.fromEntries(
        ((rows[index]?.['tags'] ?? []) as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
      )
    expect(tags(1)).toMatchObject({
      'spanledger.cost_usd': '0.5',
      'spanledger.cost_status': 'priced',
      'spanledger.price_entry': 'openai/gpt-4.1@1',
      'spanledger.cache_read_tokens': '400',
    })
    expect(tags(0)).toMatchObject({ 'spanledger.cost_reason': 'aggregate', 'spanledger.counted_as': spanId('01') })
    expect(tags(0)).not.toHaveProperty('spanledger.cost_usd')
  })

  test('shows the votes on the trace', async () => {
    expect((await run(panel(trace, 'Scores'), on)).rows).toMatchObject([
      { name: 'user_feedback', verdict: 1, source: 'user', span_id: spanId('01') },
    ])
  })

  test('counts a call once however many spans show it', async () => {
    expect((await run(panel(trace, 'Cost of the trace'), on)).rows).toEqual([{ cost: '0.5' }])
    expect((await run(panel(trace, 'Calls and unpriced calls'), on)).rows).toEqual([{ calls: '1', unpriced: '0' }])
    expect((await run(panel(trace, 'Spans and their cost'), on)).rows).toHaveLength(4)
  })

  test('finds a trace that the range cuts, by a name in capitals or with blanks around it', async () => {
    const cut = board(
      { from: midnight - 2 * day + 10 * hour + 60_000, to: midnight },
      { trace_id: { value: ` ${traceId('01').toUpperCase()} ` } },
    )
    expect((await run(panel(trace, 'Trace'), cut)).rows).toHaveLength(4)
  })

  test('without a trace it shows nothing', async () => {
    const none = board({ from: midnight - 2 * day, to: midnight }, { trace_id: { value: '' } })
    for (const each of queryPanels(trace).filter(({ type }) => type !== 'stat')) {
      expect((await run(sqlOf(each), none)).rows).toEqual([])
    }
  })

  test('a quote in the trace id is data', async () => {
    const odd = board({ from: midnight - 2 * day, to: midnight }, { trace_id: { value: "' OR 1=1 --" } })
    expect((await run(panel(trace, 'Trace'), odd)).rows).toEqual([])
  })
})
