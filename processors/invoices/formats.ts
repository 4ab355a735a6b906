// The exports that can be read: a row a format. To add one, write formats/<format>.ts and name it here.

import type { InvoiceFormat } from './format.ts'
import anthropicClaudeCode from './formats/anthropic-claude-code.ts'
import anthropicConsoleCost from './formats/anthropic-console-cost.ts'
import anthropicConsoleUsage from './formats/anthropic-console-usage.ts'
import anthropicCost from './formats/anthropic-cost.ts'
import anthropicUsage from './formats/anthropic-usage.ts'
import azureCost from './formats/azure-cost.ts'
import bedrockCur from './formats/bedrock-cur.ts'
import deepseekAmount from './formats/deepseek-amount.ts'
import deepseekCost from './formats/deepseek-cost.ts'
import focus from './formats/focus.ts'
import googleBilling from './formats/google-billing.ts'
import litellmSpend from './formats/litellm-spend.ts'
import openaiCosts from './formats/openai-costs.ts'
import openaiUsage from './formats/openai-usage.ts'
import openrouterActivity from './formats/openrouter-activity.ts'

/** Those with more required columns first: the first that fits is taken. */
export const invoiceFormats: readonly InvoiceFormat[] = [
  openaiUsage,
  openaiCosts,
  anthropicUsage,
  anthropicCost,
  anthropicClaudeCode,
  anthropicConsoleUsage,
  anthropicConsoleCost,
  bedrockCur,
  googleBilling,
  azureCost,
  openrouterActivity,
  litellmSpend,
  deepseekAmount,
  deepseekCost,
  focus,
]

/** Words that `spanledger invoice` takes for a provider. */
export const invoiceProviders: readonly string[] = [
  ...new Set(invoiceFormats.flatMap(({ providers }) => providers[0] ?? [])),
]

/** The formats of a provider by any of its words; empty for a word nobody has. */
export function formatsOf(provider: string): readonly InvoiceFormat[] {
  return invoiceFormats.filter(({ providers }) => providers.includes(provider.toLowerCase()))
}

/** Providers of the ledger that a bill is for, by the first of its words; none where the bill itself names them. */
const inLedger: Readonly<Record<string, readonly string[]>> = {
  openai: ['openai'],
  anthropic: ['anthropic'],
  bedrock: ['aws.bedrock'],
  google: ['gcp.vertex_ai', 'gcp.gemini'],
  azure: ['azure.ai.openai', 'azure.ai.inference'],
  openrouter: ['openrouter'],
  deepseek: ['deepseek'],
}

export function ledgerProviders(provider: string): readonly string[] {
  return inLedger[formatsOf(provider)[0]?.providers[0] ?? ''] ?? []
}
