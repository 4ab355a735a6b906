// A row of an export → what its reader gets: the columns as they are, and what was said, as captured or as plain messages.

import { answerText, type Captured, type Conversation, conversationOf, type Spoken } from '../chat/captured.ts'

/** A row of a call or of a trace, as its statement gives it. */
export type ExportRow = Readonly<Record<string, unknown>>
export type ExportRecord = Readonly<Record<string, unknown>>

const contentNames: ReadonlySet<string> = new Set([
  'system_instructions',
  'input_messages',
  'output_messages',
  'tool_definitions',
  'content_attributes',
  'input_attributes',
  'output_attributes',
])

/** The record of a row. `captured`: values that are JSON as JSON, others as text, null where nothing was captured. */
export function recordOf(row: ExportRow, content: 'captured' | 'chat' | 'none'): ExportRecord {
  const columns = Object.fromEntries(
    Object.entries(row).filter(([name]) => !contentNames.has(name) && name !== 'scores'),
  )
  const scores = row['scores'] ?? []
  switch (content) {
    case 'none':
      return { ...columns, scores }
    case 'captured':
      return { ...columns, ...asCaptured(row), scores }
    case 'chat': {
      const { input, output } = conversationIn(row)
      return { ...columns, input: shown(input), output: { ...shown(output), text: textOrNull(output) }, scores }
    }
    default:
      return content satisfies never
  }
}

export function conversationIn(row: ExportRow): Conversation {
  const { system_instructions, input_messages, output_messages } = row
  const attributes = ['content_attributes', 'input_attributes', 'output_attributes'].map((name) => mapAt(row, name))
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return conversationOf({
    system_instructions: text(system_instructions),
    input_messages: text(input_messages),
    output_messages: text(output_messages),
    attributes: Object.assign({}, ...attributes) as Captured['attributes'], // maps of texts, each of them
  })
}

function asCaptured(row: ExportRow): ExportRecord {
  const attributes = mapAt(row, 'content_attributes')
  return {
    system_instructions: valueIn(row['system_instructions']),
    input: valueIn(row['input_messages']),
    output: valueIn(row['output_messages']),
    ...('tool_definitions' in row ? { tool_definitions: valueIn(row['tool_definitions']) } : {}),
    // Of dialects that spread their messages over many attributes.
    ...(Object.keys(attributes).length === 0 ? {} : { content_attributes: attributes }),
  }
}

function mapAt(row: ExportRow, name: string): Readonly<Record<string, string>> {
  return (row[name] ?? {}) as Readonly<Record<string, string>> // a Map(String, String), as JSON
}

/** JSON that is an object, a list or a quoted text; anything else is the text it is. */
function valueIn(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return null
  if (!/^\s*[[{"]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    // It only begins like JSON.
    return text
  }
}

function shown({ form, messages, raw }: Spoken): ExportRecord {
  return form === 'raw' ? { form, raw } : { form, messages }
}

function textOrNull(output: Spoken): string | null {
  return answerText(output) || null
}
