// Score configurations over the API: shared by all collectors of a database, kept for a start without it, and obeyed by the
// doors for scores.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Api, startApi } from '../../collector/api/server.ts'
import { ScoreConfigKeeper, WrongConfigFile } from '../../collector/score-configs/keeper.ts'
import { rejudge } from '../../collector/score-configs/rejudge.ts'
import { readSetConfigs } from '../../collector/score-configs/store.ts'
import { blankScore, type ScoreRow } from '../../processors/scores.ts'
import { startTestEngine, type TestEngine } from '../engine.ts'
import { insertScores } from './rows.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }
const counted: string[] = []
const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-configs-'))
let engine: TestEngine
let keeper: ScoreConfigKeeper
let api: Api

beforeAll(async () => {
  engine = await startTestEngine()
  keeper = await ScoreConfigKeeper.open({
    file: '',
    dataDir,
    log,
    meter: {
      refused: (violation) => counted.push(`refused ${violation}`),
      flagged: (violation) => counted.push(`flagged ${violation}`),
    },
  })
  await keeper.follow(engine.clickhouse, Promise.resolve())
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: engine.clickhouse,
    appendScores: (rows) => insertScores(engine, rows),
    project: (headers) => String(headers['x-project'] ?? 'default'),
    scoreConfigs: keeper,
    version: '1.2.3',
    log,
  })
})
afterAll(async () => {
  await api?.close()
  await keeper?.close()
  await engine?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function send(method: string, path: string, body?: unknown, project = 'default'): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${api.endpoint.port}${path}`, {
    method,
    headers: { 'x-project': project, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const stored = (project: string) =>
  engine.clickhouse.query(
    'SELECT name, value, label, text, data_type, verdict, violation FROM all_scores WHERE project_id = {project:String} ORDER BY created_at, name, value, label',
    { project },
  )
const relevancy = { type: 'numeric', range: { min: 0, max: 1 }, direction: 'high', threshold: 0.7 }

describe('/api/score-configs', () => {
  test('sets, shows and ends one, for one project; every version stays readable', async () => {
    const set = await send('PUT', '/api/score-configs/automated-relevancy', relevancy, 'own')
    expect(set).toEqual({
      status: 200,
      body: {
        name: 'automated-relevancy',
        ...relevancy,
        on_violation: 'flag',
        one_vote: 'author',
        source: 'api',
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
        version: expect.stringMatching(/^automated-relevancy@[0-9a-f]{8}$/),
        since: expect.stringMatching(/^20\d\d-.*Z$/),
      },
    })
    expect(await send('GET', '/api/score-configs/automated-relevancy', undefined, 'own')).toEqual(set)
    expect((await send('GET', '/api/score-configs', undefined, 'own')).body).toEqual({
      score_configs: [set.body],
      file_findings: [],
    })
    expect((await send('GET', '/api/score-configs', undefined, 'other')).body['score_configs']).toEqual([])
    // Said again it is the same one; said otherwise it is another version.
    await send('PUT', '/api/score-configs/automated-relevancy', relevancy, 'own')
    const changed = await send('PUT', '/api/score-configs/automated-relevancy', { ...relevancy, threshold: 0.8 }, 'own')
    expect(changed.body['version']).not.toBe(set.body['version'])
    expect(await send('DELETE', '/api/score-configs/automated-relevancy', undefined, 'own')).toEqual({
      status: 200,
      body: { status: 'ended' },
    })
    expect((await send('GET', '/api/score-configs/automated-relevancy', undefined, 'own')).status).toBe(404)
    const rows = await engine.clickhouse.query<{ version: string; gone: number }>(
      "SELECT version, is_deleted AS gone FROM score_configs WHERE project_id = 'own' ORDER BY recorded_at",
    )
    expect(rows).toEqual([
      { version: set.body['version'], gone: 0 },
      { version: changed.body['version'], gone: 0 },
      { version: '', gone: 1 },
    ])
  })

  test.each<[string, string, unknown, number, string]>([
    ['PUT', 'x', { type: 'float' }, 400, 'type: must be one of numeric, boolean, categorical, text'],
    ['PUT', 'x', { type: 'numeric', range: { min: 'a', max: [] }, thresh: 1 }, 400, 'thresh: is not known; known are'],
    ['PUT', 'x', { name: 'y', type: 'text' }, 400, 'name: is not "x", which the address names'],
    ['PUT', 'x', { type: 'text', project: 'other' }, 400, 'project: is not known'],
    ['PUT', 'x', [], 400, 'must be an object'],
    ['PUT', '%0A', { type: 'text' }, 400, 'name: must be a text of 1 to 128 characters in one line'],
    ['PUT', 'x', { type: 'text', description: 'd'.repeat(300_000) }, 413, 'too large'],
    ['DELETE', 'x', undefined, 404, 'no score configuration has the name "x"'],
    ['GET', "x' OR 1=1 --", undefined, 404, 'no score configuration has the name'],
  ])('%s %s %j is refused, and nothing is set', async (method, name, body, status, detail) => {
    const answer = await send(
      method,
      `/api/score-configs/${name.includes('%') ? name : encodeURIComponent(name)}`,
      body,
      'bad',
    )
    expect(answer.status).toBe(status)
    expect(answer.body['detail']).toContain(detail)
    expect(keeper.list('bad')).toEqual([])
  })
})

describe('a score that breaks its configuration', () => {
  test('is kept and flagged, in no figure, or refused with the reason, as the configuration says', async () => {
    await send('PUT', '/api/score-configs/user_feedback', { type: 'numeric', range: { min: 0, max: 1 } }, 'doors')
    const vote = { trace_id: 't1', score: -1, user_id: 'jane' }
    expect((await send('POST', '/api/feedback', vote, 'doors')).status).toBe(200)
    await send('POST', '/api/feedback', { ...vote, score: 1, user_id: 'joe' }, 'doors')
    expect(await stored('doors')).toMatchObject([
      { value: -1, violation: 'out_of_range' },
      { value: 1, violation: '', verdict: 1 },
    ])
    expect((await send('GET', '/api/feedback/summary', undefined, 'doors')).body).toMatchObject({
      total: 1,
      positive: 1,
      flagged: 1,
    })
    expect((await send('GET', '/api/queries/feedback_summary?flagged=1', undefined, 'doors')).body).toMatchObject({
      rows: [{ total: 2, negative: 1 }],
    })
    expect((await send('GET', '/api/feedback/summary?flagged=1', undefined, 'doors')).body).toMatchObject({ total: 2 })
    await send(
      'PUT',
      '/api/score-configs/user_feedback',
      { type: 'numeric', range: { min: 0, max: 1 }, on_violation: 'refuse' },
      'doors',
    )
    counted.length = 0
    expect(await send('POST', '/api/feedback', { ...vote, user_id: 'ann' }, 'doors')).toEqual({
      status: 400,
      body: {
        detail: expect.stringMatching(
          /^score -1 of "user_feedback" is out of its range, 0 to 1 \(score configuration user_feedback@/,
        ),
      },
    })
    expect(counted).toEqual(['refused out_of_range'])
    expect(await stored('doors')).toHaveLength(2)
  })

  test('is refused by each of Langfuse’s doors in its own words, and its neighbours are taken', async () => {
    await send(
      'PUT',
      '/api/score-configs/tone',
      { type: 'categorical', categories: [{ label: 'kind', value: 2, verdict: 'good' }], on_violation: 'refuse' },
      'lf',
    )
    const tone = (value: unknown) => ({ traceId: 't1', name: 'tone', value, dataType: 'CATEGORICAL' })
    expect((await send('POST', '/api/public/scores', tone('rude'), 'lf')).status).toBe(400)
    expect((await send('POST', '/api/public/scores', [tone('kind'), tone('rude')], 'lf')).body).toMatchObject({
      accepted: 1,
      rejected: 1,
      errors: [{ message: expect.stringContaining('"tone" has no category for "rude"') }],
    })
    const batch = ['kind', 'rude'].map((value, i) => ({ id: `e${i}`, type: 'score-create', body: tone(value) }))
    expect((await send('POST', '/api/public/ingestion', { batch }, 'lf')).body).toMatchObject({
      successes: [{ id: 'e0', status: 201 }],
      errors: [{ id: 'e1', status: 400, message: expect.stringContaining('no category') }],
    })
    expect(await stored('lf')).toMatchObject([
      { label: 'kind', value: 2, verdict: 1 },
      { label: 'kind', value: 2, verdict: 1 },
    ])
  })
})

describe('Langfuse’s score configurations', () => {
  test('are those of here: made, listed a page at a time, changed, archived; a score may name one by its id', async () => {
    const path = '/api/public/score-configs'
    const made = await send(
      'POST',
      path,
      { name: 'accuracy', dataType: 'NUMERIC', minValue: 0, maxValue: 1, description: 'd' },
      'lfc',
    )
    expect(made.body).toMatchObject({
      name: 'accuracy',
      dataType: 'NUMERIC',
      minValue: 0,
      maxValue: 1,
      isArchived: false,
      projectId: 'lfc',
    })
    expect((await send('POST', path, { name: 'accuracy', dataType: 'BOOLEAN' }, 'lfc')).status).toBe(409)
    expect((await send('POST', path, { dataType: 'BOOLEAN' }, 'lfc')).status).toBe(400)
    const second = await send(
      'POST',
      path,
      { name: 'tone', dataType: 'CATEGORICAL', categories: [{ label: 'kind', value: 1 }] },
      'lfc',
    )
    expect((await send('GET', `${path}?page=2&limit=1`, undefined, 'lfc')).body).toEqual({
      data: [second.body],
      meta: { page: 2, limit: 1, totalItems: 2, totalPages: 2 },
    })
    const id = String(made.body['id'])
    expect((await send('GET', `${path}/${id}`, undefined, 'lfc')).body).toEqual(made.body)
    expect((await send('GET', `${path}/${id}`, undefined, 'elsewhere')).status).toBe(404)

    const score = { traceId: 't', name: 'accuracy', value: 0.5, configId: id }
    const taken = await send('POST', '/api/public/scores', score, 'lfc')
    expect((await send('GET', `/api/public/scores/${taken.body['id']}`, undefined, 'lfc')).body).toMatchObject({
      configId: id,
      value: 0.5,
    })
    for (const wrong of [{ value: 2 }, { value: 'high' }, { name: 'other' }]) {
      expect((await send('POST', '/api/public/scores', { ...score, ...wrong }, 'lfc')).status).toBe(400)
    }
    expect((await send('POST', '/api/public/scores', { ...score, configId: 'nobody' }, 'lfc')).status).toBe(404)
    expect(await stored('lfc')).toHaveLength(1)

    expect((await send('PATCH', `${path}/${id}`, { maxValue: 10 }, 'lfc')).body).toMatchObject({
      maxValue: 10,
      minValue: 0,
      description: 'd',
    })
    expect((await send('PATCH', `${path}/${id}`, { name: 'exactness' }, 'lfc')).status).toBe(400)
    expect((await send('PATCH', `${path}/${id}`, { isArchived: true }, 'lfc')).body).toMatchObject({ isArchived: true })
    expect((await send('GET', `${path}/${id}`, undefined, 'lfc')).status).toBe(404)
  })

  test('a text and a correction keep every word, are read back alike, and are no votes', async () => {
    const score = { traceId: 't', comment: 'from the review', metadata: { by: 'jane' } }
    const long = 'The capital is Berne. '.repeat(1000)
    const sent = [
      { ...score, id: 'a', name: 'note', value: 'Polite, but wrong', dataType: 'TEXT' },
      { ...score, id: 'b', name: 'output', value: long, dataType: 'CORRECTION' },
    ]
    for (const each of sent) expect((await send('POST', '/api/public/scores', each, 'texts')).status).toBe(200)
    expect(await stored('texts')).toEqual([
      { name: 'note', value: null, label: '', text: 'Polite, but wrong', data_type: 'text', verdict: 0, violation: '' },
      { name: 'output', value: null, label: '', text: long, data_type: 'correction', verdict: 0, violation: '' },
    ])
    const note = (await send('GET', '/api/public/v2/scores/a', undefined, 'texts')).body
    expect(note).toMatchObject({
      dataType: 'TEXT',
      stringValue: 'Polite, but wrong',
      comment: 'from the review',
      metadata: { by: 'jane' },
    })
    expect(note).not.toHaveProperty('value')
    expect((await send('GET', '/api/public/v2/scores/b', undefined, 'texts')).body).toMatchObject({
      dataType: 'CORRECTION',
      value: 0,
      stringValue: long,
    })
    expect((await send('GET', '/api/public/v3/scores?dataType=TEXT', undefined, 'texts')).body['data']).toMatchObject([
      { value: 'Polite, but wrong' },
    ])
    expect((await send('GET', '/api/feedback/summary', undefined, 'texts')).body).toMatchObject({
      total: 0,
      without_verdict: 2,
    })
    // Another text under the same id is a change.
    await send('POST', '/api/public/scores', { ...sent[0], value: 'Polite and right' }, 'texts')
    expect((await send('GET', '/api/public/v2/scores/a', undefined, 'texts')).body).toMatchObject({
      stringValue: 'Polite and right',
    })
    const wrong = [
      { ...sent[0], value: 1 },
      { ...sent[0], value: '' },
      { ...sent[0], value: 'x'.repeat(10_001) },
      { ...sent[1], value: 'x'.repeat(65_537) },
      { ...sent[0], comment: 'x'.repeat(1 << 20) },
    ]
    for (const each of wrong)
      expect((await send('POST', '/api/public/scores', { ...each, id: 'c' }, 'texts')).status).toBe(400)
    expect(await stored('texts')).toHaveLength(2)
  })
})

test('names, labels and tags of any kind are data: what looks like code is stored as it is', async () => {
  const names = ["'; DROP TABLE scores; --", '__proto__', '{name:String}', '<script>alert(1)</script>', 'ключ 🔑']
  for (const name of names) {
    const path = `/api/score-configs/${encodeURIComponent(name)}`
    expect(
      (await send('PUT', path, { type: 'categorical', categories: [{ label: name, verdict: 'good' }] }, 'inject'))
        .status,
    ).toBe(200)
    expect((await send('GET', path, undefined, 'inject')).body).toMatchObject({ name, categories: [{ label: name }] })
    const score = { traceId: 't', name, value: name, dataType: 'CATEGORICAL' }
    expect((await send('POST', '/api/public/scores', score, 'inject')).status).toBe(200)
    const tags = { trace_id: 't', score: 1, name: `${name}-tagged`, tags: [name], metadata: { said: name } }
    expect((await send('POST', '/api/feedback', tags, 'inject')).status).toBe(200)
  }
  const rows = (await stored('inject')) as { name: string; label: string; verdict: number }[]
  expect(
    rows
      .filter(({ label }) => label !== 'thumbs_up')
      .map(({ name, label, verdict }) => [name, label, verdict])
      .sort(),
  ).toEqual(names.map((name) => [name, name, 1]).sort())
})

describe('several collectors on one database', () => {
  const opened: ScoreConfigKeeper[] = []
  async function open(options: { file?: string; text?: string; dataDir?: string } = {}) {
    const dir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'spanledger-configs-'))
    const file = options.text === undefined ? '' : join(dir, 'scores.yaml')
    if (options.text !== undefined) writeFileSync(file, options.text)
    const another = await ScoreConfigKeeper.open({ file, dataDir: dir, log, pollMs: 20 })
    opened.push(another)
    onTestFinished(async () => {
      for (const each of opened.splice(0)) await each.close()
      if (options.dataDir === undefined) rmSync(dir, { recursive: true, force: true })
    })
    return { another, dir, file }
  }

  test('share what the API has set, and each keeps a copy for a start while the database is away', async () => {
    const { another, dir } = await open()
    expect(another.notices()).toEqual([
      'score configurations of the database are not known yet: scores are judged without them',
    ])
    await expect(another.put('shared', 'x', { type: 'text' })).rejects.toMatchObject({ reason: 'database_unavailable' })
    await another.follow(engine.clickhouse, Promise.resolve())
    expect(another.notices()).toEqual([])
    const { version } = await keeper.put('shared', 'x', { type: 'boolean' })
    await vi.waitFor(() => expect(another.get('shared', 'x')?.version).toBe(version))
    await another.close()
    const away = { query: () => Promise.reject(new Error('away')), command: () => Promise.reject(new Error('away')) }
    const { another: restarted } = await open({ dataDir: dir })
    await restarted.follow(away, Promise.resolve())
    expect(restarted.get('shared', 'x')?.version).toBe(version)
    expect(restarted.judge({ ...blankScore, project_id: 'shared', name: 'x', value: 7 }).violation).toBe('wrong_type')
  })

  test('a change is in force where it was made also when the replica that is asked has not heard of it', async () => {
    const { another } = await open()
    const behind = { query: () => Promise.resolve([]), command: () => Promise.resolve() }
    await another.follow(behind, Promise.resolve())
    expect(await another.put('late', 'x', { type: 'boolean' })).toMatchObject({
      source: 'api',
      config: { type: 'boolean' },
    })
  })

  test('each have their own file, which goes before the API and says so; a wrong one leaves the last good one', async () => {
    await keeper.put('filed', 'tone', { type: 'boolean' })
    const text = 'score_configs:\n  - {name: tone, project: filed, type: numeric, range: {max: 5}}\n'
    const { another, dir, file } = await open({ text })
    await another.follow(engine.clickhouse, Promise.resolve())
    const good = another.get('filed', 'tone')!
    expect(good).toMatchObject({ source: 'file', config: { type: 'numeric' } })
    await expect(another.put('filed', 'tone', { type: 'text' })).rejects.toThrow(
      '"tone" is in scores.yaml: change it there',
    )
    await expect(another.remove('filed', 'tone')).rejects.toMatchObject({ reason: 'conflict' })
    // What a version said can be read by everybody.
    const said = "SELECT config FROM score_configs WHERE source = 'file' AND version = {version:String}"
    expect(await engine.clickhouse.query(said, { version: good.version })).toEqual([
      { config: JSON.stringify(good.config) },
    ])

    writeFileSync(file, `${text}  - {name: tone, type: float}\n`)
    await vi.waitFor(() =>
      expect(another.findings).toEqual([
        'scores.yaml:3: score_configs[1].type: must be one of numeric, boolean, categorical, text',
      ]),
    )
    expect(another.reloadFailures).toBe(1)
    expect(another.notices()).toEqual([
      'the file of score configurations is wrong (1 findings, see the log): the last good one stays in use',
    ])
    expect(another.get('filed', 'tone')).toEqual(good)
    await another.close()
    // Also after a restart.
    const { another: restarted } = await open({ dataDir: dir, text: 'score_configs: [' })
    expect(restarted.get('filed', 'tone')?.version).toBe(good.version)
    writeFileSync(file, 'score_configs: []\n')
    await vi.waitFor(() => expect(restarted.findings).toEqual([]))
    expect(restarted.get('filed', 'tone')?.config.type).toBe('boolean')
  })

  test('a file for everybody is what holds where a project has set nothing of its own', async () => {
    const { another } = await open({ text: 'score_configs: [{name: tone, type: text}]' })
    await another.follow(engine.clickhouse, Promise.resolve())
    expect(another.get('mine', 'tone')).toMatchObject({ source: 'file', config: { type: 'text' } })
    await expect(another.remove('mine', 'tone')).rejects.toMatchObject({ reason: 'conflict' })
    await another.put('mine', 'tone', { type: 'numeric' })
    expect(another.get('mine', 'tone')).toMatchObject({ source: 'api', config: { type: 'numeric' } })
    await another.remove('mine', 'tone')
    expect(another.get('mine', 'tone')).toMatchObject({ source: 'file', config: { type: 'text' } })
  })

  test('a file that was never right is refused at the start, with every finding', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'spanledger-configs-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const file = join(dir, 'scores.json')
    const start = () => ScoreConfigKeeper.open({ file, dataDir: dir, log })
    await expect(start()).rejects.toBeInstanceOf(WrongConfigFile)
    writeFileSync(
      file,
      '{"score_configs": [{"name": "a", "type": "numeric", "range": {"min": 2, "max": 1}},\n{"type": "text"}]}',
    )
    await expect(start()).rejects.toMatchObject({
      findings: [
        'scores.json:1: score_configs[0].range: min 2 is not below max 1',
        'scores.json:2: score_configs[1].name: must be a text of 1 to 128 characters in one line',
      ],
    })
    expect(() => readFileSync(join(dir, 'score-configs.json'))).toThrow('ENOENT')
  })
})

test('a changed configuration changes earlier verdicts only when asked, and what they were stays', async () => {
  const project = 'again'
  const row = (id: string, cells: Partial<ScoreRow>): ScoreRow => ({
    ...blankScore,
    project_id: project,
    name: 'relevance',
    score_id: id,
    data_type: 'numeric',
    source: 'eval',
    created_at: Date.now(),
    target_time: Date.now(),
    retention_days: 90,
    version: 1000,
    ...cells,
  })
  await insertScores(engine, [
    row('low', { value: 0.5 }),
    row('high', { value: 0.9 }),
    row('far', { value: 7 }),
    row('failed', { error_type: 'timeout' }),
  ])
  const { version } = await keeper.put(project, 'relevance', relevancy)
  const judge = async (run: string | null) =>
    rejudge(
      { clickhouse: engine.clickhouse, declared: [], set: await readSetConfigs(engine.clickhouse), project, name: '' },
      run === null ? null : { run, nowMs: Date.now() },
    )
  const counts = { project, name: 'relevance', scores: 3, bad_before: 0, good_before: 0, flagged_before: 0 }
  const first = {
    ...counts,
    config_before: '',
    config_after: version,
    verdicts_changed: 3,
    good_after: 2,
    bad_after: 1,
    flagged_after: 1,
  }
  expect(await judge(null)).toEqual([first])
  const verdicts = () =>
    engine.clickhouse.query(
      'SELECT score_id AS id, verdict, config, violation FROM all_scores WHERE project_id = {project:String} ORDER BY id',
      { project },
    )
  expect(await verdicts()).toMatchObject([{ verdict: 0 }, { verdict: 0 }, { verdict: 0 }, { verdict: 0 }])
  expect(await judge('run-1')).toEqual([first])
  expect(await judge(null)).toEqual([])
  expect(await verdicts()).toEqual([
    { id: 'failed', verdict: 0, config: '', violation: '' },
    { id: 'far', verdict: 1, config: version, violation: 'out_of_range' },
    { id: 'high', verdict: 1, config: version, violation: '' },
    { id: 'low', verdict: -1, config: version, violation: '' },
  ])
  // A person's change that came meanwhile is two versions on and wins over a verdict on what was before.
  await insertScores(engine, [row('low', { value: 0.95, version: 1003, verdict: 1, config: version })])
  await keeper.remove(project, 'relevance')
  expect(await judge('run-2')).toMatchObject([
    { config_before: version, config_after: '', scores: 3, flagged_after: 0, good_after: 0 },
  ])
  expect(await verdicts()).toMatchObject([
    {},
    { verdict: 0, config: '', violation: '' },
    { verdict: 0 },
    { id: 'low', verdict: 0 },
  ])
  expect(
    await engine.clickhouse.query(
      'SELECT run, config_before = {version:String} AS was, verdict_before, verdict_after, violation_before FROM score_rejudgements WHERE project_id = {project:String} AND score_id = {id:String} ORDER BY version',
      { project, version, id: 'far' },
    ),
  ).toEqual([
    { run: 'run-1', was: 0, verdict_before: 0, verdict_after: 1, violation_before: '' },
    { run: 'run-2', was: 1, verdict_before: 1, verdict_after: 0, violation_before: 'out_of_range' },
  ])
})
