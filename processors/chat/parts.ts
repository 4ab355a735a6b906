// One message's content, in whatever form its instrumentation caught it → its text, the tools it calls, the results it carries.
// A part that is none of these (image, audio, file) cannot be said in plain text: the message is then not known.

/** A call of a tool, in the form of OpenAI's chat completions. */
export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

export interface Content {
  readonly text: string
  readonly calls: readonly ToolCall[]
  readonly results: readonly { readonly id: string; readonly text: string }[]
}

export type Members = Readonly<Record<string, unknown>>

const depthMax = 12

/** Undefined when it holds anything that is not text, a tool's call or its result. */
export function contentOf(value: unknown, depth = 0): Content | undefined {
  if (value === null || value === undefined) return none
  if (typeof value === 'string') return isDataUrl(value) ? undefined : { ...none, text: value }
  if (depth > depthMax) return undefined
  if (Array.isArray(value)) return joined(value.map((part) => contentOf(part, depth + 1)))
  return isMembers(value) ? partOf(value, depth) : undefined
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A call in any framework's members: they have a name, and arguments as text or as data. */
export function toolCallOf(value: unknown): ToolCall | undefined {
  if (!isMembers(value)) return undefined
  const inner = value['tool_call'] ?? value['function'] ?? value
  const call = isMembers(inner) && isMembers(inner['function']) ? inner['function'] : inner
  if (!isMembers(call)) return undefined
  const name = textAt(call, 'name', 'toolName', 'tool_name')
  if (name === '') return undefined
  const given = call['arguments'] ?? call['args'] ?? call['input'] ?? {}
  const id = [value, isMembers(inner) ? inner : {}].map((from) =>
    textAt(from, 'id', 'toolCallId', 'toolUseId', 'call_id', 'ref'),
  )
  return {
    id: id.find((text) => text !== '') ?? '',
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }
}

export function textAt(members: Members, ...names: readonly string[]): string {
  for (const name of names) {
    const value = members[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return ''
}

const none: Content = { text: '', calls: [], results: [] }

/** What a model thought is no part of what it said. */
const thoughts: ReadonlySet<string> = new Set(['reasoning', 'thinking', 'redacted_thinking', 'summary_text'])
const texts: ReadonlySet<string> = new Set(['text', 'input_text', 'output_text', 'refusal'])
const calls: ReadonlySet<string> = new Set(['tool_call', 'tool-call', 'tool_use', 'function_call', 'server_tool_use'])
const results: ReadonlySet<string> = new Set([
  'tool_call_response',
  'tool-result',
  'tool_result',
  'function_call_output',
])

/** Members that hold a part of their own name: Gemini, Genkit, Bedrock, Haystack, OpenInference. */
const callMembers = ['functionCall', 'function_call', 'toolRequest', 'toolUse', 'tool_call'] as const
const resultMembers = [
  'functionResponse',
  'function_response',
  'toolResponse',
  'toolResult',
  'tool_call_result',
] as const

function partOf(part: Members, depth: number): Content | undefined {
  const type = textAt(part, 'type')
  if (thoughts.has(type) || part['thought'] === true) return none
  if (calls.has(type)) return callContent(part)
  if (results.has(type)) return resultContent(part, depth)
  if (texts.has(type) || type === '') {
    for (const name of callMembers) if (isMembers(part[name])) return callContent(part[name])
    for (const name of resultMembers) if (isMembers(part[name])) return resultContent(part[name], depth)
    if (isMembers(part['message_content'])) return partOf(part['message_content'], depth + 1)
    const text = part['text'] ?? part['content'] ?? part['refusal']
    if (typeof text === 'string') return contentOf(text)
    if (text !== undefined && text !== null) return contentOf(text, depth + 1)
  }
  return undefined
}

function callContent(part: Members): Content | undefined {
  const call = toolCallOf(part)
  return call === undefined ? undefined : { ...none, calls: [call] }
}

function resultContent(part: Members, depth: number): Content | undefined {
  const given = part['response'] ?? part['result'] ?? part['output'] ?? part['content'] ?? part['value']
  const id = textAt(part, 'id', 'tool_call_id', 'toolCallId', 'tool_use_id', 'toolUseId', 'call_id', 'ref')
  const text = typeof given === 'string' ? given : (plainText(given, depth) ?? JSON.stringify(given ?? ''))
  return { ...none, results: [{ id, text }] }
}

/** The text of parts that are text and nothing else. */
function plainText(given: unknown, depth: number): string | undefined {
  const unwrapped = isMembers(given) && textAt(given, 'type') === 'text' ? (given['value'] ?? given['text']) : given
  if (typeof unwrapped === 'string') return unwrapped
  if (!Array.isArray(given)) return undefined
  const content = contentOf(given, depth + 1)
  return content !== undefined && content.calls.length + content.results.length === 0 ? content.text : undefined
}

function joined(parts: readonly (Content | undefined)[]): Content | undefined {
  const known = parts.filter((part) => part !== undefined)
  if (known.length < parts.length) return undefined
  return {
    text: known
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join('\n'),
    calls: known.flatMap((part) => part.calls),
    results: known.flatMap((part) => part.results),
  }
}

function isDataUrl(text: string): boolean {
  return /^data:[a-z]+\/[a-z0-9.+-]+;base64,/i.test(text)
}
