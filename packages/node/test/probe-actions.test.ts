import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { Container, Probe } from '@coracle/machinery/api';
import { manualClock } from '@coracle/operator/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { portOf, probeOnce } from '../src/agent/probe-actions.ts';
import { ContainerProbes, type ProbeAnswer } from '../src/pod/probes.ts';

const servers: { close(): unknown }[] = [];
afterAll(() => servers.map((server) => server.close()));
const listen = async (server: {
  listen: Server['listen'];
  address: Server['address'];
  close(): unknown;
}): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
};
const exec = async (command: string[]): Promise<{ exitCode: number; output: string }> =>
  command[0] === 'good' ? { exitCode: 0, output: '' } : { exitCode: 1, output: 'no good' };
const probe = (what: Probe, container: Partial<Container> = {}): Promise<ProbeAnswer> =>
  probeOnce({ name: 'c', ...container }, { timeoutSeconds: 2, ...what }, { podIP: '127.0.0.1', exec });

describe('a probe', () => {
  test('by command passes with exit code 0', async () => {
    expect(await probe({ exec: { command: ['good'] } })).toEqual({ ok: true, output: '' });
    expect(await probe({ exec: { command: ['bad'] } })).toEqual({ ok: false, output: 'no good' });
  });

  test('by HTTP passes with 200 to 399, sends headers, and finds ports by name', async () => {
    const port = await listen(
      createHttp((request, response) => {
        response.statusCode = Number(request.headers['x-code'] ?? 200);
        response.end(request.headers['user-agent']);
      }),
    );
    const http = (code: string): Probe => ({
      httpGet: { port: 'web', httpHeaders: [{ name: 'X-Code', value: code }] },
    });
    const named = { ports: [{ name: 'web', containerPort: port }] };
    expect((await probe(http('204'), named)).ok).toBe(true);
    expect((await probe(http('302'), named)).ok).toBe(true);
    expect(await probe(http('503'), named)).toEqual({
      ok: false,
      output: 'HTTP probe failed with statuscode: 503',
    });
    expect((await probe(http('200'))).output).toBe("couldn't find port: web");
    expect(portOf({ name: 'c' }, '80')).toBe(80);
  });

  test('by TCP passes when somebody listens', async () => {
    const server = createHttp();
    const port = await listen(server);
    expect((await probe({ tcpSocket: { port } })).ok).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect((await probe({ tcpSocket: { port } })).ok).toBe(false);
  });

  test('by gRPC passes when the health service says SERVING', async () => {
    const server = createHttp2();
    server.on('stream', (stream, headers) => {
      const body: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => body.push(chunk));
      stream.on('end', () => {
        const name = Buffer.concat(body).subarray(7).toString();
        const known = headers[':path'] === '/grpc.health.v1.Health/Check';
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, known && name === 'well' ? 1 : 2]));
      });
    });
    const port = await listen(server);
    expect((await probe({ grpc: { port, service: 'well' } })).ok).toBe(true);
    expect(await probe({ grpc: { port, service: 'ill' } })).toEqual({
      ok: false,
      output: 'service unhealthy (responded with "NOT_SERVING")',
    });
  });
});

describe('probes of a container', () => {
  const run = (container: Partial<Container>, answers: Record<string, boolean>) => {
    const clock = manualClock();
    const said: string[] = [];
    const probes = new ContainerProbes({ name: 'c', ...container }, clock.now(), {
      clock,
      prober: async (_container, probe) => ({
        ok: answers[probe.exec?.command?.[0] ?? ''] === true,
        output: 'x',
      }),
      failed: (kind) => said.push(`${kind} failed`),
      changed: () => said.push('changed'),
      unhealthy: (kind) => said.push(`${kind} unhealthy`),
    });
    probes.begin();
    return { clock, said, probes };
  };
  const by = (name: string, more: Probe = {}): Probe => ({
    exec: { command: [name] },
    periodSeconds: 1,
    ...more,
  });

  test('wait for their initial delay, and count failures and successes in a row', async () => {
    const answers = { r: false, l: true };
    const { clock, said, probes } = run(
      {
        readinessProbe: by('r', { initialDelaySeconds: 5, successThreshold: 2, failureThreshold: 1 }),
        livenessProbe: by('l', { failureThreshold: 2 }),
      },
      answers,
    );
    await clock.advance(4_900);
    expect(said).toEqual([]);
    await clock.advance(200);
    expect(said).toEqual(['readiness failed']);
    answers.r = true;
    await clock.advance(1_000);
    expect(probes.state.ready).toBe(false);
    await clock.advance(1_000);
    expect(probes.state.ready).toBe(true);
    answers.l = false;
    await clock.advance(2_000);
    expect(said).toEqual([
      'readiness failed',
      'changed',
      'liveness failed',
      'liveness failed',
      'liveness unhealthy',
    ]);
    expect(clock.pending).toBe(0);
  });

  test('begin with the startup probe, which may condemn the container', async () => {
    const { clock, said } = run(
      { startupProbe: by('s', { failureThreshold: 3 }), livenessProbe: by('l') },
      {},
    );
    await clock.advance(10_000);
    expect(said).toEqual(['startup failed', 'startup failed', 'startup failed', 'startup unhealthy']);
  });
});
