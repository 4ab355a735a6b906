// Files of a bill → cells of a bill: finds each file's format, reads its records, and sees to it that a day given twice is
// counted once and a report that was cut short is said to be. Pure: chunks of text in, cells out.

import { formatPicoUsd } from '../../schemas/money.ts'
import { type BillCell, BillCells } from './bill.ts'
import { CsvRows } from './csv.ts'
import { type Fine, picoOfFine } from './exact.ts'
import { arrayOf, type InvoiceFormat, objectOf, type ReadContext, type SourceRecord, squash, textOf } from './format.ts'
import { JsonSplitter, type JsonValue, parseExact } from './json.ts'
import { InvoiceError, type Note, type Sink } from './line.ts'

export interface ImportedFile {
  readonly name: string
  readonly format: string
  readonly lines: number
}

export interface ImportedBill {
  readonly cells: readonly BillCell[]
  readonly files: readonly ImportedFile[]
  readonly notes: readonly Note[]
  /** Days covered, sorted. */
  readonly days: readonly string[]
  /** Formats that gave lines, for zone, finality and rounding. */
  readonly formats: readonly InvoiceFormat[]
}

interface Totals {
  amount: Fine
  quantity: Fine
  lines: number
  readonly buckets: Set<string>
  /** Every line names neither model nor line item: a total to check the others by. */
  isUngrouped: boolean
}

export class InvoiceImport {
  private readonly formats: readonly InvoiceFormat[]
  private readonly context: ReadContext
  private readonly read: FileRead[] = []

  constructor(formats: readonly InvoiceFormat[], context: ReadContext) {
    this.formats = formats
    this.context = context
  }

  /** A reader for the next file; its errors are InvoiceError with the file's name and the line. */
  file(name: string): FileRead {
    const file = new FileRead(name, this.formats, this.context)
    this.read.push(file)
    return file
  }

  /** Throws InvoiceError when two files of a format contradict each other. */
  result(): ImportedBill {
    const notes = this.read.flatMap((file) =>
      file.notes.map((note) => ({ ...note, text: `${file.name}: ${note.text}` })),
    )
    const dropped = this.twice(notes)
    notes.push(...cutShort(this.read))
    const cells = this.read.flatMap((file) =>
      [...file.cells].flatMap(([dataset, { cells: own }]) =>
        [...own.values()].filter((cell) => !dropped.has(`${file.name}\n${dataset}\n${cell.day}`)),
      ),
    )
    const used = new Set(this.read.flatMap((file) => [...file.used]))
    return {
      cells,
      files: this.read.map(({ name, used: of, lines }) => ({
        name,
        format: [...of].map(({ id }) => id).join(', '),
        lines,
      })),
      notes,
      days: [...new Set(this.read.flatMap((file) => [...file.days]))].sort(),
      formats: this.formats.filter((format) => used.has(format)),
    }
  }

  /** Days of a dataset that more than one file has: one is taken, the other checked against it. */
  private twice(notes: Note[]): ReadonlySet<string> {
    const dropped = new Set<string>()
    const owners = new Map<string, { file: FileRead; totals: Totals; format: InvoiceFormat }[]>()
    const ranked = [...this.read].sort((a, b) => this.rank(a) - this.rank(b))
    for (const pass of [false, true]) {
      for (const file of ranked) {
        for (const [key, totals] of file.totals) {
          if (totals.isUngrouped !== pass) continue
          const [formatId = '', dataset = '', day = ''] = key.split('\n')
          const format = this.formats.find(({ id }) => id === formatId)
          if (format === undefined || format.parts === 'add') continue
          const place = `${datasetOf(dataset)}\n${day}`
          const own = owners.get(place) ?? []
          owners.set(place, own)
          const other = own.find(
            (each) => each.format !== format || [...totals.buckets].some((bucket) => each.totals.buckets.has(bucket)),
          )
          if (other === undefined) own.push({ file, totals, format })
          else {
            dropped.add(`${file.name}\n${dataset}\n${day}`)
            const note = settle({ name: file.name, totals, format }, { ...other, name: other.file.name }, day)
            if (note !== null) notes.push(note)
          }
        }
      }
    }
    return dropped
  }

  private rank(file: FileRead): number {
    return Math.min(...[...file.used].map((format) => this.formats.indexOf(format)), this.formats.length)
  }
}

interface Side {
  readonly name: string
  readonly totals: Totals
  readonly format: InvoiceFormat
}

