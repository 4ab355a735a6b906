// Calls that command-line agents and instrumentations tell as log events → rows, beside what the provider billed. `event-rows.json`
// shows the rows that are made of events, as they were reviewed.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeLogCalls } from '../../collector/otlp/log-spans.ts'
import { decodeLogs } from '../../collector/otlp/logs.ts'
import { loadDialects } from '../../collector/registry.ts'
import { LogCalls } from '../../processors/log-calls.ts'
import { Bench } from '../batches.ts'
import { type Sent, sentBy } from '../captures.ts'

const root = new URL('../fixtures/captures/', import.meta.url)
const atMs = Date.parse('2026-11-24T14:00:00Z')
const bench = new Bench()
const logCalls = new LogCalls(await loadDialects())

type Row = Record<string, unknown>

function rowsOf({ signal, body }: Sent): Row[] {
  if (signal === 'traces') return bench.rows(body, atMs)
  const calls = decodeLogs(body).flatMap((record) => logCalls.callOf(record, atMs) ?? [])
  return bench.rows(encodeLogCalls(calls), atMs)
}

describe.each([
  'js-claude-code',
  'js-claude-code-traces',
  'js-codex',
  'js-gemini-cli',
  'js-qwen-code',
  'py-details-genai-anthropic',
  'py-details-genai-openai',
  'py-details-google-genai',
])('%s', (capture) => {
  const folder = new URL(`${capture}/`, root)
  const rows = sentBy(capture).flatMap(rowsOf)

  test('every row is read as reviewed', () => {
    const golden = new URL('event-rows.json', folder)
    const shown = rows.filter(isEvent)
    if (process.env['UPDATE_GOLDEN'] === '1' || !existsSync(golden))
      writeFileSync(golden, `${JSON.stringify(shown, null, 1)}\n`)
    expect(shown).toEqual(JSON.parse(readFileSync(golden, 'utf8')))
  })

  test('each line of the invoice is one event, or one span where there are no events', () => {
    const told = rows.filter((row) => row['usage'] !== undefined && row['verdict'] === undefined)
    const calls = told.some(isEvent) ? told.filter(isEvent) : told
    expect(calls.map(countsOf).sort()).toEqual(invoiceOf(folder).sort())
  })
})

function isEvent(row: Row): boolean {
  return row['span_kind'] === 'event'
}

function countsOf({ usage }: Row): string {
  const counts = usage as Readonly<Record<string, number>>
  return ['input', 'cacheRead', 'cacheWrite', 'output', 'reasoning'].map((name) => counts[name] ?? 0).join('/')
}

type Json = Readonly<Record<string, unknown>>

function invoiceOf(folder: URL): string[] {
  return (
    readFileSync(new URL('invoice.jsonl', folder), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; usage: Json })
      // No client tells of embeddings by events.
      .filter(({ kind }) => kind !== 'error' && kind !== 'embeddings')
      .map(({ usage }) => {
        const at = (...path: string[]): number => {
          const found = path.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], usage)
          return typeof found === 'number' ? found : 0
        }
        const read =
          at('cache_read_input_tokens') +
          at('input_tokens_details', 'cached_tokens') +
          at('prompt_tokens_details', 'cached_tokens') +
          at('cachedContentTokenCount')
        const written = at('cache_creation_input_tokens')
        // Anthropic counts what was cached apart.
        const apart = 'cache_read_input_tokens' in usage ? read + written : 0
        const reasoning =
          at('output_tokens_details', 'reasoning_tokens') +
          at('completion_tokens_details', 'reasoning_tokens') +
          at('thoughtsTokenCount')
        const input = at('input_tokens') + at('prompt_tokens') + at('promptTokenCount') + apart
        const output =
          at('output_tokens') + at('completion_tokens') + at('candidatesTokenCount') + at('thoughtsTokenCount')
        return [input, read, written, output, reasoning].join('/')
      })
  )
}
