// An explained trace in words, for a terminal: a tree, and under each span how its figure comes about.

import type { CorrectionLine, EntryLine, ExplainedSpan, ExplainedTrace } from './trace.ts'

const reasons: Readonly<Record<string, string>> = {
  aggregate: 'sums what spans below it used',
  duplicate: 'is the same call as another span',
  replayed: 'reads an answer that was billed before',
  not_a_model_call: 'is no call of a model',
  failed_no_usage: 'failed before anything was used',
  unknown_model: 'the price book has no entry for this model at that time',
  unknown_provider: 'the price book has no such provider',
  no_usage: 'no usage was reported: unknown is not zero',
  usage_not_split: 'how the counts divide into what has different prices is not known',
  no_rate_for_unit: 'a unit has no rate; the total covers the rest',
  no_rate_for_tier: 'no price for the tier that served it; the standard rate stands in',
  bad_quantity: 'a count is none that can be',
  cache_exceeds_input: 'more tokens were cached than there was input',
  reasoning_exceeds_output: 'more tokens were reasoning than there was output',
}

export function traceWords({ traceId, roots, totalCost, calls, unpricedCalls }: ExplainedTrace): string {
  const open = unpricedCalls === 0 ? '' : `, of which ${unpricedCalls} without their whole cost`
  return [
    `Trace ${traceId}: ${totalCost === null ? 'no cost is known' : `${totalCost} USD`}, ${calls} calls of a model${open}`,
    '',
    ...roots.flatMap((root) => spanLines(root, '')),
  ].join('\n')
}

function spanLines(explained: ExplainedSpan, indent: string): string[] {
  const { span, children } = explained
  const what = [span.name, span.kind, span.status === 'error' ? `error ${span.failure_class}`.trim() : '']
  const own = `${indent}${what.filter((each) => each !== '').join(' · ')}`
  return [
    `${own}  [${span.span_id}]  ${verdictWords(explained)}`,
    ...detailLines(explained).map((line) => `${indent}    ${line}`.trimEnd()),
    ...children.flatMap((child) => spanLines(child, `${indent}  `)),
  ]
}

function verdictWords({ span }: ExplainedSpan): string {
  const { cost_status, cost_reason, counted_as, total_cost, pricing_currency, pricing_currency_cost } = span
  const why = cost_reason === '' ? '' : `: ${reasons[cost_reason] ?? cost_reason}`
  const by = counted_as === '' ? '' : `, counted as ${counted_as}`
  if (cost_status === 'not_billed') return `not billed${why}${by}`
  const amount =
    total_cost === null
      ? pricing_currency_cost === null
        ? 'no cost'
        : `${pricing_currency_cost} ${pricing_currency}`
      : `${total_cost} USD`
  return `${amount}, ${cost_status}${why}`
}

function detailLines(explained: ExplainedSpan): string[] {
  const { span, usage, entry, corrections } = explained
  const isBearing = Object.keys(usage).length > 0 || Object.keys(span.reported).length > 0
  if (!isBearing && corrections.length === 0 && span.cost_reason === 'not_a_model_call') return []
  const model = [span.provider, span.model].filter((each) => each !== '').join(' ')
  const asked = [span.request_model, span.response_model].filter((each) => each !== '' && each !== span.model)
  return [
    `read by    ${span.dialect === '' ? 'no dialect' : span.dialect} from ${span.scope_name === '' ? 'no scope' : span.scope_name}, ${shortTime(span.start_time)} UTC, ${span.duration_ms} ms`,
    ...(model === '' ? [] : [`model      ${model}${asked.length === 0 ? '' : ` (said ${asked.join(', ')})`}`]),
    ...lines(
      'reported  ',
      Object.entries(span.reported).map(([name, value]) => `${name} = ${value}`),
    ),
    ...lines('usage     ', usageWords(usage, span.usage_rule)),
    ...(span.price_entry === ''
      ? []
      : [
          `price      ${span.price_entry}, book ${span.price_book}${span.price_conditions === '' ? '' : `, under ${span.price_conditions}`}`,
        ]),
    ...(entry === null
      ? []
      : [
          `           ${validity(entry)}, recorded ${shortTime(entry.recorded_at)}, ${entry.confidence} confidence`,
          ...(entry.source === '' ? [] : [`           source ${entry.source}`]),
        ]),
    ...amountLines(explained),
    ...(span.cost_flags === '' ? [] : [`assumed    ${span.cost_flags}`]),
    ...(span.reported_cost === null
      ? []
      : [`claimed    ${span.reported_cost} USD by ${span.reported_cost_source}, kept beside`]),
    ...(span.attempts > 1
      ? [
          `attempt    ${span.attempt} of ${span.attempts}${span.wasted_cost === null ? '' : `, ${span.wasted_cost} USD on those that failed`}`,
        ]
      : []),
    ...lines('corrected ', corrections.map(correctionWords)),
  ]
}

function validity({ valid_from, valid_to }: EntryLine): string {
  const from = valid_from.startsWith('1970-01-01') ? 'valid' : `valid from ${shortTime(valid_from)}`
  return valid_to.startsWith('2200-01-01') ? from : `${from} to ${shortTime(valid_to)}`
}

/** Without a fraction, and midnight as its day. */
function shortTime(text: string): string {
  return text.replace(/\.0+$/, '').replace(/ 00:00:00$/, '')
}

function lines(title: string, texts: readonly string[]): string[] {
  return texts.map((text, i) => `${i === 0 ? title : ' '.repeat(title.length)} ${text}`)
}

function usageWords(usage: Readonly<Record<string, number>>, rule: string): string[] {
  const counts = Object.entries(usage).map(([name, count]) => `${name} ${count}`)
  if (counts.length === 0) return []
  return [counts.join(', '), ...(rule === '' ? [] : [`read as ${rule}`])]
}

function amountLines({ span, components, unpricedUnits, recomputed, agrees }: ExplainedSpan): string[] {
  if (components.length === 0 && unpricedUnits.length === 0) return []
  const currency = span.pricing_currency === '' ? 'USD' : span.pricing_currency
  const width = Math.max(...components.map(({ component }) => component.length), 5)
  return [
    ...components.map(
      ({ component, quantity, price, per, amountUsd }) =>
        `           ${component.padEnd(width)}  ${quantity} × ${price} ÷ ${per} = ${amountUsd}`,
    ),
    ...(unpricedUnits.length === 0 ? [] : [`           no rate for ${unpricedUnits.join(', ')}`]),
    `           ${'total'.padEnd(width)}  ${recomputed ?? '-'} ${currency}${agrees === true ? '' : ', which is not what the row has'}`,
  ]
}

function correctionWords({ revision, corrected_at, reason, evidence, changes, made_by }: CorrectionLine): string {
  const what = Object.entries(changes).map(([name, change]) => `${name} ${change}`)
  return `${revision}. ${shortTime(corrected_at)} ${reason} by ${made_by}${evidence === '' ? '' : ` (${evidence})`}: ${what.join('; ')}`
}
