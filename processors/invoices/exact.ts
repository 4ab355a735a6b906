// Decimal text of bills, kept exact: providers print amounts with up to 30 decimals, and a double holds 15 digits.

/** Integer of 1e-30 of a currency unit, or of a quantity. */
export type Fine = bigint

const fineDigits = 30
const finePerPico = 10n ** 18n

const decimalPattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/

/**
 * Decimal text, exponents allowed, as an integer of 1e-30.
 * Throws RangeError for what is no number, has thousands marks, or has a non-zero digit past the thirtieth decimal.
 */
export function parseFine(text: string): Fine {
  const match = decimalPattern.exec(text.trim())
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? []
  if (match === null || whole + fraction === '') throw new RangeError(`not a decimal number: "${text.slice(0, 64)}"`)
  const shift = fineDigits - fraction.length + Number(exponent)
  const digits = BigInt(whole + fraction)
  if (shift > 90) throw new RangeError(`too large: "${text.slice(0, 64)}"`)
  if (shift >= 0) return signed(digits * 10n ** BigInt(shift), sign)
  const step = 10n ** BigInt(-shift)
  if (digits % step !== 0n) throw new RangeError(`more than 30 decimals: "${text.slice(0, 64)}"`)
  return signed(digits / step, sign)
}

function signed(value: bigint, sign: string): bigint {
  return sign === '-' ? -value : value
}

/** Rounded once, half away from zero, to 1e-12. */
export function picoOfFine(fine: Fine): bigint {
  return divideRounded(fine, finePerPico)
}

export function fineOfPico(pico: bigint): Fine {
  return pico * finePerPico
}

/** a ÷ b to the nearest integer, half away from zero; b must not be 0. */
export function divideRounded(a: bigint, b: bigint): bigint {
  if (b < 0n) return divideRounded(-a, -b)
  const half = b / 2n
  return a >= 0n ? (a + half) / b : -((-a + half) / b)
}

/** A quotient of positive integers as the shortest decimal text of at most `digits` decimals: 11/10 → "1.1". */
export function ratioText(numerator: bigint, denominator: bigint, digits = 4): string {
  const scale = 10n ** BigInt(digits)
  const text = divideRounded(numerator * scale, denominator)
    .toString()
    .padStart(digits + 1, '0')
  const fraction = text.slice(-digits).replace(/0+$/, '')
  return `${text.slice(0, -digits)}${fraction === '' ? '' : `.${fraction}`}`
}

/** Whether two quotients of positive integers agree to one part in a million: printed prices are rounded. */
export function sameRatio(a: readonly [bigint, bigint], b: readonly [bigint, bigint]): boolean {
  const [left, right] = [a[0] * b[1], b[0] * a[1]]
  const gap = left > right ? left - right : right - left
  return gap * 1_000_000n <= (left > right ? left : right)
}
