// Captured output in any instrumentation's shape → the words of the answer. Shapes read: the conventions' messages, the answers of
// OpenAI (both APIs), Anthropic, Gemini and Bedrock as they are, LangChain's generations, and plain text. What is none of these is
// the answer itself: an object that was asked for.

import { parsedJson } from '../json-text.ts'

export interface Answer {
  /** All text of the answer. */
  readonly text: string
  /** The provider marked a part as a refusal. */
  readonly isRefusal: boolean
  /** It calls a tool. */
  readonly hasTools: boolean
  /** It has parts that are no text: an image, sound, what nobody knows. */
  readonly hasOther: boolean
  /** The capture itself ends in the middle: nothing can be said of how the answer ends. */
  readonly isCut: boolean
}

/** How a message begins, where what was captured of it is too short to be read. */
const messageBegins = /^[[{\s]*"(?:role|id|choices|candidates|generations|replies|parts|message|content|output|type)"/
const depthMax = 12

const plain = { isRefusal: false, hasTools: false, hasOther: false, isCut: false } as const

/** The answer in a captured output. */
export function answerOf(content: string): Answer {
  const trimmed = content.trimStart()
  if (trimmed.startsWith('{') || trimmed.startsWith('[')) {
    const value = parsedJson(content)
    if (isMessage(value)) {
      const found: Found = { texts: [], isRefusal: false, hasTools: false, hasOther: false }
      collect(value, found, 0)
      return { ...found, text: found.texts.join(''), isCut: false }
    }
    if (value === undefined && messageBegins.test(trimmed)) return { ...plain, text: content, isCut: true }
  }
  // Some write every value as JSON, a text too.
  const said = trimmed.startsWith('"') ? parsedJson(content) : undefined
  return { ...plain, text: typeof said === 'string' ? said : content }
}

interface Found {
  readonly texts: string[]
  isRefusal: boolean
  hasTools: boolean
  hasOther: boolean
}

type Members = Readonly<Record<string, unknown>>

/** Members that hold the answer, or a part of the way to it, in the order of trust: the first that is there is followed. */
const wayIn = [
  'choices',
  'candidates',
  'generations',
  'replies',
  'output',
  'message',
  'kwargs',
  'data',
  'parts',
  'contents',
  'content',
]
const tools = [
  'tool_calls',
  'toolCalls',
  'function_call',
  'functionCall',
  'toolRequest',
  'toolUse',
  'tool_use',
  'functionResponse',
  'invalid_tool_calls',
]
const toolType = /tool|function|mcp|computer|search_call|interpreter/i

/** Whether a value is a message, an answer of a provider, or a list of them, and not the object that was asked for. */
function isMessage(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && isMessage(value[0])
  if (typeof value !== 'object' || value === null) return false
  const object = value as Members
  if ('choices' in object || 'candidates' in object || 'generations' in object || 'replies' in object) return true
  if ('role' in object && ('content' in object || 'parts' in object || tools.some((key) => key in object))) return true
  if ('parts' in object || 'toolUse' in object) return Object.keys(object).length <= 4
  if (object['object'] === 'response' || object['type'] === 'message') return true
  if ('content' in object && ('finish_reason' in object || 'usage' in object || 'stop_reason' in object)) return true
  if (object['type'] === 'text' && typeof object['text'] === 'string') return true
  const { message, output } = object
  if (typeof message === 'object' && message !== null) return isMessage(message)
  return (
    typeof output === 'object' && output !== null && !Array.isArray(output) && isMessage((output as Members)['message'])
  )
}

function collect(value: unknown, found: Found, depth: number): void {
  if (typeof value === 'string') {
    found.texts.push(value)
    return
  }
  if (typeof value !== 'object' || value === null || depth > depthMax) return
  if (Array.isArray(value)) {
    // Of several answers to one question the first is judged.
    const isAlternatives = depth > 0 && value.length > 1 && value.every((each) => isChoice(each))
    for (const each of isAlternatives ? value.slice(0, 1) : value) collect(each, found, depth + 1)
    return
  }
  collectObject(value as Members, found, depth)
}

function isChoice(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'index' in value && ('message' in value || 'content' in value)
}

function collectObject(object: Members, found: Found, depth: number): void {
  const { type, text, refusal } = object
  if (tools.some((key) => isSomething(object[key]))) found.hasTools = true
  if (typeof refusal === 'string' && refusal !== '') {
    found.isRefusal = true
    found.texts.push(refusal)
  }
  if (type === 'refusal') found.isRefusal = true
  if (type === 'thinking' || type === 'reasoning' || type === 'redacted_thinking' || object['thought'] === true) return
  if (typeof type === 'string' && toolType.test(type)) {
    found.hasTools = true
    return
  }
  if (typeof text === 'string' && !isSomething(object['message'])) {
    found.texts.push(text)
    return
  }
  const way = wayIn.find((key) => isSomething(object[key]) || object[key] === '')
  if (way !== undefined) collect(object[way], found, depth + 1)
  else if (typeof type === 'string' && !/^(text|output_text|message|refusal|input_text|ai|assistant)$/i.test(type))
    found.hasOther = true
  else if ('inlineData' in object || 'inline_data' in object || 'executableCode' in object) found.hasOther = true
}

function isSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return value !== undefined && value !== null && value !== '' && value !== false
}
