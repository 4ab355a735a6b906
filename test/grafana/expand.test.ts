// The expander that stands in for Grafana, against the plugin's own text for each macro
// (range 2026-11-22 00:00:00.123 to 06:00:00.987, 1000 points: one bucket is 20 seconds).

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { expect, test } from 'vitest'
import { type Board, expand } from './expand.ts'

const board: Board = {
  from: new Date('2026-11-22T00:00:00.123Z'),
  to: new Date('2026-11-22T06:00:00.987Z'),
  intervalSeconds: 20,
  timezone: 'utc',
  variables: {
    all: { value: '$__all', options: ['a', 'b'] },
    some: { value: ["o'brien", 'b'] },
    none: { value: '' },
    text: { value: "it's" },
  },
}

test.each([
  ['$__timeFilter(t)', 't >= toDateTime(1795305600) AND t <= toDateTime(1795327200)'],
  ['$__timeFilter(c.t)', 'c.t >= toDateTime(1795305600) AND c.t <= toDateTime(1795327200)'],
  ['$__timeInterval(t)', 'toStartOfInterval(toDateTime(t), INTERVAL 20 second)'],
  ['$__fromTime, $__toTime', 'toDateTime(1795305600), toDateTime(1795327200)'],
  ['$__conditionalAll(x IN (${all:singlequote}), $all)', '1=1'],
  ['$__conditionalAll(x = 1, $none)', '1=1'],
  ["$__conditionalAll(if(x = '', 'n', x) IN (${some:singlequote}), $some)", "if(x = '', 'n', x) IN ('o\\'brien','b')"],
  ['${all:singlequote}', "'a','b'"],
  ['${text:sqlstring}', "'it''s'"],
  ["if('${__timezone}' = 'utc', 'UTC', 'x')", "if('utc' = 'utc', 'UTC', 'x')"],
])('%s', (sql, want) => {
  expect(expand(sql, board)).toBe(want)
})

test.each(['${some:csv}', '${missing:singlequote}', '$__timeGroup(t)', '$some'])('%s is refused', (sql) => {
  expect(() => expand(sql, board)).toThrow()
})
