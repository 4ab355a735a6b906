// What a call was asked and what it answered, as one side of a conversation: any value an instrumentation caught → messages with
// a role and plain text, or undefined where that cannot be known. Read are the generative-AI conventions ([{role, parts}]), OpenAI
// (chat and responses), Anthropic, Gemini, Bedrock, LangChain, Vercel's AI SDK, Genkit, Haystack: their messages, requests and answers.

import { contentOf, isMembers, type Members, type ToolCall, textAt, toolCallOf } from './parts.ts'

export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content: string
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
}

export type Side = 'input' | 'output'

const depthMax = 12

/** Undefined for what is no conversation in any known form. `side` says who speaks where no role does. */
export function messagesOf(value: unknown, side: Side, depth = 0): readonly ChatMessage[] | undefined {
  if (depth > depthMax) return undefined
  if (typeof value === 'string') return value === '' ? [] : [spoken(side, value)]
  if (Array.isArray(value))
    return all(value, (each) => (typeof each === 'string' ? undefined : messagesOf(each, side, depth + 1)))
  if (!isMembers(value)) return undefined
  return messageOf(value, side) ?? wrapped(value, side, depth)
}

const roles: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'developer',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  model: 'assistant',
  AIMessageChunk: 'assistant',
  tool: 'tool',
  function: 'tool',
}

function spoken(side: Side, content: string): ChatMessage {
  return { role: side === 'input' ? 'user' : 'assistant', content }
}

/** A value that is a message itself; undefined also for one whose parts cannot be said in text. */
function messageOf(value: Members, side: Side): readonly ChatMessage[] | undefined {
  const type = textAt(value, 'type')
  // Items of OpenAI's responses that are messages of their own.
  if (type === 'function_call') return said('assistant', { tool_calls: [value] })
  if (type === 'function_call_output')
    return [{ role: 'tool', content: textOf(value['output']), tool_call_id: textAt(value, 'call_id') }]
  if (type === 'reasoning') return []
  // LangChain: {lc, type: 'constructor', id: […, 'HumanMessage'], kwargs}.
  if (isMembers(value['kwargs']) && Array.isArray(value['id'])) {
    const name = String(value['id'].at(-1) ?? '')
    const role = roles[/^(human|ai|system|tool|function)/i.exec(name)?.[1]?.toLowerCase() ?? '']
    return role === undefined ? undefined : said(role, value['kwargs'])
  }
  const named = textAt(value, 'role') || (type in roles && 'content' in value ? type : '')
  const role = roles[named]
  if (role !== undefined) return said(role, value)
  if (typeof value['toolName'] === 'string' && side === 'output') return said('assistant', { tool_calls: [value] })
  return undefined
}

function said(role: ChatMessage['role'], message: Members): readonly ChatMessage[] | undefined {
  const content = contentOf(message['parts'] ?? message['contents'] ?? message['content'])
  if (content === undefined) return undefined
  const given = message['tool_calls'] ?? message['toolCalls'] ?? []
  const calls = [...content.calls]
  for (const each of Array.isArray(given) ? given : []) {
    const call = toolCallOf(each)
    if (call !== undefined && !calls.some(({ id }) => id !== '' && id === call.id)) calls.push(call)
  }
  const results = content.results.map(({ id, text }) => ({ role: 'tool' as const, content: text, tool_call_id: id }))
  if (results.length > 0 && content.text === '' && calls.length === 0) return results
  const id = role === 'tool' ? textAt(message, 'tool_call_id', 'toolCallId') : ''
  const own: ChatMessage = {
    role,
    content: content.text,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(id === '' ? {} : { tool_call_id: id }),
  }
  return [...results, own]
}

/** Members under which requests keep their messages, and answers theirs, the more particular first. */
const wrappers: Readonly<Record<Side, readonly string[]>> = {
  input: ['messages', 'contents', 'input', 'args', 'prompt', 'message'],
  output: [
    'choices',
    'candidates',
    'generations',
    'replies',
    'messages',
    'output',
    'message',
    'data',
    'content',
    'text',
  ],
}
/** Members of a request that are said before its messages. */
const instructions = ['system', 'instructions', 'system_instruction', 'systemInstruction'] as const

function wrapped(value: Members, side: Side, depth: number): readonly ChatMessage[] | undefined {
  for (const name of wrappers[side]) {
    const inner = value[name]
    if (inner === undefined || inner === null || inner === '') continue
    const isPlain = (name === 'content' || name === 'text') && !(isMembers(inner) && 'role' in inner)
    const found = isPlain ? said('assistant', { content: inner }) : inside(name, inner, side, depth)
    if (found === undefined) return undefined
    return side === 'input' ? [...systemOf(value), ...found] : found
  }
  return undefined
}

function inside(name: string, inner: unknown, side: Side, depth: number): readonly ChatMessage[] | undefined {
  // Of several texts, none is the message: an embedding's batch, or the stringified objects of some frameworks.
  if (Array.isArray(inner) && inner.some((each) => typeof each === 'string')) return undefined
  // Options beside the request.
  if (name === 'args' && Array.isArray(inner)) return messagesOf(inner[0], side, depth + 1)
  // Of several answers to one question the first is the answer.
  if (Array.isArray(inner) && (name === 'choices' || name === 'candidates'))
    return inner.length === 0 ? [] : messagesOf(inner[0], side, depth + 1)
  if (name === 'generations') return messagesOf(firstOf(inner), side, depth + 1)
  return messagesOf(inner, side, depth + 1)
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? firstOf(value[0]) : value
}

function systemOf(request: Members): readonly ChatMessage[] {
  const config = isMembers(request['config']) ? request['config'] : {}
  for (const from of [request, config]) {
    for (const name of instructions) {
      const text = from[name] === undefined ? undefined : systemText(from[name])
      if (text !== undefined && text !== '') return [{ role: 'system', content: text }]
    }
  }
  return []
}

/** Text of system instructions in the forms of a message's content. */
export function systemText(value: unknown): string | undefined {
  const given = isMembers(value) && 'parts' in value ? value['parts'] : value
  return contentOf(given)?.text
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

function all(
  values: readonly unknown[],
  read: (value: unknown) => readonly ChatMessage[] | undefined,
): readonly ChatMessage[] | undefined {
  const found: ChatMessage[] = []
  for (const value of values) {
    const messages = read(value)
    if (messages === undefined) return undefined
    found.push(...messages)
  }
  return found
}
