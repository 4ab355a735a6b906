import { describe, expect, test } from 'vitest'
import { AutomaticPromptCache, countTokens, MarkedPromptCache } from '../../deploy/demo/prompt-cache.ts'

const tokens = (count: number, letter = 'a') => letter.repeat(count * 4)

test('a token is four bytes, and no text is free', () => {
  expect(countTokens('')).toBe(1)
  expect(countTokens('abcde')).toBe(2)
  expect(countTokens('ééé')).toBe(2)
})

describe('an automatic cache', () => {
  const shared = (size: number) => {
    const cache = new AutomaticPromptCache()
    cache.read('m', `${tokens(size)}b`)
    return cache.read('m', `${tokens(size)}c`)
  }

  test('begins at 1,024 shared tokens', () => {
    expect(shared(1023)).toBe(0)
    expect(shared(1024)).toBe(1024)
  })

  test('goes on in steps of 128', () => {
    expect(shared(1151)).toBe(1024)
    expect(shared(1152)).toBe(1152)
  })

  test('is one for each model', () => {
    const cache = new AutomaticPromptCache()
    cache.read('m', tokens(2000))
    expect(cache.read('n', tokens(2000))).toBe(0)
  })
})

describe('a marked cache', () => {
  const hour = { text: tokens(2000, 'h'), ttl: '1h' as const }
  const minutes = { text: tokens(100, 'm'), ttl: '5m' as const }
  const rest = { text: tokens(7, 'r') }

  test('writes up to each mark by its lifetime, then reads', () => {
    const cache = new MarkedPromptCache()
    expect(cache.charge('m', [hour, minutes, rest])).toEqual({
      input: 7,
      cacheRead: 0,
      cacheWrite5m: 100,
      cacheWrite1h: 2000,
    })
    expect(cache.charge('m', [hour, minutes, rest])).toEqual({
      input: 7,
      cacheRead: 2100,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
    })
  })

  test('reads what is shared and writes what is new', () => {
    const cache = new MarkedPromptCache()
    cache.charge('m', [hour, rest])
    expect(cache.charge('m', [hour, minutes, rest])).toEqual({
      input: 7,
      cacheRead: 2000,
      cacheWrite5m: 100,
      cacheWrite1h: 0,
    })
  })

  test('ignores a mark on too short a prompt', () => {
    const usage = new MarkedPromptCache().charge('m', [minutes, rest])
    expect(usage).toEqual({ input: 107, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 })
  })
})
