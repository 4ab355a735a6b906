// Objects that Python turned into text: whole, or as a member of a longer text.

import { describe, expect, test } from 'vitest'
import { pythonMember, pythonObject } from '../../processors/python-text.ts'

describe('a member of a longer text', () => {
  test.each([
    [
      "ChatMessage(_role=<ChatRole.USER: 'user'>, _meta={'usage': {'prompt_tokens': 4, 'details': {'cached_tokens': None}}})",
    ],
    ['ChatCompletion(choices=[<x>], usage=Usage(prompt_tokens=4, details=Details(cached_tokens=None)))'],
    ["usage={'prompt_tokens': 1} and later usage={'prompt_tokens': 4, 'details': {'cached_tokens': None}}"],
  ])('%s', (text) => {
    expect(pythonMember(text, 'usage')).toEqual({ prompt_tokens: 4, details: { cached_tokens: null } })
  })

  test.each([['usage=<object at 0x7f>'], ['no such member'], ['usage=3'], ["'usage': {'a': "]])('none: %s', (text) => {
    expect(pythonMember(text, 'usage')).toBeUndefined()
  })
})

test('an object as a whole', () => {
  expect(pythonObject("{'a': None, 'b': D(c=1)}")).toEqual({ a: null, b: { c: 1 } })
  expect(pythonObject("{'a': 1} and more")).toBeUndefined()
})
