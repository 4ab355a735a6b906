// LiteLLM, LiteLLM_SpendLogs: one row a request with the proxy's own price, a second ledger and no bill. Cached tokens are
// in the metadata alone and inside prompt tokens. Source: BerriAI/litellm schema.prisma 029f645f.

import type { Fine } from '../exact.ts'
import { countOf, dayOf, type InvoiceFormat, numberOf, objectOf, textOf } from '../format.ts'
import { type JsonObject, parseExact } from '../json.ts'
import { type Family, InvoiceError, unsaid } from '../line.ts'

/** `custom_llm_provider` → the ledger's name. */
const providers: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  azure_ai: 'azure.ai.inference',
  bedrock: 'aws.bedrock',
  bedrock_converse: 'aws.bedrock',
  vertex_ai: 'gcp.vertex_ai',
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  xai: 'x_ai',
  watsonx: 'ibm.watsonx.ai',
}

export default {
  id: 'litellm-spend',
  title: 'LiteLLM spend logs (NDJSON, JSON)',
  providers: ['litellm'],
  role: 'cost',
  zone: 'UTC',
  parts: 'add',
  finalAfterDays: 0,
  json: (row) => row['request_id'] !== undefined && row['spend'] !== undefined && row['startTime'] !== undefined,
  read({ line, values }, sink) {
    const day = dayOf(values, 'startTime')
    sink.day(day)
    const spend = numberOf(values, 'spend')
    const prompt = countOf(values, 'prompt_tokens')
    const completion = countOf(values, 'completion_tokens')
    // The proxy's own cache answered, or the call failed before anything was used: no provider charged for it.
    if (/^true$/i.test(textOf(values, 'cache_hit')) || (prompt === 0n && completion === 0n && spend === 0n)) return
    const usage = objectOf(metadataOf(values)['usage_object'])
    const read = countOf(usage, 'cache_read_input_tokens')
    const written = countOf(usage, 'cache_creation_input_tokens')
    if (read + written > prompt)
      throw new InvoiceError('prompt_tokens are fewer than the cached ones in metadata.usage_object')
    const name = textOf(values, 'custom_llm_provider')
    const label = textOf(values, 'model')
    const add = (family: Family, quantity: Fine | null, amount: Fine | null): void => {
      if (quantity === 0n) return
      sink.line({
        line,
        day,
        provider: providers[name] ?? name,
        account: null,
        label,
        model: label === '' ? null : label,
        family,
        dimensions: unsaid,
        isModelId: true,
        charge: 'usage',
        quantity,
        amount,
        currency: 'USD',
      })
    }
    add('input', prompt - read - written, null)
    add('cache_read', read, null)
    add('cache_write', written, null)
    add('output', completion, null)
    add('requests', 10n ** 30n, null)
    add('all', null, spend)
  },
} satisfies InvoiceFormat

function metadataOf(values: JsonObject): JsonObject {
  const { metadata } = values
  if (typeof metadata !== 'string' || metadata === '') return objectOf(metadata)
  try {
    return objectOf(parseExact(metadata))
  } catch {
    throw new InvoiceError('metadata is text and not JSON')
  }
}
