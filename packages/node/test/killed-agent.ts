/** Run by a test, which kills it: starts containers on a process runtime and tells when they run. */
import { join } from 'node:path';
import { makeRuntime, podOf, startIn } from './real.ts';

const [dataDir = '', forbid = '{}', word = '', mode] = process.argv.slice(2);
const runtime = await makeRuntime(dataDir, { forbid: JSON.parse(forbid) });
await runtime.recover();
const pod = podOf();
if (mode === 'storm') {
  process.stdout.write('begin\n');
  for (let i = 0; ; i++) await startIn(runtime, pod, dataDir, `sleep ${word}`, { name: `c${i}` });
}
const wait = `while [ ! -e "${join(dataDir, 'go')}" ]; do sleep 0.02; done`;
await startIn(
  runtime,
  pod,
  dataDir,
  `echo before; ${wait}; echo after; echo > "${join(dataDir, 'done')}"; exit 23`,
  { name: 'short' },
);
await startIn(runtime, pod, dataDir, `sleep ${word}`, { name: 'long' });
process.stdout.write('ready\n');
setInterval(() => {}, 1000);
