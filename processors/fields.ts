// The canonical fields a dialect's attributes are mapped to, and where each goes in a batch.

import { content, low, type TextColumn, text } from '../schemas/span-batch.ts'
import { unit } from '../schemas/usage.ts'

/**
 * Ways to store a field: interned id, text range, usage count, message content, or kept at hand for later steps: `number` and
 * `asSent` for those every span goes through, `raw` for a dialect's own function, which is called for nothing else.
 */
export const fieldWay = { low: 0, text: 1, usage: 2, content: 3, number: 4, raw: 5, asSent: 6 } as const

interface Field {
  readonly way: number
  /** Column, usage slot or content slot, by `way`; unused for numbers and raw. */
  readonly at: number
}

const lowField = (column: keyof typeof low): Field => ({ way: fieldWay.low, at: low[column] })
const textField = (column: TextColumn): Field => ({ way: fieldWay.text, at: text[column] })
const usageField = (name: keyof typeof unit): Field => ({ way: fieldWay.usage, at: unit[name] })
const contentField = (slot: number): Field => ({ way: fieldWay.content, at: slot })
const number: Field = { way: fieldWay.number, at: 0 }
const raw: Field = { way: fieldWay.raw, at: 0 }
const asSent: Field = { way: fieldWay.asSent, at: 0 }

export const fields = {
  operation: lowField('operation'),
  /** What kind of span it is in the dialect's own words. */
  spanType: raw,
  provider: lowField('provider'),
  /** Vendor of the model where the dialect keeps it apart from the host. */
  vendor: raw,
  requestModel: lowField('request_model'),
  responseModel: lowField('response_model'),
  errorType: lowField('error_type'),
  serviceTier: lowField('service_tier'),
  feature: lowField('feature'),
  team: lowField('team'),
  step: lowField('step'),
  inputClass: lowField('input_class'),
  collection: lowField('collection'),
  agentName: lowField('agent_name'),
  toolName: lowField('tool_name'),
  promptName: lowField('prompt_name'),
  promptVersion: lowField('prompt_version'),
  env: lowField('env'),
  release: lowField('release'),
  finishReasons: lowField('finish_reason'),
  userId: textField('user_id'),
  sessionId: textField('session_id'),
  customer: textField('customer'),
  responseId: textField('response_id'),
  statusMessage: textField('status_message'),

  inputTokens: usageField('input'),
  outputTokens: usageField('output'),
  cacheReadTokens: usageField('cacheRead'),
  cacheWriteTokens: usageField('cacheWrite'),
  cacheWrite1hTokens: usageField('cacheWrite1h'),
  reasoningTokens: usageField('reasoning'),
  inputAudioTokens: usageField('inputAudio'),
  cacheReadAudioTokens: usageField('cacheReadAudio'),
  inputImageTokens: usageField('inputImage'),
  outputAudioTokens: usageField('outputAudio'),
  outputImageTokens: usageField('outputImage'),
  inputVideoTokens: usageField('inputVideo'),
  citationTokens: usageField('citation'),
  characters: usageField('characters'),
  images: usageField('images'),
  imagePixels: usageField('imagePixels'),
  audioSeconds: usageField('audioSeconds'),
  videoSeconds: usageField('videoSeconds'),
  pages: usageField('pages'),
  annotatedPages: usageField('annotatedPages'),
  requests: usageField('requests'),
  webSearchCalls: usageField('webSearch'),
  webSearchQueries: usageField('webSearchQuery'),
  searchQueries: usageField('searchQuery'),
  groundedRequests: usageField('groundedRequest'),
  fileSearchCalls: usageField('fileSearch'),
  codeSessions: usageField('codeSession'),
  searchUnits: usageField('searchUnit'),
  cacheWrite5mTokens: number,
  totalTokens: number,
  /** Tokens that are billed in addition to input and output (compaction). */
  extraInputTokens: number,
  extraOutputTokens: number,

  systemContent: contentField(content.system),
  inputContent: contentField(content.input),
  outputContent: contentField(content.output),
  toolDefinitions: contentField(content.tools),

  maxTokens: number,
  temperature: number,
  stream: asSent,
  ttftSeconds: number,
  ttftMs: number,
  ttftNano: number,
  httpStatus: number,
  /** What went wrong, where the span's status does not say it. */
  errorMessage: asSent,
  reportedCost: number,
  /** 10^-10 USD, as xAI reports it. */
  reportedCostTicks: number,
  reportedCurrency: asSent,
  speed: asSent,
  region: asSent,
  dataResidency: asSent,
  deploymentType: asSent,
  searchContextSize: asSent,
  imageSize: asSent,
  imageQuality: asSent,
  videoSize: asSent,
  /** Host that served the call: it tells a region where nothing else does. */
  endpoint: asSent,
  /** An object of the application's own members, as JSON. */
  metadataJson: asSent,

  // JSON and other text that a dialect's own function reads.
  /** The tier asked for, which need not be the one served. */
  askedTier: raw,
  /** Input without its cached parts. */
  freshInputTokens: raw,
  /** How the client signed in, where that tells the provider. */
  authType: raw,
  usageJson: raw,
  costJson: raw,
  providerMetadata: raw,
  promptJson: raw,
  /** Provider as JSON text, or as an emitter in another language than Python's writes it. */
  vendorJson: raw,
  /** Versions of a framework's packages, by name, as JSON. */
  packagesJson: raw,
  /** Of the instrumentation, where its scope does not say it. */
  sdkVersion: raw,
  completionStart: raw,
  /** What a span of a workflow is named by. */
  entityName: raw,
  /** An id of the dialect's own, by which its calls are known. */
  eventId: raw,
  /** Name of the function that was called. */
  functionName: raw,
  /** Tokens that were counted for the asking, without a call of a model. */
  countedTokens: raw,
  level: raw,
  /** What sort of span it is where that is no kind: an end, a mark, a frame. */
  spanForm: raw,
  /** Parts of the input and of the output, each as an object of its own. */
  inputDetails: raw,
  outputDetails: raw,
} as const satisfies Record<string, Field>

export type FieldName = keyof typeof fields

export const fieldNames = Object.keys(fields) as readonly FieldName[]
export const fieldCount = fieldNames.length
/** Slot of each field in a span's winners. */
export const slotOf = Object.fromEntries(fieldNames.map((name, slot) => [name, slot])) as Readonly<
  Record<FieldName, number>
>
export const wayOf = Uint8Array.from(fieldNames, (name) => fields[name].way)
export const placeOf = Uint8Array.from(fieldNames, (name) => fields[name].at)
