// The score configurations in force: those of the file, and those that the API has set, which all collectors of one database
// share. A file that is wrong changes nothing but what is said about it; a database that is away leaves what was known.

import { basename } from 'node:path'
import {
  type ConfigInForce,
  configsOf,
  type DeclaredConfig,
  type ScoreConfig,
  versionOf,
} from '../../processors/score-configs/config.ts'
import { judgedScore, type Violation } from '../../processors/score-configs/judge.ts'
import { configFindingText, configLimits, readScoreConfig } from '../../processors/score-configs/read.ts'
import type { ScoreRow } from '../../processors/scores.ts'
import { Refusal } from '../../schemas/refusal.ts'
import { FileWatch } from '../file-watch.ts'
import type { Log } from '../log.ts'
import { readOnce, readSettled } from '../settled-file.ts'
import { type ConfigCopy, copyFile, readCopy, writeCopy } from './copy.ts'
import { type ConfigFile, parseConfigFile } from './file.ts'
import { appendSetConfig, type ConfigStore, noteFileConfigs, readSetConfigs, type SetConfig } from './store.ts'

/** What another collector has set is in force here after this. */
const lookEveryMs = 2000
const projectsMax = 10_000

export interface ScoreConfigOptions {
  /** Path of the file; empty for none. */
  readonly file: string
  readonly dataDir: string
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'limited'>
  readonly meter?: { refused(violation: Violation): void; flagged(violation: Violation): void }
  readonly now?: () => number
  readonly pollMs?: number
}

/** The file is wrong at the start and there is no good copy of it. */
export class WrongConfigFile extends Error {
  override readonly name = 'WrongConfigFile'
  readonly findings: readonly string[]

  constructor(file: string, findings: readonly string[]) {
    super(`${file} cannot be used:\n${findings.join('\n')}`)
    this.findings = findings
  }
}

type Declared = DeclaredConfig & { readonly sinceMs: number }

export class ScoreConfigKeeper {
  /** Changes of the file that were not taken. */
  reloadFailures = 0
  /** What is wrong with the file as it is now; empty when it is in force. */
  findings: readonly string[] = []
  private readonly options: ScoreConfigOptions
  private readonly copyPath: string
  private readonly watch: FileWatch | null
  private declared: readonly Declared[] = []
  /** Null until the database, or a copy of what it said, is read. */
  private set: readonly SetConfig[] | null = null
  private inForce = new Map<string, Map<string, ConfigInForce>>()
  private readHash = ''
  private store: ConfigStore | undefined
  private isNoted = false
  private timer: NodeJS.Timeout | undefined
  private isClosed = false
  /** Changes go one after the other. */
  private queue: Promise<unknown> = Promise.resolve()

  private constructor(options: ScoreConfigOptions) {
    this.options = options
    this.copyPath = copyFile(options.dataDir)
    const { file, log, pollMs } = options
    this.watch =
      file === ''
        ? null
        : new FileWatch({
            file,
            onChange: () => this.inTurn(async () => this.readFile(await readSettled(file))),
            onError: (error) =>
              log.limited('score configs', 'error', 'the file of score configurations could not be read', { error }),
            ...(pollMs === undefined ? {} : { pollMs }),
          })
  }

  /** With the file as it is, or, when that is wrong, as it last was right. Rejects with WrongConfigFile when it never was. */
  static async open(options: ScoreConfigOptions): Promise<ScoreConfigKeeper> {
    const keeper = new ScoreConfigKeeper(options)
    await keeper.start()
    return keeper
  }

  /** From now on with what the API has set, once the database has its tables. Resolves when it was looked at, or will never be. */
  async follow(store: ConfigStore, schema: Promise<void>): Promise<void> {
    // Whoever made the promise says why the schema is not there.
    const isThere = await schema.then(
      () => true,
      () => false,
    )
    if (!isThere) return
    this.store = store
    await this.look()
  }

