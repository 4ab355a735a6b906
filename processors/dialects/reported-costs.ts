// What senders say a call cost, under every name it is seen with; kept beside our own price, and the charge itself only for
// sources that the configuration names. What the provider or the gateway charged comes first, lists of prices that a client
// library carries with it come last.
//
//   ticks      1 USD = 10^10. xAI puts them into every answer, after discounts, tools included: the bill itself
//   USD        OpenRouter's `usage.cost` (charged), LiteLLM's response cost, header and span (its own price map), PR 443 of the
//              conventions with a currency, Pydantic-AI (genai-prices), OpenInference, Sentry's names that say tokens
//   not money  premium requests and AI units of Copilot: left in `attributes`

import type { Dialect } from '../dialect.ts'
import type { FieldName } from '../fields.ts'

const ticks = [
  'gen_ai.usage.cost_in_usd_ticks',
  'gen_ai.response.cost_in_usd_ticks',
  'gen_ai.x_ai.usage.cost_in_usd_ticks',
  'gen_ai.xai.usage.cost_in_usd_ticks',
  'x_ai.usage.cost_in_usd_ticks',
  'xai.usage.cost_in_usd_ticks',
  'llm.usage.cost_in_usd_ticks',
  'spanledger.reported_cost_usd_ticks',
] as const

const usd = [
  'spanledger.reported_cost_usd',
  'openrouter.usage.cost',
  'gen_ai.openrouter.usage.cost',
  'trace.metadata.openrouter_generation.usage',
  'gen_ai.usage.total_cost',
  'gen_ai.usage.cost.amount',
  'gen_ai.usage.cost',
  'http.response.header.x-litellm-response-cost',
  'litellm.response_cost',
  'gen_ai.litellm.response_cost',
  'llm.response_cost',
  'response_cost',
  'gen_ai.cost.total_cost',
  'gen_ai.cost.total',
  'gen_ai.cost.total_tokens',
  'llm.usage.cost',
  'llm.usage.total_cost',
  'llm.cost.total',
  'operation.cost',
] as const

function all(names: readonly string[], field: FieldName): Record<string, FieldName> {
  return Object.fromEntries(names.map((name) => [name, field]))
}

export default {
  id: 'reported-costs',
  spec: 'docs.x.ai cost tracking, openrouter.ai usage accounting, litellm 1.9x, semantic-conventions-genai PR 443, openinference, pydantic-ai (2026-10)',
  scopes: [],
  marks: {},
  fields: {
    ...all(ticks, 'reportedCostTicks'),
    ...all(usd, 'reportedCost'),
    'gen_ai.usage.cost.currency': 'reportedCurrency',
  },
} satisfies Dialect
