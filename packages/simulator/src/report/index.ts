/** What runs come to: metrics, text for terminals, JSON, CSV and one page to look at. */
export { metrics, metricOf, labelOf, type Metric } from './metrics.ts';
export { summarise, type MetricKey, type RunSummary } from './summary.ts';
export type { Distribution } from './distribution.ts';
export type { TenantSummary } from './tenants.ts';
export { estimate, isClear, jain, paired, studentT, type Estimate } from './statistics.ts';
export {
  difference,
  estimateOf,
  ReportBuilder,
  type Candidate,
  type Report,
  type ReportAbout,
} from './report.ts';
export { change, headlineOf, type Headline } from './headline.ts';
export { inUnit, withInterval, duration, type Unit } from './units.ts';
export { terminalReport, summaryTable } from './terminal/summary-table.ts';
export { sparkline } from './terminal/sparkline.ts';
export { ProgressLine, partDone, type ProgressTarget, type RunningRun } from './terminal/progress.ts';
export { coloured } from './terminal/text.ts';
export { jsonReport, jsonFormat, jsonVersion, type JsonOptions } from './json.ts';
export { jobsCsv, jobsCsvHeader, summaryCsv } from './csv.ts';
export type { JobRow } from './job-rows.ts';
export { writeChunks } from './write-chunks.ts';
export { htmlReport } from './html/html-report.ts';
