// What people do with an answer: sent by its name alone, over HTTP, as an event, and by the script for pages.

import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Api, startApi } from '../collector/api/server.ts'
import { implicitSignals } from '../processors/implicit-signals.ts'
import { type ScoreRow, scoreFromEvaluationEvent } from '../processors/scores.ts'

/** A script for browsers: it has no types. */
const script = new URL('../deploy/browser/signals.js', import.meta.url)
type Watch = (options: { url: string; user: string; root: object }) => () => void

const origin = 'https://app.example.com'
let api: Api | undefined
afterEach(async () => {
  await api?.close()
  vi.unstubAllGlobals()
})

async function start(): Promise<{ address: string; rows: ScoreRow[] }> {
  const rows: ScoreRow[] = []
  api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: { query: async () => [] },
    appendScores: async (sent) => {
      rows.push(...sent)
    },
    project: () => 'default',
    version: '0',
    corsOrigins: [origin],
    log: { error: () => undefined, limited: () => undefined },
  })
  return { address: `http://127.0.0.1:${api.endpoint.port}`, rows }
}

async function post(address: string, body: object) {
  const response = await fetch(`${address}/api/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('over HTTP', () => {
  test.each(Object.entries(implicitSignals))('%s is worth %i', async (signal, value) => {
    const { address, rows } = await start()
    const { status, body } = await post(address, { trace_id: 'abc-123', name: `implicit-${signal}`, user_id: 'jane' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ name: `implicit-${signal}`, score: value, source: 'user', user_id: 'jane' })
    expect(rows).toMatchObject([{ label: signal, verdict: value, value, data_type: 'numeric', author_id: 'jane' }])
  })

  test('a sender may say what it is worth', async () => {
    const { address, rows } = await start()
    await post(address, { trace_id: 'abc-123', name: 'implicit-edit', score: 0 })
    expect(rows).toMatchObject([{ label: 'edit', verdict: 0, value: 0 }])
  })

  test('without a score every other name is a mistake', async () => {
    const { address, rows } = await start()
    for (const name of ['implicit-shrug', 'implicit-', 'implicit-toString', 'thumbs', null]) {
      const { status, body } = await post(address, { trace_id: 'abc-123', name })
      expect([status, body['detail']]).toEqual([400, "body must have required property 'score'"])
    }
    expect((await post(address, { name: 'implicit-copy' })).status).toBe(400)
    expect(rows).toEqual([])
  })
})

describe('as an event', () => {
  const score = (attributes: Readonly<Record<string, unknown>>) =>
    scoreFromEvaluationEvent(
      {
        name: 'gen_ai.evaluation.result',
        attributes: new Map(Object.entries(attributes)),
        timeMs: 1000,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: '00f067aa0ba902b7',
      },
      { projectId: 'default', nowMs: 2000 },
    )

  test('the name says all, and it is a user who did it', () => {
    expect(score({ 'gen_ai.evaluation.name': 'implicit-regenerate', 'user.id': 'jane' })).toMatchObject({
      name: 'implicit-regenerate',
      value: -1,
      verdict: -1,
      label: 'regenerate',
      source: 'user',
      author_id: 'jane',
    })
    expect(score({ 'gen_ai.evaluation.name': 'implicit-copy', 'gen_ai.evaluation.score.value': 1 })).toMatchObject({
      value: 1,
      verdict: 1,
    })
    expect(score({ 'gen_ai.evaluation.name': 'implicit-shrug' })).toBeUndefined()
  })

  test('one that could not be found out failed', () => {
    expect(score({ 'gen_ai.evaluation.name': 'implicit-edit', 'error.type': 'Timeout' })).toMatchObject({
      value: null,
      verdict: 0,
      error_type: 'Timeout',
    })
  })
})

/** As much of an element as the script asks for. */
class Element {
  readonly dataset: Readonly<Record<string, string>>
  private readonly parent: Element | undefined
  constructor(dataset: Readonly<Record<string, string>>, parent?: Element) {
    this.dataset = dataset
    this.parent = parent
  }
  closest(selectors: string): Element | null {
    const names = [...selectors.matchAll(/\[data-(\w+)\]/g)].map(([, name]) => name!)
    if (names.some((name) => name in this.dataset)) return this
    return this.parent?.closest(selectors) ?? null
  }
}

test('in a page: copy, a button, and leaving before the answer was there', async () => {
  const { address, rows } = await start()
  const listeners = new Map<string, (event: object) => void>()
  const article = new Element({ trace: 'abc-123', span: 'def' })
  const waiting = new Element({ trace: 'abc-456', pending: '' })
  const page = {
    addEventListener: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
    removeEventListener: (name: string) => listeners.delete(name),
    querySelectorAll: () => [waiting],
  }
  // A browser says where a page is from.
  const send = fetch
  vi.stubGlobal('fetch', (url: string, init: object) => send(url, { ...init, headers: { origin } }))
  vi.stubGlobal('addEventListener', page.addEventListener)
  vi.stubGlobal('removeEventListener', page.removeEventListener)
  const { watchSignals } = (await import(script.href)) as { watchSignals: Watch }
  const stop = watchSignals({ url: `${address}/`, user: 'jane', root: page })
  const text = new Element({}, article)
  listeners.get('copy')!({ target: text })
  listeners.get('copy')!({ target: text })
  listeners.get('copy')!({ target: new Element({}) })
  listeners.get('click')!({ target: text })
  listeners.get('click')!({ target: new Element({ signal: 'regenerate' }, article) })
  listeners.get('pagehide')!({})
  await vi.waitFor(() => expect(rows).toHaveLength(3))
  const told = rows.map((row) => [row.name, row.given_trace_id, row.given_span_id, row.author_id].join(' ')).sort()
  expect(told).toEqual([
    'implicit-abandon abc-456  jane',
    'implicit-copy abc-123 def jane',
    'implicit-regenerate abc-123 def jane',
  ])
  stop()
  expect(listeners.size).toBe(0)
})
