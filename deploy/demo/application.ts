// A small support desk that asks two providers through their official clients. Run as a process of its own; everything it needs
// to know stands in the environment variables its libraries read: OPENAI_BASE_URL, ANTHROPIC_BASE_URL, OTEL_EXPORTER_OTLP_ENDPOINT.
// The headers `x-fake-…` steer the pretended provider and nothing else.

import Anthropic from '@anthropic-ai/sdk'
import type { SpanContext } from '@opentelemetry/api'
import { context, logs, trace } from '@opentelemetry/api'
import OpenAI from 'openai'
import { handbook, orderTool } from './handbook.ts'
import { startTelemetry, traceCall, traceTool, traceWorkflow } from './telemetry.ts'

/** What the application did, for comparison with what the ledger says of it. */
export interface ApplicationReport {
  readonly workflows: readonly WorkflowRun[]
  /** Scores that were sent, with what they judge. */
  readonly scores: readonly SentScore[]
}

export interface WorkflowRun {
  readonly name: string
  readonly traceId: string
  /** `failed`: its last call of a model ended in an error. */
  readonly outcome: 'ok' | 'failed'
  /** False: one call of it is traced without usage, so no ledger can know what it cost. */
  readonly isUsageReported: boolean
}

export interface SentScore {
  readonly by: 'http' | 'otlp'
  readonly name: string
  readonly value: number
  readonly traceId: string | null
  readonly spanId: string | null
  readonly responseId: string | null
}

const telemetry = startTelemetry()
const openai = new OpenAI()
const anthropic = new Anthropic()
const workflows: WorkflowRun[] = []
const scores: SentScore[] = []

// --- OpenAI, traced by the OpenInference instrumentation

// The second answer finds the handbook in the prompt cache.
const firstAnswer = await workflow('answer-question', 'mia', () => answerQuestion('Where is my parcel?'))
const secondAnswer = await workflow('answer-question', 'noah', () => answerQuestion('May I send shoes back?'))
await workflow('look-up-order', 'mia', lookUpOrder)
await workflow('plan-refund', 'ada', planRefund)
await workflow('summarise-thread', 'ada', summariseThread)
// One 429, then an answer: one call, billed once.
await workflow('answer-question', 'lena', () =>
  answerQuestion('Do you ship to Graz?', { 'x-fake-status': '429', 'x-fake-failing-attempts': '1' }),
)

// --- OpenAI, traced by the application itself where the instrumentation reports no usage

const streamed = await workflow('live-chat', 'noah', () => chatLive('Is the shop open today?'))
await workflow('index-articles', 'system', indexArticles)
await workflow('live-chat', 'lena', () => chatLive('And tomorrow?', { 'x-fake-status': '400' }))
// Left to the instrumentation alone: billed, but by how much no telemetry says.
if (process.env['DEMO_WITH_UNREPORTED'] === 'true')
  await workflow('live-chat-untraced', 'lena', chatWithoutUsage, { isUsageReported: false })

// --- Anthropic, traced by its own client

await workflow('triage', 'mia', triage)
// The first draft writes the handbook to the prompt cache, the second reads it.
const draft = await workflow('draft-reply', 'noah', () => streamReply('The parcel never arrived.'))
await workflow('draft-reply', 'ada', () => draftReply('The parcel arrived broken.'))
await workflow('look-up-order-claude', 'noah', lookUpOrderWithClaude)
await workflow('triage', 'lena', () => triage({ 'x-fake-status': '529', 'x-fake-failing-attempts': '1' }))
await workflow('triage', 'ada', () => triage({ 'x-fake-status': '429' }))

// --- Feedback

await sendThumb(firstAnswer.traceId, 1, { comment: 'That helped.', tags: ['shipping'], user_id: 'mia' })
await sendThumb(secondAnswer.traceId, -1, { comment: 'Shoes can be sent back.', tags: ['wrong'], user_id: 'noah' })
await sendThumb(draft.traceId, 1, { name: 'tone', source: 'human-review', user_id: 'reviewer' })
if (draft.result !== undefined) evaluate('relevance', 0.85, 'relevant', { responseId: draft.result })
if (streamed.result !== undefined) evaluate('politeness', 1, 'polite', { span: streamed.result })