  /** The score as it is to be stored. Throws Refusal for one that breaks a configuration which refuses such scores. */
  judge(row: ScoreRow): ScoreRow {
    const inForce = this.get(row.project_id, row.name)
    if (inForce === undefined) return row
    const judged = judgedScore(row, inForce)
    const { meter } = this.options
    if (judged.violation === '') return judged.row
    if (inForce.config.on_violation === 'refuse') {
      meter?.refused(judged.violation)
      throw new Refusal('bad_request', judged.problem)
    }
    meter?.flagged(judged.violation)
    return judged.row
  }

  list(project: string): ConfigInForce[] {
    return [...this.of(project).values()].sort((a, b) => (a.config.name < b.config.name ? -1 : 1))
  }

  get(project: string, name: string): ConfigInForce | undefined {
    return this.of(project).get(name)
  }

  byId(project: string, id: string): ConfigInForce | undefined {
    return this.list(project).find((each) => each.id === id)
  }

  /** In force here when it resolves, elsewhere within seconds. Rejects with Refusal. */
  put(project: string, name: string, tree: unknown): Promise<ConfigInForce> {
    const { config, findings } = readScoreConfig(tree, name)
    if (config === undefined)
      return Promise.reject(new Refusal('bad_request', findings.map(configFindingText).join('; ')))
    return this.inTurn(async () => {
      await this.change(project, config.name, config)
      const known = this.get(project, config.name)
      if (known === undefined) throw new Error(`score configuration ${config.name} was stored and is not there`)
      return known
    })
  }

  /** Ends it; scores it has judged stay as they are. Rejects with Refusal. */
  remove(project: string, name: string): Promise<void> {
    return this.inTurn(() => this.change(project, name, null))
  }

  /** What an operator is told besides "ready". */
  notices(): readonly string[] {
    const wrong = `the file of score configurations is wrong (${this.findings.length} findings, see the log): the last good one stays in use`
    const unknown = 'score configurations of the database are not known yet: scores are judged without them'
    return [...(this.findings.length === 0 ? [] : [wrong]), ...(this.set === null ? [unknown] : [])]
  }

  async close(): Promise<void> {
    this.isClosed = true
    clearTimeout(this.timer)
    await this.watch?.close()
    await this.queue.catch(() => undefined)
  }

  private async start(): Promise<void> {
    const { file } = this.options
    const copy = this.readCopy()
    this.set = copy.set
    this.declared = file === '' ? [] : this.dated(copy.declared ?? [])
    if (file === '') return
    await this.readFile(await readOnce(file))
    if (this.findings.length > 0 && copy.declared === null) throw new WrongConfigFile(file, this.findings)
    this.watch?.start()
  }

  /** A damaged copy is as none: it is made again of what it copies. */
  private readCopy(): ConfigCopy {
    try {
      return readCopy(this.copyPath)
    } catch (error) {
      this.options.log.warn('the copy of the score configurations cannot be read and is left out', { error })
      return { declared: null, set: null }
    }
  }

  private async readFile(read: Awaited<ReturnType<typeof readSettled>>): Promise<void> {
    if (read === null || read.hash === this.readHash) return
    const { file, log } = this.options
    const name = basename(file)
    const found: ConfigFile =
      read.error === ''
        ? parseConfigFile(read.bytes, name)
        : { configs: [], findings: [`${name}: cannot be read (${read.error})`] }
    const isFirst = this.readHash === ''
    this.readHash = read.hash
    if (found.findings.length > 0) {
      this.findings = found.findings
      this.reloadFailures++
      log.error('the file of score configurations is wrong: the last good one stays in use', {
        findings: found.findings,
      })
      return
    }
    if (this.findings.length > 0 || !isFirst)
      log.info('the file of score configurations is in force', { configurations: found.configs.length })
    this.findings = []
    this.declared = this.dated(found.configs)
    this.inForce.clear()
    this.isNoted = false
    await this.keepCopy()
    await this.noteFile().catch((error: unknown) => this.isAway(error))
  }

