// Haystack's own tracing: one span a component and none of its attributes says usage. With content tracing on, the provider's usage is
// inside the JSON of the component's output, in the `meta` of its replies or beside the vectors; with it off, calls are there without.

import type { Dialect, SpanKindName } from '../dialect.ts'
import { isPlainOfClaude } from '../haystack-claude.ts'
import { type Counts, fillFromAnswer, objectAt } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'

const kinds: readonly (readonly [RegExp, SpanKindName])[] = [
  [/Generator$/, 'llm'],
  [/Embedder$/, 'embedding'],
  [/^Agent$/, 'agent'],
  [/Retriever$/, 'retrieval'],
  [/^ToolInvoker$/, 'tool'],
]

/** Spans that are no component's. */
const byName: Readonly<Record<string, SpanKindName>> = {
  'haystack.pipeline.run': 'workflow',
  'haystack.agent.run': 'agent',
  'haystack.agent.step': 'workflow',
  'haystack.agent.step.llm': 'llm',
  'haystack.agent.step.tool': 'tool',
}

/** What a component's name begins with → its provider; what is not listed stays unknown. */
const providers: readonly (readonly [RegExp, string])[] = [
  [/^Azure/, 'azure.ai.openai'],
  [/^OpenAI/, 'openai'],
  [/^AnthropicVertex/, 'gcp.vertex_ai'],
  [/^Anthropic/, 'anthropic'],
  [/^AmazonBedrock/, 'aws.bedrock'],
  [/^GoogleGenAI|^GoogleAI/, 'gcp.gemini'],
  [/^Vertex/, 'gcp.vertex_ai'],
  [/^(Cohere|Mistral|Ollama|Groq|TogetherAI|OpenRouter)/, '$1'],
]

/** Outputs beyond this are not read: it would cost more than the rest of the span. */
const outputBytesMax = 256 * 1024

export default {
  id: 'haystack',
  spec: 'haystack-ai 3.4.1 with opentelemetry-haystack 2.0.0 (2026-11)',
  scopes: ['haystack'],
  marks: { 'haystack.*': 6 },
  fields: {
    'haystack.component.type': 'spanType',
    'haystack.component.input': 'inputContent',
    'haystack.component.output': 'outputContent',
    'haystack.agent.step.llm.output': 'outputContent',
    'haystack.agent.step.llm.input': 'inputContent',
    'haystack.tool.name': 'toolName',
  },
  content: [
    'haystack.pipeline.input_data',
    'haystack.pipeline.output_data',
    'haystack.agent.*',
    'haystack.tool.description',
  ],
  meaning: () => ({ inputIncludesCache: true, outputIncludesReasoning: true }),
  readsEach: true,
  read(span) {
    const type = span.text('spanType') ?? ''
    const kind = byName[span.name()] ?? kinds.find(([pattern]) => pattern.test(type))?.[1] ?? 'other'
    span.setKind(kind)
    if (kind !== 'llm' && kind !== 'embedding') return
    const [pattern, provider] = providers.find(([each]) => each.test(type)) ?? []
    if (pattern !== undefined && provider !== undefined) {
      span.setProvider(provider === '$1' ? (pattern.exec(type)?.[1] ?? '').toLowerCase() : provider)
    }
    const output = span.json('outputContent', outputBytesMax)
    if (output !== undefined) readOutput(span, output)
  },
} satisfies Dialect

function readOutput(span: SpanView, output: Counts): void {
  const first = (list: unknown): Counts | undefined =>
    Array.isArray(list) ? objectAt({ it: list[0] }, 'it') : undefined
  const meta = objectAt(first(output['replies']), 'meta') ?? objectAt(output, 'meta') ?? first(output['meta'])
  if (meta === undefined) return
  fillFromAnswer(span, meta)
  if (isPlainOfClaude(meta['finish_reason'], objectAt(meta, 'usage') ?? {}))
    span.setMeaning({ inputIncludesCache: false, outputIncludesReasoning: true })
  span.setTextIfMissing('finishReasons', meta['finish_reason'])
  if (typeof meta['completion_start_time'] === 'string') span.setFirstTokenTime(`${meta['completion_start_time']}Z`)
}
