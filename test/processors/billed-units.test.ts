// Every unit and every condition that a price may depend on reaches the batch from a span's attributes.

import { describe, expect, test } from 'vitest'
import { parseConditions } from '../../processors/pricing/conditions.ts'
import { placeOfEndpoint } from '../../processors/pricing/endpoints.ts'
import { type UsageUnitName, usageUnits } from '../../schemas/usage.ts'
import { Bench } from '../batches.ts'
import { type Attributes, Double, tracesRequest } from '../otlp-messages.ts'

function usageOf(attributes: Attributes): Record<string, unknown> {
  const bench = new Bench()
  const [row] = bench.rows(
    tracesRequest({
      spans: [{ attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', ...attributes } }],
    }),
  )
  if (row === undefined) throw new Error('no row')
  return row
}

function conditionsOf(attributes: Attributes): unknown {
  const bench = new Bench()
  bench.rows(tracesRequest({ spans: [{ attributes: { 'gen_ai.operation.name': 'chat', ...attributes } }] }))
  return JSON.parse(bench.normaliser.conditions.text(bench.batch.condition[0]!) || '{}')
}

/** Attribute of each unit under its most usual name. */
const attributes: Readonly<Record<UsageUnitName, string>> = {
  input: 'gen_ai.usage.input_tokens',
  output: 'gen_ai.usage.output_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  cacheWrite: 'gen_ai.usage.cache_creation.input_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
  cacheWrite1h: 'gen_ai.usage.cache_creation_1h_input_tokens',
  inputAudio: 'gen_ai.usage.input_audio_tokens',
  cacheReadAudio: 'gen_ai.usage.cache_read_audio_input_tokens',
  inputImage: 'gen_ai.usage.input_image_tokens',
  inputVideo: 'gen_ai.usage.input_video_tokens',
  outputAudio: 'gen_ai.usage.output_audio_tokens',
  outputImage: 'gen_ai.usage.output_image_tokens',
  citation: 'gen_ai.usage.citation_tokens',
  characters: 'gen_ai.usage.input_characters',
  images: 'gen_ai.usage.images',
  imagePixels: 'gen_ai.usage.input_image_pixels',
  audioSeconds: 'gen_ai.usage.audio_seconds',
  videoSeconds: 'gen_ai.usage.video_seconds',
  pages: 'gen_ai.usage.document_pages',
  annotatedPages: 'gen_ai.usage.annotated_document_pages',
  requests: 'gen_ai.usage.requests',
  webSearch: 'gen_ai.usage.web_search_calls',
  webSearchQuery: 'gen_ai.usage.web_search_queries',
  searchQuery: 'gen_ai.usage.search_queries',
  groundedRequest: 'gen_ai.usage.grounded_requests',
  fileSearch: 'gen_ai.usage.file_search_calls',
  codeSession: 'gen_ai.usage.code_interpreter_sessions',
  searchUnit: 'gen_ai.usage.search_units',
}

describe('units', () => {
  test.each(usageUnits.map(({ name }) => name))('%s is read, under a name of ours as well', (name) => {
    const attribute = attributes[name]
    for (const key of [attribute, attribute.replace('gen_ai.', 'spanledger.')]) {
      if (key.startsWith('spanledger.') && key.split('.').length > 3) continue
      expect(usageOf({ [key]: 7 })['usage']).toMatchObject({ [name]: 7 })
    }
  })

  test('seconds may be fractions, tokens may not; neither may be negative', () => {
    const fraction = new Double(1.5)
    expect(usageOf({ 'gen_ai.usage.audio_seconds': fraction })['usage']).toEqual({ audioSeconds: 1.5 })
    expect(usageOf({ 'gen_ai.usage.input_tokens': fraction })['bad_usage']).toBe(true)
    expect(usageOf({ 'gen_ai.usage.audio_seconds': new Double(-0.5) })['bad_usage']).toBe(true)
  })

  test('cache writes told by lifetime only are added up', () => {
    expect(
      usageOf({
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.cache_creation_5m_input_tokens': 30,
        'gen_ai.usage.cache_creation_1h_input_tokens': 20,
      })['usage'],
    ).toMatchObject({ input: 100, cacheWrite: 50, cacheWrite1h: 20 })
  })
})

describe('units of a Langfuse generation', () => {
  test.each<[object, object]>([
    [
      { input: 10, output: 5, unit: 'TOKENS' },
      { input: 10, output: 5 },
    ],
    [{ input: 1200, unit: 'CHARACTERS' }, { characters: 1200 }],
    [{ total: 3, unit: 'IMAGES' }, { images: 3 }],
    [{ total: 1500, unit: 'MILLISECONDS' }, { audioSeconds: 1.5 }],
    [{ input: 90, unit: 'SECONDS' }, { audioSeconds: 90 }],
    [{ total: 1, unit: 'REQUESTS' }, { requests: 1 }],
    [
      { input: 10, input_audio: 7, input_cached_tokens: 20, output: 5, output_audio: 2, images: 1 },
      { input: 37, inputAudio: 7, cacheRead: 20, output: 7, outputAudio: 2, images: 1 },
    ],
    [
      { input: 10, input_cache_creation_5m: 3, input_cache_creation_1h: 4 },
      { input: 17, cacheWrite: 7, cacheWrite1h: 4 },
    ],
  ])('%j', (usage, expected) => {
    const row = usageOf({
      'langfuse.observation.type': 'generation',
      'langfuse.observation.usage_details': JSON.stringify(usage),
    })
    expect(row['usage']).toEqual(expected)
  })
})

describe('conditions', () => {
  test.each<[Attributes, object]>([
    [{ 'gen_ai.response.service_tier': 'flex' }, { serviceTier: 'flex' }],
    [{ 'openai.response.service_tier': 'priority' }, { serviceTier: 'priority' }],
    [{ 'gen_ai.request.service_tier': 'priority' }, {}],
    [{ 'anthropic.usage.speed': 'fast' }, { speed: 'fast' }],
    [{ 'gen_ai.response.inference_geo': 'us' }, { dataResidency: 'us' }],
    [{ 'spanledger.data_residency': 'eu' }, { dataResidency: 'eu' }],
    [{ 'azure.deployment.type': 'datazone-standard' }, { deploymentType: 'datazone-standard' }],
    [{ 'gen_ai.request.search_context_size': 'low' }, { searchContextSize: 'low' }],
    [
      { 'gen_ai.request.image_size': '1024x1792', 'gen_ai.request.image_quality': 'hd' },
      { imageSize: '1024x1792', imageQuality: 'hd' },
    ],
    [{ 'gen_ai.request.video_size': '3840x2160' }, { videoSize: '3840x2160' }],
    [{ 'cloud.region': 'us-east5' }, { region: 'us-east5' }],
    [{ 'server.address': 'us-east5-aiplatform.googleapis.com' }, { region: 'us-east5' }],
    [{ 'cloud.region': 'europe-west1', 'server.address': 'aiplatform.googleapis.com' }, { region: 'europe-west1' }],
    [{ 'server.address': 'api.openai.com' }, {}],
  ])('%j', (sent, expected) => {
    expect(conditionsOf(sent)).toEqual(expected)
  })

  test('a resource’s region is where the application runs, not where the model does', () => {
    const bench = new Bench()
    bench.rows(
      tracesRequest({
        resource: { 'cloud.region': 'us-east-1' },
        spans: [{ attributes: { 'gen_ai.operation.name': 'chat' } }],
      }),
    )
    expect(bench.batch.condition[0]).toBe(0)
  })

  test('combinations are told apart within a request and from one to the next', () => {
    const bench = new Bench()
    const span = (tier: string, region: string): { attributes: Attributes } => ({
      attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.response.service_tier': tier, 'cloud.region': region },
    })
    const pairs = Array.from({ length: 3000 }, (_, i): [string, string] => [`t${i % 7}`, `r${i % 1999}`])
    for (const [from, to] of [
      [0, 1500],
      [1500, 3000],
    ] as const) {
      const sent = pairs.slice(from, to)
      bench.rows(tracesRequest({ spans: sent.map(([tier, region]) => span(tier, region)) }))
      for (const [row, [serviceTier, region]] of sent.entries()) {
        const text = bench.normaliser.conditions.text(bench.batch.condition[row]!)
        expect(JSON.parse(text)).toEqual({ serviceTier, region })
        expect(parseConditions(text)).toEqual(bench.normaliser.conditions.get(bench.batch.condition[row]!))
      }
    }
  })
})

test.each([
  ['bedrock-runtime.eu-central-1.amazonaws.com', 'eu-central-1', ''],
  ['bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1', ''],
  ['https://bedrock-runtime.us-west-2.amazonaws.com:443/model', 'us-west-2', ''],
  ['aiplatform.googleapis.com', 'global', ''],
  ['aiplatform.eu.rep.googleapis.com', 'eu', ''],
  ['eu.api.openai.com', '', 'eu'],
  ['us-east-1.api.x.ai', 'us-east-1', ''],
  ['api.x.ai', '', ''],
  ['api.eu.mistral.ai', 'eu', ''],
  ['api.mistral.ai', '', ''],
  ['https://dashscope.aliyuncs.com/compatible-mode/v1', 'cn-beijing', ''],
  ['api.moonshot.cn', 'cn', ''],
  ['amazonaws.com.example.org', '', ''],
  ['', '', ''],
])('endpoint %s', (host, region, dataResidency) => {
  expect(placeOfEndpoint(host)).toEqual({ region, dataResidency })
})
