// Reads the committed dashboards as a stranger would: plain JSON, no types of ours behind it.

import { readdirSync, readFileSync } from 'node:fs'

export interface Target {
  readonly refId: string
  readonly datasource: { readonly type: string; readonly uid: string }
  readonly editorType: string
  readonly queryType: string
  readonly format: number
  readonly pluginVersion: string
  readonly rawSql: string
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
  readonly collapsed?: boolean
  readonly panels?: readonly Panel[]
  readonly timeFrom?: string
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly options?: { readonly reduceOptions?: { readonly calcs: readonly string[] }; readonly graphMode?: string }
}

export interface BoardVariable {
  readonly name: string
  readonly type: string
  readonly multi: boolean
  readonly includeAll: boolean
  readonly allValue?: string
  readonly query?: string | { readonly rawSql: string }
}

export interface BoardFile {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly BoardVariable[] }
  readonly panels: readonly Panel[]
}

const folder = new URL('../../deploy/grafana/dashboards/', import.meta.url)

/** Every committed dashboard by file name. */
export function committed(): { file: string; text: string; board: BoardFile }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8')
      return { file, text, board: JSON.parse(text) as BoardFile }
    })
}

/** Panels that query, those of collapsed rows included. */
export function queryPanels(board: BoardFile): readonly Panel[] {
  return board.panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]))
}

/** A panel's only query. */
export function sqlOf(panel: Panel): string {
  const [target, ...more] = panel.targets ?? []
  if (target === undefined || more.length > 0) throw new Error(`panel "${panel.title}" should have one query`)
  return target.rawSql
}