function settle(second: Side, first: Side, day: string): Note | null {
  const field = first.format.role === 'cost' ? 'amount' : 'quantity'
  const gap = second.totals[field] - first.totals[field]
  if (gap === 0n) return { kind: 'warning', day, text: `${second.name}: ${day} is in ${first.name} too, taken once` }
  const shown = (side: Side): string => formatPicoUsd(picoOfFine(side.totals[field]))
  if (second.totals.isUngrouped && !first.totals.isUngrouped) {
    const text = `the total of ${day} in ${second.name} is ${shown(second)}, the groups in ${first.name} sum to ${shown(first)}`
    return { kind: 'incomplete', day, text }
  }
  if (second.format === first.format) {
    throw new InvoiceError(
      `${first.name} and ${second.name} both have ${day} and differ (${shown(first)} and ${shown(second)}): give the newer one alone`,
    )
  }
  const text = `${second.name}: ${day} sums to ${shown(second)}, in ${first.name} to ${shown(first)}; the latter is taken`
  return { kind: 'warning', day, text }
}

/** Reports whose last page is missing. */
function cutShort(files: readonly FileRead[]): Note[] {
  const pages = files.flatMap((file) => file.pages.map((page) => ({ ...page, file: file.name })))
  return [...new Set(pages.map(({ dataset }) => dataset))].flatMap((dataset): Note[] => {
    const own = pages.filter((page) => page.dataset === dataset)
    if (own.some(({ hasMore }) => !hasMore)) return []
    const names = [...new Set(own.map(({ file }) => file))].join(', ')
    return [{ kind: 'incomplete', day: '', text: `${names}: has_more is true and the next page was not given` }]
  })
}

interface Page {
  readonly dataset: string
  readonly hasMore: boolean
}

const probeChars = 1 << 20

/** One file, a chunk at a time. */
export class FileRead {
  readonly name: string
  readonly cells = new Map<string, BillCells>()
  readonly totals = new Map<string, Totals>()
  readonly notes: Note[] = []
  readonly days = new Set<string>()
  readonly used = new Set<InvoiceFormat>()
  readonly pages: Page[] = []
  lines = 0
  private readonly formats: readonly InvoiceFormat[]
  private readonly context: ReadContext
  private head = ''
  private csv: CsvRows | null = null
  private json: JsonSplitter | null = null
  private columns: readonly string[] | null = null
  private format: InvoiceFormat | null = null
  private datasets = new Set<string>()
  private hasMore: boolean | null = null
  private records = 0

  constructor(name: string, formats: readonly InvoiceFormat[], context: ReadContext) {
    this.name = name
    this.formats = formats
    this.context = context
  }

  push(chunk: string): void {
    this.guarded(() => {
      if (this.csv === null && this.json === null) {
        this.head += chunk
        if (this.head.length < probeChars) return
        this.begin()
      } else this.feed(chunk)
    })
  }

  /** Throws InvoiceError for a file without a record of a known format. */
  end(): void {
    this.guarded(() => {
      if (this.csv === null && this.json === null) this.begin()
      this.csv?.end()
      this.json?.end()
      this.endOfPage()
      if (this.json !== null && this.records === 0 && this.used.size === 0 && this.pages.length === 0)
        throw new InvoiceError('no record in it')
      if (this.csv !== null && this.columns === null) throw new InvoiceError('empty')
    })
  }

