// Bedrock and Azure where the vectors are silent: instants of change, edges of size, geographies, units without tokens.

import { expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { type CallConditions, noConditions, PriceBook } from '../../processors/pricing/book.ts'
import { bandFor } from '../../processors/pricing/card.ts'
import type { UsageUnitName } from '../../schemas/usage.ts'

const book = new PriceBook(loadPriceBook())

interface Call extends Partial<CallConditions> {
  readonly at?: string
  /** Input tokens. */
  readonly size?: number
}

/** Rates of the units as published, with what is not plain about the card. */
function rates(provider: string, model: string, units: readonly UsageUnitName[], call: Call = {}): string {
  const { at = '2026-11-20T00:00:00Z', size = 1000, ...conditions } = call
  const found = book.resolve(provider, model, { ...noConditions, ...conditions }, Date.parse(at))
  if (found.kind === 'miss') return found.reason
  const { published } = bandFor(found.card, size, 0)
  const prices = units.map((name) => {
    const rate = published.get(name)
    return rate === undefined ? '-' : rate.per === 1_000_000 ? rate.price : `${rate.price} per ${rate.per}`
  })
  return found.card.reason === '' ? prices.join(' ') : `${prices.join(' ')} ${found.card.reason}`
}

const all: readonly UsageUnitName[] = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h', 'output']
const io: readonly UsageUnitName[] = ['input', 'output']

test.each<[string, Call, string]>([
  // The list price of OpenAI, and a tenth more in a region; cut twice.
  ['openai.gpt-5.6-luna', { at: '2026-07-29T23:59:59Z' }, '1.1 0.11 1.375 - 6.6'],
  ['openai.gpt-5.6-luna', { at: '2026-07-30T00:00:00Z' }, '0.22 0.022 0.275 - 1.32'],
  ['global.openai.gpt-5.6-sol', { at: '2026-08-20T23:59:59Z' }, '5 0.5 6.25 - 30'],
  ['global.openai.gpt-5.6-sol', { at: '2026-08-21T00:00:00Z' }, '4 0.4 5 - 20'],
  ['us.openai.gpt-5.6-sol', { size: 272_000 }, '4.4 0.44 5.5 - 22'],
  ['us.openai.gpt-5.6-sol', { size: 272_001 }, '8.8 0.88 11 - 33'],
  // Long prompts of Claude: a band of its own until the price went flat.
  ['us.anthropic.claude-opus-4-6-v1', { at: '2026-03-12T00:00:00Z', size: 200_001 }, '11 1.1 13.75 22 41.25'],
  ['us.anthropic.claude-opus-4-6-v1', { at: '2026-03-13T00:00:00Z', size: 200_001 }, '5.5 0.55 6.875 11 27.5'],
  ['anthropic.claude-sonnet-4-20250514-v1:0', { at: '2025-08-11T00:00:00Z', size: 200_001 }, '3 0.3 3.75 6 15'],
  ['anthropic.claude-sonnet-4-20250514-v1:0', { at: '2025-08-12T00:00:00Z', size: 200_001 }, '6 0.6 7.5 12 22.5'],
  ['global.anthropic.claude-haiku-5-5', { size: 100_000 }, '0.1 0.01 0.125 0.2 0.5'],
  ['global.anthropic.claude-haiku-5-5', { size: 100_001 }, '0.5 0.05 0.625 1 2.5'],
  ['eu.anthropic.claude-haiku-5-5', { size: 100_001 }, '0.55 0.055 0.6875 1.1 2.75'],
  // Cache reads alone became cheaper.
  ['us.anthropic.claude-sonnet-5-5', { at: '2026-10-06T23:59:59Z' }, '2.2 0.22 2.75 4.4 11'],
  ['us.anthropic.claude-sonnet-5-5', { at: '2026-10-07T00:00:00Z' }, '2.2 0.11 2.75 4.4 11'],
  // Twice the price after the end of life, where that is offered.
  ['anthropic.claude-3-5-sonnet-20241022-v2:0', { region: 'us-east-1', at: '2025-11-30T23:59:59Z' }, '3 0.3 3.75 - 15'],
  ['anthropic.claude-3-5-sonnet-20241022-v2:0', { region: 'us-east-1' }, '6 0.6 7.5 - 30'],
  ['anthropic.claude-3-5-sonnet-20241022-v2:0', { region: 'eu-central-1' }, '3 0.3 3.75 - 15'],
  ['us.anthropic.claude-3-5-sonnet-20241022-v2:0', {}, '3 0.3 3.75 - 15'],
  // Europe apart since two lists disagree.
  ['eu.amazon.nova-2-lite-v1:0', { at: '2026-07-31T00:00:00Z' }, '0.33 0.0825 - - 2.75'],
  ['eu.amazon.nova-2-lite-v1:0', { at: '2026-08-01T00:00:00Z' }, '0.429 0.10725 - - 3.597'],
  ['us.anthropic.claude-opus-5', { serviceTier: 'batch' }, '2.75 0.275 3.4375 5.5 13.75'],
  ['us.moonshotai.kimi-k3', { serviceTier: 'flex' }, '1.65 0.165 2.0625 - 8.25'],
  ['bedrock/claude_platform/claude-opus-5-5', {}, '4 0.2 5 8 20'],
])('Bedrock: %s %j', (model, call, expected) => {
  expect(rates('aws.bedrock', model, all, call)).toBe(expected)
})

test.each<[string, UsageUnitName, Call, string]>([
  ['cohere.rerank-v3-5:0', 'searchUnit', {}, '2 per 1000'],
  ['amazon.nova-canvas-v1:0', 'images', {}, '0.04 per 1'],
  ['amazon.nova-canvas-v1:0', 'images', { imageQuality: 'premium' }, '0.06 per 1'],
  ['amazon.nova-canvas-v1:0', 'images', { imageQuality: 'premium', imageSize: '2048x2048' }, '0.08 per 1'],
  ['us.stability.stable-creative-upscale-v1:0', 'images', {}, '0.6 per 1'],
  ['us.twelvelabs.pegasus-1-2-v1:0', 'videoSeconds', {}, '0.00049 per 1'],
  ['amazon.nova-2-sonic-v1:0', 'inputAudio', {}, '3'],
  ['cohere.embed-v4:0', 'input', {}, '0.12'],
  ['mistral.pixtral-large-2502-v1:0', 'output', {}, '6'],
])('Bedrock: %s by %s %j', (model, unit, call, expected) => {
  expect(rates('aws.bedrock', model, [unit], call)).toBe(expected)
})

test.each<[string, Call, string]>([
  ['o3', { at: '2025-06-09T23:59:59Z' }, '10 40'],
  ['o3', { at: '2025-06-10T00:00:00Z' }, '2 8'],
  ['gpt-5.6-sol', { at: '2026-08-20T00:00:00Z' }, '5 30'],
  ['gpt-5.6-sol', { serviceTier: 'fast' }, '8 40'],
  ['gpt-5.4', { size: 272_001 }, '5 22.5'],
  ['gpt-5.4', { size: 272_001, deploymentType: 'datazone-standard', region: 'us' }, '5.5 24.75'],
  ['gpt-5.1', { region: 'usgovvirginia' }, '1.71875 13.75'],
  ['text-embedding-3-large', {}, '0.13 -'],
  ['text-embedding-3-large', { deploymentType: 'standard' }, '0.143 -'],
  ['gpt-4o-2024-05-13', {}, '5 15'],
  ['gpt-4o-2024-11-20', {}, '2.5 10'],
  ['claude-opus-5-5', {}, '4 20'],
  ['claude-opus-5-5', { deploymentType: 'DataZoneProvisionedManaged' }, 'no_rate_for_tier'],
])('Azure: %s %j', (model, call, expected) => {
  expect(rates('azure.ai.openai', model, io, call)).toBe(expected)
})

test.each<[string, UsageUnitName, Call, string]>([
  ['whisper', 'audioSeconds', {}, '0.36 per 3600'],
  ['tts-1', 'characters', {}, '15'],
  ['dall-e-3', 'images', { imageSize: '1024x1792', imageQuality: 'hd' }, '0.12 per 1'],
  ['gpt-image-1', 'outputImage', {}, '40'],
  ['mistral-document-ai-2512', 'pages', {}, '3 per 1000'],
  ['cohere-rerank-v4.0-pro', 'searchUnit', {}, '2.5 per 1000'],
  ['sora-2-pro', 'videoSeconds', { videoSize: '1792x1024' }, '0.5 per 1'],
  ['gpt-realtime', 'cacheReadAudio', {}, '0.4'],
])('Azure: %s by %s %j', (model, unit, call, expected) => {
  expect(rates('azure.ai.openai', model, [unit], call)).toBe(expected)
})
