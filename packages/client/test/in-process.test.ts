import { ApiError, type ApiHandler, type ApiRequest, type WatchSink } from '@coracle/machinery';
import { ConfigMap, Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { createClient, inProcessTransport, paginate, retryOnConflict } from '../src/index.ts';

function setup(handler: ApiHandler) {
  const requests: ApiRequest[] = [];
  const transport = inProcessTransport(
    (request) => {
      requests.push(request);
      return handler(request);
    },
    { kind: 'bearer', token: 't' },
    { userAgent: 'tester' },
  );
  return { client: createClient(transport), requests };
}
const object = (value: unknown, code = 200) => ({ kind: 'object', code, headers: {}, value }) as const;
const map = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, resourceVersion: '1' },
});
const inX = { namespace: 'x' };

describe('in-process transport', () => {
  test('hands over the very object, with credentials and decoded path', async () => {
    const stored = Object.freeze(map('a'));
    const { client, requests } = setup(async () => object(stored));
    expect(await client.get(ConfigMap, 'a b', inX)).toBe(stored);
    expect(requests[0]).toMatchObject({
      method: 'GET',
      path: '/api/v1/namespaces/x/configmaps/a b',
      credentials: { kind: 'bearer', token: 't' },
      want: 'values',
      headers: { 'user-agent': 'tester' },
    });
  });

  test.each([
    ['json', 'application/json-patch+json'],
    ['merge', 'application/merge-patch+json'],
    ['strategic', 'application/strategic-merge-patch+json'],
    ['apply', 'application/apply-patch+yaml'],
  ] as const)('sends a %s patch as %s', async (form, contentType) => {
    const { client, requests } = setup(async () => object(map('a')));
    await client.patch(ConfigMap, 'a', form, {}, { ...inX, fieldManager: 'me', dryRun: true });
    expect(requests[0]).toMatchObject({ method: 'PATCH', headers: { 'content-type': contentType } });
    expect(requests[0]?.query.toString()).toBe('dryRun=All&fieldManager=me');
  });

  test('deletes with options in the body, and answers undefined when the object is gone', async () => {
    const { client, requests } = setup(async () =>
      object({ kind: 'Status', apiVersion: 'v1', status: 'Success' }),
    );
    const options = {
      ...inX,
      gracePeriodSeconds: 0,
      propagationPolicy: 'Foreground',
      preconditions: { uid: 'u' },
    } as const;
    expect(await client.delete(Pod, 'p', options)).toBeUndefined();
    expect(requests[0]?.body).toEqual({
      value: {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        gracePeriodSeconds: 0,
        propagationPolicy: 'Foreground',
        preconditions: { uid: 'u' },
      },
    });
  });

  test('rejects with the Status as ApiError, and makes a thrown bug an InternalError', async () => {
    const status = new ApiError('Forbidden', 'no', { name: 'a' }).status;
    const { client } = setup(async () => object(status, 403));
    await expect(client.get(ConfigMap, 'a', inX)).rejects.toMatchObject({ reason: 'Forbidden', code: 403 });
    const broken = setup(async () => {
      throw new Error('a bug');
    });
    await expect(broken.client.get(ConfigMap, 'a', inX)).rejects.toMatchObject({
      reason: 'InternalError',
      message: 'Internal error occurred: a bug',
    });
  });

  test('fills in the kind of list items that lack it', async () => {
    const items = [{ metadata: { name: 'a' } }];
    const { client } = setup(async () =>
      object({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: {}, items }),
    );
    expect((await client.list(ConfigMap)).items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  test('reads log bytes and a JSON document', async () => {
    const { client } = setup(async ({ path }) =>
      path === '/version'
        ? { kind: 'object', code: 200, headers: {}, chunks: [Buffer.from('{"maj'), Buffer.from('or":"1"}')] }
        : {
            kind: 'stream',
            code: 200,
            headers: {},
            body: (async function* () {
              yield Buffer.from('line\n');
            })(),
          },
    );
    expect(await client.getPath('/version')).toEqual({ major: '1' });
    let text = '';
    for await (const chunk of client.logs('p', inX)) text += Buffer.from(chunk).toString();
    expect(text).toBe('line\n');
  });

  test('runs a session and resolves with its exit code', async () => {
    const { client } = setup(async () => ({
      kind: 'upgrade',
      async run(session) {
        for await (const chunk of session.stdin ?? []) await session.stdout?.(chunk);
        await session.finish({ exitCode: 3 });
      },
    }));
    let text = '';
    const stdin = (async function* () {
      yield Buffer.from('hello');
    })();
    const stdout = (chunk: Uint8Array): void => {
      text += Buffer.from(chunk).toString();
    };
    expect(await client.exec('p', { ...inX, command: ['cat'], stdin, stdout })).toBe(3);
    expect(text).toBe('hello');
  });
});

describe('watch', () => {
  /** A watch whose server side the test plays. */
  function watched() {
    const state = { sink: undefined as WatchSink | undefined, drained: 0, stopped: 0 };
    const { client, requests } = setup(async () => ({
      kind: 'watch',
      code: 200,
      headers: {},
      start(sink) {
        state.sink = sink;
        return { drained: () => (state.drained += 1), stop: () => (state.stopped += 1) };
      },
    }));
    return { client, requests, state };
  }
  const added = (name: string) => ({ type: 'ADDED' as const, object: map(name) as never });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test('says full at the high-water mark and asks for more when it is empty', async () => {
    const { client, state } = watched();
    const events = client.watch(ConfigMap)[Symbol.asyncIterator]();
    const first = events.next();
    await turn();
    expect(state.sink?.events([added('0')], undefined)).toBe(true);
    expect((await first).value).toMatchObject({ type: 'ADDED' });
    let full = false;
    let sent = 0;
    while (!full) {
      sent += 1;
      full = !state.sink!.events([added(String(sent))], undefined);
    }
    expect(sent).toBeGreaterThan(100);
    for (let i = 0; i < sent; i++)
      expect((await events.next()).value.object.metadata.name).toBe(String(i + 1));
    const last = events.next();
    await turn();
    expect(state.drained).toBe(1);
    state.sink!.end();
    expect((await last).done).toBe(true);
  });

  test('delivers what came before the end, then ends', async () => {
    const { client, state } = watched();
    const names: string[] = [];
    const reading = (async () => {
      for await (const { object: item } of client.watch(ConfigMap)) names.push(item.metadata.name);
    })();
    await turn();
    state.sink!.events([added('a'), added('b')], undefined);
    state.sink!.end();
    await reading;
    expect(names).toEqual(['a', 'b']);
  });

  test('stops the server when the reader leaves its loop or aborts', async () => {
    const { client, state } = watched();
    const leaving = (async () => {
      for await (const _ of client.watch(ConfigMap)) break;
    })();
    await turn();
    state.sink!.events([added('a')], undefined);
    await leaving;
    expect(state.stopped).toBe(1);
    const abort = new AbortController();
    const aborting = (async () => {
      for await (const _ of client.watch(ConfigMap, { signal: abort.signal })) throw new Error('unexpected');
    })();
    await turn();
    abort.abort();
    await aborting;
    expect(state.stopped).toBeGreaterThan(1);
  });

  test('asks for initial events with the match that the server requires', async () => {
    const { client, requests, state } = watched();
    const reading = (async () => {
      for await (const _ of client.watch(ConfigMap, { sendInitialEvents: true, allowWatchBookmarks: true }))
        break;
    })();
    await turn();
    state.sink!.events([added('a')], undefined);
    await reading;
    expect(Object.fromEntries(requests[0]!.query)).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    });
  });
});

describe('paginate', () => {
  test('follows continue tokens to the end', async () => {
    const { client, requests } = setup(async ({ query }) => {
      const at = Number(query.get('continue') ?? 0);
      const metadata = at < 2 ? { continue: String(at + 1) } : {};
      return object({ kind: 'ConfigMapList', apiVersion: 'v1', metadata, items: [map(`m${at}`)] });
    });
    const names: string[] = [];
    for await (const item of paginate(client, ConfigMap, { limit: 1 })) names.push(item.metadata.name);
    expect(names).toEqual(['m0', 'm1', 'm2']);
    expect(requests).toHaveLength(3);
  });
});

describe('retryOnConflict', () => {
  const conflict = new ApiError('Conflict', 'changed');
  test('tries again on Conflict, up to the limit', async () => {
    let tries = 0;
    const result = await retryOnConflict(async () => {
      tries += 1;
      if (tries < 3) throw conflict;
      return tries;
    });
    expect(result).toBe(3);
    const never = async (): Promise<void> => {
      throw conflict;
    };
    await expect(retryOnConflict(never)).rejects.toBe(conflict);
  });
  test('lets other errors through at once', async () => {
    let tries = 0;
    const attempt = async (): Promise<void> => {
      tries += 1;
      throw new ApiError('AlreadyExists', 'there');
    };
    await expect(retryOnConflict(attempt)).rejects.toMatchObject({ reason: 'AlreadyExists' });
    expect(tries).toBe(1);
  });
});
