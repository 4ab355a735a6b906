// Anthropic's side of the fake provider: messages, plain and streamed.
// Shapes: Claude API reference, 2026-11. `input_tokens` leaves out what was read from or written to the cache; the usage of
// `message_delta` is cumulative and repeats the totals of `message_start`, but for the split of the writes by lifetime.

import type { BilledUsage, InvoiceLine } from './invoice.ts'
import { answeringModel, chargePicoUsd } from './invoice.ts'
import type { PromptPiece } from './prompt-cache.ts'
import { countTokens, MarkedPromptCache } from './prompt-cache.ts'
import type { Answer, FakeRequest, JsonObject } from './wire.ts'
import { asObject, asObjects, asText, serverSentEvent } from './wire.ts'

export class FakeAnthropic {
  readonly #run: string
  readonly #bill: (line: InvoiceLine) => void
  readonly #cache = new MarkedPromptCache()
  #responses = 0

  constructor(run: string, bill: (line: InvoiceLine) => void) {
    this.#run = run
    this.#bill = bill
  }

  answer({ path, body, failure }: FakeRequest): Answer {
    const model = asText(body['model'])
    const answersAs = answeringModel(model)
    if (failure !== undefined) return failed(failure)
    if (path !== 'messages') return failed(404, `no such path: ${path}`)
    if (answersAs === undefined) return failed(404, `model: ${model}`)

    const isStream = body['stream'] === true
    this.#responses++
    const id = `msg_${this.#run}${String(this.#responses).padStart(4, '0')}`
    const block = replyBlock(body, id)
    const billed: BilledUsage = {
      ...this.#cache.charge(model, promptPieces(body)),
      output: countTokens(JSON.stringify(block)),
    }
    this.#bill({
      provider: 'anthropic',
      endpoint: 'messages',
      isStream,
      requestModel: model,
      model: answersAs,
      responseId: id,
      usage: billed,
      picoUsd: chargePicoUsd(model, billed),
    })
    const stop = block.type === 'tool_use' ? 'tool_use' : 'end_turn'
    const message = {
      id,
      type: 'message',
      role: 'assistant',
      model: answersAs,
      content: [block],
      stop_reason: stop,
      stop_sequence: null,
      usage: wireUsage(billed),
    }
    if (!isStream) return { kind: 'json', status: 200, body: message }
    return { kind: 'events', events: streamOf(message) }
  }
}

function wireUsage(billed: BilledUsage) {
  return {
    input_tokens: billed.input,
    cache_creation_input_tokens: billed.cacheWrite5m + billed.cacheWrite1h,
    cache_read_input_tokens: billed.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: billed.cacheWrite5m,
      ephemeral_1h_input_tokens: billed.cacheWrite1h,
    },
    output_tokens: billed.output,
    service_tier: 'standard',
  }
}

type Block = ReturnType<typeof replyBlock>

function streamOf(message: {
  readonly content: readonly Block[]
  readonly stop_reason: string
  readonly usage: ReturnType<typeof wireUsage>
}): string[] {
  const { cache_creation: _, service_tier: __, ...totals } = message.usage
  const event = (type: string, data: object) => serverSentEvent({ type, ...data }, type)
  const blocks = message.content.flatMap((block, index) => {
    const isTool = block.type === 'tool_use'
    const delta = isTool
      ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
      : { type: 'text_delta', text: block.text }
    return [
      event('content_block_start', { index, content_block: isTool ? { ...block, input: {} } : { ...block, text: '' } }),
      event('content_block_delta', { index, delta }),
      event('content_block_stop', { index }),
    ]
  })
  const started = { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } }
  return [
    event('message_start', { message: started }),
    event('ping', {}),
    ...blocks,
    event('message_delta', { delta: { stop_reason: message.stop_reason, stop_sequence: null }, usage: totals }),
    event('message_stop', {}),
  ]
}

/** Tools, system and messages in the order the API caches them. */
function promptPieces(body: JsonObject): PromptPiece[] {
  const system = typeof body['system'] === 'string' ? [{ text: body['system'] }] : asObjects(body['system'])
  const messages = asObjects(body['messages']).flatMap(({ content }) =>
    typeof content === 'string' ? [{ text: content }] : asObjects(content),
  )
  return [...asObjects(body['tools']), ...system, ...messages].map((block: JsonObject) => {
    const { cache_control: control, ...rest } = block
    const text = JSON.stringify(rest)
    if (control === undefined) return { text }
    return { text, ttl: asObject(control)['ttl'] === '1h' ? '1h' : '5m' }
  })
}

/** A call of the first tool until its result is among the messages, then text. */
function replyBlock(body: JsonObject, id: string) {
  const messages = asObjects(body['messages'])
  const [tool] = asObjects(body['tools'])
  const hasResult = messages.some(({ content }) => asObjects(content).some(({ type }) => type === 'tool_result'))
  if (tool !== undefined && !hasResult)
    return {
      type: 'tool_use',
      id: `toolu_${id}`,
      name: asText(tool['name']),
      input: { order: 'A-1042' },
    } as const
  const last = messages.at(-1)?.['content']
  const asked = typeof last === 'string' ? last : JSON.stringify(last)
  return {
    type: 'text',
    text: `Here is a draft in answer to "${asked.slice(0, 60)}": we are sorry, and it is on its way.`,
  } as const
}

function failed(status: number, message?: string): Answer {
  const [type, text] = {
    400: ['invalid_request_error', 'prompt is too long'],
    404: ['not_found_error', 'Not found'],
    429: ['rate_limit_error', 'This request would exceed your rate limit'],
    529: ['overloaded_error', 'Overloaded'],
  }[status] ?? ['api_error', 'Internal server error']
  return { kind: 'json', status, body: { type: 'error', error: { type, message: message ?? text } } }
}
