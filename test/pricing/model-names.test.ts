// Names of models as calls report them: what each is read as, and what it is priced by in the catalogue.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { parseOwnPrices } from '../../collector/prices/own-file.ts'
import { type CallConditions, noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { customBookParts } from '../../processors/pricing/custom/compile.ts'
import { providerInName, readingsOf } from '../../processors/pricing/model-names.ts'

const files = loadPriceBook()
const book = new PriceBook(files)
const at = Date.parse('2026-11-20T12:00:00Z')
const account = 'arn:aws:bedrock:eu-west-1:123456789012'

test.each<[string, string, string, Partial<CallConditions>]>([
  // provider, as reported, the name that is left, what was said
  ['openai', 'gpt-4o', 'gpt-4o', {}],
  ['openai', 'openai/gpt-4o', 'gpt-4o', {}],
  ['openai', 'openai:gpt-4o', 'gpt-4o', {}],
  ['openai', 'litellm_proxy/openai/gpt-4o', 'gpt-4o', {}],
  ['openai', '@openai-prod/gpt-4o', 'gpt-4o', {}],
  ['openai', 'ft:gpt-4o-2024-08-06:acme::x1', 'ft:gpt-4o-2024-08-06:acme::x1', {}],
  ['openai', 'anthropic/claude-sonnet-4-5', 'anthropic/claude-sonnet-4-5', {}],
  ['groq', 'openai/gpt-oss-120b', 'openai/gpt-oss-120b', {}],
  ['groq', 'groq/openai/gpt-oss-120b', 'openai/gpt-oss-120b', {}],
  ['openrouter', 'openrouter/openai/gpt-4o:free', 'openai/gpt-4o:free', {}],
  ['fireworks_ai', 'fireworks_ai/accounts/fireworks/models/x', 'accounts/fireworks/models/x', {}],
  ['anthropic', 'claude-sonnet-4-5[1m]', 'claude-sonnet-4-5[1m]', {}],
  ['aws.bedrock', 'anthropic.claude-3-haiku-20240307-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0', {}],
  ['aws.bedrock', 'us.anthropic.claude-opus-5', 'anthropic.claude-opus-5', { region: 'us' }],
  ['aws.bedrock', 'us-gov.anthropic.claude-opus-5', 'anthropic.claude-opus-5', { region: 'us-gov' }],
  ['aws.bedrock', 'bedrock/eu-west-2/deepseek.v3.2', 'deepseek.v3.2', { region: 'eu-west-2' }],
  ['aws.bedrock', 'bedrock/converse/us.deepseek.r1-v1:0', 'deepseek.r1-v1:0', { region: 'us' }],
  ['aws.bedrock', `${account}:inference-profile/global.openai.gpt-5.5`, 'openai.gpt-5.5', { region: 'global' }],
  [
    'aws.bedrock',
    'arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0',
    'amazon.nova-lite-v1:0',
    { region: 'us-gov-west-1' },
  ],
  [
    'aws.bedrock',
    `bedrock/${account}:application-inference-profile/ab12`,
    'application-inference-profile/ab12',
    { region: 'eu-west-1' },
  ],
  ['aws.bedrock', `${account}:provisioned-model/ab12`, 'provisioned-model/ab12', { region: 'eu-west-1' }],
  ['gcp.vertex_ai', 'vertex_ai/gemini-2.5-pro', 'gemini-2.5-pro', {}],
  [
    'gcp.vertex_ai',
    '//aiplatform.googleapis.com/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-6@default',
    'publishers/anthropic/models/claude-opus-4-6@default',
    { region: 'us-east5' },
  ],
  ['gcp.vertex_ai', 'projects/p/locations/global/endpoints/42', 'endpoints/42', { region: 'global' }],
  ['azure.ai.openai', 'azure/gpt-4o', 'gpt-4o', {}],
  ['azure.ai.openai', 'azure/eu/gpt-4o', 'gpt-4o', { deploymentType: 'datazone-standard', region: 'eu' }],
  ['azure.ai.openai', 'azure/global-standard/gpt-4o', 'gpt-4o', { deploymentType: 'global-standard' }],
  ['azure.ai.openai', 'prod/gpt-4o', 'prod/gpt-4o', {}],
  ['azure.ai.openai', 'azureml://registries/azure-openai/models/gpt-4o/versions/2024-05-13', 'gpt-4o-2024-05-13', {}],
  [
    'azure.ai.openai',
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/deployments/chat-prod',
    'chat-prod',
    {},
  ],
  ['azure.ai.inference', 'azure_ai/grok-4', 'grok-4', {}],
])('at %s, %s is at last read as %s', (provider, reported, name, implied) => {
  const readings = readingsOf(provider, reported)
  expect(readings[0]).toEqual({ name: reported, implied: {} })
  expect(readings.at(-1)).toEqual({ name, implied })
})

test('a name of a thousand prefixes is read in few pieces', () => {
  expect(readingsOf('openai', `${'openai/'.repeat(1000)}gpt-4o`).length).toBeLessThan(12)
})

test.each([
  ['openrouter/openai/gpt-4o', 'openrouter'],
  ['openai/gpt-4o', 'openai'],
  ['litellm/azure/gpt-4o', 'azure.ai.openai'],
  ['bedrock:us.amazon.nova-lite-v1:0', 'aws.bedrock'],
  ['eu.amazon.nova-lite-v1:0', 'aws.bedrock'],
  [`${account}:inference-profile/eu.amazon.nova-lite-v1:0`, 'aws.bedrock'],
  ['projects/p/locations/l/publishers/google/models/gemini-2.5-pro', 'gcp.vertex_ai'],
  ['models/gemini-2.5-pro', 'gcp.gemini'],
  ['accounts/fireworks/models/x', 'fireworks_ai'],
  ['@azure-openai-eu/gpt-4o', 'azure.ai.openai'],
  ['@team-a/gpt-4o', ''],
  ['my-company/model', ''],
  ['gpt-4o', ''],
  ['ft:gpt-4o-2024-08-06:acme::x1', ''],
  ['', ''],
])('the name %s tells the provider "%s"', (name, provider) => {
  expect(providerInName(name)).toBe(provider)
})

/** Input and output price per million tokens, or why there is none; the flags of the card behind it. */
function priced(provider: string, model: string, conditions: Partial<CallConditions> = {}): string {
  const found = book.resolve(provider, model, { ...noConditions, ...conditions }, at)
  if (found.kind === 'miss') return found.reason
  const { published } = found.card.bands[0]!
  return `${published.get('input')?.price}/${published.get('output')?.price}${found.card.reason === '' ? '' : ' partial'}`
}

describe('Bedrock', () => {
  test.each([
    // Of a profile by its geography; in a region, and where nothing is said, as in a region.
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', '', '3/15'],
    ['eu.anthropic.claude-sonnet-4-5-20250929-v1:0', '', '3.3/16.5'],
    ['us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0', '', '3.6/18'],
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', '', '3.3/16.5'],
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'ap-southeast-4', '3.3/16.5'],
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'us-gov-west-1', '3.6/18'],
    // The body of an answer names the model without vendor and version.
    ['claude-sonnet-4-5-20250929', 'us-east-1', '3.3/16.5'],
    // What the id says goes before what the host says.
    ['global.anthropic.claude-opus-5-5', 'us-east-1', '4/20'],
    [`${account}:inference-profile/global.anthropic.claude-opus-5-5`, '', '4/20'],
    [`${account}:foundation-model/anthropic.claude-opus-5-5`, '', '4.4/22'],
    // No price depends on the region here.
    ['eu.meta.llama3-3-70b-instruct-v1:0', '', '0.72/0.72'],
    ['meta.llama3-3-70b-instruct-v1:0', 'eu-central-1', '0.72/0.72'],
    // Here it does.
    ['eu.amazon.nova-pro-v1:0', '', '1.05/4.2'],
    ['amazon.nova-pro-v1:0', 'eu-west-1', '1.05/4.2'],
    ['amazon.nova-pro-v1:0', 'us-west-2', '0.8/3.2'],
    ['amazon.nova-pro-v1:0', 'me-central-1', '0.8/3.2 partial'],
    ['bedrock/ap-south-1/meta.llama3-70b-instruct-v1:0', '', '3.18/4.2'],
    // Throughput and profiles of one's own, and a version that nobody listed.
    [`${account}:application-inference-profile/ab12`, '', 'unknown_model'],
    [`${account}:provisioned-model/ab12`, '', 'unknown_model'],
    ['us.anthropic.claude-sonnet-4-5-20260101-v1:0', '', 'unknown_model'],
    ['anthropic.claude-3-haiku-20240307-v1:0:200k', '', '0.25/1.25'],
    ['anthropic.claude-3-haiku-20240307-v1:0:4m', '', 'unknown_model'],
  ])('%s in "%s": %s', (model, region, price) => {
    expect(priced('aws.bedrock', model, { region })).toBe(price)
  })

  test.each([
    ['batch', '1.65/8.25'],
    ['on-demand', '3.3/16.5'],
    ['priority', '3.3/16.5 partial'],
  ])('tier %s of a profile: %s', (serviceTier, price) => {
    expect(priced('aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', { serviceTier })).toBe(price)
  })
})

