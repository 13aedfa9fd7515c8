/** Counters and histograms in Prometheus' text format, with upstream's names where upstream has the metric. */
import type { Store } from '@coracle/store';
import type { RequestAttributes } from './contracts.ts';

/** Upper bounds in seconds. */
const buckets = [0.001, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60] as const;

interface Histogram {
  counts: number[];
  sum: number;
  total: number;
}

export interface Metrics {
  request(
    attributes: RequestAttributes | undefined,
    method: string,
    code: number,
    milliseconds: number,
  ): void;
  /** Watches opened (+1) and ended (-1). */
  watches(change: number): void;
  watchEvents(count: number): void;
  /** The document at `/metrics`. */
  text(store: Store): string;
}

const escape = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** What one kind of request with one answer counts into. */
interface Series {
  readonly attributes: RequestAttributes | undefined;
  readonly verb: string;
  readonly code: number;
  total: { count: number };
  histogram: Histogram | undefined;
}

/** Is this the series of such a request? */
const isOf = (series: Series, a: RequestAttributes | undefined, verb: string, code: number): boolean =>
  series.verb === verb &&
  series.code === code &&
  series.attributes?.resource === a?.resource &&
  series.attributes?.subresource === a?.subresource &&
  series.attributes?.version === a?.version &&
  series.attributes?.group === a?.group;

export function createMetrics(): Metrics {
  const totals = new Map<string, { count: number }>();
  const durations = new Map<string, Histogram>();
  /** By what a request is told apart by, so that its labels are written once. */
  const known = new Map<string, Series>();
  /** Of the requests of late, by resource: a text to look them up by costs more than to look through a few. */
  const recent = new Map<string, Series[]>();
  let watches = 0;
  let events = 0;

  function seriesOf(a: RequestAttributes | undefined, method: string, code: number): Series {
    const where = a
      ? `group="${escape(a.group)}",resource="${escape(a.resource)}",subresource="${escape(a.subresource)}",verb="${escape(a.verb.toUpperCase())}",version="${escape(a.version)}"`
      : `group="",resource="",subresource="",verb="${method}",version=""`;
    const labels = `code="${code}",${where}`;
    let total = totals.get(labels);
    if (!total) totals.set(labels, (total = { count: 0 }));
    if (a?.verb === 'watch') return { attributes: a, verb: method, code, total, histogram: undefined };
    let histogram = durations.get(where);
    if (!histogram) durations.set(where, (histogram = { counts: buckets.map(() => 0), sum: 0, total: 0 }));
    return { attributes: a, verb: method, code, total, histogram };
  }

  function find(a: RequestAttributes | undefined, verb: string, code: number): Series {
    const resource = a?.resource ?? '';
    let some = recent.get(resource);
    if (some) for (const series of some) if (isOf(series, a, verb, code)) return series;
    const key = a
      ? `${code} ${verb} ${a.group} ${a.version} ${a.resource} ${a.subresource}`
      : `${code} ${verb}`;
    let series = known.get(key);
    if (!series) known.set(key, (series = seriesOf(a, verb, code)));
    if (!some || some.length === 8) recent.set(resource, (some = []));
    some.push(series);
    return series;
  }

  return {
    request(attributes, method, code, milliseconds) {
      // Without a known resource the path is the caller's invention: it must not make new series.
      const a = attributes?.isResource && code !== 404 ? attributes : undefined;
      const verb = a ? a.verb : /^[A-Z]{1,7}$/.test(method) ? method : 'OTHER';
      const series = find(a, verb, code);
      series.total.count += 1;
      const { histogram } = series;
      if (!histogram) return;
      const seconds = milliseconds / 1000;
      let index = 0;
      while (index < buckets.length && seconds > (buckets[index] ?? 0)) index++;
      if (index < buckets.length) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
      histogram.sum += seconds;
      histogram.total += 1;
    },
    watches(change) {
      watches += change;
    },
    watchEvents(count) {
      events += count;
    },
    text(store) {
      const lines: string[] = [];
      const metric = (name: string, type: string, help: string): void =>
        void lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      metric('apiserver_request_total', 'counter', 'Requests by verb, resource and answer code.');
      for (const [labels, { count }] of totals) lines.push(`apiserver_request_total{${labels}} ${count}`);
      metric('apiserver_request_duration_seconds', 'histogram', 'Time to an answer, watches left out.');
      for (const [labels, { counts, sum, total }] of durations) {
        let running = 0;
        for (const [i, bound] of buckets.entries()) {
          running += counts[i] ?? 0;
          lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${bound}"} ${running}`);
        }
        lines.push(
          `apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${total}`,
          `apiserver_request_duration_seconds_sum{${labels}} ${sum}`,
          `apiserver_request_duration_seconds_count{${labels}} ${total}`,
        );
      }
      const stats = store.stats();
      const gauges: [string, string, string, number][] = [
        ['apiserver_registered_watchers', 'gauge', 'Watches that are open.', watches],
        ['apiserver_watch_events_total', 'counter', 'Events sent to watchers.', events],
        ['coracle_store_revision', 'gauge', 'Newest durable revision.', store.revision],
        [
          'coracle_store_compacted_revision',
          'gauge',
          'Oldest revisions up to this one are gone.',
          store.compacted,
        ],
        ['coracle_store_keys', 'gauge', 'Objects stored.', stats.keys],
        ['coracle_store_bytes', 'gauge', 'Bytes of the store on disk.', stats.bytesOnDisk],
        [
          'coracle_store_pending_writes',
          'gauge',
          'Writes accepted and not yet durable.',
          stats.pendingWrites,
        ],
        ['coracle_store_watchers', 'gauge', 'Watches on the store.', stats.watchers],
        [
          'process_resident_memory_bytes',
          'gauge',
          'Resident memory of this process.',
          process.memoryUsage.rss(),
        ],
        ['process_cpu_seconds_total', 'counter', 'Processor time this process has used.', cpuSeconds()],
      ];
      for (const [name, type, help, value] of gauges) {
        metric(name, type, help);
        lines.push(`${name} ${value}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
