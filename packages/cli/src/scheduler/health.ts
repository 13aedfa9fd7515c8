/** `/healthz`, `/livez`, `/readyz` and `/metrics` of a scheduler, over plain HTTP on one address of this machine. */
import type { ElectedScheduler, SchedulerMetrics } from '@coracle/scheduler';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects if the address cannot be listened on. */
export async function serveHealth(
  at: { readonly host: string; readonly port: number },
  scheduler: ElectedScheduler,
  metrics: SchedulerMetrics,
): Promise<HealthServer> {
  const answer = (response: ServerResponse, code: number, text: string, type = 'text/plain'): void => {
    response.writeHead(code, { 'content-type': `${type}; charset=utf-8` }).end(text);
  };
  const server = createServer(({ method, url = '/' }, response) => {
    const [path] = url.split('?');
    if (method !== 'GET' && method !== 'HEAD') answer(response, 405, 'only GET\n');
    else if (path === '/healthz' || path === '/livez') answer(response, 200, 'ok');
    else if (path === '/readyz') {
      const why = unready(scheduler);
      answer(response, why ? 503 : 200, why ?? 'ok');
    } else if (path === '/metrics') {
      answer(response, 200, metrics.text(), 'text/plain; version=0.0.4');
    } else answer(response, 404, '/healthz /livez /metrics /readyz\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Why it is of no use yet; undefined: it schedules, or stands by for one that does. */
function unready({ state, leader }: ElectedScheduler): string | undefined {
  if (state === 'leading') return undefined;
  if (state === 'waiting') return leader === undefined ? 'no leader has been seen yet\n' : undefined;
  return state === 'starting' ? 'the caches are being filled\n' : 'it is stopping\n';
}
