// OpenAI's side of the fake provider: chat completions, responses and embeddings, plain and streamed.
// Shapes: OpenAI API reference, 2026-11. `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones.

import type { BilledUsage, InvoiceLine } from './invoice.ts'
import { answeringModel, chargePicoUsd } from './invoice.ts'
import { AutomaticPromptCache, countTokens } from './prompt-cache.ts'
import type { Answer, FakeRequest, JsonObject } from './wire.ts'
import { asObject, asObjects, asText, serverSentEvent } from './wire.ts'

/** A model of the o-series thinks this long before it answers. */
const reasoningTokens = 448
const fakeEmbedding = [0.0125, -0.25, 0.5, 0.75]

interface Count {
  readonly prompt: number
  readonly cached: number
  readonly completion: number
  readonly reasoning: number
}

export class FakeOpenAi {
  readonly #run: string
  readonly #bill: (line: InvoiceLine) => void
  readonly #cache = new AutomaticPromptCache()
  #responses = 0

  constructor(run: string, bill: (line: InvoiceLine) => void) {
    this.#run = run
    this.#bill = bill
  }

  answer({ path, body, failure }: FakeRequest): Answer {
    const model = asText(body['model'])
    const answersAs = answeringModel(model)
    if (failure !== undefined) return failed(failure)
    if (answersAs === undefined) return failed(404, `The model \`${model}\` does not exist`)
    switch (path) {
      case 'chat/completions':
        return this.#chat(body, model, answersAs)
      case 'responses':
        return this.#response(body, model, answersAs)
      case 'embeddings':
        return this.#embedding(body, model, answersAs)
      default:
        return failed(404, `no such path: ${path}`)
    }
  }

  #chat(body: JsonObject, model: string, answersAs: string): Answer {
    const id = this.#nextId('chatcmpl-')
    const message = chatMessage(body, id)
    const count = this.#count(model, [body['tools'], body['messages']], JSON.stringify(message))
    const usage = {
      prompt_tokens: count.prompt,
      completion_tokens: count.completion,
      total_tokens: count.prompt + count.completion,
      prompt_tokens_details: { cached_tokens: count.cached, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: count.reasoning,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    }
    const isStream = body['stream'] === true
    this.#charge({ endpoint: 'chat.completions', isStream, model, answersAs, responseId: id, count })
    const finish = 'tool_calls' in message ? 'tool_calls' : 'stop'
    const common = { id, created: seconds(), model: answersAs, service_tier: 'default', system_fingerprint: 'fp_fake' }
    if (!isStream) {
      const choices = [{ index: 0, message: { refusal: null, ...message }, finish_reason: finish, logprobs: null }]
      return { kind: 'json', status: 200, body: { ...common, object: 'chat.completion', choices, usage } }
    }
    const withUsage = asObject(body['stream_options'])['include_usage'] === true
    const chunk = (choices: unknown[], last: object = {}) =>
      serverSentEvent({ ...common, object: 'chat.completion.chunk', choices, ...last })
    const delta = (content: object, reason: string | null = null) =>
      chunk([{ index: 0, delta: content, finish_reason: reason }], withUsage ? { usage: null } : {})
    const events = [
      delta({ role: 'assistant', content: '' }),
      ...halves(asText(message.content)).map((content) => delta({ content })),
      delta({}, finish),
      ...(withUsage ? [chunk([], { usage })] : []),
      serverSentEvent('[DONE]'),
    ]
    return { kind: 'events', events }
  }

