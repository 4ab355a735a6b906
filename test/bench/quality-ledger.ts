// Twenty million calls and a million scores, made by the engine itself: call number n of trace number n / 2 is the same whoever
// asks, so that the score of a call knows its dimensions without looking them up. Calls are spread over 30 days.
//
//   of the calls     2 % have no price, 1 % a part of one, 1 % failed; every tenth trace used two models; 0.1 % were corrected since
//   of the scores    half judge a trace by a person, a tenth a call by a person, the rest a call by a judge; a twentieth is a second
//                    vote of the same person; 3 % were changed since, 1 % deleted

import type { ClickHouse } from '../../collector/clickhouse/client.ts'

export interface Size {
  readonly calls: number
  readonly scores: number
}

export const daysOfCalls = 30
const dayMs = 86_400_000
/** Rows of one statement: its blocks fit the engine's memory. */
const slice = 500_000

/** Of 32 and 16 hexadecimal digits, as from an SDK. */
const ids = {
  trace: (trace: string) => `lower(hex(sipHash128(${trace}, 't')))`,
  span: (call: string) => `lower(hex(sipHash64(${call}, 's')))`,
}

const drawn = (of: string, what: string, from: number): string => `(sipHash64(${of}, '${what}') % ${from})`

/** Model of the second call of every tenth trace differs; low numbers are frequent. */
const modelNumber = `intDiv(${drawn('trace', 'model', 144)}, 12) * ${drawn('trace', 'often', 2)} + (n % 2) * (trace % 10 = 0)`

/** Columns that a score copies from the call it judges. */
const dimensions = `
  concat('model-', leftPad(toString(${modelNumber}), 2, '0')) AS model,
  if(${modelNumber} % 3 = 0, 'openai', 'anthropic') AS provider,
  concat('svc-', toString(trace % 4)) AS service,
  ['prod', 'prod', 'prod', 'staging'][1 + ${drawn('trace', 'env', 4)}] AS env,
  concat('feature-', toString(${drawn('trace', 'feature', 8)})) AS feature,
  concat('r', toString(toDayOfMonth(start_time))) AS release,
  concat('prompt-', toString(${drawn('trace', 'prompt', 5)})) AS prompt_name,
  toString(1 + ${drawn('trace', 'version', 6)}) AS prompt_version,
  concat('user-', toString(${drawn('trace', 'user', 50_000)})) AS user_id,
  concat('team-', toString(${drawn('trace', 'team', 12)})) AS team,
  concat('customer-', toString(${drawn('trace', 'customer', 300)})) AS customer`

/** Pico-USD, 0.0001 to 0.03 USD. */
const pico = `toInt64(100000000 + ${drawn('n', 'cost', 29_900_000_000)})`
const status = `multiIf(${drawn('n', 'status', 100)} < 2, 'unpriced', ${drawn('n', 'status', 100)} = 2, 'partial', 'priced')`
const costIf = `if(${drawn('n', 'status', 100)} < 2, NULL, toDecimal64(${pico}, 0) * toDecimal64(0.000000000001, 12))`

/** Makes the engine ready for a ledger that ends at `endMs`, and grows it on demand. */
export class QualityLedger {
  private readonly clickhouse: ClickHouse
  private readonly whole: Size
  private readonly startMs: number
  private statements = 0

  constructor(clickhouse: ClickHouse, whole: Size, endMs: number) {
    this.clickhouse = clickhouse
    this.whole = whole
    this.startMs = endMs - daysOfCalls * dayMs
  }

  /** Calls, their corrections and scores whose number leaves `rest` when divided by `parts`: a part of the whole, over the whole time. */
  async grow(parts: number, rest: number): Promise<void> {
    const traces = this.whole.calls / 2 / parts
    for (let at = 0; at < traces; at += slice / 2) {
      const numbers = `numbers(${2 * at}, ${Math.min(slice, 2 * (traces - at))})`
      const numbered = `(SELECT number % 2 + 2 * (intDiv(number, 2) * ${parts} + ${rest}) AS n FROM ${numbers})`
      await this.insert('spans', this.spans(numbered))
    }
    const scores = this.whole.scores / parts
    for (let at = 0; at < scores; at += slice) {
      const numbers = `numbers(${at}, ${Math.min(slice, scores - at)})`
      await this.insert('scores', this.scores(`(SELECT number * ${parts} + ${rest} AS i FROM ${numbers})`, parts, rest))
    }
    await this.correct(parts, rest)
  }

  /** What a day of quiet does by itself: a closed week is one part. The week under way stays as it was written. */
  async settleParts(): Promise<void> {
    const partitions = await this.clickhouse.query<{ partition: string }>(
      `SELECT DISTINCT partition FROM system.parts WHERE active AND database = currentDatabase() AND table = 'spans' ORDER BY partition`,
    )
    for (const { partition } of partitions.slice(0, -1)) {
      await this.clickhouse.command(`OPTIMIZE TABLE spans PARTITION ${partition} FINAL`)
    }
    await this.clickhouse.command('OPTIMIZE TABLE usage_hourly FINAL')
  }

  private timeOf(trace: string): string {
    const stepNs = Math.floor((daysOfCalls * dayMs * 1e6) / (this.whole.calls / 2))
    return `fromUnixTimestamp64Nano(toInt64(${this.startMs}) * 1000000 + toInt64(${trace}) * ${stepNs}, 'UTC')`
  }

