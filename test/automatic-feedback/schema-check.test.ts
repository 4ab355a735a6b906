// Schemas come from whoever sends spans: a check says what an ordinary validator says, or nothing, and always soon.

import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeSchemaCheck, schemaCheckLimits } from '../../collector/schema-check.ts'
import { plainSchema } from '../../processors/automatic-feedback/plain-schema.ts'

const check = makeSchemaCheck({ ...schemaCheckLimits, compileMs: 60_000 })
const keyword = (schema: object, value: unknown) => check(schema, value, JSON.stringify(value).length)

describe('what is found', () => {
  const city = { type: 'object', properties: { city: { type: 'string', minLength: 2 } }, required: ['city'] }
  test.each([
    ['a missing member', city, {}, { keyword: 'required', place: '#/required' }],
    ['a type', city, { city: 1 }, { keyword: 'type', place: '#/properties/city/type' }],
    ['a length', city, { city: 'x' }, { keyword: 'minLength', place: '#/properties/city/minLength' }],
    ['nothing', city, { city: 'Paris' }, null],
    [
      'a reference',
      { $ref: '#/$defs/c', $defs: { c: city } },
      {},
      { keyword: 'required', place: '#/$defs/c/required' },
    ],
    ['an older name of references', { $ref: '#/definitions/c', definitions: { c: city } }, { city: 'Paris' }, null],
    [
      'items of older drafts',
      { items: [{ type: 'string' }, { type: 'number' }], additionalItems: false },
      ['a', 1, 2],
      { keyword: 'items', place: '#/items' },
    ],
    ['cents', { type: 'number', multipleOf: 0.01 }, 19.99, null],
    ['null by the name of OpenAPI', { type: 'string', nullable: true }, null, null],
  ])('%s', (_, schema, value, want) => {
    const found = keyword(schema, value)
    if (want === null) expect(found).toBeNull()
    else expect(found).toMatchObject({ keyword: want.keyword })
  })
})

describe('what nothing is said of', () => {
  const deep = (levels: number): object => (levels === 0 ? { type: 'string' } : { properties: { a: deep(levels - 1) } })
  test.each([
    [
      'names by pattern',
      { patternProperties: { '^(a+)+$': { type: 'number' } }, additionalProperties: false },
      { b: 1 },
    ],
    ['a reference elsewhere', { $ref: 'https://example.com/schema.json' }, 1],
    ['a reference to nothing', { $ref: '#/$defs/none' }, 1],
    ['no schema at all', { type: 'strange' }, 1],
    ['one of several told apart by a pattern', { oneOf: [{ pattern: '^a' }, { pattern: '^b' }] }, 'a'],
    ['a schema too deep', deep(100), {}],
    ['a schema too large', { enum: Array.from({ length: 2000 }, (_, i) => i) }, 5000],
    ['a long answer', { type: 'array' }, 'x'.repeat(schemaCheckLimits.textChars + 1)],
  ])('%s', (_, schema, value) => {
    expect(keyword(schema, value)).toBeUndefined()
  })

  test('a pattern and a format are not checked, what is beside them is', () => {
    const schema = { type: 'string', pattern: '^(a+)+$', format: 'date', minLength: 3 }
    expect(keyword(schema, `${'a'.repeat(40)}!`)).toBeNull()
    expect(keyword(schema, 'a')).toMatchObject({ keyword: 'minLength' })
  })
})

test('schemas made to take for ever end at once', () => {
  // Each level asks the same of its child twice: 2^40 ways to the innermost value.
  const twice = {
    $defs: {
      n: { allOf: [{ properties: { a: { $ref: '#/$defs/n' } } }, { properties: { a: { $ref: '#/$defs/n' } } }] },
    },
    $ref: '#/$defs/n',
  }
  let value: object = {}
  for (let i = 0; i < 40; i++) value = { a: value }
  // References that double with every name: 2^60 schemas when followed.
  const $defs: Record<string, object> = { d60: { type: 'string' } }
  for (let i = 0; i < 60; i++)
    $defs[`d${i}`] = { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }
  const from = process.cpuUsage()
  expect(keyword(twice, value)).toBeUndefined()
  expect(keyword({ $ref: '#/$defs/d0', $defs }, 1)).toBeUndefined()
  expect(
    keyword({ type: 'array', uniqueItems: true }, Array.from({ length: 20_000 }, (_, i) => ({ i })).slice(0, 3000)),
  ).toBeNull()
  const { user } = process.cpuUsage(from)
  expect(user / 1e6).toBeLessThan(2)
  // A tree is fine.
  const tree = {
    $defs: {
      n: {
        type: 'object',
        properties: { left: { $ref: '#/$defs/n' }, right: { $ref: '#/$defs/n' } },
        additionalProperties: false,
      },
    },
    $ref: '#/$defs/n',
  }
  expect(keyword(tree, { left: { right: {} }, right: {} })).toBeNull()
  expect(keyword(tree, { left: { middle: {} } })).toMatchObject({ keyword: 'additionalProperties' })
})

test('compiling has a share of every second; what was compiled is kept', () => {
  let nowMs = 0
  const slow = makeSchemaCheck({ ...schemaCheckLimits, compileMs: 10 }, () => (nowMs += 4))
  const schemas = Array.from({ length: 5 }, (_, i) => ({ type: 'string', minLength: i + 2 }))
  const found = (): unknown[] => schemas.map((schema) => slow(schema, 'x', 3)?.keyword)
  // Two calls of the clock for each: 4 ms of compiling. The budget lasts for three.
  expect(found()).toEqual(['minLength', 'minLength', 'minLength', undefined, undefined])
  expect(found()).toEqual(['minLength', 'minLength', 'minLength', undefined, undefined])
  nowMs = 2000
  expect(found()).toEqual(['minLength', 'minLength', 'minLength', 'minLength', 'minLength'])
})

test('an ordinary validator finds whatever is found here', () => {
  const judge = new Ajv2020({ strict: false, validateFormats: false })
  const leaf = fc.oneof(
    fc.constantFrom(
      { type: 'string' },
      { type: 'integer' },
      { type: 'boolean' },
      { type: ['string', 'null'] },
      { enum: ['a', 1] },
      { const: 'a' },
      {},
      { minimum: 3 },
      { pattern: '^a' },
      { type: 'array', uniqueItems: true },
    ),
  )
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record(
        {
          type: fc.constant('object'),
          properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema')),
          required: fc.subarray(['a', 'b']),
          additionalProperties: fc.boolean(),
        },
        { requiredKeys: ['properties'] },
      ),
      fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: fc.constant(2) }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ not: tie('schema') }),
    ),
  }))
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('a', 'b', 1, 5, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value')),
    ),
  })).value
  let told = 0
  fc.assert(
    fc.property(schema, value, (asked, answer) => {
      const found = keyword(asked as object, answer)
      if (found === undefined) return
      told++
      // What is taken out only makes it say less.
      if (found !== null) expect(judge.validate(asked as object, answer)).toBe(false)
      else if (JSON.stringify(plainSchema(asked as object)?.schema) === JSON.stringify(asked))
        expect(judge.validate(asked as object, answer)).toBe(true)
    }),
    { numRuns: 300, seed: 7 },
  )
  expect(told).toBeGreaterThan(150)
})
