// The price book in force: the catalogue with users' own prices from the file and the API. A change is checked, kept on the
// disk and only then takes effect, between two requests. A wrong one changes nothing but what is said about it.

import { basename } from 'node:path'
import { PriceBook } from '../../processors/pricing/book.ts'
import { checkRecord, findingsTogether, type PlacedRecord } from '../../processors/pricing/custom/check.ts'
import { type Finding, findingText, Place, type Tree } from '../../processors/pricing/custom/fields.ts'
import { type CustomRecord, type CustomSettings, noSettings } from '../../processors/pricing/custom/form.ts'
import {
  bookPartsAt,
  changeTo,
  type KnownRecord,
  type PriceChange,
  recordsAt,
  settingsAt,
} from '../../processors/pricing/custom/history.ts'
import { PriceRefusal, wrongPrices } from '../../processors/pricing/custom/refusal.ts'
import type { PriceFile } from '../../processors/pricing/file.ts'
import { FileWatch } from '../file-watch.ts'
import type { Log } from '../log.ts'
import { readOnce, readSettled } from '../settled-file.ts'
import { type OwnPrices, parseOwnPrices, readTree, wrongFile } from './own-file.ts'
import { PriceRecords } from './records.ts'

/** As many as the file may have of each kind. */
const recordsMax = 10_000
/** Books in front of the last that are told of at the start. */
const earlierBooks = 5

export interface PriceKeeperOptions {
  readonly catalogue: readonly PriceFile[]
  /** Path of the users' own prices; empty for none. */
  readonly file: string
  readonly dataDir: string
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'limited'>
  /** Told of each book before it takes effect. */
  readonly onBook?: (book: PriceBook) => void
  readonly now?: () => number
  readonly pollMs?: number
}

/** The file is wrong at the start and there is no good copy of it. */
export class WrongPriceFile extends Error {
  readonly findings: readonly string[]

  constructor(file: string, findings: readonly string[]) {
    super(`${file} cannot be used:\n${findings.join('\n')}`)
    this.name = 'WrongPriceFile'
    this.findings = findings
  }
}

export class PriceKeeper {
  /** Changes of the file that were not taken. */
  reloadFailures = 0
  /** What is wrong with the file as it is now; empty when it is in force. */
  findings: readonly string[] = []
  private current: PriceBook
  private readonly plain: PriceBook
  private readonly options: PriceKeeperOptions
  private readonly records: PriceRecords
  private readonly watch: FileWatch | null
  /** Changes go one after the other. */
  private queue: Promise<unknown> = Promise.resolve()
  private readHash = ''

  private constructor(options: PriceKeeperOptions, plain: PriceBook, records: PriceRecords) {
    this.options = options
    this.plain = plain
    this.records = records
    this.current = plain
    const { file, pollMs } = options
    const read = async (): Promise<void> =>
      this.inTurn(() => this.readFile()).catch((error: unknown) => this.notKept(error))
    const onError = (error: unknown): void =>
      options.log.limited('own prices', 'error', 'the file of own prices could not be taken: tried again', { error })
    this.watch =
      file === '' ? null : new FileWatch({ file, onChange: read, onError, ...(pollMs === undefined ? {} : { pollMs }) })
  }

  /**
   * With the file as it is, or, when that is wrong, with the last one that was not. Rejects with WrongPriceFile when there
   * has been none, and when the records on the disk are damaged.
   */
  static async open(options: PriceKeeperOptions): Promise<PriceKeeper> {
    const plain = new PriceBook(options.catalogue)
    const keeper = new PriceKeeper(options, plain, await PriceRecords.open(options.dataDir))
    try {
      await keeper.start()
      return keeper
    } catch (error) {
      await keeper.close()
      throw error
    }
  }

  /** Immutable; a change makes another one. Ask once per request. */
  get book(): PriceBook {
    return this.current
  }

  /** Of the file and the API, as of now or of an instant (Unix milliseconds). */
  known(asOf?: number): readonly KnownRecord[] {
    return asOf === undefined ? this.records.held : recordsAt(this.records.changes, asOf)
  }

