import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StreamSession } from '@coracle/machinery';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MountError, type ProcessRuntime } from '../src/index.ts';
import {
  ended,
  logOf,
  makeRuntime,
  podOf,
  processesWith,
  remove,
  startIn,
  tempFolder,
  until,
} from './real.ts';

const folder = tempFolder();
let runtime: ProcessRuntime;
const pods: string[] = [];
const newPod = (...args: Parameters<typeof podOf>): ReturnType<typeof podOf> => {
  const pod = podOf(...args);
  pods.push(pod.metadata.uid);
  return pod;
};
beforeAll(async () => {
  runtime = await makeRuntime(join(folder, 'rt'));
});
afterEach(async () => {
  for (const uid of pods.splice(0)) await runtime.removeSandbox(uid);
});
afterAll(async () => {
  await runtime.close();
  remove(folder);
});
/** A number of seconds that no other process sleeps for. */
const oddSleep = (): string => `${1_000_000 + Math.floor(Math.random() * 1e9)}`;
const isolated = (): boolean => runtime.capabilities().mountNamespace.available;

describe('a container', () => {
  test('reports exit codes and signals', async () => {
    const pod = newPod();
    const cases: [string, object][] = [
      ['exit 0', { exitCode: 0, reason: 'Completed' }],
      ['exit 7', { exitCode: 7, reason: 'Error' }],
      ['kill -TERM $$', { exitCode: 143, signal: 15, reason: 'Error' }],
    ];
    for (const [index, [command, expected]] of cases.entries())
      expect(await ended(await startIn(runtime, pod, folder, command, { attempt: index }))).toMatchObject(
        expected,
      );
  });

  test('gets exactly its variables, whatever their names and values', async () => {
    const env = { PLAIN: 'x', QUOTE: `it's "so" $HOME \`id\``, 'with.dot-dash': 'y', LINES: 'a\nb' };
    const script =
      'for (const name of ["PLAIN", "QUOTE", "with.dot-dash", "LINES"]) console.log(JSON.stringify(process.env[name]))';
    const handle = await startIn(runtime, newPod(), folder, [process.execPath, '-e', script], { env });
    expect((await ended(handle)).exitCode).toBe(0);
    expect((await logOf(runtime, handle)).trim().split('\n')).toEqual(
      Object.values(env).map((each) => JSON.stringify(each)),
    );
  });

  test('that cannot be started says why', async () => {
    const pod = newPod();
    const missing = await startIn(runtime, pod, folder, ['no-such-program']);
    expect(missing.state()).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
      message: 'exec: "no-such-program": executable file not found in $PATH',
    });
    const nowhere = await startIn(runtime, pod, folder, 'true', {
      workingDir: '/no/such/folder',
      attempt: 1,
    });
    expect(await ended(nowhere)).toMatchObject({ exitCode: 128, reason: 'StartError' });
  });

  test('is asked to end, and ended when it does not listen', async () => {
    const pod = newPod();
    const polite = await startIn(
      runtime,
      pod,
      folder,
      'trap "echo bye; exit 3" TERM; echo on; while :; do sleep 0.05; done',
      { name: 'polite' },
    );
    await until('it runs', async () => (await logOf(runtime, polite)).includes('on'));
    await runtime.stop(polite.id, 10_000);
    expect(polite.state()).toMatchObject({ exitCode: 3 });
    expect(await logOf(runtime, polite)).toBe('on\nbye\n');
    const deaf = await startIn(runtime, pod, folder, 'trap "" TERM; echo on; while :; do sleep 0.05; done', {
      name: 'deaf',
    });
    await until('it runs', async () => (await logOf(runtime, deaf)).includes('on'));
    await runtime.stop(deaf.id, 200);
    expect(deaf.state()).toMatchObject({ exitCode: 137 });
  });

  test('leaves no process behind, not even one that left its session', async () => {
    const pod = newPod();
    const word = oddSleep();
    const setsid = existsSync('/usr/bin/setsid') ? 'setsid' : '';
    const handle = await startIn(
      runtime,
      pod,
      folder,
      `(${setsid} sh -c '${setsid} sleep ${word} & sleep ${word}' &) ; sleep ${word}`,
    );
    await until('three sleep', () => processesWith(word).length >= 3);
    await runtime.removeSandbox(pod.metadata.uid);
    await until('none is left', () => processesWith(word).length === 0);
    expect(handle.state().phase).toBe('exited');
    expect(existsSync(join(folder, 'rt', 'pods', pod.metadata.uid))).toBe(false);
  });

  test('runs further commands, with its variables and exit codes, within their time', async () => {
    const handle = await startIn(runtime, newPod('box'), folder, 'sleep 100', { env: { A: 'b c' } });
    expect(await runtime.execSync(handle.id, ['sh', '-c', 'echo "$A"; echo err >&2; exit 4'], 5000)).toEqual({
      exitCode: 4,
      output: 'b c\nerr\n',
    });
    const word = oddSleep();
    await expect(runtime.execSync(handle.id, ['sleep', word], 200)).rejects.toThrow('timed out');
    await until('it was ended', () => processesWith(word).length === 0);
  });

  test('lets exec talk both ways', async () => {
    const handle = await startIn(runtime, newPod(), folder, 'sleep 100');
    const out: string[] = [];
    let result: unknown;
    const session: StreamSession = {
      stdin: (async function* () {
        yield Buffer.from('one\n');
        yield Buffer.from('two\n');
      })(),
      stdout: async (chunk) => void out.push(Buffer.from(chunk).toString()),
      stderr: async (chunk) => void out.push(`E:${Buffer.from(chunk).toString()}`),
      finish: async (how) => void (result = how),
      signal: new AbortController().signal,
    };
    const options = {
      command: ['sh', '-c', 'cat; exit 9'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    };
    await runtime.exec(handle.id, options, session);
    expect(out.join('')).toBe('one\ntwo\n');
    expect(result).toEqual({ exitCode: 9 });
  });

  test('gives exec a terminal where the host can', async () => {
    if (!runtime.host.terminal) return;
    const handle = await startIn(runtime, newPod(), folder, 'sleep 100');
    let out = '';
    let result: unknown;
    await runtime.exec(
      handle.id,
      {
        command: ['sh', '-c', 'test -t 0 && test -t 1 && echo terminal; exit 5'],
        stdin: false,
        stdout: true,
        stderr: false,
        tty: true,
      },
      {
        stdout: async (chunk) => void (out += Buffer.from(chunk).toString()),
        finish: async (how) => void (result = how),
        signal: new AbortController().signal,
      },
    );
    expect(out).toContain('terminal');
    expect(result).toEqual({ exitCode: 5 });
  });
});