  private guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof InvoiceError || error instanceof RangeError || error instanceof SyntaxError)) throw error
      throw new InvoiceError(`${this.name}: ${error.message}`)
    }
  }

  private begin(): void {
    const head = this.head
    this.head = ''
    const first = /[^\s\uFEFF]/.exec(head)?.[0] ?? ''
    if (first === '') throw new InvoiceError('empty')
    if (first === 'P' && head.startsWith('PK'))
      throw new InvoiceError('a ZIP archive: unpack it and give the files in it')
    if (first !== '{' && first !== '[') this.csv = new CsvRows((row) => this.row(row.line, row.cells))
    else {
      const isPages = isPaged(head)
      this.json = new JsonSplitter(isPages ? ['data'] : [], {
        element: (text, line) => this.element(parseExact(text), line, text),
        member: (name, text) => this.member(name, parseExact(text)),
      })
    }
    this.feed(head)
  }

  private feed(chunk: string): void {
    this.csv?.push(chunk)
    this.json?.push(chunk)
  }

  private member(name: string, value: JsonValue): void {
    if (name === 'object') this.endOfPage()
    if (name === 'has_more') this.hasMore = value === true || value === 'true'
    // Several pages in one file: has_more and next_page come behind the data.
    if (name === 'next_page') this.endOfPage()
  }

  private endOfPage(): void {
    if (this.hasMore === null) return
    for (const dataset of this.datasets) this.pages.push({ dataset, hasMore: this.hasMore })
    this.datasets = new Set()
    this.hasMore = null
  }

  private element(value: JsonValue, line: number, source = ''): void {
    const record = objectOf(value)
    const page = record['data']
    if (Array.isArray(page)) {
      for (const each of page) this.element(each, line)
      if (record['has_more'] !== undefined) this.member('has_more', record['has_more'])
      this.endOfPage()
      return
    }
    this.records++
    const results = record['results']
    const start = textOf(record, 'start_time', 'starting_at')
    // Nothing was used in it, and nothing says what it is about.
    if (Array.isArray(results) && results.length === 0) {
      const at = /^\d+$/.test(start) ? new Date(Number(start) * 1000).toISOString() : start
      if (/^\d{4}-\d\d-\d\d/.test(at)) this.days.add(at.slice(0, 10))
      return
    }
    const format = this.formats.find((each) => each.json?.(record) === true)
    if (format === undefined) {
      const names = Object.keys(record).slice(0, 12).join(', ')
      const known = this.formats.filter(({ json }) => json !== undefined).map(({ title }) => title)
      throw new InvoiceError(
        `line ${line}: a record with ${names === '' ? 'no fields' : names} is none of ${known.join('; ') || 'the formats of this provider, which has CSV alone'}`,
      )
    }
    const kind = textOf(objectOf(arrayOf(results)[0]), 'object')
    this.take(format, `${format.id}${kind === '' ? '' : `:${kind}`}`, start, {
      line,
      resultLines: resultLines(source, line),
      values: record,
    })
  }

  private row(line: number, cells: readonly string[]): void {
    if (this.columns === null) {
      this.columns = cells.map(squash)
      this.format = csvFormat(this.formats, cells)
      return
    }
    if (this.format === null) return
    if (cells.length !== this.columns.length)
      throw new InvoiceError(`line ${line}: ${cells.length} cells under ${this.columns.length} columns`)
    const values: Record<string, string> = {}
    for (let i = 0; i < cells.length; i++) values[this.columns[i]!] = cells[i]!
    const bucket = values['starttime'] ?? values['date'] ?? values['usagedateutc'] ?? ''
    this.take(this.format, this.format.id, bucket, { line, resultLines: [], values })
  }

  private take(format: InvoiceFormat, dataset: string, bucket: string, record: SourceRecord): void {
    const { line } = record
    if (format.isNoBill !== undefined) throw new InvoiceError(`${format.title} is no bill: ${format.isNoBill}`)
    this.used.add(format)
    this.datasets.add(dataset)
    const into = this.cells.get(dataset) ?? new BillCells()
    this.cells.set(dataset, into)
    const sink: Sink = {
      line: (each) => {
        this.lines++
        into.add(each, format)
        this.count(`${format.id}\n${dataset}\n${each.day}`, bucket, each)
      },
      note: (note) => this.notes.push(note),
      day: (day) => this.days.add(day),
    }
    try {
      format.read(record, sink, this.context)
    } catch (error) {
      if (error instanceof InvoiceError) throw new InvoiceError(`line ${line}: ${error.message}`)
      throw error
    }
  }

  private count(key: string, bucket: string, line: Parameters<Sink['line']>[0]): void {
    let totals = this.totals.get(key)
    if (totals === undefined) {
      totals = { amount: 0n, quantity: 0n, lines: 0, buckets: new Set(), isUngrouped: true }
      this.totals.set(key, totals)
    }
    totals.amount += line.amount ?? 0n
    totals.quantity += line.family === 'requests' ? 0n : (line.quantity ?? 0n)
    totals.lines++
    totals.buckets.add(bucket)
    if (line.label !== '') totals.isUngrouped = false
  }
}

/** Exports of the same figures in different forms share a name. */
function datasetOf(dataset: string): string {
  return dataset.replace('anthropic-console-', 'anthropic-').replace(/^openai-costs.*/, 'openai-costs')
}

/** Lines of the rows of a bucket, whose text begins on `line`. */
function resultLines(source: string, line: number): number[] {
  const lines: number[] = []
  const rows = new JsonSplitter(['results'], {
    element: (_, at) => void lines.push(line + at - 1),
    member: () => undefined,
  })
  rows.push(source)
  return lines
}

/** Whether the top level is a page with its rows under `data`, and not a row itself. */
function isPaged(head: string): boolean {
  let isFound = false
  const probe = new JsonSplitter(['data'], {
    element: () => {
      isFound = true
    },
    member: () => undefined,
  })
  try {
    probe.push(head)
  } catch {
    // What is wrong is said when the file is read.
  }
  return isFound || probe.hasArray
}

/** The format whose columns are all there. Throws InvoiceError naming what is missing of the nearest one. */
function csvFormat(formats: readonly InvoiceFormat[], header: readonly string[]): InvoiceFormat {
  const has = new Set(header.map(squash))
  const missing = formats.flatMap((format) => {
    if (format.csv === undefined) return []
    const names = format.csv.required.filter((spellings) => !spellings.some((each) => has.has(squash(each))))
    return [{ format, names, share: names.length / format.csv.required.length }]
  })
  const fit = missing.find(({ names }) => names.length === 0)
  if (fit !== undefined) return fit.format
  const nearest = missing.sort((a, b) => a.share - b.share)[0]
  if (nearest === undefined) throw new InvoiceError('a CSV; this provider has JSON exports alone')
  const names = nearest.names.map((spellings) => spellings.join(' or ')).join(', ')
  throw new InvoiceError(`line 1: as ${nearest.format.title} it lacks the columns ${names}`)
}
