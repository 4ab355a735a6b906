// Counters, gauges and histograms → OpenMetrics 1.0 text. Label values are bounded per family; what is beyond is counted
// under `other`, so that no sender can make the scrape grow.
//
//   # TYPE spanledger_spans_refused counter
//   # HELP spanledger_spans_refused Spans that were not taken.
//   spanledger_spans_refused_total{reason="too_large"} 3
//   # EOF

type Values<Labels extends readonly string[]> = { readonly [K in keyof Labels]: string }

/** What a callback gives at the scrape: a number, or one per combination of label values. */
export type Reading<Labels extends readonly string[]> = number | Iterable<readonly [...Values<Labels>, number]>

export interface FamilyOptions<Labels extends readonly string[]> {
  readonly help: string
  readonly labels?: Labels
  /** Combinations that are shown as 0 before they happen, so that a rate over them is right from the first time. */
  readonly known?: readonly Values<Labels>[]
}

export const contentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Combinations of label values of one family; further ones are `other`. */
export const seriesMax = 100
const labelCharsMax = 120
const units = ['seconds', 'bytes', 'usd'] as const

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'info'
  readonly help: string
  samples(): string[]
}

export class Registry {
  private readonly families = new Map<string, Family>()
  private readonly onError: (metric: string, error: unknown) => void

  /** `onError` is told of callbacks that throw at a scrape; their family is left empty then. */
  constructor({ onError }: { onError: (metric: string, error: unknown) => void }) {
    this.onError = onError
  }

  /** `name` ends in `_total`. */
  counter<const Labels extends readonly string[] = []>(name: string, options: FamilyOptions<Labels>): Counter<Labels> {
    const family = name.replace(/_total$/, '')
    if (family === name) throw new Error(`counter ${name} does not end in _total`)
    const series = this.series(name, options)
    if (series.labels.length === 0) series.add(0, [])
    this.add({ name: family, type: 'counter', help: options.help, samples: () => series.samples(name) })
    return new Counter(series)
  }

  /** Without a sample until it is set: not known is not 0. */
  gauge<const Labels extends readonly string[] = []>(name: string, options: FamilyOptions<Labels>): Gauge<Labels> {
    const series = this.series(name, options)
    this.add({ name, type: 'gauge', help: options.help, samples: () => series.samples(name) })
    return new Gauge(series)
  }

  /** `buckets` are upper bounds, rising; the one for everything is added. */
  histogram(name: string, { help, buckets }: { help: string; buckets: readonly number[] }): Histogram {
    const histogram = new Histogram(buckets)
    this.add({ name, type: 'histogram', help, samples: () => histogram.samples(name) })
    return histogram
  }

  /** `name` ends in `_info`; facts, as labels, asked at each scrape. */
  info(name: string, { help, labels }: { help: string; labels: () => Readonly<Record<string, string>> }): void {
    const line = (): string => `${name}${labelText(Object.keys(labels()), Object.values(labels()))} 1`
    this.add({ name: name.replace(/_info$/, ''), type: 'info', help, samples: () => [line()] })
  }

  /** The whole exposition, `# EOF` included. */
  expose(): string {
    const lines: string[] = []
    for (const family of this.families.values()) {
      lines.push(`# TYPE ${family.name} ${family.type}`)
      const unit = units.find((each) => family.name.endsWith(`_${each}`))
      if (unit !== undefined) lines.push(`# UNIT ${family.name} ${unit}`)
      lines.push(`# HELP ${family.name} ${escapeText(family.help)}`)
      try {
        lines.push(...family.samples())
      } catch (error) {
        this.onError(family.name, error)
      }
    }
    return `${lines.join('\n')}\n# EOF\n`
  }

  private series<Labels extends readonly string[]>(name: string, options: FamilyOptions<Labels>): Series {
    for (const label of options.labels ?? []) checkName(label)
    const series = new Series(name, options.labels ?? [])
    for (const values of options.known ?? []) series.add(0, values)
    return series
  }

  private add(family: Family): void {
    checkName(family.name)
    if (this.families.has(family.name)) throw new Error(`metric ${family.name} exists already`)
    this.families.set(family.name, family)
  }
}

