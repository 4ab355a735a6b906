// GET /: what this is, what came in last, and what to paste next. One page of HTML without a script; every value is escaped.

import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../../schemas/refusal.ts'
import { type QueryRow, runQuery } from '../queries.ts'
import type { ApiParts, Headers } from './parts.ts'

const callsShown = 20

interface Books {
  readonly total: QueryRow | undefined
  readonly calls: readonly QueryRow[]
}

export function addPage(app: FastifyInstance, parts: ApiParts): void {
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  app.get('/', { config: { may: 'open' }, schema: { hide: true } }, async (request, reply) => {
    const books = await readBooks(parts, request.headers).catch((error: unknown) => {
      if (error instanceof Refusal) return 'not shown'
      parts.log.limited('page', 'warn', 'the page is shown without figures', { error })
      return 'not known'
    })
    reply.header('Content-Security-Policy', policy)
    reply.header('Cache-Control', 'no-store')
    return reply.type('text/html; charset=utf-8').send(render(parts.version, books))
  })
}

/** Rejects with Refusal when nobody has shown a key, where one is asked for. */
async function readBooks({ clickhouse, queries, project: projectOf }: ApiParts, headers: Headers): Promise<Books> {
  const project = projectOf(headers)
  const ask = async (id: string, params: Readonly<Record<string, unknown>>) => {
    const query = queries.find((each) => each.id === id)
    return query === undefined ? [] : runQuery(clickhouse, query, { ...params, project })
  }
  const [totals, calls] = await Promise.all([ask('cost_coverage', {}), ask('latest_calls', { limit: callsShown })])
  return { total: totals[0], calls }
}

/** Text for HTML, in content and in quoted attributes. */
export function escapeHtml(value: unknown): string {
  const codes: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return String(value ?? '').replaceAll(/[&<>"']/g, (char) => codes[char]!)
}

function render(version: string, books: Books | 'not shown' | 'not known'): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spanledger</title>
<style>${style}</style>
<header><h1>Spanledger</h1><p>The books for your LLM calls: every call once, priced from a dated price book, with the feedback it got.</p></header>
<main>
${books === 'not known' ? unavailable : books === 'not shown' ? keyed : figures(books)}
${steps}
</main>
<footer>Version ${escapeHtml(version)} · <a href="/api/queries">questions</a> · <a href="/openapi.json">OpenAPI</a> · <a href="/api/feedback">feedback</a> · <a href="/api/feedback/quality/models">quality by model</a></footer>
</html>
`
}

const unavailable = `<p class="note">The database does not answer now. Spans and feedback are taken all the same and will show when it is back.</p>`

const keyed = `<p class="note">Figures are shown to whoever has a key of the project: ask the API with it, as <code>Authorization: Bearer sl_…</code>.</p>`

function figures({ total, calls }: Books): string {
  const count = (name: string) => Number(total?.[name] ?? 0).toLocaleString('en')
  const tiles = [
    ['spent in 7 days, USD', money(total?.['total_cost'], 4)],
    ['calls', count('calls')],
    ['without a price', count('unpriced_calls')],
    ['failed', count('errors')],
  ]
  return `<section class="tiles">${tiles.map(([label, value]) => `<div><b>${escapeHtml(value)}</b>${escapeHtml(label)}</div>`).join('')}</section>
<h2>Last calls</h2>
${calls.length === 0 ? '<p class="note">None in the last 7 days. Send one: see below.</p>' : table(calls)}`
}

function table(calls: readonly QueryRow[]): string {
  const line = (call: QueryRow) => {
    const tokens = [call['input_tokens'], call['output_tokens']].map((each) =>
      each === null ? '–' : Number(each).toLocaleString('en'),
    )
    const cells = [
      ['', String(call['start_time']).slice(0, 19)],
      ['', call['model']],
      ['', call['feature'] || call['service']],
      ['', call['user_id']],
      ['number', tokens.join(' → ')],
      ['number', Math.round(Number(call['duration_ms'])).toLocaleString('en')],
      [
        'number',
        call['total_cost'] === null ? call['cost_reason'] || call['cost_status'] : money(call['total_cost'], 6),
      ],
      [call['status'] === 'error' ? 'bad' : '', call['status'] === 'error' ? call['failure_class'] || 'error' : 'ok'],
    ]
    return `<tr>${cells.map(([kind, value]) => `<td${kind === '' ? '' : ` class="${kind}"`}>${escapeHtml(value)}</td>`).join('')}</tr>`
  }
  const heads = ['Time (UTC)', 'Model', 'Feature', 'User', 'Tokens in → out', 'ms', 'USD', 'Status']
  return `<div class="wide"><table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${calls.map(line).join('')}</tbody></table></div>`
}

/** USD with a fixed number of places; what is not known stays a dash, and a little is not shown as nothing. */
function money(value: unknown, places: number): string {
  if (value === null || value === undefined) return '–'
  const amount = Number(value)
  const least = 10 ** -places
  return amount > 0 && amount < least ? `< ${least.toFixed(places)}` : amount.toFixed(places)
}

const steps = `<h2>Send spans</h2>
<p>Point any OpenTelemetry exporter at the collector, gRPC on port 4317 or HTTP on port 4318:</p>
<pre>OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf</pre>
<h2>Give feedback</h2>
<pre>curl -X POST http://localhost:8100/api/feedback \\
  -H 'Content-Type: application/json' \\
  -d '{"trace_id": "the trace of the call", "score": 1, "comment": "Accurate and helpful"}'</pre>
<h2>Ask</h2>
<pre>curl http://localhost:8100/api/queries/cost_by_model</pre>`

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --dim: #777; --accent: #0a7d5a }
@media (prefers-color-scheme: dark) { :root { --dim: #999; --accent: #3fcf9f } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem; font: 15px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -.02em }
h2 { margin: 2rem 0 .5rem; font-size: 1.05rem }
header p, footer { color: var(--dim) }
a { color: var(--accent) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin-top: 1.5rem }
.tiles div { padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .6rem; color: var(--dim) }
.tiles b { display: block; font-size: 1.5rem; color: var(--accent); font-variant-numeric: tabular-nums }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem }
table { width: 100%; border-collapse: collapse; font-size: .87rem }
th, td { padding: .4rem .7rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line) }
th { color: var(--dim); font-weight: 500 }
tr:last-child td { border-bottom: 0 }
.number { text-align: right; font-variant-numeric: tabular-nums }
.bad { color: #d33 }
.note, pre { padding: .8rem 1rem; background: var(--soft); border-radius: .6rem }
pre { overflow-x: auto; font: 13px/1.5 ui-monospace, monospace }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line) }
`
