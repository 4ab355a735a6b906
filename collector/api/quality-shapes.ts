// Lines of the question `quality` under AgentCost's names: per cent instead of shares, JSON numbers instead of exact decimals.

import type { QueryRow } from '../queries.ts'

/** What AgentCost asks for: only groups that somebody judged, the best liked first. */
export function modelQualities(rows: readonly QueryRow[]): QueryRow[] {
  return judged(rows).map((row) => ({ model: row['group'], ...figures(row) }))
}

/** One model: its line, or one of unknown figures, which are not 0. */
export function modelQuality(rows: readonly QueryRow[], model: string): QueryRow {
  return modelQualities(rows)[0] ?? { model, total_feedback: 0, positive: 0, negative: 0, neutral: 0, ...unknown }
}

/** Versions of one prompt, by their numbers; one that is a whole number comes back as one. */
export function promptQualities(rows: readonly QueryRow[], prompt: string): QueryRow[] {
  return judged(rows)
    .map((row) => ({ version: String(row['group']).slice(prompt.length + 1), row }))
    .sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))
    .map(({ version, row }) => ({ prompt_id: prompt, version: versionOf(version), ...figures(row) }))
}

const unknown = { positive_pct: null, negative_pct: null, avg_score: null, avg_cost: null, cost_per_positive: null }

function judged(rows: readonly QueryRow[]): QueryRow[] {
  const number = (row: QueryRow, name: string): number => Number(row[name])
  return rows
    .filter((row) => number(row, 'votes') > 0 && row['group'] !== '[none]')
    .sort((a, b) => number(b, 'positive') - number(a, 'positive') || number(b, 'votes') - number(a, 'votes'))
}

function figures(row: QueryRow): QueryRow {
  return {
    total_feedback: row['votes'],
    positive: row['positive'],
    negative: row['negative'],
    neutral: row['neutral'],
    positive_pct: rounded(row['positive_share'], 100, 1),
    negative_pct: rounded(row['negative_share'], 100, 1),
    avg_score: rounded(row['avg_score'], 1, 3),
    avg_cost: row['avg_cost'],
    cost_per_positive: row['cost_per_positive'],
    positive_low_pct: rounded(row['positive_share_low'], 100, 1),
    positive_high_pct: rounded(row['positive_share_high'], 100, 1),
    calls: row['calls'],
    priced_calls: row['priced_calls'],
    unpriced_calls: row['unpriced_calls'],
    priced_share: row['priced_share'],
    rated_calls: row['rated_calls'],
    rated_share: row['rated_share'],
    total_cost: row['total_cost'] === null ? null : Number(row['total_cost']),
  }
}

function rounded(share: unknown, times: number, digits: number): number | null {
  return share === null ? null : Number((Number(share) * times).toFixed(digits))
}

function versionOf(text: string): number | string {
  return /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text
}
