/** Lists of 5,000 pods: milliseconds and megabytes a second, and the longest the event loop was held. `node packages/apiserver/bench/lists.ts` */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ApiRequest } from '@coracle/machinery';
import { line, pod, rate, setup } from './setup.ts';

const bench = await setup();
const { t } = bench;
const path = '/api/v1/namespaces/default/pods';
const pods = Number(process.argv[2] ?? 5000);
await rate(pods, 64, (i) => t.call('POST', path, pod(`p-${i}`)));
const session = bench.connect();

/** Median milliseconds of `runs`, and the longest stall of the event loop. */
async function measure(name: string, run: () => Promise<number>, runs = 9): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  await run();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    bytes = await run();
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  delay.disable();
  const median = times.toSorted((a, b) => a - b)[runs >> 1] ?? 0;
  line(`${name}`, median, 'ms');
  if (bytes > 0) line(`  throughput (${(bytes / 1e6).toFixed(1)} MB)`, bytes / 1e6 / (median / 1000), 'MB/s');
  line('  longest stall of the event loop', delay.max / 1e6, 'ms');
}

const inProcess = async (want: 'values' | 'bytes', query: string, accept?: string): Promise<number> => {
  const request: ApiRequest = {
    method: 'GET',
    path,
    query: new URLSearchParams(query),
    headers: accept ? { accept } : {},
    credentials: t.admin,
    want,
    signal: new AbortController().signal,
  };
  const response = await t.handler(request);
  if (response.kind !== 'object' || response.code !== 200) throw new Error(JSON.stringify(response));
  return (response.chunks ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
};
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
await measure(`list ${pods} pods, in-process values`, () => inProcess('values', ''));
await measure(`list ${pods} pods, bytes, before the socket`, () => inProcess('bytes', ''));
await measure(`list ${pods} pods, HTTPS h2`, async () => (await bench.send(session, 'GET', path)).bytes);
await measure(`list ${pods} pods by a label, bytes`, () => inProcess('bytes', 'labelSelector=app%3Dbench'));
await measure(`list ${pods} pods by a field, bytes`, () =>
  inProcess('bytes', 'fieldSelector=status.phase%3DPending'),
);
await measure(`list ${pods} pods as Table, bytes`, () => inProcess('bytes', '', table));
await bench.close();
