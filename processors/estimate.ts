// A call whose answer told no usage, counted from its content by a tokenizer: an estimate, and the row says so. Only where
// both sides are captured and all of it is text; what cannot be counted stays unknown.

import { attributeText } from '../schemas/any-value.ts'
import { attributeRoom, content, contentCount, low, type SpanBatch } from '../schemas/span-batch.ts'
import type { StringTable } from '../schemas/string-table.ts'
import { unit, usageUnitCount } from '../schemas/usage.ts'
import { messageText } from './message-text.ts'

export interface Tokenizer {
  /** Of the encoding, as it stands on the row: `o200k_base`. */
  readonly name: string
  count(text: string): number
}

/** The tokenizer of a model, or the nearest there is; undefined for none. */
export type TokenizerFor = (provider: string, model: string) => Tokenizer | undefined

/** Beyond it a call is not counted: a tokenizer reads some 15 MB a second, and everybody else waits. */
const charsMax = 1_000_000

/** Tokens that a chat format adds: for each message, and for the beginning of the answer. (OpenAI's for gpt-4 and later.) */
const perMessage = 3
const perAnswer = 3

export class UsageEstimator {
  private readonly batch: SpanBatch
  private readonly strings: StringTable
  private readonly tokenizerFor: TokenizerFor

  constructor(batch: SpanBatch, strings: StringTable, tokenizerFor: TokenizerFor) {
    this.batch = batch
    this.strings = strings
    this.tokenizerFor = tokenizerFor
  }

  /** Fills the row's input and output tokens and its rule; false, and nothing is changed, when they cannot be counted. */
  fill(row: number, provider: string, model: string): boolean {
    const { batch } = this
    const tokenizer = this.tokenizerFor(provider, model)
    if (tokenizer === undefined) return false
    const sent = this.side(row, 'input')
    const isEmbedding = this.strings.text(batch.low[low.kind]![row]!) === 'embedding'
    const answered = isEmbedding ? [] : this.side(row, 'output')
    if (sent === null || answered === null || sent.length === 0) return false
    if (!isEmbedding && answered.length === 0) return false
    let chars = 0
    for (const { texts } of [...sent, ...answered]) for (const each of texts) chars += each.length
    if (chars > charsMax) return false
    const counted = (parts: typeof sent): number =>
      parts.reduce((sum, { texts }) => sum + texts.reduce((of, each) => of + tokenizer.count(each), 0), 0)
    const messages = sent.reduce((sum, each) => sum + each.messages, 0)
    const at = row * usageUnitCount
    batch.usage[at + unit.input] = counted(sent) + (isEmbedding ? 0 : messages * perMessage + perAnswer)
    batch.usage[at + unit.output] = counted(answered)
    batch.low[low.usage_rule]![row] = this.strings.internText(`estimated:${tokenizer.name}`)
    return true
  }

  /** Content of one side of the call; null when some of it is not text. */
  private side(row: number, side: 'input' | 'output'): { texts: readonly string[]; messages: number }[] | null {
    const { batch } = this
    const slots = side === 'input' ? [content.system, content.input, content.tools] : [content.output]
    const found = slots.flatMap((slot) => {
      const attribute = batch.contentAttr[row * contentCount + slot]!
      return attribute < 0 ? [] : [attributeText(batch, attribute)]
    })
    const main = side === 'input' ? content.input : content.output
    const isThere = batch.contentAttr[row * contentCount + main]! >= 0
    const texts = isThere ? found : [...found, ...this.indexed(row, side)]
    const parts = texts.map(messageText)
    return parts.some((part) => part === null) ? null : parts.filter((part) => part !== null)
  }

  /** Content spread over attributes with an index, `gen_ai.prompt.0.content` and the like: one text a message. */
  private indexed(row: number, side: 'input' | 'output'): string[] {
    const { batch, strings } = this
    const texts: string[] = []
    for (let i = batch.attrFrom[row]!; i < batch.attrTo[row]!; i++) {
      if (batch.attrRoom[i] !== attributeRoom.content) continue
      const key = strings.text(batch.attrKey[i]!)
      const isText = /\.(content|text|arguments|name)$/.test(key)
      const isOutput = /(^|[._])(completion|output|response|choice)/.test(key)
      if (isText && isOutput === (side === 'output')) texts.push(attributeText(batch, i))
    }
    return texts
  }
}