describe('Vertex AI', () => {
  test.each([
    ['projects/p/locations/global/publishers/anthropic/models/claude-haiku-4-5@20251001', '1/5'],
    ['projects/p/locations/us-east5/publishers/anthropic/models/claude-haiku-4-5@20251001', '1.1/5.5'],
    ['publishers/anthropic/models/claude-haiku-4-5@20251001', '1/5'],
    ['projects/p/locations/us-east5/endpoints/42', 'unknown_model'],
  ])('%s: %s', (model, price) => {
    expect(priced('gcp.vertex_ai', model)).toBe(price)
  })
})

describe('Azure', () => {
  test.each<[string, Partial<CallConditions>, string]>([
    ['gpt-4.1', {}, '2/8'],
    ['gpt-4.1', { region: 'eastus2' }, '2/8'],
    ['gpt-4.1', { deploymentType: 'GlobalStandard' }, '2/8'],
    ['gpt-4.1', { deploymentType: 'DataZoneStandard' }, '2.2/8.8'],
    ['gpt-4.1', { deploymentType: 'Standard', region: 'swedencentral' }, '2.2/8.8'],
    ['gpt-4.1', { deploymentType: 'GlobalBatch' }, '1/4'],
    ['gpt-4.1', { deploymentType: 'global-batch', serviceTier: 'batch' }, '1/4'],
    ['gpt-4.1', { deploymentType: 'data-zone-batch' }, '1.1/4.4'],
    ['gpt-4.1', { deploymentType: 'ProvisionedManaged' }, 'no_rate_for_tier'],
    ['azure/us/gpt-4.1-2025-04-14', {}, '2.2/8.8'],
    // Europe costs more than the United States.
    ['gpt-6-sol', { deploymentType: 'datazone-standard', region: 'us' }, '2.2/11'],
    ['gpt-6-sol', { deploymentType: 'datazone-standard', region: 'francecentral' }, '2.4/12'],
    ['gpt-6-sol', { region: 'francecentral' }, '2/10'],
    ['gpt-35-turbo', { deploymentType: 'standard' }, '0.5/1.5'],
    ['gpt-35-turbo', { deploymentType: 'provisioned' }, 'no_rate_for_tier'],
    ['chat-prod', {}, 'unknown_model'],
    // Two names of one service, in any case.
    ['grok-4', {}, '3/15'],
    ['GPT-4.1', {}, '2/8'],
    ['deepseek-v3.2', {}, '0.58/1.68'],
    ['DeepSeek-V3.2', {}, '0.58/1.68'],
    ['azure_ai/DeepSeek-R1-0528', {}, '1.35/5.4'],
  ])('%s under %j: %s', (model, conditions, price) => {
    expect(priced('azure.ai.openai', model, conditions)).toBe(price)
  })

  test('a model of OpenAI is found at Foundry', () => {
    const found = book.resolve('azure.ai.inference', 'azure_ai/gpt-4.1', noConditions, at)
    expect(found).toMatchObject({ card: { provider: 'azure.ai.openai', model: 'gpt-4.1', match: 'exact' } })
  })

  test('a deployment is priced by its owner’s list of names', () => {
    const alias = {
      id: 'own/1',
      provider: 'azure.ai.openai',
      name: 'chat-prod',
      to: null,
      model: 'gpt-4.1',
      validFrom: '2026-11-01T00:00:00Z',
      validTo: null,
      recordedAt: '2026-11-01T00:00:00Z',
    }
    const own = new PriceBook(files, { aliases: [alias] })
    const card = (model: string, ms = at) => own.resolve('azure.ai.openai', model, noConditions, ms)
    expect(card('chat-prod')).toMatchObject({ card: { model: 'gpt-4.1', match: 'alias' } })
    expect(card('azure/chat-prod')).toMatchObject({ card: { model: 'gpt-4.1', match: 'alias' } })
    expect(card('chat-prod', Date.parse('2026-10-01T00:00:00Z'))).toMatchObject({ reason: 'unknown_model' })
  })
})

