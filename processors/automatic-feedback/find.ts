// hot: What the rules find on the spans of one request. Nearly every span has nothing to say, and that is seen from numbers and a few
// bytes; only a short answer that may be empty or refuse, and one that was asked for a form, is made into text.
//
//   failure class ──▶ refusal, content filter, tool error, malformed, schema        of a call or a tool
//   finish reason ──▶ too long: cut at its limit
//   output tokens ──▶ too long: over the length that was configured; empty: none at all
//   first bytes   ──▶ empty, refusal in words                                       of short answers
//   asked form    ──▶ malformed JSON, format, schema                                of whole answers

import { attributeText } from '../../schemas/any-value.ts'
import type { AutomaticRule } from '../../schemas/automatic-rules.ts'
import { content, contentCount, low, role, type SpanBatch, valueType } from '../../schemas/span-batch.ts'
import type { StringTable } from '../../schemas/string-table.ts'
import { unit, usageUnitCount } from '../../schemas/usage.ts'
import { type Charge, verdict } from '../charge.ts'
import type { FailureClass } from '../failure.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Asked, askedByFormat, askedByParameters, askedBySchema, askedJson, askedNothing } from './asked.ts'
import { end, endOf } from './ends.ts'
import { formBytesMax, misformOf, type SchemaCheck } from './forms.ts'
import { OutputKeys, sign } from './output-keys.ts'
import { mayRefuse, refusesInWords } from './refusal-words.ts'
import { type Finding, ruleOfFailure } from './rules.ts'
import { textBegin } from './text-begin.ts'

export interface AutomaticFeedbackSettings {
  readonly rules: ReadonlySet<AutomaticRule>
  /** An answer of more tokens is too long; 0 for no limit. */
  readonly outputTokensMax: number
  /** Absent: schemas are not checked. */
  readonly checkSchema?: SchemaCheck
}

/** Answers of more tokens are neither empty nor a refusal. */
const shortTokensMax = 200
/** A capture of more bytes is not read for a short answer. */
const captureBytesMax = 16 * 1024
/** A tool's result of more bytes is not searched for a mark of failure. */
const resultBytesMax = 64 * 1024
/** An answer that reports no reason why it ended is empty only with so few tokens. */
const emptyTokensMax = 2

const kinds = ['llm', 'tool', 'other', 'workflow', 'agent'] as const
/** Rules that read the words of an answer. */
const readers: readonly AutomaticRule[] = [
  'refusal',
  'empty-answer',
  'malformed-json',
  'schema-violation',
  'format-violation',
]

export class FindingsOfBatch {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly charge: Charge
  private readonly settings: AutomaticFeedbackSettings
  private readonly keys: OutputKeys
  private readonly isReading: boolean
  private found: Finding[] = []
  private generation = -1
  /** By id of a text: the rule of a failure class, -1 for none; how a finish reason ends. */
  private readonly rules = new Map<number, AutomaticRule | undefined>()
  private readonly ends = new Map<number, number>()
  private kinds: Readonly<Record<(typeof kinds)[number], number>> = { llm: 0, tool: 0, other: 0, workflow: 0, agent: 0 }
  // What the attributes of the row at hand are to the rules, -1 for none.
  private textAttr = -1
  private texts = 0
  private messagesAttr = -1
  private askAttr = -1
  private askSign: number = sign.none
  private hasTools = false
  private hasRefusal = false

  constructor(batch: SpanBatch, strings: StringTable, charge: Charge, settings: AutomaticFeedbackSettings) {
    this.batch = batch
    this.strings = strings
    this.charge = charge
    this.settings = settings
    this.keys = new OutputKeys(strings)
    this.isReading = readers.some((rule) => settings.rules.has(rule))
  }

  /** Call after the charge. What one row of a call found is of the row that carries its money. */
  run(): readonly Finding[] {
    const { batch, strings } = this
    if (this.settings.rules.size === 0) return []
    this.found = []
    if (this.generation !== strings.generation) this.renew()
    this.keys.refresh()
    const kind = batch.low[low.kind]!
    const failure = batch.low[low.failure_class]!
    for (let row = 0; row < batch.rows; row++) {
      if (batch.role[row] === role.call) this.call(row)
      else if (kind[row] === this.kinds.tool) this.tool(row)
      else if (failure[row] !== 0 && batch.role[row] !== role.replay) this.around(row)
    }
    return this.found.length === 0 ? [] : this.innermost()
  }