describe('logs', () => {
  test('keep the order of both streams, and /dev/stdout works', async () => {
    const handle = await startIn(
      runtime,
      newPod(),
      folder,
      'echo 1; echo 2 >&2; echo 3 > /dev/stdout; echo 4',
    );
    await ended(handle);
    expect(await logOf(runtime, handle)).toBe('1\n2\n3\n4\n');
    expect(await logOf(runtime, handle, { tailLines: 2 })).toBe('3\n4\n');
    expect(await logOf(runtime, handle, { limitBytes: 3 })).toBe('1\n2');
    expect(await logOf(runtime, handle, { timestamps: true, tailLines: 1 })).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z 4\n$/,
    );
  });

  test('follow until the container ends', async () => {
    const go = join(folder, 'go');
    const handle = await startIn(
      runtime,
      newPod(),
      folder,
      `echo first; while [ ! -e ${go} ]; do sleep 0.02; done; printf last`,
    );
    const text = logOf(runtime, handle, { follow: true });
    writeFileSync(go, '');
    expect(await text).toBe('first\nlast');
  });

  test('since a time leave out what came before', async () => {
    const go = join(folder, 'go2');
    const handle = await startIn(
      runtime,
      newPod(),
      folder,
      `echo old; while [ ! -e ${go} ]; do sleep 0.02; done; echo new`,
    );
    await until('old is there', async () =>
      (await logOf(runtime, handle, { timestamps: true })).includes('old'),
    );
    await until('a time later than old', async () => {
      const [stamp = ''] = (await logOf(runtime, handle, { timestamps: true })).split(' ');
      return Date.now() > Date.parse(stamp) + 50;
    });
    const sinceTime = new Date().toISOString();
    writeFileSync(go, '');
    await ended(handle);
    expect(await logOf(runtime, handle, { sinceTime })).toBe('new\n');
  });

  test('of much output are rotated and bounded, big lines whole', async () => {
    if (!runtime.host.boundedLogs) return;
    const script =
      'const line = "x".repeat(1023); for (let i = 0; i < 70 * 1024; i++) if (!process.stdout.write(line + "\\n")) await new Promise(r => process.stdout.once("drain", r)); console.log("e".repeat(300000));';
    const handle = await startIn(runtime, newPod(), folder, [
      process.execPath,
      '--input-type=module',
      '-e',
      script,
    ]);
    await ended(handle);
    const kept = runtime.logs(
      handle.id,
      { follow: false, previous: false, timestamps: false },
      AbortSignal.timeout(20_000),
    );
    let bytes = 0;
    for await (const chunk of kept) bytes += chunk.length;
    expect(bytes).toBeLessThanOrEqual(50 * 2 ** 20);
    expect(bytes).toBeGreaterThan(39 * 2 ** 20);
    expect(await logOf(runtime, handle, { tailLines: 1 })).toBe(`${'e'.repeat(300_000)}\n`);
  });
});

