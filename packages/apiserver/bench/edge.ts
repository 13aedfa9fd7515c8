/**
 * What a request over HTTPS costs the server's main thread: microseconds of processor time to create and to get a pod over h2 and
 * HTTP/1.1, the callers being in a thread of their own. `node packages/apiserver/bench/edge.ts [requests] [--functions]`
 */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Agent, request } from 'node:https';
import { Session } from 'node:inspector/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { memoryStore } from '@coracle/store';
import { createPki } from '../src/index.ts';
import { testServer } from '../src/testing.ts';
import { pod } from './setup.ts';
import { samplesByFunction } from './stages.ts';

interface Job {
  protocol: 'h2' | 'http/1.1';
  verb: 'create' | 'get';
  from: number;
  count: number;
}
const path = '/api/v1/namespaces/default/pods';

if (isMainThread) await serve();
else call(workerData as { port: number; ca: string; token: string });

async function serve(): Promise<void> {
  const count = Number(process.argv[2] ?? 4000);
  const t = await testServer({ store: memoryStore() });
  const pki = createPki();
  const { port } = await t.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  const workerInput = { port, ca: pki.authority.certificate, token: t.adminToken };
  const worker = new Worker(new URL(import.meta.url), { workerData: workerInput });
  const profiler = new Session();
  profiler.connect();
  await profiler.post('Profiler.enable');
  let from = 0;
  const ask = async (job: Omit<Job, 'from'>): Promise<number> => {
    const before = process.threadCpuUsage();
    worker.postMessage({ ...job, from }, []);
    await once(worker, 'message');
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / job.count;
  };
  for (const protocol of ['h2', 'http/1.1'] as const)
    for (const verb of ['create', 'get'] as const) {
      await ask({ protocol, verb, count: 500 });
      if (verb === 'create') from += 500;
      const micros = await ask({ protocol, verb, count });
      if (verb === 'create') from += count;
      console.log(`${verb} pod, ${protocol}`.padEnd(24), micros.toFixed(0).padStart(6), 'us');
      if (!process.argv.includes('--functions')) continue;
      await profiler.post('Profiler.start');
      await ask({ protocol, verb, count });
      if (verb === 'create') from += count;
      const { profile } = await profiler.post('Profiler.stop');
      const sums = new Map<string, number>();
      for (const { frames, time } of samplesByFunction(profile))
        for (const frame of new Set(frames)) sums.set(frame, (sums.get(frame) ?? 0) + time);
      for (const [name, time] of [...sums].toSorted(([, a], [, b]) => b - a).slice(0, 60))
        console.log((time / count).toFixed(1).padStart(10), name);
    }
  await worker.terminate();
  await t.close();
}

function call({ port, ca, token }: { port: number; ca: string; token: string }): void {
  const session = connect(`https://127.0.0.1:${port}`, { ca });
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 16, ALPNProtocols: ['http/1.1'] });
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json',
  };
  const overH2 = async (method: string, target: string, body?: string): Promise<number> => {
    const stream = session.request({ ':method': method, ':path': target, ...headers });
    const head = once(stream, 'response');
    const end = once(stream, 'end');
    stream.end(body);
    stream.resume();
    const [answer] = (await head) as [Record<string, number>];
    await end;
    return Number(answer[':status']);
  };
  const overHttp1 = (method: string, target: string, body?: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const sent = request(
        { port, host: '127.0.0.1', method, path: target, agent, headers: { ...headers, ...length } },
        (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  parentPort?.on('message', (job: Job) => {
    const send = job.protocol === 'h2' ? overH2 : overHttp1;
    let next = 0;
    const run = async (): Promise<void> => {
      while (next < job.count) {
        const i = job.from + next++;
        const code =
          job.verb === 'create'
            ? await send('POST', path, JSON.stringify(pod(`p-${i}`)))
            : await send('GET', `${path}/p-${i % 400}`);
        if (code >= 300) throw new Error(`answered with ${code}`);
      }
    };
    void Promise.all(Array.from({ length: 16 }, run)).then(() => parentPort?.postMessage('done', []));
  });
}
