// True calls, and what instrumentations make of them: traces of agents and workflows, each call seen by one to four records,
// with and without usage, ids and contexts. The ledger has to find the calls again.

import type { CallRecord, RecordRole } from '../../processors/settling/record.ts'
import { type UsageUnitName, unit, usageUnitCount } from '../../schemas/usage.ts'

export interface TrueCall {
  readonly number: number
  readonly model: string
  readonly responseId: string
  readonly usage: Partial<Record<UsageUnitName, number>>
  readonly start: number
  readonly end: number
  readonly isError: boolean
}

/** A record, and the true call it is a view of; null for what is none. */
export interface Seen {
  readonly record: CallRecord
  readonly call: TrueCall | null
}

export interface World {
  readonly calls: readonly TrueCall[]
  readonly seen: readonly Seen[]
}

const models = ['gpt-4.1-2025-04-14', 'claude-sonnet-4-5-20250929', 'gemini-2.5-flash']

export function usageRow(usage: Partial<Record<UsageUnitName, number>>): Float64Array {
  const row = new Float64Array(usageUnitCount).fill(Number.NaN)
  for (const [name, count] of Object.entries(usage)) row[unit[name as UsageUnitName]] = count
  return row
}

export class WorldMaker {
  readonly calls: TrueCall[] = []
  readonly seen: Seen[] = []
  private readonly random: () => number
  private readonly isDetailed: boolean
  private now = 1_790_000_000_000_000
  private ids = 0

  /** `isDetailed`: every view tells all of the usage, so that the cost of a call can be known from any of them. */
  constructor(random: () => number, { isDetailed = false } = {}) {
    this.random = random
    this.isDetailed = isDetailed
  }

  /** A service's afternoon: some traces, one after the other and side by side. */
  make(): World {
    const traces = 1 + this.below(3)
    for (let i = 0; i < traces; i++) this.trace(`service-${this.below(2)}`)
    return { calls: this.calls, seen: this.seen }
  }

  private trace(resource: string): void {
    const traceId = this.id(32)
    const start = this.now
    const before = this.calls.length
    const agent = this.chance(0.6) ? this.id(16) : ''
    const inner = agent !== '' && this.chance(0.4) ? this.id(16) : ''
    const parent = inner || agent
    const steps = 1 + this.below(4)
    for (let i = 0; i < steps; i++) this.step(resource, traceId, parent)
    const usage = this.sum(this.calls.slice(before)) // of other services' calls too: sums are never to be trusted
    const frame = { resource, traceId, start, end: this.now, scope: 'agents', model: '' }
    if (inner !== '')
      this.put({ ...frame, spanId: inner, parentId: agent, role: 'carrier', usage: this.maybe(0.5, usage) })
    if (agent !== '')
      this.put({ ...frame, spanId: agent, parentId: '', role: 'carrier', usage: this.maybe(0.7, usage) })
    this.now += 1000 * this.below(5000)
  }

  /** The same question asked by another service at the same time, seen by another instrumentation: a call of its own. */
  private elsewhere(call: TrueCall): void {
    const other = this.call({ usage: call.usage, start: call.start, model: call.model })
    this.view('elsewhere', this.id(32), '', other, 'openinference', { hasId: false, isWider: true, isWhole: true })
  }

  private step(resource: string, traceId: string, parentId: string): void {
    const kind = this.below(12)
    if (kind === 0) this.parallel(resource, traceId, parentId)
    else if (kind === 11) this.throughGateway(resource, traceId, parentId)
    else if (kind === 1) this.manyInOne(resource, traceId, parentId)
    else if (kind === 2) {
      // A failed attempt, which used nothing, and the one that worked.
      this.view(resource, traceId, parentId, this.call({ isError: true }), 'sdk')
      this.views(resource, traceId, parentId, this.call())
    } else if (kind === 3) {
      const call = this.call()
      this.view(resource, traceId, parentId, call, 'sdk', { hasId: false, isWhole: true })
      this.elsewhere(call)
    } else if (kind === 4) {
      // Equal usage of two libraries, but one was not under way inside the other, or asked another model. Of long answers that run side by
      // side nothing could tell that they are two.
      const isStaggered = this.chance(0.5)
      const call = this.call(
        isStaggered ? { usage: { input: 100 + this.below(5000), output: 1 + this.below(60) } } : {},
      )
      const start = isStaggered ? call.start + 5000 : call.start
      const model = isStaggered ? call.model : 'a-model-of-its-own'
      const end = isStaggered ? call.end + 5000 : call.end
      const other = this.call({ usage: call.usage, start, end, model })
      this.view(resource, traceId, parentId, call, 'sdk', { hasId: false, isWhole: true })
      this.view(resource, traceId, parentId, other, 'other-sdk', { hasId: false, isWhole: true })
    } else if (kind === 5) this.told(resource, traceId, parentId, this.call())
    else this.views(resource, traceId, parentId, this.call())
    this.now += 1000 * this.below(2000)
  }

