import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { lstat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Kubeconfig,
  KubeconfigError,
  loadKubeconfig,
  mergeKubeconfig,
  removeContext,
  writeKubeconfig,
} from '../src/index.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(home, { recursive: true }));

const config = (name: string, server = 'https://127.0.0.1:6443', current = name): Kubeconfig => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name, cluster: { server, 'certificate-authority': 'ca.crt' } }],
  users: [{ name, user: { token: 'secret' } }],
  contexts: [{ name, context: { cluster: name, user: name } }],
  'current-context': current,
});
const at = (file: string): string => path.join(home, file);
const put = (file: string, value: unknown): Promise<void> => writeFile(at(file), JSON.stringify(value));

describe('loadKubeconfig', () => {
  test('reads ~/.kube/config, and makes file names absolute', async () => {
    await mkdir(at('.kube'));
    await put('.kube/config', config('one'));
    const loaded = await loadKubeconfig({ env: {}, home });
    expect(loaded).toMatchObject({
      context: 'one',
      namespace: 'default',
      user: { token: 'secret' },
      cluster: { 'certificate-authority': at('.kube/ca.crt') },
    });
  });

  test('joins the files of $KUBECONFIG: the first to say something wins, missing files are skipped', async () => {
    await put('a', config('shared', 'https://a'));
    await put('b', { ...config('shared', 'https://b', 'own'), contexts: config('own').contexts });
    const KUBECONFIG = [at('none'), at('a'), at('b')].join(path.delimiter);
    const loaded = await loadKubeconfig({ env: { KUBECONFIG }, home });
    expect(loaded.cluster.server).toBe('https://a');
    expect(loaded.config.contexts.map(({ name }) => name).toSorted()).toEqual(['own', 'shared']);
    expect(loaded.context).toBe('shared');
  });

  test('prefers --kubeconfig and --context', async () => {
    await put('a', mergeKubeconfig(config('one'), config('two', 'https://two')));
    const loaded = await loadKubeconfig({
      env: { KUBECONFIG: at('b') },
      home,
      path: at('a'),
      context: 'one',
    });
    expect(loaded.context).toBe('one');
  });

  test.each([
    ['missing', undefined, {}, /there is no kubeconfig at/],
    ['malformed', 'a: [', {}, /is not YAML/],
    ['malformed', '[1]', {}, /does not hold a Config object/],
    ['malformed', '{"kind":"Pod"}', {}, /holds a Pod, not a Config/],
    ['no-context', JSON.stringify(config('one', 'https://x', '')), {}, /no current context.*contexts: one/],
    ['no-context', JSON.stringify(config('one')), { context: 'two' }, /no context "two".*contexts: one/],
    ['incomplete', JSON.stringify({ ...config('one'), clusters: [] }), {}, /cluster "one".*does not exist/],
    ['incomplete', JSON.stringify({ ...config('one'), users: null }), {}, /user "one".*does not exist/],
  ] as const)('says what is wrong: %s, %s', async (code, text, options, message) => {
    if (text !== undefined) await writeFile(at('c'), text);
    const loading = loadKubeconfig({ env: {}, home, path: at('c'), ...options });
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toSatisfy((e) => e instanceof KubeconfigError && e.code === code);
  });
});

describe('mergeKubeconfig', () => {
  const entries = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'));
  const some = fc.tuple(entries, fc.webUrl()).map(([names, server]): Kubeconfig => ({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: names.map((name) => ({ name, cluster: { server } })),
    users: [],
    contexts: [],
    'current-context': '',
  }));
  test('keeps every other entry, takes every added one, and merging again changes nothing', () => {
    fc.assert(
      fc.property(some, some, (existing, addition) => {
        const merged = mergeKubeconfig(existing, addition);
        const of = (c: Kubeconfig, name: string) => c.clusters.find((entry) => entry.name === name);
        for (const { name } of merged.clusters) {
          expect(of(merged, name)).toBe(of(addition, name) ?? of(existing, name));
        }
        for (const { clusters } of [existing, addition]) {
          for (const { name } of clusters) expect(of(merged, name)).toBeDefined();
        }
        expect(mergeKubeconfig(merged, addition)).toEqual(merged);
      }),
    );
  });
});

describe('removeContext', () => {
  test('takes the context, its cluster and user away, unless another context uses them', () => {
    const two = mergeKubeconfig(config('one'), config('two'));
    expect(removeContext(two, 'two')).toEqual({ ...config('one'), 'current-context': '' });
    const sharing = {
      ...config('one'),
      contexts: [...config('one').contexts, { name: 'alias', context: { cluster: 'one', user: 'one' } }],
    };
    expect(removeContext(sharing, 'alias')).toEqual(config('one'));
  });
});

describe('writeKubeconfig', () => {
  test('makes the file and its directory, for the owner alone', async () => {
    await writeKubeconfig(at('.kube/config'), config('one'));
    expect((await stat(at('.kube/config'))).mode & 0o777).toBe(0o600);
    expect(load(await readFile(at('.kube/config'), 'utf8'))).toEqual(config('one'));
    expect(await readdir(at('.kube'))).toEqual(['config']);
  });

  test('keeps what others have put there, unknown fields too, and closes it to others', async () => {
    const theirs = { ...config('work'), extensions: [{ name: 'x' }], preferences: { colors: true } };
    await writeFile(at('c'), JSON.stringify(theirs), { mode: 0o644 });
    await writeKubeconfig(at('c'), config('mine'));
    const after = load(await readFile(at('c'), 'utf8')) as Kubeconfig;
    expect(after).toMatchObject({ extensions: theirs.extensions, preferences: theirs.preferences });
    expect(after.clusters).toEqual([...theirs.clusters, ...config('mine').clusters]);
    expect(after['current-context']).toBe('mine');
    expect((await stat(at('c'))).mode & 0o777).toBe(0o600);
  });

  test('leaves a file that it cannot understand as it is', async () => {
    await writeFile(at('c'), 'a: [');
    await expect(writeKubeconfig(at('c'), config('mine'))).rejects.toThrow(/is not YAML/);
    expect(await readFile(at('c'), 'utf8')).toBe('a: [');
    expect(await readdir(home)).toEqual(['c']);
  });

  test('writes through a link', async () => {
    await put('real', config('work'));
    await symlink(at('real'), at('link'));
    await writeKubeconfig(at('link'), config('mine'));
    expect((await lstat(at('link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(at('real'), 'utf8')).toContain('mine');
  });

  test('loses no entry when many write at once', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `c${i}`);
    await Promise.all(names.map((name) => writeKubeconfig(at('c'), config(name))));
    const { contexts } = load(await readFile(at('c'), 'utf8')) as Kubeconfig;
    expect(contexts.map(({ name }) => name).toSorted()).toEqual(names);
  });
});
