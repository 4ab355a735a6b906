// Money is an integer of pico-USD (1e-12 USD), stored as Decimal(18, 12): the same 64-bit integer.

/** Integer 1e-12 USD in a double: exact below 2^53, that is 9,007 USD a call. */
export type PicoUsd = number & { readonly __unit?: 'pico-usd' }

/** Largest amount one row may carry; beyond it a product of doubles is no longer exact. */
export const picoUsdMax = Number.MAX_SAFE_INTEGER

/** No call and no evaluation costs this much USD: a figure beyond it is no amount. */
const believableUsdMax = 9000

/** Pico-USD of an amount of USD that a sender gave as a number; NaN for what is not a believable amount. */
export function picoOfUsd(usd: unknown): PicoUsd {
  return typeof usd === 'number' && usd >= 0 && usd <= believableUsdMax ? Math.round(usd * 1e12) : Number.NaN
}

/** The same of xAI's ticks, 10^10 to the USD; they are whole. */
export function picoOfTicks(ticks: unknown): PicoUsd {
  const isBelievable =
    Number.isSafeInteger(ticks) && (ticks as number) >= 0 && (ticks as number) <= believableUsdMax * 1e10
  return isBelievable ? (ticks as number) * 100 : Number.NaN
}

const decimalPattern = /^(-?)(\d+)(?:\.(\d+))?$/

/**
 * A decimal string of USD as pico-USD, exact.
 * Throws RangeError for what is not a plain decimal or has a non-zero digit past the twelfth.
 */
export function parsePicoUsd(text: string): bigint {
  const match = decimalPattern.exec(text)
  if (match === null) throw new RangeError(`not a decimal amount: "${text}"`)
  const [, sign, whole, fraction = ''] = match
  if (/[1-9]/.test(fraction.slice(12))) throw new RangeError(`finer than a pico-USD: "${text}"`)
  const digits = BigInt((whole ?? '0') + fraction.slice(0, 12).padEnd(12, '0'))
  return sign === '-' ? -digits : digits
}

/** Pico-USD as the shortest decimal string of USD: 1500000n → "0.0000015". */
export function formatPicoUsd(pico: bigint | number): string {
  const value = BigInt(pico)
  const digits = (value < 0n ? -value : value).toString().padStart(13, '0')
  const fraction = digits.slice(-12).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -12)}${fraction === '' ? '' : `.${fraction}`}`
}