  #response(body: JsonObject, model: string, answersAs: string): Answer {
    const id = this.#nextId('resp_')
    const reply = replyTo(asText(body['input']))
    const count = this.#count(model, [body['tools'], body['instructions'], body['input']], reply)
    this.#charge({
      endpoint: 'responses',
      isStream: body['stream'] === true,
      model,
      answersAs,
      responseId: id,
      count,
    })
    const part = { type: 'output_text', text: reply, annotations: [] }
    const item = { type: 'message', id: id.replace('resp', 'msg'), status: 'completed', role: 'assistant' }
    const open = {
      id,
      object: 'response',
      created_at: seconds(),
      status: 'in_progress',
      model: answersAs,
      service_tier: 'default',
      error: null,
      incomplete_details: null,
      instructions: body['instructions'] ?? null,
      metadata: {},
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [],
      output: [] as unknown[],
      usage: null as unknown,
    }
    const done = {
      ...open,
      status: 'completed',
      output: [{ ...item, content: [part] }],
      usage: {
        input_tokens: count.prompt,
        input_tokens_details: { cached_tokens: count.cached },
        output_tokens: count.completion,
        output_tokens_details: { reasoning_tokens: count.reasoning },
        total_tokens: count.prompt + count.completion,
      },
    }
    if (body['stream'] !== true) return { kind: 'json', status: 200, body: done }
    const at = { item_id: item.id, output_index: 0, content_index: 0 }
    const steps: readonly (readonly [string, object])[] = [
      ['response.created', { response: open }],
      ['response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } }],
      ['response.content_part.added', { ...at, part: { ...part, text: '' } }],
      ...halves(reply).map((delta) => ['response.output_text.delta', { ...at, delta, logprobs: [] }] as const),
      ['response.output_text.done', { ...at, text: reply, logprobs: [] }],
      ['response.content_part.done', { ...at, part }],
      ['response.output_item.done', { output_index: 0, item: done.output[0] }],
      ['response.completed', { response: done }],
    ]
    const events = steps.map(([type, data], index) => serverSentEvent({ type, sequence_number: index, ...data }, type))
    return { kind: 'events', events }
  }

  #embedding(body: JsonObject, model: string, answersAs: string): Answer {
    const inputs = Array.isArray(body['input']) ? body['input'].map(asText) : [asText(body['input'])]
    const prompt = inputs.reduce((sum, input) => sum + countTokens(input), 0)
    const count = { prompt, cached: 0, completion: 0, reasoning: 0 }
    this.#charge({ endpoint: 'embeddings', isStream: false, model, answersAs, responseId: null, count })
    // The official client asks for base64 unless told otherwise.
    const embedding =
      body['encoding_format'] === 'base64'
        ? Buffer.from(new Float32Array(fakeEmbedding).buffer).toString('base64')
        : fakeEmbedding
    const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding }))
    const usage = { prompt_tokens: prompt, total_tokens: prompt }
    return { kind: 'json', status: 200, body: { object: 'list', data, model: answersAs, usage } }
  }

  #count(model: string, prompt: readonly unknown[], reply: string): Count {
    const text = JSON.stringify(prompt)
    const reasoning = model.startsWith('o') ? reasoningTokens : 0
    return {
      prompt: countTokens(text),
      cached: this.#cache.read(model, text),
      completion: countTokens(reply) + reasoning,
      reasoning,
    }
  }

  #charge(response: {
    readonly endpoint: string
    readonly isStream: boolean
    readonly model: string
    readonly answersAs: string
    readonly responseId: string | null
    readonly count: Count
  }): void {
    const { count } = response
    const usage: BilledUsage = {
      input: count.prompt - count.cached,
      cacheRead: count.cached,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      output: count.completion,
    }
    this.#bill({
      provider: 'openai',
      endpoint: response.endpoint,
      isStream: response.isStream,
      requestModel: response.model,
      model: response.answersAs,
      responseId: response.responseId,
      usage,
      picoUsd: chargePicoUsd(response.model, usage),
    })
  }

  #nextId(prefix: string): string {
    this.#responses++
    return `${prefix}${this.#run}${String(this.#responses).padStart(4, '0')}`
  }
}

/** A call of the first tool until its result is among the messages, then text. */
function chatMessage(body: JsonObject, id: string) {
  const messages = asObjects(body['messages'])
  const [tool] = asObjects(body['tools'])
  if (tool === undefined || messages.some(({ role }) => role === 'tool'))
    return { role: 'assistant', content: replyTo(asText(messages.at(-1)?.['content'])) }
  const name = asText(asObject(tool['function'])['name'])
  const call = { id: `call_${id}`, type: 'function', function: { name, arguments: '{"order":"A-1042"}' } }
  return { role: 'assistant', content: null, tool_calls: [call] }
}

function replyTo(message: string): string {
  return `Thank you for asking "${message.slice(0, 60)}". Here is what the handbook says about it.`
}

function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2)
  return [text.slice(0, middle), text.slice(middle)].filter((half) => half !== '')
}

function failed(status: number, message?: string): Answer {
  const [type, code, text] = {
    400: ['invalid_request_error', 'context_length_exceeded', 'Your messages are longer than the context window.'],
    404: ['invalid_request_error', 'model_not_found', 'Not found'],
    429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests'],
  }[status] ?? ['server_error', null, 'The server had an error while processing your request']
  return { kind: 'json', status, body: { error: { message: message ?? text, type, param: null, code } } }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