await telemetry.shutdown()
const report: ApplicationReport = { workflows, scores }
if (process.send === undefined) console.log(JSON.stringify(report, null, 2))
else {
  process.send(report)
  process.disconnect?.()
}

type Headers = Readonly<Record<string, string>>

async function answerQuestion(question: string, headers: Headers = {}): Promise<void> {
  await openai.chat.completions.create(
    {
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: handbook },
        { role: 'user', content: question },
      ],
    },
    { headers },
  )
}

async function lookUpOrder(): Promise<void> {
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Where is order A-1042?' }]
  const tools: OpenAI.Chat.ChatCompletionTool[] = [
    {
      type: 'function',
      function: { name: orderTool.name, description: orderTool.description, parameters: orderTool.schema },
    },
  ]
  const asked = await openai.chat.completions.create({ model: 'gpt-4.1', messages, tools })
  const message = asked.choices[0]?.message
  if (message === undefined) throw new Error('no choice in the answer')
  messages.push(message)
  for (const call of message.tool_calls ?? [])
    messages.push({ role: 'tool', tool_call_id: call.id, content: await traceTool(orderTool.name, orderTool.run) })
  await openai.chat.completions.create({ model: 'gpt-4.1', messages, tools })
}

async function planRefund(): Promise<void> {
  await openai.chat.completions.create({
    model: 'o4-mini',
    messages: [{ role: 'user', content: 'Order A-1042 was paid in two parts, one by voucher. Plan the refund.' }],
  })
}

async function summariseThread(): Promise<void> {
  const events = await openai.responses.create({
    model: 'gpt-4.1',
    instructions: 'Summarise in one sentence.',
    input: 'The parcel was late. We apologised. The customer is content.',
    stream: true,
  })
  for await (const _ of events);
}

/** Streams an answer; returns the span that traced it. */
async function chatLive(question: string, headers: Headers = {}): Promise<SpanContext> {
  const model = 'gpt-4o-mini'
  return traceCall({ operation: 'chat', model }, async (span) => {
    const chunks = await openai.chat.completions.create(
      {
        model,
        messages: [{ role: 'user', content: question }],
        stream: true,
        stream_options: { include_usage: true },
      },
      { headers },
    )
    for await (const chunk of chunks) {
      span.setAttributes({ 'gen_ai.response.id': chunk.id, 'gen_ai.response.model': chunk.model })
      if (chunk.usage)
        span.setAttributes({
          'gen_ai.usage.input_tokens': chunk.usage.prompt_tokens,
          'gen_ai.usage.output_tokens': chunk.usage.completion_tokens,
          'gen_ai.usage.cache_read.input_tokens': chunk.usage.prompt_tokens_details?.cached_tokens ?? 0,
        })
    }
    return span.spanContext()
  })
}

async function chatWithoutUsage(): Promise<void> {
  const messages = [{ role: 'user' as const, content: 'Do you sell gift cards?' }]
  const chunks = await openai.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true })
  for await (const _ of chunks);
}

async function indexArticles(): Promise<void> {
  const model = 'text-embedding-3-small'
  await traceCall({ operation: 'embeddings', model }, async (span) => {
    const input = ['How to return an item.', 'How a refund is paid out, and when it arrives.']
    const { usage, model: responseModel } = await openai.embeddings.create({ model, input })
    span.setAttributes({
      'gen_ai.response.model': responseModel,
      'gen_ai.usage.input_tokens': usage.prompt_tokens,
    })
  })
}

async function triage(headers: Headers = {}): Promise<void> {
  await anthropic.messages.create(
    {
      model: 'claude-haiku-4-5',
      max_tokens: 64,
      system: 'Answer with one word: refund, delivery or other.',
      messages: [{ role: 'user', content: 'My parcel is late.' }],
    },
    // Without `x-fake-failing-attempts` the provider never gives in: not worth a second attempt.
    { headers, ...('x-fake-failing-attempts' in headers ? {} : { maxRetries: 0 }) },
  )
}

