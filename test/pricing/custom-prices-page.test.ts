// Every example of docs/custom-prices.md does what the page says.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startApi } from '../../collector/api/server.ts'
import { loadPriceBook } from '../../collector/price-files.ts'
import { PriceKeeper } from '../../collector/prices/keeper.ts'
import { loadOverrides } from '../../collector/prices/own-file.ts'
import { noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { conditionNames } from '../../processors/pricing/file.ts'
import { priced, row, usd } from './cards.ts'

const page = readFileSync(new URL('../../docs/custom-prices.md', import.meta.url), 'utf8')
const catalogue = loadPriceBook()
const plain = new PriceBook(catalogue)
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```\n\n```calls\n([\s\S]*?)```/g)].map(
  ([, yaml = '', calls = '']) => ({
    title: /id: [\w-]+|name: [\w-]+/.exec(yaml)?.[0] ?? '',
    yaml,
    calls: calls.trim().split('\n'),
  }),
)

/** `project=p provider model at=… tier=… unit=… → cost entry`, the cost and entry that the book gives. */
function answered(book: PriceBook, call: string): string {
  const [question = ''] = call.split(' → ')
  const words = question.split(' ')
  const said = new Map(words.flatMap((word) => (/^\w+=/.test(word) ? [word.split('=') as [string, string]] : [])))
  const [provider = '', model = ''] = words.filter((word) => !/^\w+=/.test(word))
  const at = Date.parse(said.get('at') ?? '2026-11-24T12:00:00Z')
  const conditions = Object.fromEntries(
    conditionNames.flatMap((name) => (said.has(name) ? [[name, said.get(name)]] : [])),
  )
  const own = book.forProject(said.get('project') ?? 'default')
  const resolution = own.resolve(provider, model, { ...noConditions, ...conditions }, at)
  if (resolution.kind === 'miss') return `${question} → ${resolution.reason}`
  const { card } = resolution
  const result = priced(card, row({ input: Number(said.get('input')), output: Number(said.get('output')) }))
  const status = result.status === 'priced' ? '' : `${result.status} `
  const entry = card.entry.replaceAll(/@[0-9a-f]{8}|#\d+$/g, '')
  return `${question} → ${status}${usd(result.totalPico)} ${entry}`
}

test('the page has its examples', () => {
  expect(examples).toHaveLength(6)
})

test.each(examples)('the example with $title', ({ yaml, calls }) => {
  const directory = mkdtempSync(join(tmpdir(), 'spanledger-page-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'prices.yaml')
  writeFileSync(file, yaml)
  const { findings, ...parts } = loadOverrides(file, plain, Date.parse('2025-01-01T00:00:00Z'))
  expect(findings).toEqual([])
  const book = new PriceBook(catalogue, parts)
  expect(calls.map((call) => answered(book, call))).toEqual(calls)
})

test('the requests of the page are answered with 200, one after the other', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'spanledger-page-'))
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined, limited: () => undefined }
  const keeper = await PriceKeeper.open({ catalogue, file: '', dataDir, log })
  const api = await startApi({
    endpoint: { host: '127.0.0.1', port: 0 },
    clickhouse: { query: async () => [] },
    appendScores: async () => undefined,
    project: () => 'default',
    version: '0',
    log,
    prices: keeper,
  })
  onTestFinished(async () => {
    await api.close()
    await keeper.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  const block = /```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  const requests = block.replaceAll('\\\n', '').trim().split('\n')
  expect(requests).toHaveLength(6)
  for (const request of requests) {
    const address = /http:\/\/127\.0\.0\.1:8100(\/[^\s']*)/.exec(request)?.[1] ?? ''
    const type = /Content-Type: ([\w/]+)/.exec(request)?.[1]
    const body = request.includes('@prices.yaml') ? examples[0]!.yaml : /-d '([^']*)'/.exec(request)?.[1]
    const answer = await fetch(`http://127.0.0.1:${api.endpoint.port}${address}`, {
      method: /-X (\w+)/.exec(request)?.[1] ?? 'GET',
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
      ...(body === undefined ? {} : { body }),
    })
    expect([request, answer.status, await answer.text()]).toEqual([request, 200, expect.not.stringContaining('detail')])
  }
})
