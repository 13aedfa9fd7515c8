/** Carries out probes and hooks: a command, an HTTP GET, a TCP connection, a gRPC health check. */
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import type { Container, HTTPGetAction, Probe } from '@coracle/machinery/api';
import type { ProbeAnswer } from '../pod/probes.ts';

export interface ProbeTarget {
  podIP: string;
  exec(command: string[], timeoutMs: number): Promise<{ exitCode: number; output: string }>;
}

const ok: ProbeAnswer = { ok: true, output: '' };
const bad = (output: string): ProbeAnswer => ({ ok: false, output });

export async function probeOnce(
  container: Container,
  probe: Probe,
  target: ProbeTarget,
): Promise<ProbeAnswer> {
  const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec !== undefined) {
      const { exitCode, output } = await target.exec(probe.exec.command ?? [], timeoutMs);
      return exitCode === 0 ? ok : bad(output);
    }
    if (probe.httpGet !== undefined) {
      const { code } = await httpGet(container, probe.httpGet, target.podIP, timeoutMs);
      return code >= 200 && code < 400 ? ok : bad(`HTTP probe failed with statuscode: ${code}`);
    }
    if (probe.tcpSocket !== undefined) {
      await tcp(probe.tcpSocket.host ?? target.podIP, portOf(container, probe.tcpSocket.port), timeoutMs);
      return ok;
    }
    if (probe.grpc !== undefined)
      return await grpc(target.podIP, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
    return bad('probe has no handler');
  } catch (error) {
    return bad(error instanceof Error ? error.message : String(error));
  }
}

/** A port's number; names are looked up among the container's ports. */
export function portOf(container: Container, port: number | string): number {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  const found = container.ports?.find((each) => each.name === port);
  if (found === undefined) throw new Error(`couldn't find port: ${port}`);
  return found.containerPort;
}

export function httpGet(
  container: Container,
  action: HTTPGetAction,
  podIP: string,
  timeoutMs: number,
): Promise<{ code: number; body: string }> {
  const secure = action.scheme === 'HTTPS';
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  // Not an import: making an ES module of node:http loads fetch and WebSocket with it, 20 ms of every start.
  const { request } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: action.host ?? podIP,
        port: portOf(container, action.port),
        path: action.path ?? '/',
        headers,
        timeout: timeoutMs,
        agent: false,
        ...(secure ? { rejectUnauthorized: false } : {}),
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          if (body.length < 10_240) body += chunk.toString('utf8');
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
        response.on('error', reject);
      },
    );
    // The option covers a silent connection; this covers a slow one.
    const timer = setTimeout(() => call.destroy(new Error('context deadline exceeded')), timeoutMs);
    call.on('timeout', () => call.destroy(new Error('context deadline exceeded')));
    call.on('close', () => clearTimeout(timer));
    call.on('error', reject);
    call.end();
  });
}

export function tcp(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('timeout', () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.on('error', reject);
  });
}

/** grpc.health.v1.Health/Check: the request is one string field, the answer one enumeration field (1 is SERVING). */
function grpc(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeAnswer> {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${host}:${port}`);
    const finish = (answer: ProbeAnswer): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(answer);
    };
    const timer = setTimeout(
      () => finish(bad(`timeout: failed to connect service within ${timeoutMs / 1000}s`)),
      timeoutMs,
    );
    session.on('error', (error) => finish(bad(error.message)));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error) => finish(bad(error.message)));
    stream.on('end', () => {
      const body = Buffer.concat(chunks).subarray(5);
      const serving = body[0] === 0x08 && body[1] === 1;
      finish(serving ? ok : bad('service unhealthy (responded with "NOT_SERVING")'));
    });
    stream.end(frame);
  });
}