  private call(row: number): void {
    const { batch, settings } = this
    if (this.charge.verdicts[row] === verdict.aggregate) return
    const failure = batch.low[low.failure_class]![row]!
    if (failure !== 0) {
      this.failed(row, failure)
      return
    }
    if (batch.low[low.kind]![row] !== this.kinds.llm) return
    const ended = this.endOf(batch.low[low.finish_reason]![row]!)
    const at = row * usageUnitCount
    const output = batch.usage[at + unit.output]!
    const reasoning = batch.usage[at + unit.reasoning]!
    const tokens = reasoning > 0 ? output - reasoning : output
    if (ended === end.cut) {
      this.add(
        'too-long',
        row,
        'cut',
        `The answer was cut at its limit${Number.isNaN(output) ? '' : `, after ${output} tokens`}.`,
      )
      return
    }
    if (settings.outputTokensMax > 0 && tokens > settings.outputTokensMax)
      this.add(
        'too-long',
        row,
        'over_limit',
        `The answer has ${tokens} tokens, the limit is ${settings.outputTokensMax}.`,
      )
    if (this.isReading && ended !== end.tools && ended !== end.failed) this.read(row, ended, tokens)
  }

  private failed(row: number, failure: number): void {
    const rule = this.ruleOf(failure)
    if (rule === undefined) return
    const { batch, strings } = this
    const name = strings.text(failure)
    const reason = batch.low[low.finish_reason]![row]!
    const isError = strings.text(batch.low[low.status]![row]!) === 'error'
    if (isError) this.add(rule, row, 'error', `The call failed: ${name}.`)
    else this.add(rule, row, 'finish_reason', `The answer ended with ${strings.text(reason)}.`)
  }

  /** The words of an answer that ended well, or of which nothing is known. */
  private read(row: number, ended: number, tokens: number): void {
    const { batch } = this
    const isShort = !(tokens > shortTokensMax)
    if (!isShort && !this.keys.mayAsk) return
    this.sort(row)
    if (this.hasTools || (this.askAttr < 0 && !isShort)) return
    const attr = this.capture(row)
    if (attr < 0) {
      if (tokens === 0 && ended === end.whole)
        this.add('empty-answer', row, 'no_tokens', 'The answer ended well and has no output tokens.')
      return
    }
    const asked = this.askAttr < 0 ? askedNothing : this.asked(row)
    const size = batch.attrEnd[attr]! - batch.attrStart[attr]!
    const isAsked = asked.isJson || asked.choices !== undefined
    if (isAsked ? size > formBytesMax : !isShort || size > captureBytesMax || this.saysSomething(attr)) return
    const answer = this.answer(row, attr)
    if (answer.hasTools || answer.isCut) return
    if (this.judgeWords(row, answer, ended, tokens) || !isAsked || answer.hasOther) return
    if (ended === end.unsaid && mayBeCut(answer.text)) return
    const misform = misformOf(answer.text, asked, this.settings.checkSchema)
    if (misform !== undefined) this.add(misform.rule, row, misform.evidence, misform.explanation)
  }

  /** Empty or refused; then no form is asked of it. */
  private judgeWords(row: number, answer: Answer, ended: number, tokens: number): boolean {
    if (answer.isRefusal || this.hasRefusal) {
      this.add('refusal', row, 'refusal_part', 'The answer has a part that the provider marks as a refusal.')
      return true
    }
    const isEmpty = answer.text.trim() === '' && !answer.hasOther
    if (isEmpty) {
      if (ended === end.whole || tokens <= emptyTokensMax)
        this.add('empty-answer', row, 'no_text', 'The answer has no text and calls no tool.')
      return true
    }
    if (answer.hasOther || !refusesInWords(answer.text)) return false
    this.add('refusal', row, 'words', 'The answer is short and begins as refusals do.')
    return true
  }

  /** What the attributes of a row are to the rules. */
  private sort(row: number): void {
    const { attrKey } = this.batch
    const { signs } = this.keys
    this.textAttr = this.messagesAttr = this.askAttr = -1
    this.askSign = sign.none
    this.texts = 0
    this.hasTools = this.hasRefusal = false
    const to = this.batch.attrTo[row]!
    for (let i = this.batch.attrFrom[row]!; i < to; i++) if (signs[attrKey[i]!] !== 0) this.note(i, this.signOf(i))
  }

