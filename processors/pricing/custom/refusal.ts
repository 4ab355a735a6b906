// Own prices that are not taken, with everything that is wrong with them.

import { Refusal, type RefusalReason } from '../../../schemas/refusal.ts'
import { type Finding, findingText } from './fields.ts'

export class PriceRefusal extends Refusal {
  readonly findings: readonly Finding[]

  constructor(reason: RefusalReason, message: string, findings: readonly Finding[] = []) {
    super(reason, message)
    this.name = 'PriceRefusal'
    this.findings = findings
  }
}

/** The message says all findings, too. */
export function wrongPrices(findings: readonly Finding[]): PriceRefusal {
  return new PriceRefusal('bad_request', findings.map(findingText).join('; '), findings)
}
