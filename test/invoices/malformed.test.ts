// Files that are not what they should be: each is refused with the line and what would be right, and never half read.

import { expect, test } from 'vitest'
import { CsvRows } from '../../processors/invoices/csv.ts'
import { parseFine, picoOfFine, ratioText } from '../../processors/invoices/exact.ts'
import { JsonSplitter, parseExact } from '../../processors/invoices/json.ts'
import { readLedgerCsv } from '../../processors/invoices/ledger.ts'
import { readMap } from '../../processors/invoices/map.ts'
import { imported, sample } from './inputs.ts'

const costs = sample('openai-costs.json')
const console_ = sample('anthropic-console-cost.csv')

const malformed: readonly (readonly [name: string, provider: string, text: string, message: RegExp])[] = [
  ['an empty file', 'openai', '', /^f: empty$/],
  ['blanks alone', 'openai', ' \n\n', /^f: empty$/],
  ['a page cut off', 'openai', costs.slice(0, 900), /^f: line \d+: the JSON is cut off$/],
  ['JSON of another kind', 'openai', '{"data":[{"hello":1}]}', /line 1: a record with hello is none of OpenAI usage/],
  ['JSON that is none', 'openai', '{"data":[{"start_time":}]}', /not valid JSON|Unexpected token/],
  ['no JSON at all', 'openai', '{data: 1}', /Expected property name/],
  ['a page without data', 'openai', '{"object":"page"}', /line 1: a record with object is none of/],
  [
    'an amount that is no number',
    'openai',
    costs.replace('"value": 1.8', '"value": "1,80"'),
    /line 4: result 1 of 2026-11-02: value: not a decimal number: "1,80"/,
  ],
  ['an amount that is missing', 'openai', costs.replace('"value": 1.8,', ''), /value is missing: a decimal number/],
  [
    'a time in milliseconds',
    'openai',
    costs.replace('1793577600', '1793577600000'),
    /start_time: "1793577600000" is no Unix time/,
  ],
  ['a currency that is a sign', 'openai', costs.replace('"usd"', '"$"'), /currency: "\$" is no currency code/],
  [
    'tokens that do not add up',
    'openai',
    sample('openai-usage-completions.json').replace(
      '"input_uncached_tokens": 900000',
      '"input_uncached_tokens": 900001',
    ),
    /input_tokens is not the sum/,
  ],
  [
    'a negative count',
    'openai',
    sample('openai-usage-completions.json').replace('"output_tokens": 200000', '"output_tokens": -1'),
    /output_tokens is negative: -1/,
  ],
  [
    'columns that are missing',
    'anthropic',
    console_.replace('cost_usd,list', 'list'),
    /line 1: as Anthropic console cost \(CSV\) it lacks the columns cost_usd$/,
  ],
  ['a row with a cell too few', 'anthropic', console_.replace(',active\n', '\n'), /line 2: 13 cells under 14 columns/],
  [
    'a quote that is never closed',
    'anthropic',
    console_.replace('Claude Sonnet 5', '"Claude'),
    /line 2: a quote is not closed/,
  ],
  [
    'text after a quote',
    'anthropic',
    console_.replace('Claude Sonnet 5', '"Claude"x'),
    /line 2: text after a closing quote/,
  ],
  [
    'a day that is none',
    'anthropic',
    console_.replace('2026-11-02', '2026-02-30'),
    /line 2: usagedateutc: "2026-02-30" is no day/,
  ],
  [
    'a date of the wrong order',
    'azure',
    sample('azure-cost-details.csv').replace('11/02/2026', '13/02/2026'),
    /line 2: Date: "13\/02\/2026" is no day in the form MM\/DD\/YYYY/,
  ],
  ['a ZIP', 'deepseek', 'PK\u0003\u0004', /a ZIP archive: unpack it/],
  [
    'estimates instead of a bill',
    'anthropic',
    sample('anthropic-claude-code.json'),
    /is no bill: its costs are estimates/,
  ],
  ['CSV of a provider without any', 'litellm', 'a,b\n1,2', /a CSV; this provider has JSON exports alone/],
  [
    'a Google row without a cost',
    'google',
    sample('gcp-billing-detailed.ndjson').replace('"cost": 1.0, ', ''),
    /line 1: cost is missing/,
  ],
  [
    'the second line of NDJSON cut',
    'litellm',
    sample('litellm-spendlogs.ndjson').slice(0, 1000),
    /line 2: the JSON is cut off/,
  ],
]

test.each(malformed)('%s', (_, provider, text, message) => {
  for (const chunkChars of [7, 1_000_000]) {
    expect(() => imported(provider, { f: text }, { chunkChars })).toThrow(message)
  }
})