  private spans(numbered: string): string {
    return `SELECT 'default' AS project_id, 'llm' AS kind, intDiv(n, 2) AS trace, ${this.timeOf('trace')} AS start_time,
  ${ids.trace('trace')} AS trace_id, ${ids.span('n')} AS span_id, '' AS parent_span_id, 'chat' AS name, 'client' AS span_kind,
  if(${drawn('n', 'error', 100)} = 0, 'error', 'ok') AS status, ${dimensions},
  toInt64(200000000 + ${drawn('n', 'ns', 5_000_000_000)}) AS duration_ns,
  toUInt64(${drawn('n', 'in', 4000)}) AS input_tokens, toUInt64(${drawn('n', 'out', 800)}) AS output_tokens,
  ${status} AS cost_status, if(cost_status = 'priced', '', 'no_price') AS cost_reason, ${costIf} AS total_cost,
  'book-1' AS price_book, 90 AS retention_days, start_time AS ingested_at, 0 AS revision, 1 AS sign
FROM ${numbered}`
  }

  /** A repeated call found later, of a trace that nobody judged: its row is cancelled and written again as a duplicate, as settling does. */
  private async correct(parts: number, rest: number): Promise<void> {
    const picked = `FROM spans AS s FINAL WHERE s.project_id = 'default' AND s.kind = 'llm' AND s.revision = 0
  AND sipHash64(s.span_id, 'corrected') % 1000 = 0 AND s.trace_id NOT IN (SELECT trace_id FROM scores)`
    const rows = `SELECT s.* REPLACE (p.1 AS sign, 1 AS revision, if(p.2, 'duplicate', s.cost_reason) AS cost_reason,
  if(p.2, 'not_billed', s.cost_status) AS cost_status, if(p.2, NULL, s.total_cost) AS total_cost)
FROM (SELECT * ${picked}) AS s ARRAY JOIN [(toInt8(-1), 0), (toInt8(1), 1)] AS p`
    await this.clickhouse.command(`INSERT INTO spans ${rows} SETTINGS ${settings(`corrections-${parts}-${rest}`)}`)
  }

  private scores(numbered: string, parts: number, rest: number): string {
    const traces = this.whole.calls / 2
    // The twentieth score is again on the target of the one before it.
    const trace = `intDiv(sipHash64(intDiv(i, ${parts}) - (intDiv(i, ${parts}) % 20 = 19), ${rest}, 'judged') % ${traces}, ${parts}) * ${parts} + ${rest}`
    const byPerson = 'intDiv(i, 4) % 10 < 6'
    return `SELECT * REPLACE (if(is_trace AND trace % 10 = 0, 'mixed', model) AS model, if(is_trace AND trace % 10 = 0, '', provider) AS provider)
FROM (SELECT 'default' AS project_id, i % 2 AS second, ${trace} AS trace, trace * 2 + second AS n, ${this.timeOf('trace')} AS start_time,
  ${byPerson} AS is_person, intDiv(i, 4) % 10 < 5 AS is_trace, ${dimensions},
  if(is_person, 'user_feedback', 'relevance') AS name, start_time + toIntervalSecond(30 + i % 600) AS created_at,
  concat('score-', toString(i)) AS score_id, if(is_trace, 'trace', 'span') AS target, ${ids.trace('trace')} AS trace_id,
  if(is_trace, '', ${ids.span('n')}) AS span_id, 'numeric' AS data_type,
  sipHash64(i, 'good') % 100 < 70 + ${modelNumber} AS is_good, if(is_person, if(is_good, 1., -1.), sipHash64(i, 'v') % 1000 / 1000) AS value,
  if(is_person, if(is_good, 'thumbs_up', 'thumbs_down'), if(is_good, 'pass', 'fail')) AS label, if(is_good, 1, -1) AS verdict,
  if(is_person, 'user', 'eval') AS source, if(is_person, user_id, '') AS author_id, if(is_person, '', 'judge') AS evaluator,
  1 AS resolved, start_time AS target_time, if(is_trace, 'other', 'llm') AS kind, if(is_trace, 2, 1) AS calls,
  400 AS retention_days, toUnixTimestamp64Milli(created_at) AS version, 0 AS is_deleted
FROM ${numbered})`
  }

  /** 3 % change their mind, 1 % take it back. */
  async changeScores(): Promise<void> {
    await this.clickhouse.command(`INSERT INTO scores SELECT s.* REPLACE (s.version + 60000 AS version, -s.verdict AS verdict,
  toUInt8(sipHash64(s.score_id, 'changed') % 100 = 0) AS is_deleted)
FROM (SELECT * FROM scores FINAL) AS s WHERE sipHash64(s.score_id, 'changed') % 100 < 4 SETTINGS ${settings('changes')}`)
  }

  private async insert(table: 'spans' | 'scores', select: string): Promise<void> {
    const columns = [...(await this.clickhouse.query<{ name: string }>(`DESCRIBE (${select})`)).map(({ name }) => name)]
    const known = await this.clickhouse.query<{ name: string }>(
      `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '${table}'`,
    )
    const list = columns.filter((column) => known.some(({ name }) => name === column)).join(', ')
    await this.clickhouse.command(
      `INSERT INTO ${table} (${list}) SELECT ${list} FROM (${select}) SETTINGS ${settings(`${table}-${this.statements++}`)}`,
    )
  }
}

function settings(token: string): string {
  return `optimize_on_insert = 0, max_insert_threads = 1, max_threads = 2, max_block_size = 65409, min_insert_block_size_rows = 250000,
  insert_deduplicate = 0, log_comment = '${token}'`
}
