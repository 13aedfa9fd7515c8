/** The store against the naive model: whatever the order of calls, reads, watches and refusals are the same. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CompactedError, FutureRevisionError, memoryStore, openStore, type Store } from '../src/index.ts';
import { Model } from './model.ts';
import { Collector, put, remove, temporaryFolder, text, until } from './support.ts';

interface Real {
  store: Store;
  reopen: (() => Promise<Store>) | undefined;
  watches: { collector: Collector; prefix: string; after: number }[];
}
type Command = fc.AsyncCommand<Model, Real>;

const keys = ['a/1', 'a/2', 'a/20', 'a/é', 'a/\u{1f600}', 'a/\uffee', 'a', 'b/1', 'b'];
const prefixes = ['', 'a/', 'a/2', 'a', 'b/', 'c'];
const key = fc.constantFrom(...keys);
const prefix = fc.constantFrom(...prefixes);

/** A revision, as a part of the newest, so that it means something whenever the command runs; a little over 1 is ahead. */
const part = fc.double({ min: 0, max: 1.1, noNaN: true });
const at = (model: Model, fraction: number): number => Math.ceil(fraction * (model.revision + 1));

function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

const writeMany = fc
  .array(fc.record({ key, value: fc.option(fc.string({ maxLength: 6 }), { nil: undefined }) }), {
    minLength: 1,
    maxLength: 8,
  })
  .map((writes) =>
    command(`write ${JSON.stringify(writes)}`, async (model, { store }) => {
      const expected = writes.map(({ key: k, value }) => {
        if (value === undefined && !model.find(k)) return undefined;
        return model.add(k, value);
      });
      const results = await Promise.all(
        writes.map(({ key: k, value }) => (value === undefined ? remove(store, k) : put(store, k, value))),
      );
      expect(results.map((r) => (r.ok ? r.revision : undefined))).toEqual(expected);
      expect(store.revision).toBe(model.revision);
    }),
  );

const compareAndSwap = fc.tuple(key, part, fc.string({ maxLength: 4 })).map(([k, fraction, value]) =>
  command(`swap ${k} expecting ${fraction}`, async (model, { store }) => {
    const current = model.find(k);
    // Half of the time what is right.
    const expected = fraction < 0.5 ? (current?.revision ?? 0) : at(model, fraction);
    const result = await put(store, k, value, expected);
    expect(result.ok).toBe(expected === (current?.revision ?? 0));
    if (result.ok) expect(result.revision).toBe(model.add(k, value));
    else expect(text(result.current)).toBe(current?.value);
  }),
);

const rangeAt = fc
  .record({
    prefix,
    fraction: fc.option(part, { nil: undefined }),
    limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    after: fc.option(key, { nil: undefined }),
  })
  .map(({ prefix: p, fraction, limit, after }) =>
    command(`range ${JSON.stringify({ p, fraction, limit, after })}`, async (model, { store }) => {
      const revision = fraction === undefined ? undefined : at(model, fraction);
      const expected = model.range(p, { revision, limit, after });
      if (expected === null) {
        const error = revision! > model.revision ? FutureRevisionError : CompactedError;
        expect(() => store.range(p, { revision, limit, after })).toThrow(error);
        expect(() => store.get('a/1', revision)).toThrow(error);
        return;
      }
      const found = store.range(p, { revision, limit, after });
      const entries = found.entries.map((e) => ({
        key: e.key,
        value: text(e),
        revision: e.revision,
        createRevision: e.createRevision,
      }));
      expect({ entries, remaining: found.remaining }).toEqual(expected);
      expect(found.more).toBe(expected.remaining > 0);
      for (const k of keys) expect(text(store.get(k, revision))).toBe(model.find(k, revision)?.value);
      if (revision === undefined && !after) {
        expect(store.count(p)).toBe(expected.entries.length + expected.remaining);
      }
    }),
  );

