// The type of a dashboard: Grafana's own types, made stricter where they have `unknown`. A new type of
// panel needs a line in Panels.

import type * as grafana from '@grafana/schema';
import type * as barGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as loki from '@grafana/schema/dist/esm/raw/composable/loki/dataquery/x/LokiDataQuery_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as history from '@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON contains the value of an enum where the types have the enum.
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

// The package has no types for these three.
interface DataLink {
  title: string;
  url: string;
}
type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | {
      id: 'organize';
      options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };
type PrometheusQuery = grafana.DataQuery & {
  editorMode: 'code';
  expr: string;
  format: 'table' | 'time_series' | 'heatmap';
  instant: boolean;
  legendFormat?: string;
  range: boolean;
};

type Field<Custom> = Omit<grafana.FieldConfig, 'custom' | 'links'> & { custom?: Custom; links?: DataLink[] };
type Property<Custom> =
  | { [K in keyof Field<Custom>]-?: { id: K; value: Field<Custom>[K] } }[Exclude<keyof Field<Custom>, 'custom'>]
  | { [K in keyof Custom]-?: { id: `custom.${K & string}`; value: Custom[K] } }[keyof Custom];

type Panel<Type, Options, Custom, Query = PrometheusQuery> = Omit<
  grafana.Panel,
  'type' | 'description' | 'fieldConfig' | 'options' | 'targets' | 'transformations'
> & {
  type: Type;
  description: string;
  fieldConfig: {
    defaults: Field<Custom>;
    overrides: Array<{
      matcher: { id: 'byName' | 'byFrameRefID'; options: string };
      properties: Array<Property<Custom>>;
    }>;
  };
  options: Options;
  targets: Query[];
  transformations?: Transformation[];
};
type Panels =
  | Panel<'bargauge', barGauge.Options, never>
  | Panel<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | Panel<'logs', logs.Options, never, loki.LokiDataQuery>
  | Panel<'stat', stat.Options, never>
  | Panel<'status-history', history.Options, history.FieldConfig>
  | Panel<'table', table.Options, table.FieldConfig>
  | Panel<'timeseries', timeSeries.Options, timeSeries.FieldConfig, PrometheusQuery | loki.LokiDataQuery>;

export type Dashboard = Json<
  Omit<grafana.Dashboard, 'panels'> & {
    panels: Array<Panels | (Omit<grafana.RowPanel, 'panels'> & { panels: Panels[] })>;
  }
>;
