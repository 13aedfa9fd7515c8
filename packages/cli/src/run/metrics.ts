/**
 * Metrics in a log line, in the `name=value` text form that Katib's metrics collector reads by default
 * (`([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)`): `epoch=3 loss=0.21 accuracy=0.95`.
 */
const pattern = /([\w|-]+)\s*=\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[Ee][+-]?\d+)?)(?![\w.])/g;

/** The metrics of one line, in their order; empty for a line that has none. Longer lines than 4,096 characters are not read. */
export function metricsOf(line: string): Map<string, string> {
  const found = new Map<string, string>();
  if (line.length > 4096 || !line.includes('=')) return found;
  for (const [, name, value] of line.matchAll(pattern)) if (name && value) found.set(name, value);
  return found;
}

/** `epoch=3 loss=0.21`: one line for people. */
export function metricsText(metrics: ReadonlyMap<string, string>): string {
  return [...metrics].map(([name, value]) => `${name}=${value}`).join(' ');
}
