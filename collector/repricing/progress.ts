// How far a long command is, in lines for standard error: rows, rate and what is left.

const everyMs = 2000

/** A reporter of `total` rows; call it with those done so far. At most a line every two seconds, and one at the end. */
export function progressOf(
  what: string,
  total: number,
  note: (line: string) => void,
  now: () => number = Date.now,
): (done: number) => void {
  const begun = now()
  let last = begun
  return (done) => {
    const at = now()
    if (at - last < everyMs && done < total) return
    last = at
    const seconds = Math.max(at - begun, 1) / 1000
    const rate = done / seconds
    const left = done >= total ? 'done' : `${Math.ceil((total - done) / Math.max(rate, 1))} s left`
    note(`${what}: ${count(done)} of ${count(total)} calls, ${count(rate)} a second, ${left}`)
  }
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

function count(value: number): string {
  return grouped.format(value)
}
