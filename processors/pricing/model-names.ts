// A model name as a call reports it → the names it may be listed under, with what each spelling says about the price.
//
//   bedrock/us-east-1/anthropic.claude-…     the gateway's prefix, a region                anthropic.claude-…
//   us.anthropic.claude-…                    a profile of a geography                      anthropic.claude-…
//   arn:aws:bedrock:…:inference-profile/us.… an account's region, the profile's geography  anthropic.claude-…
//   projects/p/locations/us-east5/publishers/anthropic/models/claude-…@20250929            claude-…@20250929
//   azure/eu/gpt-4o                          a gateway's word for a data zone              gpt-4o
//
// The name as it came goes first: a slash may belong to the id. Only what stands in front is taken off, one piece at a time;
// an ending (`:free`, `-fast`, `@20250929`) may be another price. What a spelling says becomes a condition, which decides
// only where entries of that model ask for it.
// Sources: model and ARN forms of the Bedrock user guide, Vertex AI resource names, Azure model registry ids, provider
// prefixes of LiteLLM, Portkey and aisuite (2026-11).

import type { CallConditions } from './conditions.ts'
import { knownProvider, namesNoProvider } from './provider-names.ts'

/** One name to look up, and the conditions that its spelling implies. */
export interface Reading {
  readonly name: string
  readonly implied: Partial<CallConditions>
}

const nothing: Partial<CallConditions> = {}
/** Pieces that are taken off; no name has as many. */
const piecesMax = 8

interface Form {
  readonly pattern: RegExp
  /** What is left of the name and what was said; null: not this form after all. */
  readonly read: (match: RegExpExecArray) => Reading | null
}

const bedrock: readonly Form[] = [
  // Routes of a gateway.
  { pattern: /^(?:converse|converse_like|invoke|mantle)\/(.+)$/, read: ([, rest = '']) => rename(rest) },
  // Anthropic's own service on AWS, at its own price.
  { pattern: /^claude_platform\/(.+)$/, read: ([, rest = '']) => placed(rest, 'global') },
  { pattern: /^([a-z]{2}(?:-[a-z]+)+-\d)\/(.+)$/, read: ([, region = '', rest = '']) => placed(rest, region) },
  {
    pattern: /^arn:aws[a-z-]*:bedrock:([a-z0-9-]*):\d*:(?:foundation-model|inference-profile)\/(.+)$/,
    read: ([, region = '', rest = '']) => placed(rest, region),
  },
  // An application's profile, provisioned throughput, an imported or tuned model: only its owner can say what it is.
  {
    pattern: /^arn:aws[a-z-]*:bedrock:([a-z0-9-]*):\d*:([a-z-]+\/.+)$/,
    read: ([, region = '', rest = '']) => placed(rest, region),
  },
  // What a profile costs is told by its geography, not by the region of the account that it is called from.
  {
    pattern: /^(global|apac|us-gov|[a-z]{2})\.([a-z0-9]+\..+)$/,
    read: ([, geography = '', rest = '']) => placed(rest, geography),
  },
]

const vertex: readonly Form[] = [
  {
    pattern: /(?:^|\/)projects\/[^/]+\/locations\/([^/]+)\/((?:publishers|models|endpoints)\/.+)$/,
    read: ([, location = '', rest = '']) => placed(rest, location),
  },
]

/** LiteLLM's words for where an Azure deployment runs, and one for throughput that is paid by the hour. */
const azurePlaces: { readonly [word: string]: Partial<CallConditions> } = {
  global: { deploymentType: 'global-standard' },
  'global-standard': { deploymentType: 'global-standard' },
  us: { deploymentType: 'datazone-standard', region: 'us' },
  eu: { deploymentType: 'datazone-standard', region: 'eu' },
  apac: { deploymentType: 'datazone-standard', region: 'apac' },
  'us-gov': { region: 'us-gov' },
  provisioned: { deploymentType: 'provisioned' },
}

const azure: readonly Form[] = [
  {
    pattern: /^([a-z-]+)\/(.+)$/,
    read: ([, word = '', rest = '']) => (Object.hasOwn(azurePlaces, word) ? rename(rest, azurePlaces[word]) : null),
  },
  {
    pattern: /^azureml:\/\/registries\/[^/]+\/models\/([^/]+)\/versions\/([^/]+)$/,
    read: ([, model = '', version = '']) => rename(`${model}-${version}`),
  },
  // A deployment by its resource: its name, for the owner's own list of names.
  { pattern: /^\/?subscriptions\/.+\/deployments\/([^/]+)$/, read: ([, deployment = '']) => rename(deployment) },
  // Two names of one service: a gateway may say the other one.
  { pattern: /^(?:azure|azure_ai|azure_openai)\/(.+)$/, read: ([, rest = '']) => rename(rest) },
]