/** The handbook is cached for an hour, the house style for five minutes. */
function replyRequest(complaint: string) {
  const style = `House style.\n${'Be brief, be kind, and never promise a date. '.repeat(8)}`
  return {
    model: 'claude-sonnet-4-6',
    max_tokens: 512,
    system: [
      { type: 'text' as const, text: handbook, cache_control: { type: 'ephemeral' as const, ttl: '1h' as const } },
      { type: 'text' as const, text: style, cache_control: { type: 'ephemeral' as const } },
    ],
    messages: [{ role: 'user' as const, content: complaint }],
  }
}

/** Streams a draft; returns the response id. */
async function streamReply(complaint: string): Promise<string> {
  const stream = anthropic.messages.stream(replyRequest(complaint))
  return (await stream.finalMessage()).id
}

async function draftReply(complaint: string): Promise<void> {
  await anthropic.messages.create(replyRequest(complaint))
}

async function lookUpOrderWithClaude(): Promise<void> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Where is order A-1042?' }]
  const request = {
    model: 'claude-sonnet-4-6',
    max_tokens: 256,
    tools: [{ name: orderTool.name, description: orderTool.description, input_schema: orderTool.schema }],
    messages,
  }
  const asked = await anthropic.messages.create(request)
  messages.push({ role: 'assistant', content: asked.content })
  const results: Anthropic.ToolResultBlockParam[] = []
  for (const block of asked.content)
    if (block.type === 'tool_use')
      results.push({
        type: 'tool_result',
        tool_use_id: block.id,
        content: await traceTool(orderTool.name, orderTool.run),
      })
  messages.push({ role: 'user', content: results })
  await anthropic.messages.create(request)
}

/** Runs a workflow; one that fails is reported, and the application goes on. */
async function workflow<T>(
  name: string,
  user: string,
  run: () => Promise<T>,
  { isUsageReported } = { isUsageReported: true },
): Promise<{ readonly traceId: string; readonly result: T | undefined }> {
  let traceId = ''
  try {
    const result = await traceWorkflow({ name, user, session: `session-${user}` }, (id) => {
      traceId = id
      return run()
    })
    workflows.push({ name, traceId, outcome: 'ok', isUsageReported })
    return { traceId, result }
  } catch (error) {
    if (!(error instanceof OpenAI.APIError || error instanceof Anthropic.APIError)) throw error
    workflows.push({ name, traceId, outcome: 'failed', isUsageReported })
    return { traceId, result: undefined }
  }
}

interface Thumb {
  /** What is judged; `user_feedback` unless said. */
  readonly name?: string
  readonly source?: 'user' | 'human-review'
  readonly user_id: string
  readonly comment?: string
  readonly tags?: readonly string[]
}

/** A person's verdict on a whole trace, by HTTP as a browser would send it. */
async function sendThumb(traceId: string, score: 1 | -1, more: Thumb): Promise<void> {
  const response = await fetch(`${process.env['SPANLEDGER_API_URL']}/api/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ trace_id: traceId, score, ...more }),
  })
  if (!response.ok) throw new Error(`feedback was not taken: ${response.status} ${await response.text()}`)
  scores.push({
    by: 'http',
    name: more.name ?? 'user_feedback',
    value: score,
    traceId,
    spanId: null,
    responseId: null,
  })
}

/** An evaluator's verdict on one call, as the standard's event: named by its span, or by the id of the response. */
function evaluate(
  name: string,
  value: number,
  label: string,
  judged: { readonly responseId?: string; readonly span?: SpanContext },
): void {
  const { span, responseId } = judged
  logs.getLogger('support-desk').emit({
    eventName: 'gen_ai.evaluation.result',
    ...(span === undefined ? {} : { context: trace.setSpanContext(context.active(), span) }),
    attributes: {
      'gen_ai.evaluation.name': name,
      'gen_ai.evaluation.score.value': value,
      'gen_ai.evaluation.score.label': label,
      ...(responseId === undefined ? {} : { 'gen_ai.response.id': responseId }),
    },
  })
  scores.push({
    by: 'otlp',
    name,
    value,
    traceId: span?.traceId ?? null,
    spanId: span?.spanId ?? null,
    responseId: responseId ?? null,
  })
}
