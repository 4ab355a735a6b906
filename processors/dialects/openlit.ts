// OpenLIT. OpenTelemetry's names and its own for the parts; counts include them, but for some providers' that are passed on as they
// come. Its JavaScript packages each have a scope, and those of Python since 1.39; before, all of Python's share one.

import type { Dialect } from '../dialect.ts'
import type { Counts } from '../provider-usage.ts'
import type { SpanView } from '../span-view.ts'
import { isBelow } from '../versions.ts'

export default {
  id: 'openlit',
  spec: 'openlit (npm) 1.15.0, openlit (Python) 1.45.0 (2026-11), openlit @ ad20b7b4',
  scopes: ['openlit*', '@openlit/*'],
  marks: {},
  fields: {
    'gen_ai.session.id': 'sessionId',
    'gen_ai.user.id': 'userId',
    'gen_ai.request.user': 'userId',
    // Sent since the version that reports the cache of every stream that told its usage.
    'openlit.agent.version_hash': 'spanForm',
    'gen_ai.request.is_stream': 'stream',
    'gen_ai.request.service_tier': 'askedTier',
    'gen_ai.sdk.version': 'sdkVersion',
  },
  meaning({ scope, provider }) {
    const isJavaScript = scope.startsWith('@')
    // The providers' own counts are passed on: Anthropic's and Bedrock's input is exclusive, Google's output leaves thoughts out.
    const isExclusive = provider === 'anthropic' || (provider === 'aws.bedrock' && !isJavaScript)
    return { inputIncludesCache: !isExclusive, outputIncludesReasoning: isJavaScript || !provider.startsWith('gcp.') }
  },
  readsEach: true,
  read(span) {
    if (span.scope().startsWith('@')) readJavaScript(span)
    else readPython(span)
  },
} satisfies Dialect

/**
 * Streams of OpenAI's chat were counted by a tokenizer, whatever they told, before 1.15; older releases do not say their version. Those of Claude
 * have the count at their beginning added to the one at their end: it is not told and at least 1.
 */
function readJavaScript(span: SpanView): void {
  if (!/^true$/i.test(span.text('stream') ?? '')) return
  const version = span.text('sdkVersion')
  const isOld = version === undefined || isBelow(version, 1, 15)
  const isChat = span.text('operation') === 'chat' && !/complete/.test(span.text('finishReasons') ?? '')
  if (isOld && isChat && span.scope() === '@openlit/instrumentation-openai') span.forgetUsage()
  const output = span.usage('outputTokens')
  if (span.scope() === '@openlit/instrumentation-anthropic' && output > 1) span.mendUsage('outputTokens', output - 1)
}

/** Of all spans of Python before 1.39, and of no other since. */
const sharedScope = 'openlit.otel.tracing'

function readPython(span: SpanView): void {
  // Its events repeat its spans and cannot say what was a guess.
  if (span.name() === 'gen_ai.client.inference.operation.details') {
    span.forgetUsage()
    span.setKind('other')
    return
  }
  const isOld = span.scope() === sharedScope
  if (isChatStream(span) && (isOld || isGuess(span))) span.forgetUsage()
  // The tier of the answer stands where others have the one asked for.
  const tier = span.text('askedTier')
  if (isOld && tier !== 'auto') span.setTextIfMissing('serviceTier', tier)
}

/**
 * OpenAI's chat: Responses, which end as completed or incomplete, tell their usage, and LangChain's spans, which name no server, have what
 * LangChain was told.
 */
function isChatStream(span: SpanView): boolean {
  if (!['openai', 'azure.ai.openai'].includes(span.provider()) || span.text('operation') !== 'chat') return false
  const isResponses = /complete/.test(span.text('finishReasons') ?? '')
  return /^true$/i.test(span.text('stream') ?? '') && span.has('endpoint') && !isResponses
}

/**
 * A stream that told no usage is counted by OpenLIT itself, the old ones whatever it told: a token for every two characters. One that told has
 * its cache beside it, be it 0, in newer versions; in those before, the answer's length tells a guess, where it is sent.
 */
function isGuess(span: SpanView): boolean {
  if (span.has('cacheReadTokens')) return false
  const length = span.has('spanForm') ? undefined : textLength(span)
  return span.has('spanForm') || (length !== undefined && span.usage('outputTokens') === Math.ceil(length / 2))
}

/** Characters of an answer's text parts, as Python counts them; undefined where it is no list of messages. */
function textLength(span: SpanView): number | undefined {
  const message = span.jsonList('outputContent')?.[0] as Counts | undefined
  const parts = message?.['parts']
  if (!Array.isArray(parts)) return undefined
  return parts.reduce((sum: number, part: Counts) => sum + [...String(part['content'] ?? '')].length, 0)
}
