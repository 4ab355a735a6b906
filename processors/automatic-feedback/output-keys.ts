// hot: Which attribute keys hold an answer, or what was asked for, by their interned ids: one array read an attribute.

import type { StringTable } from '../../schemas/string-table.ts'

/** What an attribute is to the rules. */
export const sign = {
  none: 0,
  /** The first answer's text, or a part of it, as plain text. */
  text: 1,
  /** An answer in some message shape, where no column has it. */
  messages: 2,
  /** A part that calls a tool. */
  tool: 3,
  /** A part that is a refusal. */
  refusal: 4,
  /** A form by name or as an object. */
  format: 5,
  /** A JSON Schema. */
  schema: 6,
  /** Parameters of the request; they ask for JSON only where the word stands in them. */
  parameters: 7,
  /** Parameters that are as large as a whole request, and say `native` where a schema is asked for. */
  native: 8,
  /** The operation's name, where it tells of objects. */
  operation: 9,
  unseen: 255,
} as const

const exact = new Map<string, number>([
  ['gen_ai.completion.0.content', sign.text],
  ['llm.output_messages.0.message.content', sign.text],
  ['ai.response.toolCalls', sign.tool],
  ['gen_ai.completion.0.refusal', sign.refusal],
  ['llm.output_messages.0.message.refusal', sign.refusal],
  ['gen_ai.tool.call.result', sign.messages],
  ['gen_ai.output.type', sign.format],
  ['gen_ai.request.response_format', sign.format],
  ['gen_ai.openai.request.response_format', sign.format],
  ['llm.request.response_format', sign.format],
  ['gen_ai.request.structured_output_schema', sign.schema],
  ['llm.request.structured_output_schema', sign.schema],
  ['ai.schema', sign.schema],
  ['llm.invocation_parameters', sign.parameters],
  ['langfuse.observation.model.parameters', sign.parameters],
  ['request_data', sign.parameters],
  ['model_request_parameters', sign.native],
  ['ai.operationId', sign.operation],
])

const patterns: readonly (readonly [RegExp, number])[] = [
  [/^llm\.output_messages\.0\.message\.contents\.\d+\.message_content\.text$/, sign.text],
  [/^(?:llm\.output_messages\.0\.message|gen_ai\.completion\.0)\.(?:tool_calls|function_call)/, sign.tool],
]

const isAsk = (found: number): boolean => found >= sign.format
const askNames: ReadonlySet<string> = new Set([...exact].filter(([, found]) => isAsk(found)).map(([name]) => name))
const askSizes: ReadonlySet<number> = new Set([...askNames].map((name) => name.length))

/** Members of events that hold an answer. */
const eventMembers = new Set([
  'gen_ai.output.messages',
  'gen_ai.completion',
  'message',
  'content',
  'gen_ai.event.content',
])
const answerEvents = ['gen_ai.choice', 'gen_ai.client.inference.operation.details', 'gen_ai.content.completion']

/** What each key of a string table is, learned as keys are met. */
export class OutputKeys {
  signs = new Uint8Array(0)
  /** False as long as no text of the table is a key that can ask for a form: then spans need not be searched for one. */
  mayAsk = false
  /** Texts below this id were looked at for such keys. */
  private seen = 0
  private readonly strings: StringTable
  private generation = -1
  private readonly events = new Set<number>()

  constructor(strings: StringTable) {
    this.strings = strings
  }

  /** Makes sure `signs[key]` can be read for all keys interned so far. */
  refresh(): void {
    const { strings } = this
    if (this.generation !== strings.generation) {
      this.generation = strings.generation
      this.signs = new Uint8Array(0)
      this.events.clear()
      this.mayAsk = false
      this.seen = 0
      for (const name of answerEvents) this.events.add(strings.internText(name))
    }
    for (; this.seen < strings.count; this.seen++)
      if (askSizes.has(strings.size(this.seen)) && askNames.has(strings.text(this.seen))) this.mayAsk = true
    if (this.signs.length > strings.count) return
    const signs = new Uint8Array(Math.max(1024, strings.count * 2)).fill(sign.unseen)
    signs.set(this.signs)
    this.signs = signs
  }

  resolve(key: number): number {
    const name = this.strings.text(key)
    const found = exact.get(name) ?? patterns.find(([pattern]) => pattern.test(name))?.[1] ?? sign.none
    this.signs[key] = found
    return found
  }

  isAnswerEvent(name: number): boolean {
    return this.events.has(name)
  }

  isEventMember(key: number): boolean {
    return eventMembers.has(this.strings.text(key))
  }
}
