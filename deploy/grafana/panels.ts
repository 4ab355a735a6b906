// Panels in the few shapes the boards use, over the builders of Grafana's own schema library. Each one carries its SQL,
// its place and its reason to exist; colours are decisions, so thresholds are given where one is due and nowhere else.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} in these texts is Grafana's

import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  PanelBuilder,
  QueryVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import {
  SeriesMapping,
  PanelBuilder as XYChartBuilder,
  XYSeriesConfigBuilder,
  XYShowMode,
} from '@grafana/grafana-foundation-sdk/xychart'

export const datasource = { type: 'grafana-clickhouse-datasource', uid: '${datasource}' } as const

/** `format` of a target: how the plugin shapes rows. Long rows become series with 0 and stay rows with 1; 3 is a trace. */
export type Format = 0 | 1 | 3

const queryTypes = { 0: 'timeseries', 1: 'table', 3: 'traces' } as const

/** A query in the shape the plugin's backend reads. Without a 4.x `pluginVersion` its editor would migrate it. */
class Target implements Dataquery {
  readonly refId: string
  readonly datasource = datasource
  readonly editorType = 'sql'
  readonly queryType: string
  readonly format: Format
  readonly pluginVersion = '4.14.1'
  readonly rawSql: string

  constructor(format: Format, rawSql: string, refId = 'A') {
    this.refId = refId
    this.format = format
    this.queryType = queryTypes[format]
    this.rawSql = rawSql
  }

  _implementsDataqueryVariant(): void {
    // Marks the type for the library; a method of the prototype, so it stays out of the JSON.
  }
}

function target(format: Format, rawSql: string): Builder<Dataquery> {
  return { build: () => new Target(format, rawSql) }
}

export interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export interface PanelSpec {
  /** Stable: links and alert rules point at it. */
  readonly id: number
  readonly title: string
  /** What is counted, what is not, from which table, and what to look at first when it is red. */
  readonly description: string
  readonly at: Place
  readonly sql: string
}

export type Override = readonly [column: string, properties: Readonly<Record<string, unknown>>]

/** A colour from each value on; the first applies below all others. */
export type Steps = readonly (readonly [from: number | null, color: string])[]

export function thresholds(steps: Steps): Builder<ReturnType<ThresholdsConfigBuilder['build']>> {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })))
}

/** One number, or one with a sparkline (`series`); a series must be additive, since its sum is what is shown. */
export function stat(
  spec: PanelSpec & {
    readonly unit: string
    readonly decimals?: number
    readonly series?: boolean
    readonly steps?: Steps
    readonly noValue?: string
    readonly overrides?: readonly Override[]
    readonly link?: Link
  },
): StatBuilder {
  const builder = new StatBuilder()
    .unit(spec.unit)
    .noValue(spec.noValue ?? 'no data')
    .graphMode(spec.series === true ? BigValueGraphMode.Area : BigValueGraphMode.None)
    .colorMode(spec.steps === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs([spec.series === true ? 'sum' : 'lastNotNull']))
    .thresholds(thresholds(spec.steps ?? [[null, 'text']]))
    .withTarget(target(spec.series === true ? 0 : 1, spec.sql))
  if (spec.decimals !== undefined) builder.decimals(spec.decimals)
  if (spec.link !== undefined) builder.overrideByRegexp('/.*/', [{ id: 'links', value: [spec.link] }])
  return common(builder, spec, spec.overrides)
}

/** Values over time. Money, tokens and counts are stacked bars, rates and latencies are lines; the axis starts at 0. */
export function chart(
  spec: PanelSpec & {
    readonly unit: string
    readonly style: 'bars' | 'lines'
    readonly label: string
    readonly decimals?: number
    readonly max?: number
    readonly timeFrom?: string
    readonly overrides?: readonly Override[]
  },
): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .unit(spec.unit)
    .min(0)
    .displayName(spec.label)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .drawStyle(spec.style === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .fillOpacity(spec.style === 'bars' ? 80 : 0)
    .lineWidth(1)
    .showPoints(VisibilityMode.Auto)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .showLegend(true)
        .calcs([spec.style === 'bars' ? 'sum' : 'lastNotNull']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .interval('1m')
    .maxDataPoints(160)
    .withTarget(target(0, spec.sql))
  if (spec.style === 'bars') builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
  if (spec.decimals !== undefined) builder.decimals(spec.decimals)
  if (spec.max !== undefined) builder.max(spec.max)
  if (spec.timeFrom !== undefined) builder.timeFrom(spec.timeFrom)
  return common(builder, spec, spec.overrides)
}

export function table(spec: PanelSpec & { readonly overrides?: readonly Override[] }): TableBuilder {
  return common(new TableBuilder().withTarget(target(1, spec.sql)), spec, spec.overrides)
}

/** A point a row: where it lies by two numbers, how large by a third; its other columns stand in its tooltip. */
export function points(
  spec: PanelSpec & {
    readonly x: string
    readonly y: string
    readonly size: string
    readonly unit: string
    readonly overrides: readonly Override[]
  },
): XYChartBuilder {
  const column = (name: string) => ({ matcher: { id: 'byName', options: name } })
  const builder = new XYChartBuilder()
    .unit(spec.unit)
    .mapping(SeriesMapping.Manual)
    .series([new XYSeriesConfigBuilder().x(column(spec.x)).y(column(spec.y)).size(column(spec.size))])
    .show(XYShowMode.Points)
    .pointSize({ fixed: 8, min: 6, max: 40 })
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(false)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single).sort(SortOrder.None))
    .withTarget(target(1, spec.sql))
  return common(builder, spec, spec.overrides)
}

/** The waterfall of one trace. */
export function traces(spec: PanelSpec): PanelBuilder {
  return common(new PanelBuilder().type('traces').withTarget(target(3, spec.sql)), spec)
}

interface Panel {
  id(id: number): this
  title(title: string): this
  description(text: string): this
  gridPos(place: Place): this
  datasource(ref: typeof datasource): this
  overrideByName(name: string, properties: DynamicConfigValue[]): this
}

function common<P extends Panel>(builder: P, spec: PanelSpec, overrides: readonly Override[] = []): P {
  builder.id(spec.id).title(spec.title).description(spec.description).gridPos(spec.at).datasource(datasource)
  for (const [column, properties] of overrides) {
    builder.overrideByName(
      column,
      Object.entries(properties).map(([id, value]) => ({ id, value })),
    )
  }
  return builder
}

export interface Link {
  readonly title: string
  readonly url: string
}

/** From a cell with a trace id to the board of that trace, in the same range. */
export const traceLink: Link = {
  title: 'Show this trace',
  url: '/d/sl-trace?${__url_time_range}&${datasource:queryparam}&var-trace_id=${__value.raw:percentencode}',
}

/** A drop-down that takes several values or all; its query has one column. */
export function choice(name: string, label: string, sql: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ refId: 'v', editorType: 'sql', rawSql: sql })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all' })
}
