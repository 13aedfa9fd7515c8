/** The HTTPS edge of progress reports. One path, one method; everything else is answered with a Status. */
import { createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@coracle/client';
import { ApiError } from '@coracle/machinery';
import type { Component, Logger } from '@coracle/operator';
import { acceptReport } from './report.ts';

export interface ProgressServerOptions {
  /** May create TokenReviews and patch the status of TrainJobs. */
  client: Client;
  host: string;
  /** 0: a free one. */
  port: number;
  /** PEM. The certificate must be good for the name in the endpoint that pods are given. */
  tls: { cert: string; key: string };
  logger: Logger;
}
export interface ProgressServer extends Component {
  /** The port it listens on, once started. */
  readonly port: number;
}

/** Longest body; a report is a few hundred bytes. */
const maxBody = 64 * 1024;
const path =
  /^\/apis\/trainer\.kubeflow\.org\/v1alpha1\/namespaces\/([a-z0-9-]+)\/trainjobs\/([a-z0-9.-]+)\/status$/;

/** A server to which training code posts its progress. */
export function progressServer(options: ProgressServerOptions): ProgressServer {
  const { client, logger } = options;
  const server = createServer(options.tls, (request, response) => {
    answer(request).then(
      (body) => send(200, body),
      (error: unknown) => {
        if (error instanceof ApiError) return send(error.code, error.status);
        logger.error({ error }, 'a progress report failed');
        return send(500, new ApiError('InternalError', 'Internal error').status);
      },
    );
    function send(code: number, body: unknown): void {
      response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    }
  });
  server.requestTimeout = 10_000;

  async function answer(request: IncomingMessage): Promise<unknown> {
    const [, namespace, name] = path.exec(request.url ?? '') ?? [];
    if (namespace === undefined || name === undefined || request.method !== 'POST') {
      throw new ApiError('NotFound', 'Not found');
    }
    const body = await readBody(request);
    return acceptReport(client, { namespace, name, authorization: request.headers.authorization, body });
  }

  return {
    name: 'trainer-progress-server',
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? 0;
    },
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, () => {
          server.off('error', reject);
          resolve();
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBody)
      throw new ApiError('RequestEntityTooLarge', `a report has at most ${maxBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