  /** Calls that are equal by nature: one scope, one time, one usage. */
  private parallel(resource: string, traceId: string, parentId: string): void {
    const isShort = this.chance(0.5)
    const first = this.call(isShort ? { usage: { input: 100 + this.below(5000), output: 1 + this.below(60) } } : {})
    const others = Array.from({ length: 1 + this.below(3) }, () =>
      this.call({ usage: first.usage, start: first.start, model: first.model }),
    )
    if (this.chance(0.3)) {
      // Of two libraries that each make calls of their own: only their ids tell them apart.
      for (const [i, call] of [first, ...others].entries())
        this.view(resource, traceId, parentId, call, i === 0 ? 'sdk' : 'other-sdk', { hasId: true, isWhole: true })
      return
    }
    const hasId = this.chance(0.5)
    const isSeenTwice = this.chance(0.4)
    // By a wrapper and a callback of one vendor, which tell counts in two manners.
    const isOfOneScope = this.chance(0.3)
    const [inner, outer] = isOfOneScope ? ['exclusive', 'inclusive'] : ['', '']
    const [scope, around] = isOfOneScope ? ['sdk', 'sdk'] : ['sdk', 'openinference']
    for (const call of [first, ...others])
      this.view(resource, traceId, parentId, call, scope!, { hasId, manner: inner! })
    // Told in another order, so that it does not help to take them as they come.
    for (const call of isSeenTwice ? [...others.reverse(), first] : [])
      this.view(resource, traceId, parentId, call, around!, { hasId: false, wider: 5000, manner: outer! })
  }

  /** Equal calls of a service through a gateway, which has traces of its own and makes up ids; and one of another service, past it. */
  private throughGateway(resource: string, traceId: string, parentId: string): void {
    const first = this.call()
    const past = this.call({ usage: first.usage, start: first.start, end: first.end, model: first.model })
    const others = Array.from({ length: this.below(3) }, () =>
      this.call({ usage: first.usage, start: first.start, model: first.model }),
    )
    const seen = { hasId: false, isWhole: true }
    for (const call of [first, ...others]) {
      this.view(resource, traceId, parentId, call, 'openinference', { ...seen, wider: 9000 })
      const [other, server] = [this.id(32), this.id(16)]
      this.put({
        resource: 'the-gateway',
        traceId: other,
        parentId: '',
        spanId: server,
        role: 'none',
        scope: 'fastapi',
        model: '',
        start: call.start - 4000,
        end: call.end + 4000,
        usage: {},
        isServer: true,
      })
      this.view('the-gateway', other, server, call, 'litellm', seen)
    }
    this.view(`${resource}-past`, this.id(32), '', past, 'other-sdk', seen)
  }

  /** One call of a framework that makes several of the provider and sums them. */
  private manyInOne(resource: string, traceId: string, parentId: string): void {
    const outer = this.id(16)
    const start = this.now
    const calls = Array.from({ length: 2 + this.below(2) }, () => {
      const call = this.call()
      this.view(resource, traceId, outer, call, 'framework')
      this.now = call.end + 1000
      return call
    })
    const { model } = calls[0]!
    this.put({
      resource,
      traceId,
      parentId,
      spanId: outer,
      role: 'call',
      scope: 'framework',
      model,
      start,
      end: this.now,
      usage: this.maybe(0.7, this.sum(calls)),
    })
  }