describe('isolation', () => {
  const volume = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'file'), `${name}\n`);
    return path;
  };

  test('shows volumes at paths that the host has not, and leaves the host as it was', async () => {
    if (!isolated()) return;
    const before = [readdirSync('/'), readdirSync('/run'), readdirSync('/dev')];
    const mounts = [
      { hostPath: volume('v1'), mountPath: '/coracle-test/deep/er', readOnly: false },
      { hostPath: volume('v2'), mountPath: '/coracle-test/deep/er/inner', readOnly: true },
      { hostPath: volume('v3'), mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
      { hostPath: volume('v4'), mountPath: '/etc/coracle test', readOnly: false },
      { hostPath: join(volume('v5'), 'file'), mountPath: '/etc/coracle.conf', readOnly: true },
      { hostPath: volume('v6'), mountPath: '/tmp', readOnly: false },
    ];
    const script = [
      'cat /coracle-test/deep/er/file /coracle-test/deep/er/inner/file',
      'cat /var/run/secrets/kubernetes.io/serviceaccount/file "/etc/coracle test/file" /etc/coracle.conf /tmp/file',
      'touch /coracle-test/deep/er/inner/x 2> /dev/null && echo writable',
      'echo w > /coracle-test/deep/er/written',
      'test -e /etc/passwd && test -c /dev/null && test -d /dev/pts && echo rest',
      'echo said > /dev/termination-log',
      'echo $$ $(cat /proc/1/comm) $(hostname)',
    ].join('\n');
    const pod = newPod('box');
    const handle = await startIn(runtime, pod, folder, script, { mounts });
    await ended(handle);
    const lines = (await logOf(runtime, handle)).trim().split('\n');
    expect(lines.slice(0, 7)).toEqual(['v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'rest']);
    expect(lines[7]).toMatch(/^\d+ sh box$/);
    expect(readFileSync(join(folder, 'v1', 'written'), 'utf8')).toBe('w\n');
    expect(readFileSync(join(folder, 'messages', pod.metadata.uid, 'main'), 'utf8')).toBe('said\n');
    expect([readdirSync('/'), readdirSync('/run'), readdirSync('/dev')]).toEqual(before);
  });

  test('removes mount points that had to be made on the host', async () => {
    if (!isolated()) return;
    const pod = newPod();
    const mountPath = join(folder, 'user', 'sub');
    mkdirSync(join(folder, 'user'), { recursive: true });
    const mounts = [{ hostPath: volume('u'), mountPath, readOnly: false }];
    const handle = await startIn(
      runtime,
      pod,
      folder,
      `cat ${mountPath}/file; echo x > ${join(folder, 'user', 'kept')}`,
      { mounts },
    );
    await ended(handle);
    expect(await logOf(runtime, handle)).toBe('u\n');
    await runtime.removeSandbox(pod.metadata.uid);
    expect(readdirSync(join(folder, 'user'))).toEqual(['kept']);
  });

  test('resolves host names from its own file, also those that come later', async () => {
    if (!isolated()) return;
    const pod = newPod('w-0');
    const hosts = [{ address: '127.64.7.7', names: ['w-0.job.default.svc', 'w-0.job', 'w-0'] }];
    const handle = await startIn(runtime, pod, folder, 'sleep 100', { hosts });
    const look = (name: string): Promise<{ exitCode: number; output: string }> =>
      runtime.execSync(
        handle.id,
        [process.execPath, '-e', `require('dns').lookup('${name}', (e, a) => console.log(e ? 'none' : a))`],
        10_000,
      );
    expect((await look('w-0.job')).output).toBe('127.64.7.7\n');
    expect((await look('w-1.job')).output).toBe('none\n');
    await runtime.updateHosts(pod.metadata.uid, [...hosts, { address: '127.64.7.8', names: ['w-1.job'] }]);
    expect((await look('w-1.job')).output).toBe('127.64.7.8\n');
  });

  test('lets two pods listen on one port, each at its own address', async () => {
    if (process.platform === 'darwin') return;
    const first = await runtime.createSandbox(newPod());
    const second = await runtime.createSandbox(newPod());
    expect(first.ip).not.toBe(second.ip);
    const listen = (host: string, port: number): Promise<ReturnType<typeof createServer>> =>
      new Promise((resolve, reject) => {
        const server = createServer().once('error', reject);
        server.listen(port, host, () => resolve(server));
      });
    const one = await listen(first.ip, 0);
    const address = one.address();
    const two = await listen(second.ip, typeof address === 'object' && address ? address.port : 0);
    one.close();
    two.close();
  });

  test('ends a container that takes more memory than its limit: OOMKilled', async () => {
    if (!runtime.capabilities().cgroup.available) return;
    const script = 'const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1));';
    const handle = await startIn(runtime, newPod(), folder, [process.execPath, '-e', script], {
      limits: { memoryBytes: 160 << 20, cpuMillis: 1000, cpuShares: 100 },
    });
    expect(await ended(handle)).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  test('tells what a container uses', async () => {
    const handle = await startIn(runtime, newPod(), folder, 'while :; do :; done');
    await until(
      'it has used CPU',
      async () => ((await runtime.usage(handle.id))?.cpuNanos ?? 0) > 20_000_000,
    );
    expect((await runtime.usage(handle.id))?.memoryBytes).toBeGreaterThan(0);
  });

  test('runs as another user', async () => {
    if (!runtime.capabilities().userSwitch.available) return;
    const handle = await startIn(runtime, newPod(), folder, 'id -u; id -g', {
      runAs: { user: 1234, group: 99 },
    });
    await ended(handle);
    expect(await logOf(runtime, handle)).toBe('1234\n99\n');
  });
});

describe('without namespaces and control groups', () => {
  let plain: ProcessRuntime;
  beforeAll(async () => {
    plain = await makeRuntime(join(folder, 'plain'), { forbid: { isolation: true, cgroups: true } });
  });
  afterAll(async () => {
    await plain.close();
  });

  test('says what is missing', () => {
    expect(plain.capabilities().mountNamespace).toEqual({
      available: false,
      why: expect.stringContaining('switched off'),
    });
  });

  test('runs, stops and removes all the same, leaving no process', async () => {
    const pod = podOf();
    const word = oddSleep();
    const handle = await startIn(plain, pod, folder, `echo hi; (setsid sleep ${word} &); sleep ${word}`);
    await until('both sleep', () => processesWith(word).length >= 2);
    await plain.stop(handle.id, 1000);
    expect(handle.state()).toMatchObject({ exitCode: 143 });
    expect(await logOf(plain, handle)).toBe('hi\n');
    await plain.removeSandbox(pod.metadata.uid);
    await until('none is left', () => processesWith(word).length === 0);
  });

  test('links volumes where that harms nobody, and refuses otherwise', async () => {
    const pod = podOf();
    mkdirSync(join(folder, 'lv'), { recursive: true });
    writeFileSync(join(folder, 'lv', 'f'), 'linked');
    const mountPath = join(folder, 'links', 'here');
    const handle = await startIn(plain, pod, folder, `cat ${mountPath}/f`, {
      mounts: [{ hostPath: join(folder, 'lv'), mountPath, readOnly: true }],
    });
    await ended(handle);
    expect(await logOf(plain, handle)).toBe('linked');
    await expect(
      startIn(plain, pod, folder, 'true', {
        attempt: 1,
        mounts: [{ hostPath: join(folder, 'lv'), mountPath: '/etc', readOnly: true }],
      }),
    ).rejects.toThrow(MountError);
    await plain.removeSandbox(pod.metadata.uid);
    expect(existsSync(join(folder, 'links'))).toBe(false);
  });
});

describe('an agent that is killed', () => {
  const program = fileURLToPath(new URL('killed-agent.ts', import.meta.url));

  test.each([
    ['with what the host allows', {}],
    ['without namespaces', { isolation: true, cgroups: true }],
  ])('%s: its containers go on, their output and ends are found', async (_name, forbid) => {
    const dataDir = join(folder, `it's killed ${Object.keys(forbid).length}`);
    const word = oddSleep();
    const child = spawn(process.execPath, [program, dataDir, JSON.stringify(forbid), word], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('its containers run', () => said.includes('ready'));
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(processesWith(word).length).toBeGreaterThan(0);
    writeFileSync(join(dataDir, 'go'), '');
    await until('one ends while nobody looks', () => existsSync(join(dataDir, 'done')));

    const next = await makeRuntime(dataDir, { forbid });
    const { containers, sandboxes } = await next.recover();
    const named = (name: string): (typeof containers)[number] => {
      const found = containers.find((each) => each.name === name);
      if (found === undefined) throw new Error(`${name} was not found again`);
      return found;
    };
    expect(await ended(named('short'))).toMatchObject({ exitCode: 23 });
    expect(await logOf(next, named('short'))).toBe('before\nafter\n');
    expect(named('long').state().phase).toBe('running');
    expect((await next.execSync(named('long').id, ['echo', 'in'], 5000)).output).toBe('in\n');
    await next.stop(named('long').id, 2000);
    expect(named('long').state()).toMatchObject({ exitCode: 143 });
    for (const { podUid } of sandboxes) await next.removeSandbox(podUid);
    await until('none is left', () => processesWith(word).length === 0);
    expect(readdirSync(join(dataDir, 'pods'))).toEqual([]);
    await next.close();
  });

  test('killed at any moment of a start, a later one finds an answer for every container', async () => {
    const dataDir = join(folder, 'random');
    const word = oddSleep();
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, [program, dataDir, '{}', word, 'storm'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await until('it begins', () => said.includes('begin'));
      const gone = new Promise((resolve) => child.on('exit', resolve));
      await new Promise((resolve) => setTimeout(resolve, round * 9));
      child.kill('SIGKILL');
      await gone;
      const next = await makeRuntime(dataDir);
      const { containers, sandboxes } = await next.recover();
      for (const handle of containers) {
        if (handle.state().phase === 'running') await next.stop(handle.id, 0);
        expect(handle.state().phase).toBe('exited');
      }
      for (const { podUid } of sandboxes) await next.removeSandbox(podUid);
      await until('none is left', () => processesWith(word).length === 0);
      await next.close();
    }
    expect(readdirSync(join(dataDir, 'pods'))).toEqual([]);
  });
});

test.each([
  ['before anybody took the lock of starting', undefined],
  ['after an agent took the lock and was killed', 'none\n'],
  ['while its taker was writing', ''],
])('a container that was recorded and never started is forgotten: %s', async (_, lock) => {
  const dataDir = join(folder, `recorded-${lock?.length}`);
  const first = await makeRuntime(dataDir);
  const pod = podOf();
  const handle = await startIn(first, pod, folder, 'exit 0');
  await ended(handle);
  await first.close();
  const container = join(dataDir, 'pods', pod.metadata.uid, 'containers', 'main-0');
  // As it is when the agent dies between the record and the supervisor's first act.
  for (const name of ['supervisor', 'pid', 'status', 'outcome.json', 'drained', 'log.1'])
    rmSync(join(container, name), { force: true });
  if (lock !== undefined) writeFileSync(join(container, 'supervisor'), lock);
  const next = await makeRuntime(dataDir);
  expect((await next.recover()).containers).toEqual([]);
  expect(existsSync(container)).toBe(false);
  await next.removeSandbox(pod.metadata.uid);
  await next.close();
});
