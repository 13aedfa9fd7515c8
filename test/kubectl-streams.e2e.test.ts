/** exec and port-forward of real clients: kubectl over WebSocket and over SPDY, and the official JavaScript client. */
import { CoreV1Api, KubeConfig, PortForward, type V1Pod } from '@kubernetes/client-node';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { command, isThere, type Ran } from './support/command.ts';
import { testEngine, type TestEngine } from './support/engine.ts';
import { until } from './support/until.ts';

const there = await isThere('kubectl', ['version', '--client']);
if (!there) console.warn('kubectl is not installed: its tests of exec and port-forward are skipped');
const terminal = await isThere('script', ['--version']);
if (!terminal) console.warn('there is no `script` command: the test of exec with a terminal is skipped');

/** Answers GET /n with n bytes, and a body with its SHA-256. */
const web = `
  const { createServer } = require('node:http');
  const { createHash } = require('node:crypto');
  const server = createServer((req, res) => {
    if (req.method === 'GET') return res.end(Buffer.alloc(Number(req.url.slice(1)), 'x'));
    const hash = createHash('sha256');
    req.on('data', (chunk) => hash.update(chunk)).on('end', () => res.end(hash.digest('hex')));
  });
  server.listen(Number(process.argv[1]), '127.0.0.1');
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

let engine: TestEngine;
let port: number;
const config = new KubeConfig();
beforeAll(async () => {
  engine = await testEngine();
  port = await freePort();
  config.loadFromString(JSON.stringify(engine.kubeconfig));
  const api = config.makeApiClient(CoreV1Api);
  await api.createNamespacedPod({ namespace: 'default', body: podOf(port) });
  await until('the pod answers', async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    return true;
  });
});
afterAll(() => engine?.close());

const podOf = (to: number): V1Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'any', command: [process.execPath, '-e', web, String(to)] }] },
});

describe.skipIf(!there).each([
  ['WebSocket', 'true'],
  ['SPDY', 'false'],
])('kubectl over %s', (_name, websockets) => {
  const env = (): Record<string, string> => ({
    KUBECONFIG: engine.kubeconfigPath ?? '',
    KUBECACHEDIR: join(engine.folder, 'kube-cache'),
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets,
    KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets,
  });
  const exec = (words: string[], input?: string): Promise<Ran> =>
    command('kubectl', ['exec', ...words], { env: env(), ...(input === undefined ? {} : { input }) });
  const forwards: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of forwards.splice(0)) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });

  /** Starts `kubectl port-forward`; resolves with the address to ask and all it has printed. */
  async function forward(to: number): Promise<{ url: string; printed: () => string }> {
    const child = spawn('kubectl', ['port-forward', 'pod/web', `0:${to}`, '-v=4'], {
      env: { ...process.env, ...env() },
    });
    forwards.push(child);
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const address = await until('kubectl forwards', () => /127\.0\.0\.1:\d+/.exec(printed)?.[0]);
    return { url: `http://${address}`, printed: () => printed };
  }

  test('exec: output, input, exit code', async () => {
    const both = await exec(['web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(both).toMatchObject({ code: 7, stdout: 'out\n' });
    expect(both.stderr).toContain('err\n');
    const input = randomBytes(1_000_000).toString('hex');
    expect(await exec(['-i', 'web', '--', 'sha256sum'], input)).toMatchObject({
      code: 0,
      stdout: `${createHash('sha256').update(input).digest('hex')}  -\n`,
    });
    const large = await exec(['web', '--', 'head', '-c', '5000000', '/dev/zero']);
    expect(large.stdout).toHaveLength(5_000_000);
  });
  test.skipIf(!terminal)('exec -it: a terminal of the size of ours', async () => {
    const inside = `sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do stty size | grep "33 99" && break; sleep 0.2; done; exit 4'`;
    const ran = await command(
      'script',
      ['-qec', `stty rows 33 cols 99; kubectl exec -it web -- ${inside}`, '/dev/null'],
      { env: env() },
    );
    expect(ran.stdout).toContain('33 99');
    expect(ran.code).toBe(4);
  });
  test('port-forward: connections at once, large both ways', async () => {
    const { url, printed } = await forward(port);
    const sizes = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const answer = await fetch(`${url}/${1_000_000 + i}`, { headers: { connection: 'close' } });
        return (await answer.arrayBuffer()).byteLength;
      }),
    );
    expect(sizes).toEqual(Array.from({ length: 10 }, (_, i) => 1_000_000 + i));
    const body = randomBytes(20_000_000);
    const hash = await fetch(url, { method: 'POST', body }).then((answer) => answer.text());
    expect(hash).toBe(createHash('sha256').update(body).digest('hex'));
    // It would turn to SPDY in silence when the WebSocket is refused.
    expect(printed()).not.toMatch(/fallback/i);
  });
  test('port-forward: says why when nobody listens', async () => {
    const { url, printed } = await forward(await freePort());
    await expect(fetch(url)).rejects.toThrow();
    await until('kubectl says so', () =>
      /error forwarding port \d+ to pod web: .*ECONNREFUSED/.test(printed()),
    );
  });
});

test("client-node's PortForward reaches the pod", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const errors = new PassThrough();
  const ws = await new PortForward(config).portForward('default', 'web', [port], output, errors, input);
  input.write('GET /300000 HTTP/1.0\r\n\r\n');
  let received = '';
  output.on('data', (chunk: Buffer) => (received += chunk.toString()));
  await until('the whole answer', () => received.length > 300_000);
  expect(received).toMatch(/^HTTP\/1.1 200 OK/);
  (ws as { close(): void }).close();
});
