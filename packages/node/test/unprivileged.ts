/** Run by a test as an ordinary user: what a container sees in a user namespace, as one line of JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ended, logOf, makeRuntime, podOf, startIn } from './real.ts';

const [folder = ''] = process.argv.slice(2);
const runtime = await makeRuntime(join(folder, 'rt'));
const pod = podOf('box');
const volume = join(folder, 'v');
mkdirSync(volume);
writeFileSync(join(volume, 'f'), 'volume');
const script = [
  'cat /coracle-test/in/f; echo; cat /var/run/secrets/coracle/f; echo; hostname',
  'touch /coracle-test/in/x 2> /dev/null && echo writable',
  'echo message > /dev/termination-log; tail -1 /etc/hosts; echo $(cat /proc/1/comm)',
].join('\n');
const handle = await startIn(runtime, pod, folder, script, {
  hosts: [{ address: '127.64.1.1', names: ['peer'] }],
  mounts: [
    { hostPath: volume, mountPath: '/coracle-test/in', readOnly: true },
    { hostPath: volume, mountPath: '/var/run/secrets/coracle', readOnly: false },
  ],
});
const state = await ended(handle);
const log = await logOf(runtime, handle);
await runtime.removeSandbox(pod.metadata.uid);
await runtime.close();
process.stdout.write(
  `${JSON.stringify({ isolation: runtime.host.isolation, code: state.exitCode, state, log })}\n`,
);
