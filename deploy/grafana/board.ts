// What all boards have in common: their family, range, links and data source, and the schema version they are committed in.

import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { datasource } from './panels.ts'

/** The board "Spanledger: name", linked with all others; its first variable is to be the data source. */
export function board(name: string, description: string): DashboardBuilder {
  return new DashboardBuilder(`Spanledger: ${name}`)
    .description(description)
    .tags(['spanledger'])
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-24h', to: 'now' })
    .link(
      new DashboardLinkBuilder('Spanledger')
        .type(DashboardLinkType.Dashboards)
        .tags(['spanledger'])
        .includeVars(true)
        .keepTime(true),
    )
    .annotations([])
}

export function dataSource(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource').label('Data source').type(datasource.type)
}

/**
 * The board as it is committed. The library writes schema version 42 and migrates nothing; 39 is what the plugin's own
 * boards carry, is read by Grafana 11 to 13, and names every field used here.
 */
export function classic(dashboard: Dashboard): Dashboard {
  return { ...dashboard, schemaVersion: 39 }
}
