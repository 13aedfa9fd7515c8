/** Creates and gets a second, durable, in-process and over h2, at 1, 16 and 64 at a time. `node packages/apiserver/bench/writes.ts` */
import { line, pod, rate, setup } from './setup.ts';

const bench = await setup();
const { t } = bench;
const path = '/api/v1/namespaces/default/pods';
const session = bench.connect();
let serial = 0;
const count = Number(process.argv[2] ?? 1500);
await rate(300, 16, () => t.call('POST', path, pod(`warm-${serial++}`)));
for (const parallel of [1, 16, 64]) {
  line(
    `create pod, in-process, ${parallel} writers`,
    await rate(count, parallel, () => t.call('POST', path, pod(`p-${serial++}`))),
    '/s',
  );
  line(
    `create pod, HTTPS h2, ${parallel} writers`,
    await rate(count, parallel, () =>
      bench.send(session, 'POST', path, JSON.stringify(pod(`p-${serial++}`))),
    ),
    '/s',
  );
}
for (const parallel of [1, 16]) {
  line(
    `get pod, in-process, ${parallel} readers`,
    await rate(count * 4, parallel, (i) => t.call('GET', `${path}/p-${300 + (i % count)}`)),
    '/s',
  );
  line(
    `get pod, HTTPS h2, ${parallel} readers`,
    await rate(count, parallel, (i) => bench.send(session, 'GET', `${path}/p-${300 + (i % count)}`)),
    '/s',
  );
}
await bench.close();
