// Exact decimals, against integers of a common unit.

import { describe, expect, test } from 'vitest'
import { compare, dividedBy, formatDecimal, minus, parseDecimal, plus, times } from '../../schemas/decimal.ts'

const d = parseDecimal
const f = formatDecimal

test.each([
  ['0', '0'],
  ['0.000', '0'],
  ['15.00', '15'],
  ['-0.50', '-0.5'],
  ['1500', '1500'],
  ['007.1', '7.1'],
  ['1e-7', '0.0000001'],
  ['1.5e3', '1500'],
  ['-2.5E-13', '-0.00000000000025'],
])('%s reads as %s', (text, shown) => {
  expect(f(d(text))).toBe(shown)
})

test.each(['', '.5', '1.', '+1', '1,5', '0x10', 'NaN', '1e9999', ' 1'])('%j is none', (text) => {
  expect(() => d(text)).toThrow(RangeError)
})

test('sums, differences and products keep every digit', () => {
  expect(f(plus(d('0.1'), d('0.2')))).toBe('0.3')
  expect(f(minus(d('1'), d('0.000000000001')))).toBe('0.999999999999')
  expect(f(times(d('123456789.000000001'), d('1000000.0000001')))).toBe('123456789000012.3466789000000001')
  expect(compare(d('0.10'), d('0.1'))).toBe(0)
  expect(compare(d('-1'), d('0.1'))).toBe(-1)
})

describe('division rounds half away from zero at the place asked for', () => {
  test.each([
    ['1', 3, 4, '0.3333'],
    ['2', 3, 4, '0.6667'],
    ['0.5', 1, 0, '1'],
    ['-0.5', 1, 0, '-1'],
    ['-1', 3, 2, '-0.33'],
    ['81.7', 3600, 12, '0.022694444444'],
    ['1234.5678', 1, 2, '1234.57'],
  ])('%s ÷ %i to %i places is %s', (text, by, places, want) => {
    expect(f(dividedBy(d(text), by, places))).toBe(want)
  })
})