  private signOf(i: number): number {
    const key = this.batch.attrKey[i]!
    const found = this.keys.signs[key]!
    return found === sign.unseen ? this.keys.resolve(key) : found
  }

  private note(i: number, found: number): void {
    const { batch } = this
    switch (found) {
      case sign.none:
        break
      case sign.text:
        if (this.texts++ === 0) this.textAttr = i
        break
      case sign.messages:
        this.messagesAttr = i
        break
      case sign.tool:
        this.hasTools = true
        break
      case sign.refusal:
        this.hasRefusal ||= batch.attrEnd[i]! > batch.attrStart[i]!
        break
      default:
        // A schema says more than a name.
        if (this.askSign !== sign.schema && this.mayAsk(i, found)) {
          this.askAttr = i
          this.askSign = found
        }
    }
  }

  private mayAsk(i: number, found: number): boolean {
    const { batch } = this
    const start = batch.attrStart[i]!
    if (batch.attrType[i] !== valueType.string) return batch.attrType[i] === valueType.map
    if (found === sign.schema) return batch.attrEnd[i]! > start
    if (found === sign.format)
      return batch.bytes[start] === 0x6a || batch.bytes[start] === 0x7b || batch.bytes[start] === 0x61
    if (found === sign.native) return this.holds(i, '"native"')
    if (found === sign.operation) return this.holds(i, 'Object.do')
    return this.holds(i, 'json') || this.holds(i, '_choice') || this.holds(i, '"choice"')
  }