  /** Which projects an organisation has, and own calendars. */
  settings(asOf?: number): CustomSettings {
    return settingsAt(this.records.changes, asOf)
  }

  get changes(): readonly PriceChange[] {
    return this.records.changes
  }

  /** What an operator is told besides "ready"; without content. */
  notices(): readonly string[] {
    if (this.findings.length === 0) return []
    return [
      `the file of own prices is wrong (${this.findings.length} findings, see the log): price book ${this.current.version} stays in use`,
    ]
  }

  /** Takes effect when it resolves. Rejects with PriceRefusal. */
  put(id: string, tree: Tree): Promise<KnownRecord> {
    return this.inTurn(async () => {
      this.refuseFileIds(id)
      const { record, findings } = this.check(id, tree)
      if (record === null) throw wrongPrices(findings)
      const api = this.ofSource('api').filter((each) => each.id !== id)
      if (api.length >= recordsMax)
        throw new PriceRefusal(
          'bad_request',
          `the API has set ${recordsMax} own prices, which is the limit: use the file`,
        )
      await this.take({ source: 'api', records: [...api, record] })
      const known = this.known().find((each) => each.record.id === id)
      if (known === undefined) throw new Error(`record ${id} was kept and is not there`)
      return known
    })
  }

  /** Its end is one more record; calls priced by it stay as they are. Rejects with PriceRefusal. */
  remove(id: string): Promise<void> {
    return this.inTurn(async () => {
      this.refuseFileIds(id)
      const api = this.ofSource('api')
      if (!api.some((each) => each.id === id)) throw new PriceRefusal('not_found', `no own price has the id "${id}"`)
      const rest = api.filter((each) => each.id !== id)
      const left = [...this.placed('file'), ...placedOf(rest, 'api')]
      const broken = findingsTogether(left, this.settings(), this.plain.catalogueNames())
      if (broken.length > 0) throw new PriceRefusal('conflict', `"${id}" is needed: ${textOf(broken)}`)
      await this.take({ source: 'api', records: rest })
    })
  }

  /** Body of a request as a tree. Throws PriceRefusal. */
  read(bytes: Uint8Array): Tree {
    const read = readTree(bytes)
    if ('tree' in read) return read.tree
    throw wrongPrices(
      read.problems.map(({ line, message }) => ({
        entry: '',
        field: '',
        message: `line ${line}: ${message}`,
        path: '',
      })),
    )
  }

  /** What would be said of a record, without taking it. */
  check(id: string, tree: Tree): { record: CustomRecord | null; findings: readonly Finding[] } {
    const others = [...this.placed('file'), ...this.placed('api').filter(({ record }) => record.id !== id)]
    return checkRecord(tree, id, { catalogue: this.plain.catalogueNames(), settings: this.settings(), others })
  }

  /** What would be said of a whole file, beside what the API has set. */
  checkFile(bytes: Uint8Array, name: string, error = ''): OwnPrices {
    if (error !== '') return wrongFile(name, `cannot be read (${error})`)
    return parseOwnPrices(bytes, name, this.plain, this.placed('api'))
  }

  /** May come twice. */
  async close(): Promise<void> {
    await this.watch?.close()
    await this.queue.catch(() => undefined)
    await this.records.close()
  }

  private async start(): Promise<void> {
    const { file, log } = this.options
    this.tellEarlierBooks()
    const hasCopy = this.ofSource('file').length > 0
    if (file === '') {
      if (hasCopy) log.warn('no file of own prices is configured any more: its prices end')
      await this.take({ source: 'file', records: [], settings: noSettings }, true)
      return
    }
    await this.readFile(true)
    if (this.findings.length > 0 && !hasCopy) throw new WrongPriceFile(file, this.findings)
    this.watch?.start()
  }