/** Only rises. */
export class Counter<const Labels extends readonly string[] = []> {
  private readonly series: Series

  constructor(series: Series) {
    this.series = series
  }

  add(amount: number, ...values: Values<Labels>): void {
    if (!(amount >= 0)) throw new RangeError(`${this.series.name} cannot rise by ${amount}`)
    this.series.add(amount, values)
  }

  /** Read at each scrape, instead of `add`. */
  from(read: () => Reading<Labels>): void {
    this.series.read = read as () => Reading<readonly string[]>
  }
}

export class Gauge<const Labels extends readonly string[] = []> {
  private readonly series: Series

  constructor(series: Series) {
    this.series = series
  }

  set(value: number, ...values: Values<Labels>): void {
    this.series.set(value, values)
  }

  /** Read at each scrape, instead of `set`. */
  from(read: () => Reading<Labels>): void {
    this.series.read = read as () => Reading<readonly string[]>
  }
}

export class Histogram {
  private readonly bounds: readonly number[]
  private readonly counts: number[]
  private sum = 0
  private count = 0

  constructor(bounds: readonly number[]) {
    if (bounds.some((bound, i) => i > 0 && bound <= bounds[i - 1]!)) throw new Error('bucket bounds do not rise')
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.sum += value
    this.count++
    const bucket = this.bounds.findIndex((bound) => value <= bound)
    if (bucket >= 0) this.counts[bucket]! += 1
  }

  samples(name: string): string[] {
    let cumulative = 0
    const buckets = this.bounds.map((bound, i) => {
      cumulative += this.counts[i]!
      return `${name}_bucket{le="${formatBound(bound)}"} ${cumulative}`
    })
    return [
      ...buckets,
      `${name}_bucket{le="+Inf"} ${this.count}`,
      `${name}_count ${this.count}`,
      `${name}_sum ${formatNumber(this.sum)}`,
    ]
  }
}

/** The values of one family by their labels. */
class Series {
  readonly name: string
  readonly labels: readonly string[]
  read: (() => Reading<readonly string[]>) | undefined
  private readonly numbers = new Map<string, { readonly values: readonly string[]; value: number }>()

  constructor(name: string, labels: readonly string[]) {
    this.name = name
    this.labels = labels
  }

  add(amount: number, values: readonly string[]): void {
    this.slot(values).value += amount
  }

  set(value: number, values: readonly string[]): void {
    this.slot(values).value = value
  }

  samples(name: string): string[] {
    if (this.read === undefined) return this.format(name)
    const fresh = new Series(name, this.labels)
    // Known combinations stay in sight when the callback does not name them.
    for (const { values } of this.numbers.values()) fresh.add(0, values)
    const reading = this.read()
    if (typeof reading === 'number') fresh.add(reading, [])
    else for (const each of reading) fresh.add(Number(each.at(-1)), each.slice(0, -1).map(String))
    return fresh.format(name)
  }

  private format(name: string): string[] {
    return [...this.numbers.values()].map(
      ({ values, value }) => `${name}${labelText(this.labels, values)} ${formatNumber(value)}`,
    )
  }

  private slot(values: readonly string[]): { value: number } {
    const known = this.numbers.get(values.join('\0'))
    if (known !== undefined) return known
    const isFull = this.numbers.size >= seriesMax - 1
    const kept = isFull ? this.labels.map(() => 'other') : values.map((value) => value.slice(0, labelCharsMax))
    const key = kept.join('\0')
    const slot = this.numbers.get(key) ?? { values: kept, value: 0 }
    this.numbers.set(key, slot)
    return slot
  }
}

function labelText(labels: readonly string[], values: readonly string[]): string {
  if (labels.length === 0) return ''
  return `{${labels.map((label, i) => `${label}="${escapeText(values[i] ?? '')}"`).join(',')}}`
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function formatNumber(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}

/** Bounds are written as floats, so that `1` and `1.0` are never two series. */
function formatBound(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`not a metric or label name: ${JSON.stringify(name)}`)
}
