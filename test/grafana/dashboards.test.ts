// The committed dashboards are what the generator writes, and keep the rules that hold on Grafana 11 to 13.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import { describe, expect, test } from 'vitest'
import { dashboards } from '../../deploy/grafana/generate.ts'
import { type BoardFile, committed, type Panel, queryPanels, sqlOf } from './boards.ts'

const knownMacros = new Set(['$__timeFilter', '$__timeInterval', '$__fromTime', '$__toTime', '$__conditionalAll'])

test('the committed files are the output of the generator, and no other file is there', () => {
  const files = new Map(committed().map(({ file, text }) => [file, text]))
  expect(files).toEqual(dashboards())
})

test('uids and titles are used once', () => {
  const boards = committed().map(({ board }) => board)
  expect(new Set(boards.map((board) => board.uid)).size).toBe(boards.length)
  expect(new Set(boards.map((board) => board.title)).size).toBe(boards.length)
  expect(boards.map((board) => board.uid).sort()).toEqual(['sl-invoice', 'sl-quality', 'sl-spend', 'sl-trace'])
})

describe.each(committed())('$file', ({ board, text }) => {
  const panels = queryPanels(board)

  test('is a classic dashboard without import placeholders', () => {
    expect(board.schemaVersion).toBe(39)
    expect(board).toMatchObject({ timezone: 'browser', tags: ['spanledger'], graphTooltip: 1 })
    expect(text).not.toMatch(/__inputs|\$\{DS_|"elements"/)
  })

  test('the first variable is the data source, and every data source is that variable', () => {
    expect(board.templating.list[0]).toMatchObject({ name: 'datasource', query: 'grafana-clickhouse-datasource' })
    const references = [...text.matchAll(/"uid": "(\$\{\w+\}|[\w-]+)"/g)].map((match) => match[1])
    expect(new Set(references)).toEqual(new Set([board.uid, '${datasource}']))
  })

  test('panel ids are unique, and every panel has a title, a description, a place and one query', () => {
    const ids = board.panels.flatMap((panel) => [panel.id, ...(panel.panels ?? []).map(({ id }) => id)])
    expect(new Set(ids).size).toBe(ids.length)
    for (const panel of panels) {
      expect(panel.title, `panel ${panel.id}`).not.toBe('')
      expect((panel.description ?? '').length, panel.title).toBeGreaterThan(40)
      expect(sqlOf(panel)).toMatch(/^(SELECT|WITH)\s/)
      expect(panel.datasource).toEqual({ type: 'grafana-clickhouse-datasource', uid: '${datasource}' })
    }
  })

  test('targets are what the plugin reads, in the format their panel needs', () => {
    for (const panel of panels) {
      const target = panel.targets?.[0]
      expect(target, panel.title).toMatchObject({ refId: 'A', editorType: 'sql', pluginVersion: '4.14.1' })
      expect(target?.format, panel.title).toBe(formatOf(panel))
    }
  })

  test('numbers carry a unit', () => {
    for (const panel of panels) {
      if (panel.type === 'table' || panel.type === 'traces') continue
      expect(panel.fieldConfig?.defaults.unit, panel.title).toMatch(/^(currencyUSD|short|percentunit|ms)$/)
    }
  })

  test('panels keep to 24 columns and do not overlap', () => {
    for (const panel of board.panels) {
      expect(panel.gridPos.x + panel.gridPos.w, panel.title).toBeLessThanOrEqual(24)
    }
    expect(overlaps(board.panels)).toEqual([])
    for (const row of board.panels) expect(overlaps(row.panels ?? [])).toEqual([])
  })

  test('SQL is one statement without comments and formats, and every table has an end', () => {
    for (const panel of panels) {
      // A setting at the end would be in the way of ad hoc filters, which these boards do not offer.
      const sql = sqlOf(panel).replace(/\nSETTINGS join_use_nulls = 1$/, '')
      expect(sql, panel.title).not.toMatch(/;|--|\/\*|\bSETTINGS\b|\bFORMAT\b/)
      if (panel.type === 'table') expect(sql, panel.title).toMatch(/LIMIT|GROUP BY/)
    }
    expect(board.templating.list.map(({ type }) => type)).not.toContain('adhoc')
  })

  test('variables are declared, and chosen values are quoted', () => {
    const names = new Set(board.templating.list.map(({ name }) => name))
    for (const sql of everySql(board)) {
      for (const [, name = ''] of sql.matchAll(/\$\{(\w+)/g)) if (name !== '__timezone') expect(names).toContain(name)
      for (const [, name = ''] of sql.matchAll(/\$(?!__)(\w+)/g)) expect(names).toContain(name)
      for (const [list] of sql.matchAll(/IN \(\$[^)]*\)/g)) expect(list).toMatch(/^IN \(\$\{\w+:singlequote\}\)$/)
    }
  })

  test('only macros of every plugin from 4.14 on are used, on bare columns', () => {
    for (const sql of everySql(board)) {
      for (const [macro] of sql.matchAll(/\$__\w+/g)) expect(knownMacros).toContain(macro)
      for (const [, column = ''] of sql.matchAll(/\$__timeFilter\(([^)]*)\)/g)) expect(column).toMatch(/^\w+\.\w+$/)
    }
  })

  test('choices are multi-value with All left to the condition', () => {
    for (const variable of board.templating.list) {
      if (variable.type !== 'query') continue
      expect(variable).toMatchObject({ multi: true, includeAll: true, current: { value: '$__all' } })
      expect(variable.allValue).toBeUndefined()
    }
  })

  test('links lead to boards and panels that exist', () => {
    const boards = new Map(committed().map((each) => [each.board.uid, each.board]))
    for (const [, uid = '', query = ''] of text.matchAll(/"url": "\/d\/([\w-]+)\?([^"]*)"/g)) {
      const linked = boards.get(uid)
      expect(linked, uid).toBeDefined()
      const panel = /viewPanel=(\d+)/.exec(query)?.[1]
      if (panel !== undefined) expect(queryPanels(linked as BoardFile).map(({ id }) => String(id))).toContain(panel)
      for (const [, name = ''] of query.matchAll(/var-(\w+)=/g)) {
        expect(linked?.templating.list.map((variable) => variable.name)).toContain(name)
      }
    }
  })
})

test('a sum over a series is only shown of numbers that add up', () => {
  for (const { board } of committed()) {
    for (const panel of queryPanels(board).filter(({ type }) => type === 'stat')) {
      const isSeries = panel.targets?.[0]?.format === 0
      expect(panel.options?.reduceOptions?.calcs, panel.title).toEqual([isSeries ? 'sum' : 'lastNotNull'])
      if (isSeries) expect(sqlOf(panel), panel.title).not.toMatch(/quantile|uniq|avg| \/ /)
    }
  }
})

function formatOf(panel: Panel): number {
  if (panel.type === 'traces') return 3
  if (panel.type === 'timeseries') return 0
  if (panel.type === 'stat') return panel.options?.graphMode === 'area' ? 0 : 1
  return 1
}

function everySql(board: BoardFile): string[] {
  const queries = board.templating.list.map(({ query }) => (typeof query === 'object' ? query.rawSql : ''))
  return [...queryPanels(board).map(sqlOf), ...queries]
}

function overlaps(panels: readonly Panel[]): string[] {
  return panels.flatMap((a, i) =>
    panels
      .slice(i + 1)
      .filter(({ gridPos: b }) => {
        const { x, y, w, h } = a.gridPos
        return x < b.x + b.w && b.x < x + w && y < b.y + b.h && b.y < y + h
      })
      .map((b) => `${a.title} / ${b.title}`),
  )
}
