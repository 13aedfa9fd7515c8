import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openStore } from '../src/index.ts';
import { temporaryFolder, text } from './support.ts';

/** A small seeded generator (mulberry32), so that a failing run can be repeated by its seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs the writing process on one store and kills it, `rounds` times; after each, every acknowledged write must be there. */
export async function killRepeatedly(rounds: number): Promise<void> {
  const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
  process.stdout.write(`CRASH_SEED=${seed}\n`);
  const next = random(seed);
  const path = temporaryFolder();
  let newest = 0;
  let acknowledged = 0;
  for (let round = 0; round < rounds; round++) {
    const acks = await runAndKill(path, Math.floor(next() * 400), next() * 3);
    const store = await openStore({ path });
    const context = `seed ${seed}, round ${round}`;
    expect(store.revision, context).toBeGreaterThanOrEqual(Math.max(newest, ...acks.map((a) => a.revision)));
    for (const { revision, key, value } of acks) {
      const current = store.get(key);
      if (revision > store.compacted) expect(text(store.get(key, revision)), context).toBe(value);
      // Whatever stands now is this write or a later one.
      if (current) {
        expect(current.revision, context).toBeGreaterThanOrEqual(
          value === undefined ? revision + 1 : revision,
        );
      }
    }
    const last = new Map(acks.map((a) => [a.key, a]));
    for (const { revision, key, value } of last.values()) {
      if (store.get(key)?.revision === revision) expect(text(store.get(key)), context).toBe(value);
    }
    acknowledged += acks.length;
    newest = store.revision;
    await store.close();
  }
  expect(acknowledged).toBeGreaterThan(rounds);
}

interface Ack {
  revision: number;
  key: string;
  value: string | undefined;
}

/** Lets the writer run for some acknowledgements and a random moment more, then kill -9. */
async function runAndKill(path: string, afterAcks: number, extraMs: number): Promise<Ack[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('crash-child.ts', import.meta.url)), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let lines = 0;
  let killing = false;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    output += chunk;
    lines += chunk.split('\n').length - 1;
    if (lines > afterAcks && !killing) {
      killing = true;
      setTimeout(() => child.kill('SIGKILL'), extraMs);
    }
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return output
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('ack '))
    .map((line) => {
      const [, revision, key, value] = line.split(' ');
      return { revision: Number(revision), key: key!, value: value === '-' ? undefined : value! };
    });
}
