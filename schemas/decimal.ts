// Exact decimals of any length: money in exports, prices, rates of exchange. An integer and how many of its digits are
// behind the point.

export interface Decimal {
  readonly digits: bigint
  /** 0 or more. */
  readonly scale: number
}

export const zero: Decimal = { digits: 0n, scale: 0 }

const pattern = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/

/** A decimal from its text, with an exponent too, as doubles are printed. Throws RangeError for anything else. */
export function parseDecimal(text: string): Decimal {
  const match = pattern.exec(text)
  if (match === null) throw new RangeError(`not a decimal: "${text.slice(0, 64)}"`)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const scale = fraction.length - Number(exponent)
  const digits = BigInt(`${sign}${whole}${fraction}`)
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale }
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { digits: scaled(a, scale) + scaled(b, scale), scale }
}

export function minus(a: Decimal, b: Decimal): Decimal {
  return plus(a, { digits: -b.digits, scale: b.scale })
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale }
}

/** a ÷ by, rounded half away from zero to so many places. `by` is a whole number above 0. */
export function dividedBy(a: Decimal, by: number, places: number): Decimal {
  const shift = places - a.scale
  const numerator = shift >= 0 ? a.digits * 10n ** BigInt(shift) : a.digits
  const denominator = BigInt(by) * (shift < 0 ? 10n ** BigInt(-shift) : 1n)
  const half = numerator < 0n ? -denominator : denominator
  return { digits: (2n * numerator + half) / (2n * denominator), scale: places }
}

/** a ÷ b, rounded half up to so many places; both above 0. */
export function dividedByDecimal(a: Decimal, b: Decimal, places: number): Decimal {
  const shift = places + b.scale - a.scale
  const numerator = shift >= 0 ? a.digits * 10n ** BigInt(shift) : a.digits
  const denominator = shift >= 0 ? b.digits : b.digits * 10n ** BigInt(-shift)
  return { digits: (2n * numerator + denominator) / (2n * denominator), scale: places }
}

export function isZero(a: Decimal): boolean {
  return a.digits === 0n
}

/** Below 0, 0 or above, as a is less than, equal to or greater than b. */
export function compare(a: Decimal, b: Decimal): number {
  const { digits } = minus(a, b)
  return digits < 0n ? -1 : digits > 0n ? 1 : 0
}

/** The shortest text, never with an exponent: 1500 of scale 2 → "15". */
export function formatDecimal({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : ''
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0')
  const whole = text.slice(0, text.length - scale)
  const fraction = text.slice(text.length - scale).replace(/0+$/, '')
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

function scaled({ digits, scale }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(to - scale)
}
