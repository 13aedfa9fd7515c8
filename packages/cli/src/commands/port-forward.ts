/** `coracle port-forward`: makes ports of a pod reachable on this machine. */
import type { Client } from '@coracle/client';
import { ApiError } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { Command } from 'commander';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { podSource } from '../log-source.ts';

interface ForwardFlags {
  address: string;
}

/** Adds `coracle port-forward` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('port-forward')
    .summary('reach ports of a pod from this machine')
    .description('Listens on this machine and passes each connection on to a port of a pod, until Ctrl-C.')
    .argument('<pod>', 'POD, or TYPE/NAME of a workload: its first running pod')
    .argument('<ports...>', 'PORT, LOCAL:PORT, or :PORT for any free local one')
    .option('--address <address>', 'address to listen on', '127.0.0.1')
    .addHelpText(
      'after',
      '\nExamples:\n  coracle port-forward web-0 8080:80\n  coracle port-forward job/notebook :8888',
    )
    .action((pod: string, ports: string[], _flags: ForwardFlags, command: Command) =>
      withConnection<ForwardFlags>(context, command, (connection, flags) =>
        forward(context, connection, pod, ports, flags),
      ),
    );
}

async function forward(
  context: CliContext,
  { client, namespace }: Connection,
  word: string,
  words: readonly string[],
  { address }: ForwardFlags,
): Promise<void> {
  const { signal } = context;
  const ports = words.map(parsePorts);
  const pod = await podNameOf(client, word, namespace, signal);
  const servers: Server[] = [];
  try {
    for (const { local, remote } of ports) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        client.portForward(pod, { namespace, port: remote, signal }).then(
          async (stream) => {
            // Either side's end ends the other; what went wrong on the way matters to people only when the pod says it.
            const done = await Promise.allSettled([pipeline(socket, stream), pipeline(stream, socket)]);
            for (const end of done) {
              if (end.status === 'rejected' && end.reason instanceof ApiError)
                warn(context, remote, end.reason);
            }
          },
          (error: Error) => {
            if (!signal.aborted) warn(context, remote, error);
            socket.destroy();
          },
        );
        socket.on('error', () => undefined);
      });
      servers.push(server);
      server.listen(local, address);
      await once(server, 'listening').catch((cause: Error) => {
        throw new CliError(`cannot listen on ${address}:${local}: ${cause.message}`, { cause });
      });
      const bound = server.address() as AddressInfo;
      context.stdout.write(`Forwarding from ${address}:${bound.port} -> ${remote}\n`);
    }
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    for (const server of servers) server.close();
  }
}

function warn(context: CliContext, port: number, error: Error): void {
  context.stderr.write(`coracle: port ${port}: ${error.message}\n`);
}

/** `8080:80`, `80`, `:80`. Throws CliError. */
export function parsePorts(word: string): { local: number; remote: number } {
  const match = /^(?:(\d*):)?(\d+)$/.exec(word);
  const remote = Number(match?.[2]);
  const local = match?.[1] === undefined ? remote : Number(match[1]);
  if (!match || remote < 1 || remote > 65_535 || local > 65_535) {
    throw new CliError(`"${word}" is no port; write PORT, LOCAL:PORT or :PORT`);
  }
  return { local, remote };
}

async function podNameOf(
  client: Client,
  word: string,
  namespace: string,
  signal: AbortSignal,
): Promise<string> {
  const source = await podSource(client, word, namespace, signal);
  if (source.pod) return source.pod.metadata.name;
  const { labelSelector, fieldSelector, text } = source;
  const { items } = await client.list(Pod, { namespace, labelSelector, fieldSelector, signal });
  const running = items.find(({ status }) => status?.phase === 'Running');
  if (!running) throw new CliError(`${text} has no running pod`);
  return running.metadata.name;
}