test('columns are found by name, in any order, with unknown ones beside them and any line end', () => {
  const rows = console_
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const turned = rows.map((row, i) => [i === 0 ? 'new_column' : 'x', ...[...row].reverse()].join(',')).join('\r\n')
  const cells = (text: string) => imported('anthropic', { f: text }).cells
  expect(cells(`\uFEFF${turned}\r\n`)).toEqual(cells(console_))
})

test('amounts keep every digit that a double would lose', () => {
  const value = '1234567.123456789012345678901234567891'
  const [cell] = imported('openai', { f: costs.replace('"value": 1.8', `"value": ${value}`) }).cells
  expect(cell?.amount).toBe(1234567123456789012345678901234567891n)
  expect(parseFine('1.5e-7')).toBe(150_000_000_000_000_000_000_000n)
  expect(parseFine('-.5')).toBe(-(5n * 10n ** 29n))
  expect(picoOfFine(parseFine('0.0000000000005'))).toBe(1n)
  expect(picoOfFine(parseFine('-0.0000000000005'))).toBe(-1n)
  expect(ratioText(11n, 10n)).toBe('1.1')
  for (const wrong of ['', '.', '1,000', '0x1', '1e', '$1', 'NaN', `0.${'0'.repeat(30)}1`]) {
    expect(() => parseFine(wrong), wrong).toThrow(RangeError)
  }
})

test('numbers of JSON stay text, and strings with brackets and quotes stay whole, wherever a chunk ends', () => {
  expect(parseExact('{"a":1.80,"b":[1e-7,true,null]}')).toEqual({ a: '1.80', b: ['1e-7', true, null] })
  const text = '{"data":[{"s":"]}\\"{[\\\\"},\n {"n":2}],"has_more":false}\n{"data":[3,"x"],"has_more":true}'
  const whole = split(text, text.length)
  expect(whole).toEqual(['1 {"s":"]}\\"{[\\\\"}', '2 {"n":2}', 'has_more false', '3 3', '3 "x"', 'has_more true'])
  for (let size = 1; size < 20; size++) expect(split(text, size), `chunks of ${size}`).toEqual(whole)
})

function split(text: string, size: number): string[] {
  const seen: string[] = []
  const splitter = new JsonSplitter(['data'], {
    element: (each, line) => void seen.push(`${line} ${each}`),
    member: (name, each) => void seen.push(`${name} ${each}`),
  })
  for (let at = 0; at < text.length; at += size) splitter.push(text.slice(at, at + size))
  splitter.end()
  return seen
}

test('quoted cells hold commas, quotes and line feeds, wherever a chunk ends', () => {
  const text = 'a,"b ""c"", d"\n"1\n2",\r\n,"x"\nlast,'
  const read = (size: number) => {
    const rows: [number, readonly string[]][] = []
    const csv = new CsvRows(({ line, cells }) => void rows.push([line, cells]))
    for (let at = 0; at < text.length; at += size) csv.push(text.slice(at, at + size))
    csv.end()
    return rows
  }
  expect(read(100)).toEqual([
    [1, ['a', 'b "c", d']],
    [2, ['1\n2', '']],
    [4, ['', 'x']],
    [5, ['last', '']],
  ])
  for (let size = 1; size < 10; size++) expect(read(size), `chunks of ${size}`).toEqual(read(100))
})

test.each([
  [{ label: [] }, 'the map has no "label": labels, accounts'],
  [{ labels: {} }, 'labels is no list'],
  [{ labels: [{ kind: 'input' }] }, 'labels[0].label is missing'],
  [{ labels: [{ label: 'x', kind: 'tokens' }] }, 'labels[0].kind: one of input, '],
  [{ labels: [{ label: 'x', kind: 'input', size: 1 }] }, 'labels[0] has no field "size"'],
  [{ labels: [{ label: 'x', kind: 'input', tier: 3 }] }, 'labels[0].tier is no text'],
  [{ accounts: { a: 1 } }, 'accounts.a: the name of a project is expected'],
  [null, 'the map is no object'],
])('a map file that is wrong says where: %j', (file, message) => {
  expect(() => readMap(file)).toThrow(message)
})

test('a ledger CSV says which column or kind is wrong', () => {
  expect(() => readLedgerCsv('day_utc,provider\n')).toThrow('the ledger lacks the columns project, model, kind')
  const head = 'day_utc,provider,project,model,kind,tier,geo,quantity,cost_usd'
  expect(() => readLedgerCsv(`${head}\nd,p,j,m,inputs,,,1,1`)).toThrow('line 2: kind "inputs" is none of')
  expect(() => readLedgerCsv(`${head}\nd,p,j,m,input,,,one,1`)).toThrow('line 2: quantity: not a decimal number: "one"')
})
