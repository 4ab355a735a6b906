import { expect, test } from 'vitest'
import { isBelow } from '../../processors/versions.ts'

test.each([
  ['0.33.3', true],
  ['0.9.12', true],
  ['0.33.4', false],
  ['0.33', true],
  ['1.0.0', false],
  ['v0.30.1', true],
  ['0.33.4b0', false],
  ['', false],
  ['latest', false],
])('%s is below 0.33.4: %s', (version, want) => {
  expect(isBelow(version, 0, 33, 4)).toBe(want)
})