  /** One call seen by one to four records. */
  private views(resource: string, traceId: string, parentId: string, call: TrueCall): void {
    const outermost = this.chance(0.3) ? this.id(16) : ''
    const outer = this.chance(0.3) ? this.id(16) : ''
    const inner = outer || outermost || parentId
    // The one at the provider's door always tells its totals; what they are made of, at times another one alone.
    const beside = this.below(6)
    const hasOther = outermost !== '' || outer !== '' || beside < 3
    const isWhole = !hasOther || this.chance(0.7)
    // Or another one adds up wrongly.
    const other = isWhole ? (this.chance(0.15) ? { isOff: true } : {}) : { isWhole: true }
    // A stream whose usage only the one around it reads.
    const isSilent = !isWhole && outer !== '' && beside > 2 && this.chance(0.5)
    if (outermost !== '') this.wrap(resource, traceId, parentId, call, outermost, 'framework', other)
    if (outer !== '') this.wrap(resource, traceId, outermost || parentId, call, outer, 'gateway', other)
    const id = beside === 2 || (beside < 2 && other.isOff === true) ? { hasId: true } : {}
    const door = this.view(resource, traceId, inner, call, 'sdk', {
      ...(isSilent ? { isSilent } : isWhole ? { isWhole } : { isTotals: true }),
      ...id,
    })
    const isLong = (call.usage.output ?? 0) >= 64 && isWhole && other.isOff !== true
    if (beside === 0)
      // Of an exporter of its own, which knows the service by another name.
      this.view(this.chance(0.2) ? `${resource}-too` : resource, traceId, inner, call, 'openinference', {
        later: isLong && this.chance(0.3) ? 20_000 : 0,
        hasId: parentId === '' ? other.isOff === true || this.chance(0.5) : this.chance(0.5),
        isWider: true,
        ...other,
      })
    if (beside === 1)
      this.view(resource, this.id(32), '', call, 'openinference', {
        later: isLong && this.chance(0.3) ? -(call.end - call.start + 500_000) : 0,
        hasId: other.isOff === true || this.chance(0.5),
        isWider: true,
        ...other,
      })
    // Told when all was over, with times of its own: the id alone joins it.
    if (beside === 2)
      this.view(resource, this.id(32), '', call, 'callback', { hasId: true, isLate: true, ...(isWhole ? {} : other) })
    if (this.chance(0.4)) this.event(resource, traceId, parentId, outer || outermost, door, call)
    this.now = call.end + 1000
  }

  /** A log event of a call that has spans: in the context of one of them, beside them, or in a trace made of its session. */
  private event(
    resource: string,
    traceId: string,
    parentId: string,
    outer: string,
    door: string,
    call: TrueCall,
  ): void {
    const where = this.below(4)
    const isElsewhere = where === 3
    const end = call.end + 1000 * this.below(20)
    this.put(
      {
        resource,
        traceId: isElsewhere ? this.id(32) : traceId,
        parentId: isElsewhere ? '' : where === 0 ? door : where === 1 ? outer || door : parentId,
        spanId: this.id(16),
        role: 'call',
        scope: this.chance(0.5) ? 'sdk' : 'sdk.events',
        model: call.model,
        start: this.chance(0.5) ? end : call.start,
        end,
        usage: call.usage,
        responseId: this.chance(0.5) ? call.responseId : '',
        isEvent: true,
      },
      call,
    )
  }

  /** A call that is told by an event alone. */
  private told(resource: string, traceId: string, parentId: string, call: TrueCall): void {
    this.put(
      {
        resource,
        traceId,
        parentId,
        spanId: this.id(16),
        role: 'call',
        scope: 'cli.events',
        model: call.model,
        start: call.start,
        end: call.end,
        usage: call.usage,
        isEvent: true,
      },
      call,
    )
  }

  private wrap(
    resource: string,
    traceId: string,
    parentId: string,
    call: TrueCall,
    spanId: string,
    scope: string,
    { isWhole = false, isOff = false }: { isWhole?: boolean; isOff?: boolean },
  ): void {
    this.put(
      {
        resource,
        traceId,
        parentId,
        spanId,
        role: 'call',
        scope,
        model: call.model,
        start: call.start - 500,
        end: call.end + 500,
        usage: isOff ? offByOne(call) : isWhole ? call.usage : this.maybe(0.7, this.coarse(call)),
        responseId: this.chance(0.3) ? call.responseId : '',
      },
      call,
    )
  }

