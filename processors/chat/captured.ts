// The content columns of a span → its conversation: what was asked and what was answered, in plain messages where the form is
// known, as captured where it is not, and always with a word for which.

import { parsedJson } from '../json-text.ts'
import { type ChatMessage, messagesOf, type Side, systemText } from './messages.ts'
import type { Members } from './parts.ts'

/** The columns of `span_content` that hold the conversation. */
export interface Captured {
  readonly system_instructions: string
  readonly input_messages: string
  readonly output_messages: string
  readonly attributes: Readonly<Record<string, string>>
}

/** `messages`: read as such. `text`: plain text without a role. `raw`: in no known form, or not text alone. `none`: not captured. */
export type Form = 'messages' | 'text' | 'raw' | 'none'

export interface Spoken {
  readonly form: Form
  /** Of the forms `messages` and `text`. */
  readonly messages: readonly ChatMessage[]
  /** As captured, of the form `raw`. */
  readonly raw: string
}

export interface Conversation {
  readonly input: Spoken
  readonly output: Spoken
}

export function conversationOf(captured: Captured): Conversation {
  const { attributes } = captured
  const input = first(
    () => fromTree(attributes, inputPrefixes, 'input'),
    () => fromEvents(attributes, 'input'),
    () => fromText(captured.input_messages, 'input'),
  )
  const output = first(
    () => fromTree(attributes, outputPrefixes, 'output'),
    () => fromEvents(attributes, 'output'),
    () => withToolCalls(fromText(captured.output_messages, 'output'), attributes['ai.response.toolCalls'] ?? ''),
  )
  return { input: withSystem(input, captured.system_instructions), output }
}

/** What the model answered in text; empty when it called tools only. Of the forms `messages` and `text`. */
export function answerText({ messages }: Spoken): string {
  return messages
    .filter(({ role }) => role === 'assistant')
    .map(({ content }) => content)
    .filter((content) => content !== '')
    .join('\n')
}

const nothing: Spoken = { form: 'none', messages: [], raw: '' }

/** The first that is known, else the last that is captured at all. */
function first(...readers: readonly (() => Spoken)[]): Spoken {
  let best = nothing
  for (const read of readers) {
    const found = read()
    if (found.form === 'messages' || found.form === 'text') return found
    if (found.form === 'raw') best = found
  }
  return best
}

function fromText(text: string, side: Side): Spoken {
  if (text === '') return nothing
  const value = jsonOf(text)
  if (value === undefined) return { form: 'text', messages: messagesOf(text, side) ?? [], raw: '' }
  return spoken(value, side, text)
}

function spoken(value: unknown, side: Side, raw: string): Spoken {
  const messages = messagesOf(value, side)
  if (messages === undefined) return { form: 'raw', messages: [], raw }
  // Roles alone: the words were not captured.
  if (messages.every(({ content, tool_calls }) => content === '' && tool_calls === undefined)) return nothing
  return { form: typeof value === 'string' ? 'text' : 'messages', messages, raw: '' }
}

