// Anthropic, usage_report/claude_code: estimates a person, use under a subscription included. It is recognised so that
// nobody takes it for a bill.

import type { InvoiceFormat } from '../format.ts'

export default {
  id: 'anthropic-claude-code',
  title: 'Claude Code analytics (JSON)',
  providers: ['anthropic'],
  role: 'usage',
  zone: 'UTC',
  parts: 'once',
  finalAfterDays: 2,
  isNoBill: 'its costs are estimates and include use under a subscription: take the usage and cost reports instead',
  json: (row) => row['actor'] !== undefined && row['model_breakdown'] !== undefined,
  read: () => undefined,
} satisfies InvoiceFormat
