import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { parsePorts } from '../src/commands/port-forward.ts';
import { pod, setupCli } from './harness.ts';

describe('coracle port-forward', () => {
  test.each([
    ['80', { local: 80, remote: 80 }],
    ['8080:80', { local: 8080, remote: 80 }],
    [':80', { local: 0, remote: 80 }],
  ])('%s', (word, ports) => {
    expect(parsePorts(word)).toEqual(ports);
  });

  test.each(['', 'http', '80:', '0', '70000', '1:2:3'])('refuses %j', (word) => {
    expect(() => parsePorts(word)).toThrow('is no port; write PORT, LOCAL:PORT or :PORT');
  });

  test('passes connections on until interrupted', async () => {
    const { cluster, runWith } = setupCli({ objects: [pod('a')] });
    cluster.intercept(({ path }) => {
      if (!path.endsWith('/portforward')) return undefined;
      return {
        kind: 'upgrade',
        async run({ ports, finish }) {
          const { stream, port } = ports![0]!;
          const [first] = (await new Promise((resolve) =>
            stream.once('data', (chunk) => resolve([chunk])),
          )) as [Buffer];
          stream.end(`${port}: ${first}`);
          await finish({ exitCode: 0 });
        },
      };
    });
    const stop = new AbortController();
    const listening = Promise.withResolvers<number>();
    const onOut = (out: string): void => listening.resolve(Number(/:(\d+) ->/.exec(out)?.[1]));
    const forwarding = runWith({ signal: stop.signal, onOut }, 'port-forward', 'a', ':8888');
    const socket = connect(await listening.promise, '127.0.0.1');
    socket.write('hello');
    expect(await text(socket)).toBe('8888: hello');
    stop.abort();
    expect(await forwarding).toMatchObject({ code: 0, err: '' });
  });
});