test('a profile of one’s own keeps the geography that its owner names', () => {
  const alias = {
    id: 'own/1',
    provider: 'aws.bedrock',
    name: 'application-inference-profile/ab12',
    to: null,
    model: 'global.anthropic.claude-sonnet-4-6',
    validFrom: null,
    validTo: null,
    recordedAt: '2026-11-01T00:00:00Z',
  }
  const own = new PriceBook(files, { aliases: [alias] })
  const found = own.resolve('aws.bedrock', `${account}:application-inference-profile/ab12`, noConditions, at)
  const card = found.kind === 'card' ? found.card : undefined
  expect(card?.bands[0]?.published.get('input')?.price).toBe('3')
})

test('the names and the plan of the page on names are taken as they are printed', () => {
  const page = readFileSync(new URL('../../docs/model-names.md', import.meta.url), 'utf8')
  const text = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block).join('')
  const { records, settings, findings } = parseOwnPrices(Buffer.from(text), 'prices.yaml', book)
  expect(findings).toEqual([])
  const seenAt = '2026-11-01T00:00:00Z'
  const parts = customBookParts(
    records.map((record) => ({ record, seenAt })),
    settings,
  )
  const own = new PriceBook(files, parts)
  const card = (provider: string, model: string, conditions: Partial<CallConditions> = {}) =>
    own.resolve(provider, model, { ...noConditions, ...conditions }, at)
  expect(card('azure.ai.openai', 'chat-prod')).toMatchObject({ card: { model: 'gpt-4.1', match: 'alias' } })
  const profile = card('aws.bedrock', `${account}:application-inference-profile/ab12cd34`)
  expect(profile.kind === 'card' && profile.card.bands[0]?.published.get('input')?.price).toBe('3')
  expect(card('azure.ai.openai', 'gpt-4.1', { deploymentType: 'GlobalProvisionedManaged' })).toMatchObject({
    card: { match: 'override' },
  })
  expect(card('azure.ai.openai', 'gpt-4.1')).toMatchObject({ card: { match: 'exact' } })
})