const formsOf: { readonly [provider: string]: readonly Form[] } = {
  'aws.bedrock': bedrock,
  'gcp.vertex_ai': vertex,
  'azure.ai.openai': azure,
  'azure.ai.inference': azure,
}

/**
 * The names a reported one may be listed under at a canonical provider, the most literal first; never empty.
 * Conditions add up from one to the next, the inner one winning.
 */
export function readingsOf(provider: string, reported: string): readonly Reading[] {
  let name = reported
  let implied = nothing
  const readings: Reading[] = [{ name, implied }]
  for (let piece = 0; piece < piecesMax; piece++) {
    const next = firstForm(formsOf[provider] ?? [], name) ?? withoutProvider(provider, name)
    if (next === null) break
    name = next.name
    implied = { ...implied, ...next.implied }
    readings.push({ name, implied })
  }
  return readings
}

/** What the spelling of a name says at a canonical provider; null when it says nothing. */
export function impliedBy(provider: string, reported: string): Partial<CallConditions> | null {
  if (!Object.hasOwn(formsOf, provider)) return null
  const implied = readingsOf(provider, reported).at(-1)?.implied ?? nothing
  return Object.keys(implied).length === 0 ? null : implied
}

/** Shapes of names that one provider alone has. */
const shapes: readonly { readonly pattern: RegExp; readonly provider: string }[] = [
  { pattern: /^arn:aws[a-z-]*:bedrock:/, provider: 'aws.bedrock' },
  { pattern: /^(?:global|apac|us-gov|[a-z]{2})\.[a-z0-9]+\.[a-z]/, provider: 'aws.bedrock' },
  {
    pattern:
      /^(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|xai|zai)\.[a-z]/,
    provider: 'aws.bedrock',
  },
  { pattern: /(?:^|\/)projects\/[^/]+\/locations\/[^/]+\/publishers\//, provider: 'gcp.vertex_ai' },
  { pattern: /^publishers\/[^/]+\/models\//, provider: 'gcp.vertex_ai' },
  { pattern: /^models\/gemini-/, provider: 'gcp.gemini' },
  { pattern: /^accounts\/fireworks\/(?:models|routers)\//, provider: 'fireworks_ai' },
  { pattern: /^azureml:\/\//, provider: 'azure.ai.openai' },
]

/** Canonical provider that the name itself tells, by its shape or a gateway's prefix; '' when it tells none. */
export function providerInName(reported: string): string {
  const shape = platformInName(reported)
  if (shape !== '') return shape
  const account = /^@([^/]+)\/./.exec(reported)
  if (account !== null) return providerOfAccount(account[1] ?? '')
  const [, prefix = '', rest = ''] = prefixed.exec(reported) ?? []
  if (prefix === '') return ''
  return namesNoProvider(prefix) ? providerInName(rest) : knownProvider(prefix)
}

/** The platform whose form a name has, `us.anthropic.…` or an ARN; '' for a name that any provider may use. */
export function platformInName(reported: string): string {
  return shapes.find(({ pattern }) => pattern.test(reported))?.provider ?? ''
}

const prefixed = /^([a-z][a-z0-9_.-]*)[/:](.+)$/i

/** A gateway's prefix: the provider in one of its spellings, the gateway's own name, an account at a gateway. */
function withoutProvider(provider: string, name: string): Reading | null {
  const account = /^@[^/]+\/(.+)$/.exec(name)
  if (account !== null) return rename(account[1] ?? '')
  const [, prefix = '', rest = ''] = prefixed.exec(name) ?? []
  const isOwn = prefix !== '' && (namesNoProvider(prefix) || knownProvider(prefix) === provider)
  return isOwn ? rename(rest) : null
}

/** Portkey: `@openai-prod/gpt-4o`, where `openai-prod` is what its owner called an account. */
function providerOfAccount(slug: string): string {
  for (let text = slug; text !== ''; text = text.slice(0, Math.max(0, text.lastIndexOf('-')))) {
    const known = knownProvider(text)
    if (known !== '') return known
  }
  return ''
}

function firstForm(forms: readonly Form[], name: string): Reading | null {
  for (const { pattern, read } of forms) {
    const match = pattern.exec(name)
    const reading = match === null ? null : read(match)
    if (reading !== null) return reading
  }
  return null
}

function rename(name: string, implied: Partial<CallConditions> = nothing): Reading {
  return { name, implied }
}

function placed(name: string, region: string): Reading {
  return { name, implied: region === '' ? nothing : { region } }
}