  private async readFile(isFirst = false): Promise<void> {
    const { file, log } = this.options
    const read = isFirst ? await readOnce(file) : await readSettled(file)
    if (read === null || read.hash === this.readHash) return
    const own = this.checkFile(read.bytes, basename(file), read.error)
    const wrong = own.findings.map(({ text }) => text)
    const findings = wrong.length > 0 ? wrong : await this.tryFile(own, isFirst)
    this.readHash = read.hash
    if (findings.length === 0) {
      if (this.findings.length > 0) log.info('the file of own prices is right again')
      this.findings = []
      return
    }
    this.findings = findings
    this.reloadFailures++
    if (isFirst) this.swap(this.bookOf(this.records.changes))
    log.error('the file of own prices is wrong: the last good one stays in use', {
      price_book: this.current.version,
      findings,
    })
  }

  /** The file is right and the disk is not: tried again at every look. */
  private notKept(error: unknown): never {
    const finding = `${basename(this.options.file)}: could not be kept (${(error as NodeJS.ErrnoException).code ?? String(error)})`
    if (!this.findings.includes(finding)) this.reloadFailures++
    this.findings = [finding]
    throw error
  }

  /** What could not be compiled; nothing when it is in force. */
  private async tryFile({ records, settings }: OwnPrices, isFirst: boolean): Promise<readonly string[]> {
    try {
      await this.take({ source: 'file', records, settings }, isFirst)
      return []
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return [`${basename(this.options.file)}: ${error.message}`]
    }
  }

  /** Kept on the disk, then in force. */
  private async take(wanted: Parameters<typeof changeTo>[1], isFirst = false): Promise<void> {
    const { changes } = this.records
    const change = changeTo(changes, wanted, this.nextAt())
    if (change === null) {
      if (isFirst) this.swap(this.bookOf(changes))
      return
    }
    // Before it is kept: what cannot be compiled must not be there at the next start.
    const book = this.bookOf([...changes, change])
    await this.records.append(change)
    this.swap(book)
    if (!isFirst)
      this.options.log.info('own prices changed', {
        price_book: book.version,
        source: change.source,
        set: change.set.map(({ id }) => id),
        removed: change.removed,
      })
  }

  private swap(book: PriceBook): void {
    this.options.onBook?.(book)
    this.current = book
  }

  private bookOf(changes: readonly PriceChange[]): PriceBook {
    return this.plain.with(bookPartsAt(changes))
  }

  /** A collector that was killed may not have told of the last ones, and rows name them. */
  private tellEarlierBooks(): void {
    const { changes } = this.records
    for (let count = Math.max(1, changes.length - earlierBooks); count < changes.length; count++) {
      try {
        this.options.onBook?.(this.bookOf(changes.slice(0, count)))
      } catch (error) {
        // With the catalogue of another version; what that one made of it cannot be said any more.
        if (!(error instanceof RangeError)) throw error
      }
    }
  }

  private ofSource(source: KnownRecord['source']): readonly CustomRecord[] {
    return this.known().flatMap((each) => (each.source === source ? [each.record] : []))
  }

  private placed(source: KnownRecord['source']): readonly PlacedRecord[] {
    return placedOf(this.ofSource(source), source)
  }

  private refuseFileIds(id: string): void {
    if (this.ofSource('file').some((each) => each.id === id))
      throw new PriceRefusal('conflict', `"${id}" is in ${basename(this.options.file)}: change it there`)
  }

  /** Never before the last change, also when the clock was put back. */
  private nextAt(): string {
    const now = new Date((this.options.now ?? Date.now)()).toISOString()
    const last = this.records.changes.at(-1)?.at ?? ''
    return now > last ? now : last
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.queue.then(work, work)
    this.queue = mine.catch(() => undefined)
    return mine
  }
}

function placedOf(records: readonly CustomRecord[], source: KnownRecord['source']): readonly PlacedRecord[] {
  const where = source === 'api' ? 'set by the API' : 'of the file'
  return records.map((record) => ({ record, place: new Place([], `"${record.id}" ${where}`, '') }))
}

function textOf(findings: readonly Finding[]): string {
  return findings.map(findingText).join('; ')
}
