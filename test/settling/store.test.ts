// Values of a statement stay below what a server reads of one, and none is lost.

import { expect, test } from 'vitest'
import { valuesOfStatements } from '../../collector/settling/store.ts'

test('texts are split by their length', () => {
  const texts = Array.from({ length: 9000 }, (_, i) => String(i).padStart(10 + (i % 90), 'x'))
  const lists = [...valuesOfStatements(texts)]
  expect(lists.flat()).toEqual(texts)
  expect(lists.length).toBeGreaterThan(3)
  for (const list of lists) expect(JSON.stringify(list).length).toBeLessThan(128 * 1024)
  expect([...valuesOfStatements([])]).toEqual([])
  expect([...valuesOfStatements(['y'.repeat(200_000)])]).toHaveLength(1)
})
