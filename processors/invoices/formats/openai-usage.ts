// OpenAI, GET /v1/organization/usage/*: tokens and requests by UTC day, no money. `input_tokens` has cached and
// cache-write tokens in it; rows of before they were told apart leave them at 0. Source: openai-openapi, 2026-08-21.

import type { Fine } from '../exact.ts'
import {
  arrayOf,
  countOf,
  dayOfUnix,
  type InvoiceFormat,
  numberOf,
  objectOf,
  optionalNumber,
  textOf,
  textOrNull,
} from '../format.ts'
import type { JsonObject } from '../json.ts'
import { type BillLine, type Dimensions, type Family, InvoiceError, unsaid } from '../line.ts'
import { usualText } from '../map.ts'

const object = /^organization\.usage\.(\w+)\.result$/
const tokenObjects = ['completions', 'embeddings', 'moderations']
/** Objects that count something else: the field that counts it. */
const unitFields: Readonly<Record<string, readonly [Family, string]>> = {
  images: ['images', 'images'],
  audio_speeches: ['characters', 'characters'],
  audio_transcriptions: ['audio_seconds', 'seconds'],
  web_searches: ['web_search', 'num_requests'],
  file_searches: ['file_search', 'num_requests'],
  code_interpreter_sessions: ['code_session', 'num_sessions'],
  vector_stores: ['other', 'usage_bytes'],
}

export default {
  id: 'openai-usage',
  title: 'OpenAI usage (JSON)',
  providers: ['openai'],
  role: 'usage',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  json: (bucket) => arrayOf(bucket['results']).some((row) => object.test(textOf(objectOf(row), 'object'))),
  read({ line, resultLines, values }, sink) {
    const day = dayOfUnix(values, 'start_time')
    sink.day(day)
    for (const [i, row] of arrayOf(values['results']).entries()) {
      const result = objectOf(row)
      try {
        readResult(result, day, resultLines[i] ?? line, (each) => sink.line(each))
      } catch (error) {
        if (error instanceof InvoiceError) throw new InvoiceError(`result ${i + 1} of ${day}: ${error.message}`)
        throw error
      }
    }
  },
} satisfies InvoiceFormat

function readResult(result: JsonObject, day: string, line: number, out: (line: BillLine) => void): void {
  const kind = object.exec(textOf(result, 'object'))?.[1] ?? ''
  const model = textOrNull(result, 'model')
  const isBatch = result['batch']
  const tier = textOrNull(result, 'service_tier')
  const dimensions: Dimensions = {
    ...unsaid,
    tier: isBatch === true ? 'batch' : tier !== null ? usualText('tier', tier) : isBatch === false ? '' : null,
  }
  const add = (family: Family, quantity: Fine, modality = ''): void => {
    if (quantity === 0n) return
    out({
      line,
      day,
      provider: 'openai',
      account: textOrNull(result, 'project_id'),
      label: model ?? '',
      model: family === 'web_search' || family === 'file_search' || family === 'other' ? '' : model,
      family,
      dimensions: { ...dimensions, modality },
      isModelId: true,
      charge: 'usage',
      quantity,
      amount: null,
      currency: 'USD',
    })
  }
  const requests = optionalNumber(result, 'num_model_requests')
  if (tokenObjects.includes(kind)) readTokens(result, add)
  else {
    const [family, field] = unitFields[kind] ?? []
    if (family === undefined || field === undefined) throw new InvoiceError(`object "${kind}" is not known`)
    add(family, numberOf(result, field))
  }
  if (requests !== null && kind !== 'web_searches') add('requests', requests)
}

/** Disjoint classes: the text part of each is what the other modalities leave of it. */
function readTokens(result: JsonObject, add: (family: Family, quantity: Fine, modality?: string) => void): void {
  const total = numberOf(result, 'input_tokens')
  const cached = countOf(result, 'input_cached_tokens')
  const written = countOf(result, 'input_cache_write_tokens')
  const fresh = optionalNumber(result, 'input_uncached_tokens') ?? total - cached - written
  if (fresh < 0n || fresh + cached + written !== total)
    throw new InvoiceError('input_tokens is not the sum of uncached, cached and cache-write tokens')
  const split = (family: Family, all: Fine, audio: Fine, image: Fine): void => {
    if (audio + image > all) throw new InvoiceError(`audio and image tokens are more than all of ${family}`)
    add(family, all - audio - image)
    add(family, audio, 'audio')
    add(family, image, 'image')
  }
  split('input', fresh, countOf(result, 'input_audio_tokens'), countOf(result, 'input_image_tokens'))
  split(
    'cache_read',
    cached,
    countOf(result, 'input_cached_audio_tokens'),
    countOf(result, 'input_cached_image_tokens'),
  )
  add('cache_write', written)
  split(
    'output',
    countOf(result, 'output_tokens'),
    countOf(result, 'output_audio_tokens'),
    countOf(result, 'output_image_tokens'),
  )
}