  /** A configuration that says what it said before keeps its date. */
  private dated(configs: readonly DeclaredConfig[]): Declared[] {
    const nowMs = (this.options.now ?? Date.now)()
    return configs.map((each) => {
      const before = this.declared.find(({ config }) => JSON.stringify(config) === JSON.stringify(each.config))
      return { ...each, sinceMs: before?.sinceMs ?? nowMs }
    })
  }

  private async change(project: string, name: string, config: ScoreConfig | null): Promise<void> {
    const { store } = this
    if (store === undefined)
      throw new Refusal('database_unavailable', 'score configurations cannot be changed while the database is away')
    await this.readSet(store)
    const before = this.get(project, name)
    // A file's own for this project is changed there; one for everybody may be another thing here.
    const isFixed = this.declared.some(({ config: each, projects }) => each.name === name && projects.includes(project))
    if (isFixed || (config === null && before?.source === 'file'))
      throw new Refusal('conflict', `"${name}" is in ${basename(this.options.file)}: change it there`)
    if (config === null && before === undefined)
      throw new Refusal('not_found', `no score configuration has the name "${name.slice(0, configLimits.name)}"`)
    if (before === undefined && this.of(project).size >= configLimits.configs)
      throw new Refusal(
        'bad_request',
        `the project has ${configLimits.configs} score configurations, which is the limit`,
      )
    if (before?.source === 'api' && JSON.stringify(before.config) === JSON.stringify(config)) return
    await appendSetConfig(store, { project, name, config })
    await this.readSet(store)
    const isOther = (each: SetConfig): boolean => each.project !== project || each.config.name !== name
    const stored = this.set?.find((each) => !isOther(each))?.config ?? null
    if (JSON.stringify(stored) !== JSON.stringify(config)) {
      // The replica that was asked does not have it yet.
      const others = (this.set ?? []).filter(isOther)
      const sinceMs = (this.options.now ?? Date.now)()
      await this.takeSet(config === null ? others : [...others, { project, config, sinceMs }])
    }
    const version = config === null ? '' : versionOf(config)
    this.options.log.info('a score configuration changed', { project, name, version })
  }

  private async look(): Promise<void> {
    try {
      await this.inTurn(async () => {
        const { store } = this
        if (store === undefined || this.isClosed) return
        await this.readSet(store)
        await this.noteFile()
      })
    } catch (error) {
      this.isAway(error)
    }
    if (this.isClosed) return
    this.timer = setTimeout(() => void this.look(), this.options.pollMs ?? lookEveryMs)
    this.timer.unref()
  }

  private async readSet(store: ConfigStore): Promise<void> {
    const set = await readSetConfigs(store)
    if (this.set === null || JSON.stringify(set) !== JSON.stringify(this.set)) await this.takeSet(set)
  }

  private async takeSet(set: readonly SetConfig[]): Promise<void> {
    this.set = set
    this.inForce.clear()
    await this.keepCopy()
  }

  private async noteFile(): Promise<void> {
    if (this.isNoted || this.store === undefined) return
    await noteFileConfigs(this.store, this.declared)
    this.isNoted = true
  }

  /** What counts is in force already: a copy that cannot be written is for the next start alone. */
  private async keepCopy(): Promise<void> {
    const declared = this.findings.length > 0 && this.declared.length === 0 ? null : this.declared
    try {
      await writeCopy(this.copyPath, { declared, set: this.set })
    } catch (error) {
      const told = 'the copy of the score configurations could not be written'
      this.options.log.limited('score configs copy', 'error', told, { error })
    }
  }

  private isAway(error: unknown): void {
    const told = 'score configurations cannot be read from the database now: what is known stays in use'
    this.options.log.limited('score configs database', 'warn', told, { error })
  }

  private of(project: string): Map<string, ConfigInForce> {
    let found = this.inForce.get(project)
    if (found === undefined) {
      if (this.inForce.size >= projectsMax) this.inForce.clear()
      found = configsOf(project, this.declared, this.set ?? [])
      this.inForce.set(project, found)
    }
    return found
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.queue.then(work, work)
    this.queue = mine.catch(() => undefined)
    return mine
  }
}