test('an own price for batch deployments is for the calls that say so in either way', () => {
  const override = {
    ...files.find(({ provider }) => provider === 'azure.ai.openai')!.entries[0]!,
    id: 'own/batch',
    provider: 'azure.ai.openai',
    models: { exact: ['gpt-4.1'] },
    when: { deploymentType: 'GlobalBatch' },
  }
  const own = new PriceBook(files, { overrides: [override] })
  const entryOf = (conditions: Partial<CallConditions>): string => {
    const found = own.resolve('azure.ai.openai', 'gpt-4.1', { ...noConditions, ...conditions }, at)
    return found.kind === 'card' ? found.card.entry : found.reason
  }
  expect(entryOf({ deploymentType: 'global-batch' })).toBe('own/batch')
  expect(entryOf({ deploymentType: 'GlobalStandard', serviceTier: 'batch' })).toBe('own/batch')
  expect(entryOf({ deploymentType: 'GlobalStandard' })).not.toBe('own/batch')
})

describe('a call that names no provider', () => {
  test.each([
    ['azure/gpt-4.1', 'azure.ai.openai'],
    ['bedrock/us-east-1/amazon.nova-pro-v1:0', 'aws.bedrock'],
    ['us.anthropic.claude-opus-5', 'aws.bedrock'],
    ['amazon.nova-pro-v1:0', 'aws.bedrock'],
    ['anthropic.claude-opus-5', 'aws.bedrock'],
    ['vertex_ai/gemini-2.5-pro', 'gcp.vertex_ai'],
    ['anthropic/claude-opus-5', 'anthropic'],
    ['@openai-prod/gpt-4o', 'openai'],
    ['gpt-4o', 'openai'],
  ])('%s is taken for %s’s', (model, provider) => {
    const found = book.resolve('', model, noConditions, at)
    expect(found).toMatchObject({ kind: 'card', card: { provider, match: 'inferred' } })
  })

  test.each([
    'nemotron-nano-9b-v2',
    'DeepSeek-R1',
    'openai/gpt-99',
    'my-company/gpt-4o',
    'openrouter/some/model-nobody-has',
    '@team-a/gpt-4o',
  ])('%s is not guessed', (model) => {
    expect(book.resolve('', model, noConditions, at)).toMatchObject({ kind: 'miss', reason: 'unknown_provider' })
  })
})

test('a prefix of another provider is suggested and not followed', () => {
  expect(priced('openai', 'anthropic/claude-opus-5')).toBe('unknown_model')
  expect(book.suggest('openai', 'anthropic/claude-opus-5')).toEqual({
    provider: 'anthropic',
    model: 'anthropic/claude-opus-5',
  })
})

test('case counts at all other providers', () => {
  expect(priced('openai', 'GPT-4.1')).toBe('unknown_model')
  expect(priced('aws.bedrock', 'Anthropic.claude-opus-5')).toBe('unknown_model')
})

test('no ending is cut to find a price', () => {
  for (const model of ['gpt-4o:free', 'gpt-4o-fast', 'gpt-4o@20260101', 'gpt-4o[1m]', 'gpt-4o-2031-01-01'])
    for (const provider of ['openai', 'azure.ai.openai', ''])
      expect([provider, model, book.resolve(provider, model, noConditions, at).kind]).toEqual([provider, model, 'miss'])
})