  private view(
    resource: string,
    traceId: string,
    parentId: string,
    call: TrueCall,
    scope: string,
    given: {
      hasId?: boolean
      isWider?: boolean
      isWhole?: boolean
      isTotals?: boolean
      isSilent?: boolean
      isOff?: boolean
      isLate?: boolean
      manner?: string
      /** Microseconds before and after the call. */
      wider?: number
      /** Microseconds by which it begins and ends later: a callback's. */
      later?: number
    } = {},
  ): string {
    const {
      manner = '',
      later = 0,
      hasId = this.chance(0.7),
      isWider = false,
      wider = isWider ? 300 : 0,
      isWhole = false,
      isTotals = false,
      isSilent = false,
      isOff = false,
      isLate = false,
    } = given
    const spanId = this.id(16)
    this.put(
      {
        resource,
        traceId,
        parentId,
        spanId,
        role: 'call',
        scope,
        model: call.model,
        manner,
        start: isLate ? call.end + 60_000_000 : call.start - wider + later,
        end: isLate ? call.end + 60_001_000 : call.end + wider + later,
        usage: isOff
          ? offByOne(call)
          : isSilent
            ? {}
            : isTotals
              ? totals(call)
              : isWhole
                ? call.usage
                : this.coarse(call),
        responseId: hasId ? call.responseId : '',
        isError: call.isError,
      },
      call,
    )
    return spanId
  }

  private call(given: Partial<Pick<TrueCall, 'usage' | 'start' | 'end' | 'model' | 'isError'>> = {}): TrueCall {
    const isError = given.isError ?? false
    const number = this.calls.length
    const start = given.start ?? this.now + 1000 * (1 + this.below(50))
    const input = 100 + this.below(5000)
    const call: TrueCall = {
      number,
      model: given.model ?? models[this.below(models.length)]!,
      responseId: `chatcmpl-${this.id(12)}`,
      usage: isError
        ? {}
        : (given.usage ?? { input, output: 1 + this.below(900), cacheRead: this.below(100), reasoning: this.below(2) }),
      start,
      end: given.end ?? start + 1000 * (10 + this.below(3000)),
      isError,
    }
    this.calls.push(call)
    this.now = Math.max(this.now, call.end)
    return call
  }

  private sum(calls: readonly TrueCall[]): Partial<Record<UsageUnitName, number>> {
    const of = (name: UsageUnitName): number => calls.reduce((sum, { usage }) => sum + (usage[name] ?? 0), 0)
    return { input: of('input'), output: of('output') }
  }

  /** Totals only, or all of it. */
  private coarse({ usage }: TrueCall): Partial<Record<UsageUnitName, number>> {
    if (this.isDetailed || this.chance(0.5) || usage.input === undefined) return usage
    return { input: usage.input, ...(usage.output === undefined ? {} : { output: usage.output }) }
  }

  private put(
    given: Omit<
      CallRecord,
      'project' | 'usage' | 'requestModel' | 'responseModel' | 'responseId' | 'isError' | 'role'
    > & {
      readonly role: RecordRole
      readonly model: string
      readonly usage: Partial<Record<UsageUnitName, number>>
      readonly responseId?: string
      readonly isError?: boolean
    },
    call: TrueCall | null = null,
  ): void {
    const { model, usage, responseId = '', isError = false, ...rest } = given
    const record = {
      project: 'p',
      ...rest,
      requestModel: model,
      responseModel: model,
      usage: usageRow(usage),
      responseId,
      isError,
    }
    this.seen.push({ record, call })
  }

  private maybe<T extends object>(chance: number, value: T): T | Record<string, never> {
    return this.chance(chance) ? value : {}
  }

  private chance(share: number): boolean {
    return this.random() < share
  }

  private below(end: number): number {
    return Math.floor(this.random() * end)
  }

  private id(digits: number): string {
    return (++this.ids).toString(16).padStart(digits, '0')
  }
}

/** The first and the last count of a stream, added up. */
function offByOne({ usage }: TrueCall): TrueCall['usage'] {
  return { input: usage.input ?? 0, output: (usage.output ?? 0) + 1 }
}

function totals({ usage }: Pick<TrueCall, 'usage'>): TrueCall['usage'] {
  return Object.fromEntries(Object.entries(usage).filter(([name]) => name === 'input' || name === 'output'))
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}