/** Undefined for what is not JSON, or a number or word that is but was meant as text. */
function jsonOf(text: string): unknown {
  if (!/^\s*[[{"]/.test(text)) return undefined
  return parsedJson(text)
}

/** Attributes numbered message by message: OpenInference, OpenLLMetry. */
const inputPrefixes = ['llm.input_messages.', 'gen_ai.prompt.'] as const
const outputPrefixes = ['llm.output_messages.', 'gen_ai.completion.'] as const
const indexMax = 10_000

function fromTree(attributes: Readonly<Record<string, string>>, prefixes: readonly string[], side: Side): Spoken {
  for (const prefix of prefixes) {
    const own = Object.entries(attributes).filter(
      ([key]) => /^\d/.test(key.slice(prefix.length)) && key.startsWith(prefix),
    )
    if (own.length === 0) continue
    const root: Tree = {}
    for (const [key, value] of own) plant(root, key.slice(prefix.length).split('.'), value)
    const list = listOf(root)
    const given = Array.isArray(list) ? list.map((each) => messageIn(each, side)) : []
    return spoken(given, side, JSON.stringify(Object.fromEntries(own)))
  }
  return nothing
}

type Tree = { [key: string]: Tree | string }

function plant(root: Tree, path: readonly string[], value: string): void {
  let at = root
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(at, step) ? at[step] : undefined
    const tree: Tree = typeof next === 'object' ? next : {}
    Object.defineProperty(at, step, { value: tree, enumerable: true, configurable: true, writable: true })
    at = tree
  }
  const last = path.at(-1) ?? ''
  Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true })
}

/** Members that are all numbers are a list. */
function listOf(tree: Tree | string): unknown {
  if (typeof tree === 'string') return tree
  const keys = Object.keys(tree)
  if (keys.length > 0 && keys.every((key) => /^\d+$/.test(key) && Number(key) < indexMax))
    return keys.sort((a, b) => Number(a) - Number(b)).map((key) => listOf(tree[key]!))
  return Object.fromEntries(keys.map((key) => [key, listOf(tree[key]!)]))
}

function messageIn(value: unknown, side: Side): unknown {
  if (typeof value !== 'object' || value === null) return value
  const message = ((value as Members)['message'] ?? value) as Members
  const content = message['content']
  return {
    role: side === 'output' ? 'assistant' : 'user',
    ...message,
    // Parts as JSON: older OpenLLMetry.
    ...(typeof content === 'string' && /^\[\s*\{/.test(content) ? { content: jsonOf(content) ?? content } : {}),
  }
}

/** Events of the older conventions: one attribute a message (Strands), or all of them in one (Pydantic AI). */
function fromEvents(attributes: Readonly<Record<string, string>>, side: Side): Spoken {
  const events: Members[] = []
  const list = jsonOf(attributes['events'] ?? '')
  if (Array.isArray(list)) events.push(...list)
  else {
    for (const [key, value] of Object.entries(attributes)) {
      const [, name, index, member] =
        /^(gen_ai\.(?:system|user|assistant|tool)\.message|gen_ai\.choice)\.(\d+)\.(content|message)$/.exec(key) ?? []
      if (name === undefined) continue
      events.push({ 'event.name': name, 'gen_ai.message.index': Number(index), [member ?? '']: jsonOf(value) ?? value })
    }
    events.sort((a, b) => Number(a['gen_ai.message.index']) - Number(b['gen_ai.message.index']))
  }
  const own = events.filter((event) => (event['event.name'] === 'gen_ai.choice') === (side === 'output'))
  if (own.length === 0) return nothing
  return spoken(
    own.map((event) => messageOfEvent(event)),
    side,
    JSON.stringify(own),
  )
}

function messageOfEvent(event: Members): unknown {
  const { 'event.name': name, message } = event
  if (name === 'gen_ai.choice')
    return typeof message === 'object' && message !== null && 'role' in message
      ? message
      : { role: 'assistant', content: message }
  const role = /^gen_ai\.(\w+)\.message$/.exec(String(name))?.[1]
  return { role, ...event }
}

/** Vercel's AI SDK keeps what tools are called apart from the text. */
function withToolCalls(output: Spoken, toolCalls: string): Spoken {
  const calls = jsonOf(toolCalls)
  if (
    !Array.isArray(calls) ||
    output.form === 'raw' ||
    output.messages.some((message) => message.tool_calls !== undefined)
  )
    return output
  return spoken([{ role: 'assistant', content: answerText(output), tool_calls: calls }], 'output', toolCalls)
}

function withSystem(input: Spoken, system: string): Spoken {
  if (system === '' || (input.form !== 'messages' && input.form !== 'text')) return input
  if (input.messages.some(({ role }) => role === 'system')) return input
  const text = systemText(jsonOf(system) ?? system)
  return text === undefined || text === ''
    ? input
    : { ...input, messages: [{ role: 'system', content: text }, ...input.messages] }
}
