/** The metrics of reports, by the names that goals and flags use: `p95-wait`, `mean-completion`, `allocation`. */
import { metrics as reported, type Metric as Reported } from '../report/metrics.ts';
import { inUnit } from '../report/units.ts';

export interface Metric extends Reported {
  /** As goals name it: `p95-wait`. */
  readonly name: string;
  /** In a sentence: `p95 wait`. */
  readonly title: string;
  text(value: number): string;
}

/** What people also call them. */
const others: Readonly<Record<string, string>> = { jct: 'completion', utilization: 'utilisation' };

export const metrics: readonly Metric[] = reported.map((metric) => ({
  ...metric,
  name: metric.key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  title: /^[A-Z][a-z]/.test(metric.label)
    ? metric.label.charAt(0).toLowerCase() + metric.label.slice(1)
    : metric.label,
  text: (value) => inUnit(value, metric.unit),
}));

export function metricByName(name: string): Metric | undefined {
  const plain = Object.entries(others).reduce((text, [other, own]) => text.replace(other, own), name);
  return metrics.find((one) => one.name === plain);
}
