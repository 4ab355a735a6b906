// How an answer ended, from its finish reason in any provider's spelling.

/** `unsaid`: no reason was reported; `failed`: a reason that stands for a failure, or one that nobody knows. */
export const end = { unsaid: 0, whole: 1, cut: 2, tools: 3, failed: 4 } as const

const wholes = words(
  'stop endturn stopsequence stopsequences completed complete finished eos eostoken endofturn success succeeded finishreasonstop done',
)
const cuts = words(
  'length maxtokens maxtokensreached maxoutputtokens maxcompletiontokens maxlength tokenlimit outputlimit incomplete',
)
const tools = words('toolcalls toolcall tooluse functioncall functioncalls pauseturn')

/** Several reasons come as a list, one for each answer: one that was cut is enough, and all must be whole for the whole. */
export function endOf(finishReason: string): number {
  const reasons = finishReason
    .split(/[^\w .-]+/)
    .map((each) =>
      each
        .slice(each.lastIndexOf('.') + 1)
        .replaceAll(/[^A-Za-z]/g, '')
        .toLowerCase(),
    )
    .filter((each) => each !== '')
  if (reasons.length === 0) return end.unsaid
  if (reasons.some((each) => cuts.has(each))) return end.cut
  if (reasons.some((each) => tools.has(each))) return end.tools
  return reasons.every((each) => wholes.has(each)) ? end.whole : end.failed
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(' '))
}
