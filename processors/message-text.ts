// Message content as captured on a span → the text a tokenizer would see. Shapes read: the generative-AI conventions
// ([{role, parts}]), OpenAI's ([{role, content}]), frameworks' ({messages: …}), and plain text. A part that is not text (image,
// audio, file) has tokens no tokenizer can count: the whole is then no text.

/** Texts of one content column, and how many messages they were in. */
export interface MessageText {
  readonly texts: readonly string[]
  readonly messages: number
}

/** Keys whose values say how a message is built, not what it says. */
const structure: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'index',
  'object',
  'finish_reason',
  'finishReason',
  'tool_call_id',
  'toolCallId',
  'toolu_id',
  'mime_type',
  'cache_control',
  'created',
  'modality',
])

const notText =
  /^(image|image_url|input_image|output_image|blob|uri|file|audio|input_audio|output_audio|video|document|media)$/

const depthMax = 32

/** Null when it holds anything but text. */
export function messageText(content: string): MessageText | null {
  const trimmed = content.trimStart()
  if (!trimmed.startsWith('[') && !trimmed.startsWith('{')) return { texts: [content], messages: 1 }
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    // Text that only looks like JSON.
    return { texts: [content], messages: 1 }
  }
  const texts: string[] = []
  if (!collect(value, texts, 0)) return null
  return { texts, messages: messageCount(value) }
}

/** False at the first part that is not text. */
function collect(value: unknown, texts: string[], depth: number): boolean {
  if (typeof value === 'string') {
    if (value !== '') texts.push(value)
    return !/^data:[a-z]+\/[a-z0-9.+-]+;base64,/i.test(value)
  }
  if (typeof value === 'number' || typeof value === 'boolean') {
    texts.push(String(value))
    return true
  }
  if (typeof value !== 'object' || value === null) return true
  if (depth > depthMax) return false
  if (Array.isArray(value)) return value.every((each) => collect(each, texts, depth + 1))
  const { type } = value as { type?: unknown }
  if (typeof type === 'string' && notText.test(type)) return false
  return Object.entries(value).every(([key, each]) => {
    if (structure.has(key)) return true
    // What a tool is given and what it answers is JSON on the wire as well.
    if (typeof each === 'object' && each !== null && !Array.isArray(each) && isData(key)) {
      texts.push(JSON.stringify(each))
      return true
    }
    return collect(each, texts, depth + 1)
  })
}

function isData(key: string): boolean {
  return /^(arguments|args|input|response|result|parameters|input_schema|schema)$/.test(key)
}

function messageCount(value: unknown): number {
  if (Array.isArray(value)) return Math.max(1, value.length)
  const { messages } = value as { messages?: unknown }
  return Array.isArray(messages) ? Math.max(1, messages.length) : 1
}
