// What the ledger has and the bill has not. More is not enough to call it counted twice: a repeated call shows by its
// response id, by counts that are a multiple of the bill's, or by the same share too much of everything.

import type { Finding } from './finding.ts'
import { differing, type Part } from './parts.ts'
import type { Group } from './prepare.ts'

export interface Surplus {
  readonly family: string
  readonly part: Part
  readonly group: Group
  readonly billQuantity: bigint
  readonly ledgerQuantity: bigint
  /** Quantity on bill and ledger by family. */
  readonly ratios: ReadonlyMap<string, readonly [bigint, bigint]>
  readonly isIncomplete: boolean
  readonly hasUnmapped: boolean
}

type Verdict = Pick<Finding, 'category' | 'cause' | 'evidence'>

export function surplusCause(surplus: Surplus): Verdict {
  const { group, billQuantity, ledgerQuantity, ratios, part } = surplus
  if (surplus.isIncomplete)
    return unexplained('only in the ledger', 'the export is not complete: rows it lacks are not absent from the bill')
  if (billQuantity === 0n && group.bill.length === 0) {
    const evidence = surplus.hasUnmapped
      ? 'the bill has unmapped lines on this day'
      : 'the bill has no line for this model'
    return unexplained('only in the ledger', evidence)
  }
  if (group.bill.every((each) => differing(each.dimensions, part.dimensions).length > 0)) {
    const conditions = [part.dimensions.tier, part.dimensions.geo, part.dimensions.speed, part.dimensions.band].filter(
      (each) => each !== null && each !== '',
    )
    return unexplained(
      'only in the ledger',
      `the bill has no ${conditions.join(' ') || 'standard'} line for this model`,
    )
  }
  if (part.family === 'input') {
    const cached = (ratios.get('cache_read')?.[0] ?? 0n) + (ratios.get('cache_write')?.[0] ?? 0n)
    const read = ratios.get('cache_read')?.[0] ?? 0n
    if (part.quantity > 0n && (part.quantity === cached || part.quantity === read))
      return {
        category: 'counted twice',
        cause: 'cached tokens counted in fresh input too',
        evidence: 'the surplus is exactly the cached tokens of the bill',
      }
  }
  if (billQuantity > 0n && ledgerQuantity % billQuantity === 0n && ledgerQuantity > billQuantity) {
    const times = ledgerQuantity / billQuantity
    const { requests, calls } = group
    const isWithinCalls = requests !== null && calls !== null && calls <= requests
    return {
      category: 'counted twice',
      cause: isWithinCalls ? 'usage counted twice within calls' : 'calls counted twice',
      evidence: `the ledger has exactly ${times} times the bill${isWithinCalls ? ' at equal requests' : ''}`,
    }
  }
  const { requests, calls } = group
  if (group.hasIds)
    return unexplained('more in the ledger than on the bill', 'every call has a response id and none is repeated')
  if (requests !== null && calls !== null && calls <= requests)
    return unexplained('more tokens in the ledger than on the bill', 'no more calls than the bill has requests')
  if (requests !== null && calls !== null)
    return {
      category: 'counted twice',
      cause: 'calls counted twice',
      evidence: `${(calls - requests) / 10n ** 12n} more calls than the bill has requests`,
    }
  if (isSameShare(ratios))
    return {
      category: 'counted twice',
      cause: 'calls counted twice',
      evidence: 'the same share too much of every kind',
    }
  return {
    category: 'counted twice',
    cause: 'calls counted twice',
    evidence: 'by elimination: the bill is complete, and the ledger has no response ids to tell by',
  }
}

function unexplained(cause: string, evidence: string): Verdict {
  return { category: 'unexplained', cause, evidence }
}

/** At least two kinds, and all too high by one factor, to a part in a thousand. */
function isSameShare(ratios: ReadonlyMap<string, readonly [bigint, bigint]>): boolean {
  const known = [...ratios.values()].filter(([bill]) => bill > 0n)
  const [first] = known
  if (first === undefined || known.length < 2) return false
  return known.every(([bill, ledger]) => {
    const [left, right] = [ledger * first[0], first[1] * bill]
    return left > first[0] * bill && (left > right ? left - right : right - left) * 1000n <= right
  })
}