  private holds(i: number, needle: string): boolean {
    const { batch } = this
    const start = batch.attrStart[i]!
    return Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset + start, batch.attrEnd[i]! - start).includes(
      needle,
      0,
      'latin1',
    )
  }

  /** What was asked for, by the attribute that says it or, of an object of the AI SDK, by the span around. */
  private asked(row: number): Asked {
    const { batch } = this
    if (this.askSign === sign.operation) {
      const above = this.charge.hasParents ? this.charge.parents[row]! : -1
      if (above < 0) return askedJson
      for (let i = batch.attrFrom[above]!; i < batch.attrTo[above]!; i++)
        if (this.signOf(i) === sign.schema) return askedBySchema(attributeText(batch, i))
      return askedJson
    }
    const text = attributeText(batch, this.askAttr)
    if (this.askSign === sign.format) return askedByFormat(text)
    return this.askSign === sign.schema ? askedBySchema(text) : askedByParameters(text)
  }

  /** Attribute that holds the answer, -1 for none: its text where that is told apart, else the column's, else a message in an event. */
  private capture(row: number): number {
    const { batch, keys } = this
    if (this.textAttr >= 0) return this.textAttr
    const own = batch.contentAttr[row * contentCount + content.output]!
    if (own >= 0) return own
    if (this.messagesAttr >= 0) return this.messagesAttr
    for (let event = batch.eventFrom[row]!; event < batch.eventTo[row]!; event++) {
      if (!keys.isAnswerEvent(batch.eventName[event]!)) continue
      for (let i = batch.eventAttrFrom[event]!; i < batch.eventAttrTo[event]!; i++)
        if (keys.isEventMember(batch.attrKey[i]!)) return i
    }
    return -1
  }

  /** Whether the first bytes of an answer show that it is neither empty nor a refusal; false where they do not show it. */
  private saysSomething(attr: number): boolean {
    const { batch } = this
    if (batch.attrType[attr] !== valueType.string || this.hasRefusal) return false
    const at = textBegin(batch.bytes, batch.attrStart[attr]!, batch.attrEnd[attr]!)
    return at >= 0 && !mayRefuse(batch.bytes, at)
  }

  private answer(row: number, attr: number): Answer {
    const { batch } = this
    if (attr !== this.textAttr) return answerOf(attributeText(batch, attr))
    let text = attributeText(batch, attr)
    for (let i = attr + 1; this.texts > 1 && i < batch.attrTo[row]!; i++)
      if (this.signOf(i) === sign.text) text += attributeText(batch, i)
    return { text, isRefusal: false, hasTools: false, hasOther: false, isCut: false }
  }

  /** A tool fails by its span, or by its result in the Model Context Protocol's words. */
  private tool(row: number): void {
    const { batch } = this
    const failure = batch.low[low.failure_class]![row]!
    if (failure !== 0) {
      if (this.ruleOf(failure) === 'tool-error') this.add('tool-error', row, 'error', 'The tool failed.')
      return
    }
    this.sort(row)
    const attr = this.capture(row)
    if (attr < 0 || batch.attrEnd[attr]! - batch.attrStart[attr]! > resultBytesMax || !this.holds(attr, '"isError"'))
      return
    if (/"isError"\s*:\s*true/.test(attributeText(batch, attr)))
      this.add('tool-error', row, 'result', 'The result of the tool says that it is an error.')
  }

  /** A step around calls fails by itself where it is the one that reads their answer: an object of the AI SDK, a step of a tool. */
  private around(row: number): void {
    const { batch } = this
    const rule = this.ruleOf(batch.low[low.failure_class]![row]!)
    const kind = batch.low[low.kind]![row]
    if (rule === 'tool-error' && kind === this.kinds.other) this.add(rule, row, 'error', 'A step of a tool failed.')
    if (rule !== 'malformed-json' && rule !== 'schema-violation') return
    this.sort(row)
    if (this.askSign === sign.schema)
      this.add(rule, row, 'error', 'The answer could not be read as what was asked for.')
  }

  private add(rule: AutomaticRule, row: number, evidence: string, explanation: string): void {
    if (this.settings.rules.has(rule)) this.found.push({ rule, row, evidence, explanation })
  }

  /** Failures go up through spans and are seen by several instrumentations: each is told once, of the row it began at. */
  private innermost(): Finding[] {
    const kept = new Map<string, Finding>()
    const forms = new Set<number>()
    const moved = this.found.map((each) => ({ ...each, row: this.carrierOf(each.row) }))
    for (const { rule, row } of moved) if (isForm(rule) && this.batch.role[row] === role.call) forms.add(row)
    for (const each of moved) {
      const call =
        isForm(each.rule) && this.batch.role[each.row] !== role.call ? this.onlyCallBelow(each.row) : each.row
      // What the call itself shows says more than that the step around it failed.
      if (call !== each.row && forms.has(call)) continue
      const key = `${each.rule} ${call}`
      if (!kept.has(key)) kept.set(key, { ...each, row: call })
    }
    const { hasParents, parents } = this.charge
    if (hasParents) {
      for (const { rule, row } of [...kept.values()])
        for (let above = parents[row]!, depth = 0; above >= 0 && depth < 64; above = parents[above]!, depth++)
          kept.delete(`${rule} ${above}`)
    }
    return [...kept.values()]
  }

  private carrierOf(row: number): number {
    const { batch, charge } = this
    let carrier = row
    for (let i = 0; i < 8 && charge.verdicts[carrier] === verdict.duplicate && batch.countedAs[carrier]! >= 0; i++)
      carrier = batch.countedAs[carrier]!
    return carrier
  }

  /** The call below a row where there is but one that is billed, else the row itself. */
  private onlyCallBelow(row: number): number {
    const { batch, charge } = this
    if (!charge.hasParents) return row
    let only = -1
    for (let call = 0; call < batch.rows; call++) {
      if (batch.role[call] !== role.call || charge.verdicts[call] !== verdict.none) continue
      let above = charge.parents[call]!
      for (let depth = 0; above >= 0 && above !== row && depth < 64; depth++) above = charge.parents[above]!
      if (above !== row) continue
      if (only >= 0) return row
      only = call
    }
    return only < 0 ? row : only
  }

  private ruleOf(failure: number): AutomaticRule | undefined {
    if (!this.rules.has(failure)) this.rules.set(failure, ruleOfFailure[this.strings.text(failure) as FailureClass])
    return this.rules.get(failure)
  }

  private endOf(finish: number): number {
    let found = this.ends.get(finish)
    if (found === undefined) {
      found = endOf(this.strings.text(finish))
      this.ends.set(finish, found)
    }
    return found
  }

  private renew(): void {
    const { strings } = this
    this.generation = strings.generation
    this.rules.clear()
    this.ends.clear()
    this.kinds = Object.fromEntries(kinds.map((name) => [name, strings.internText(name)])) as typeof this.kinds
  }
}

function isForm(rule: AutomaticRule): boolean {
  return rule === 'malformed-json' || rule === 'schema-violation' || rule === 'format-violation'
}

/** Without a reason why it ended, an object that is not closed may have been cut. */
function mayBeCut(text: string): boolean {
  return /^\s*[[{]/.test(text) && !/[\]}]\s*$/.test(text)
}
