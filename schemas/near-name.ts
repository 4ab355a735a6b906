// The name that was probably meant: for errors about words that are none of ours.

const editsMax = 3
const charsMax = 100

/** The known name fewest edits away from `name`, at most three; undefined when none is that near. */
export function nearName(name: string, known: Iterable<string>): string | undefined {
  const [near] = [...known].map((each) => ({ each, edits: editDistance(name, each) })).sort((a, b) => a.edits - b.edits)
  return near !== undefined && near.edits <= editsMax ? near.each : undefined
}

/** Levenshtein distance; names longer than 100 characters are as far as can be. */
function editDistance(a: string, b: string): number {
  if (a.length > charsMax) return a.length
  let before = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(before[j]! + 1, row[j - 1]! + 1, before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    before = row
  }
  return before[b.length]!
}