const compact = part.map((fraction) =>
  command(`compact ${fraction}`, async (model, { store }) => {
    const revision = at(model, fraction);
    if (revision > model.revision) {
      await expect(store.compact(revision)).rejects.toThrow(FutureRevisionError);
      return;
    }
    await store.compact(revision);
    model.compacted = Math.max(model.compacted, revision);
    expect(store.compacted).toBe(model.compacted);
  }),
);

const watch = fc.tuple(prefix, part, fc.integer({ min: 1, max: 30 })).map(([p, fraction, room]) =>
  command(`watch ${p} from ${fraction} with room for ${room}`, async (model, { store, watches }) => {
    const after = at(model, fraction);
    if (after > model.revision || after < model.compacted) {
      const error = after > model.revision ? FutureRevisionError : CompactedError;
      expect(() => new Collector(store, p, after)).toThrow(error);
      return;
    }
    watches.push({ collector: new Collector(store, p, after, room), prefix: p, after });
  }),
);

const resume = fc
  .integer({ min: 1, max: 10 })
  .map((room) =>
    command(`resume with ${room}`, async (_, { watches }) =>
      watches.forEach(({ collector }) => collector.more(room)),
    ),
  );

const reopen = fc.constant(
  command('reopen', async (model, real) => {
    if (!real.reopen) return;
    await drain(model, real);
    await real.store.close();
    for (const { collector } of real.watches) expect(collector.ended).toMatch(/closed|compacted/);
    real.watches = [];
    real.store = await real.reopen();
    expect(real.store.revision).toBe(model.revision);
    expect(real.store.compacted).toBe(model.compacted);
  }),
);

/** Every watch gets room, and then has seen exactly the events of its prefix, or lost them to compaction. */
async function drain(model: Model, { watches }: Real): Promise<void> {
  for (const { collector, prefix: p, after } of watches) {
    collector.more(Infinity);
    const expected = model.eventsUnder(p, after);
    await until(() => collector.ended !== undefined || collector.events.length >= expected.length);
    const seen = collector.events.map((e) => ({
      revision: e.revision,
      key: e.key,
      value: e.type === 'PUT' ? text(e.entry) : undefined,
    }));
    expect(seen).toEqual(expected.slice(0, seen.length));
    if (collector.ended === undefined) expect(seen.length).toBe(expected.length);
    else expect(collector.ended).toBe('compacted');
    for (const event of collector.events) {
      const before = model.find(event.key, event.revision - 1);
      expect(text(event.previous)).toBe(before?.value);
      expect(event.entry.createRevision).toBe(before?.createRevision ?? event.revision);
      if (event.type === 'DELETE') expect(text(event.entry)).toBe(`gone at ${event.revision}`);
    }
  }
}

const commands = fc.commands([writeMany, compareAndSwap, rangeAt, compact, watch, resume, reopen], {
  size: 'medium',
  maxCommands: 60,
});

describe('the store behaves as the naive model', () => {
  test.each([
    { memory: 'all history in memory', recentEvents: 1000 },
    { memory: 'history read back from the journal', recentEvents: 1 },
  ])('in memory, $memory', async ({ recentEvents }) => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const model = new Model();
        const real: Real = {
          store: memoryStore({ memory: { recentEvents } }),
          reopen: undefined,
          watches: [],
        };
        await fc.asyncModelRun(() => ({ model, real }), list);
        await drain(model, real);
        await real.store.close();
      }),
      { numRuns: 150 },
    );
  });

  test('on disk, closed and opened again on the way', async () => {
    const folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const path = `${folder}/${run++}`;
        const open = () => openStore({ path, memory: { recentEvents: 3 } });
        const model = new Model();
        const real: Real = { store: await open(), reopen: open, watches: [] };
        try {
          await fc.asyncModelRun(() => ({ model, real }), list);
          await drain(model, real);
        } finally {
          await real.store.close();
        }
      }),
      { numRuns: 12 },
    );
  });
});
