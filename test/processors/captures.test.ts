// Real instrumentations' requests → rows, beside what the provider billed. `rows.json` shows every row; the invoice judges
// the tokens: a line that the telemetry shows in full is one billed row with the same counts.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { encodeTracesJson } from '../../collector/otlp/json.ts'
import { loadDialects } from '../../collector/registry.ts'
import { Bench } from '../batches.ts'

const root = new URL('../fixtures/captures/', import.meta.url)
const atMs = Date.parse('2026-11-22T12:00:00Z')

/** Lines of each invoice that no span shows in full, and why. */
const notShown: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  'js-contrib': { 0: 'no cache split', 1: 'no cache split', 2: 'stream without usage', 3: 'no cache split' },
  'js-oi-openai': { 1: 'stream without usage', 2: 'stream without usage', 4: 'embedding without usage' },
  'js-vercel5': { 0: 'no cache split', 1: 'no cache split', 6: 'no cache split', 7: 'no cache split' },
  'py-contrib-openai-v2': {
    0: 'no cache split',
    1: 'no cache split',
    2: 'stream without usage',
    3: 'no cache split',
    4: 'no cache split',
    5: 'no cache split',
    7: 'Responses API not instrumented',
    8: 'Responses API not instrumented',
    9: 'no cache split',
    10: 'stream without usage',
  },
  'py-evaluations-otel-logs': { 0: 'no cache split', 1: 'no cache split', 3: 'no cache split' },
  'py-langfuse-py-v4': { 1: 'stream without usage' },
  'py-oi-langchain': { 2: 'stream without usage', 10: 'embedding without usage' },
  'py-oi-openai': { 2: 'stream without usage' },
  'py-traceloop-sdk': { 3: 'stream without usage' },
}

interface InvoiceLine {
  readonly provider: string
  readonly kind: string
  readonly usage?: Readonly<Record<string, unknown>>
}

const bench = new Bench()

for (const capture of [
  'js-vercel5',
  'js-vercel6',
  'js-vercel7',
  'js-oi-openai',
  'js-contrib',
  'py-contrib-openai-v2',
  'py-traceloop-sdk',
  'py-langfuse-py-v4',
  'js-langfuse-js',
  'py-evaluations-otel-logs',
  'py-oi-openai',
  'js-oi-anthropic',
  'py-oi-langchain',
]) {
  describe(capture, () => {
    const folder = new URL(`${capture}/`, root)
    const rows = readdirSync(folder)
      .filter((file) => file.endsWith('-traces.bin'))
      .sort()
      .flatMap((file) => bench.rows(readRequest(new URL(file, folder)), atMs))

    test('every row is read as reviewed', () => {
      const golden = new URL('rows.json', folder)
      const shown = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'content')))
      if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(golden))
        writeFileSync(golden, `${JSON.stringify(shown, null, 1)}\n`)
      expect(shown).toEqual(JSON.parse(readFileSync(golden, 'utf8')))
    })

    test('each invoice line that the telemetry shows is one billed row with the same counts', () => {
      const billed = rows
        .filter((row) => row['verdict'] === undefined && row['usage'] !== undefined)
        .map((row) => counts(row['usage'] as Record<string, number>))
      const lines = readFileSync(new URL('invoice.jsonl', folder), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as InvoiceLine)
        .filter(({ kind }) => kind !== 'error')
      expect(lines.length).toBeGreaterThan(0)
      const missing = lines.flatMap((line, index) => {
        const want = invoiceCounts(line)
        const at = billed.indexOf(want)
        if (at >= 0) billed.splice(at, 1)
        const isShown = notShown[capture]?.[index] === undefined
        return at >= 0 === isShown ? [] : [`line ${index}: ${want}`]
      })
      expect(missing).toEqual([])
    })
  })
}

test('every dialect is spoken by some capture', async () => {
  const spoken = new Set<unknown>()
  for (const capture of readdirSync(root, { withFileTypes: true })) {
    if (!capture.isDirectory()) continue
    for (const { dialect } of JSON.parse(readFileSync(new URL(`${capture.name}/rows.json`, root), 'utf8')))
      spoken.add(dialect)
  }
  const known = (await loadDialects()).map(({ id }) => id)
  // The old conventions have no scope of their own: marks.test.ts has their spans.
  expect(known.filter((id) => !spoken.has(id))).toEqual(['billed-units', 'otel-semconv-legacy', 'reported-costs'])
})

function readRequest(file: URL): Uint8Array {
  let body: Uint8Array = readFileSync(file)
  if (body[0] === 0x1f && body[1] === 0x8b) body = gunzipSync(body)
  return body[0] === 0x7b ? encodeTracesJson(body) : body
}

/** Input, cache read, cache write and output tokens as one comparable word. */
function counts(usage: Readonly<Record<string, number>>): string {
  return [usage['input'] ?? 0, usage['cacheRead'] ?? 0, usage['cacheWrite'] ?? 0, usage['output'] ?? 0].join('/')
}

function invoiceCounts({ provider, usage = {} }: InvoiceLine): string {
  const number = (...path: string[]): number => {
    let at: unknown = usage
    for (const key of path) at = (at as Record<string, unknown> | undefined)?.[key]
    return typeof at === 'number' ? at : 0
  }
  const read =
    number('prompt_tokens_details', 'cached_tokens') ||
    number('input_tokens_details', 'cached_tokens') ||
    number('cache_read_input_tokens') ||
    number('cachedContentTokenCount')
  const written = number('cache_creation_input_tokens')
  const outside = provider === 'anthropic' ? read + written : 0
  const input = number('promptTokenCount') || number('prompt_tokens') || number('input_tokens') + outside
  const output =
    number('candidatesTokenCount') + number('thoughtsTokenCount') ||
    number('completion_tokens') ||
    number('output_tokens')
  return [input, read, written, output].join('/')
}
