// The story of a selection names the same winner as the selection.

import { describe, expect, test } from 'vitest'
import { loadPriceBook } from '../../collector/price-files.ts'
import { noConditions, PriceBook, type PriceFile } from '../../processors/pricing/book.ts'
import { considered, type Verdict } from '../../processors/pricing/consider.ts'
import { conditionNames } from '../../processors/pricing/file.ts'
import { entry } from './cards.ts'

const files = loadPriceBook()

function chosenOf(book: PriceBook, asked: Parameters<typeof considered>[1]): string | null {
  const entries = considered(book, asked).flatMap((lookup) => lookup.entries)
  const chosen = entries.filter(({ verdict }) => verdict.kind === 'chosen')
  expect(chosen.length).toBeLessThan(2)
  return chosen[0]?.entry.id ?? null
}

test('for every model of the catalogue, at every border of its prices, under every condition it names', () => {
  const book = new PriceBook(files)
  let asked = 0
  for (const { provider, entries, aliases = [] } of files) {
    const names = new Set([
      ...entries.flatMap(({ models }) => [...models.exact, ...(models.prefix ?? []).map((prefix) => `${prefix}x`)]),
      ...aliases.map(({ alias }) => alias),
      'no-such-model',
    ])
    const borders = [...new Set(entries.flatMap(({ validFrom, validTo }) => [validFrom, validTo]))]
    const instants = borders.map((text) => (text === null ? Date.parse('2026-11-22T00:00:00Z') : Date.parse(text)))
    const said = [
      noConditions,
      ...entries.flatMap(({ when = {} }) =>
        conditionNames.flatMap((name) => {
          const test = when[name]
          return typeof test === 'string' ? [JSON.stringify({ ...noConditions, [name]: test })] : []
        }),
      ),
    ].map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
    const conditions = [...new Set(said)].map((text) => JSON.parse(text) as typeof noConditions)
    for (const model of names)
      for (const atMs of instants.slice(0, 5)) {
        const under = conditions[asked % conditions.length] ?? noConditions
        for (const each of [noConditions, under]) {
          asked++
          const resolution = book.resolve(provider, model, each, atMs)
          const story = chosenOf(book, { provider, model, conditions: each, atMs })
          expect(story).toBe(resolution.kind === 'card' ? resolution.card.entry : null)
        }
      }
  }
  expect(asked).toBeGreaterThan(1000)
})

describe('verdicts', () => {
  const rates = { input: '1', output: '2' }
  const file: PriceFile = {
    provider: 'acme',
    modelPaths: ['models/'],
    entries: [
      entry('acme/m#1', ['m'], rates),
      entry('acme/m#2', ['m'], rates, { supersedes: 'acme/m#1', recordedAt: '2026-02-01T00:00:00Z' }),
      entry('acme/m#3', ['m'], rates, { validFrom: '2027-01-01T00:00:00Z' }),
      entry('acme/m#4', ['m'], rates, { when: { serviceTier: 'batch' } }),
      entry('acme/m#5', ['m'], rates, { when: { schedule: { zone: 'UTC', hours: ['01:00-02:00'] } } }),
      entry('acme/m#6', ['m'], rates, { recordedAt: '2026-06-01T00:00:00Z' }),
      entry('acme/m#7', ['m'], rates),
    ],
  }

  test('each entry that was not the one says why', () => {
    const book = new PriceBook([file], { asOf: Date.parse('2026-05-01T00:00:00Z') })
    const asked = {
      provider: 'acme',
      model: 'models/m',
      conditions: noConditions,
      atMs: Date.parse('2026-05-01T12:00:00Z'),
    }
    const [lookup] = considered(book, asked)
    expect(lookup).toMatchObject({ name: 'm', match: 'exact', isOverride: false })
    const verdicts = lookup?.entries.map(({ verdict }): Verdict => verdict)
    expect(verdicts).toEqual([
      { kind: 'superseded', by: 'acme/m#2' },
      { kind: 'chosen' },
      { kind: 'not_valid_then', validFrom: '2027-01-01T00:00:00Z', validTo: null },
      { kind: 'condition_not_met', condition: 'serviceTier', value: '', wants: 'batch' },
      { kind: 'schedule_off' },
      { kind: 'not_known_yet', recordedAt: '2026-06-01T00:00:00Z' },
      { kind: 'outranked', by: 'acme/m#2', why: 'recorded_later' },
    ])
  })

  test('overrides are looked through first, and one that does not hold leaves it to the catalogue', () => {
    const own = { ...entry('acme/own#1', ['m'], rates, { when: { serviceTier: 'batch' } }), provider: 'acme' }
    const book = new PriceBook([file], { overrides: [{ ...own, scope: 'project' }] })
    const asked = { provider: 'acme', model: 'm', conditions: noConditions, atMs: Date.parse('2026-05-01T12:00:00Z') }
    const [first, second] = considered(book, asked)
    expect(first).toMatchObject({
      isOverride: true,
      scope: 'project',
      entries: [{ verdict: { kind: 'condition_not_met' } }],
    })
    expect(second).toMatchObject({ isOverride: false })
    expect(chosenOf(book, asked)).toBe('acme/m#6')
  })
})
