import { describe, expect, test } from 'vitest';
import { createQueue, createSnapshot, type SchedulingQueue, type Unit } from '../src/core/index.ts';
import { pod } from './objects.ts';

const snapshot = createSnapshot();

function add(queue: SchedulingQueue, name: string, now: number, priority = 0): Unit {
  const unit = queue.unit(name);
  const info = snapshot.describe(pod(name, { priority }));
  unit.pods.set(info.uid, info);
  unit.priority = priority;
  unit.ready = true;
  queue.changed(unit, now, true);
  return unit;
}
const none: ReadonlySet<string> = new Set();

describe('queue', () => {
  test('gives the highest priority first, then who came first', () => {
    const queue = createQueue();
    add(queue, 'a', 5);
    add(queue, 'b', 5);
    add(queue, 'c', 1);
    add(queue, 'd', 9, 10);
    const order = [1, 2, 3, 4].map(() => queue.pop(10)?.key);
    expect(order).toEqual(['d', 'c', 'a', 'b']);
    expect(queue.pop(10)).toBeUndefined();
  });

  test('a gang of which part runs already goes before all others', () => {
    const queue = createQueue();
    add(queue, 'important', 0, 1000);
    const gang = add(queue, 'half', 1);
    gang.urgent = true;
    queue.changed(gang, 1, false);
    expect(queue.pop(2)?.key).toBe('half');
  });

  test('backs off 1, 2, 4, 8 and then 10 seconds', () => {
    const queue = createQueue();
    add(queue, 'a', 0);
    let now = 0;
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      const unit = queue.pop(now)!;
      queue.failed(unit, now, none, true);
      const due = queue.nextDue(now)!;
      expect(queue.pop(due - 1)).toBeUndefined();
      waits.push(due - now);
      now = due;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('a unit whose room was made goes on at once, in the place it came in', () => {
    const queue = createQueue();
    add(queue, 'preemptor', 0);
    queue.failed(queue.pop(0)!, 0, none);
    add(queue, 'later', 1);
    add(queue, 'important', 2, 10);
    queue.resume(queue.get('preemptor')!, 3);
    expect([1, 2, 3].map(() => queue.pop(3)?.key)).toEqual(['important', 'preemptor', 'later']);
  });

  test('an unschedulable unit is woken by a hint, behind others until its back-off is over', () => {
    const queue = createQueue();
    add(queue, 'a', 0);
    queue.failed(queue.pop(0)!, 0, none);
    expect(queue.counts()).toMatchObject({ unschedulable: 1 });
    queue.wake(queue.get('a')!, 300);
    expect(queue.counts()).toMatchObject({ backoff: 1 });
    add(queue, 'b', 400);
    expect(queue.pop(400)?.key).toBe('b');
    // Nothing else to do: it is tried before its time.
    expect(queue.nextDue(400)).toBe(400);
    expect(queue.pop(400)?.key).toBe('a');
    queue.failed(queue.get('a')!, 1_000, none);
    queue.wake(queue.get('a')!, 4_000);
    expect(queue.pop(4_000)?.key).toBe('a');
  });

  test('an unschedulable unit is tried again after five minutes whatever happens', () => {
    const queue = createQueue();
    add(queue, 'a', 0);
    queue.failed(queue.pop(0)!, 0, none);
    expect(queue.nextDue(0)).toBe(300_000);
    expect(queue.pop(299_999)).toBeUndefined();
    expect(queue.pop(300_000)?.key).toBe('a');
  });

  test('a unit that is not ready is held until it is', () => {
    const queue = createQueue();
    const unit = add(queue, 'a', 0);
    unit.ready = false;
    queue.changed(unit, 0, true);
    expect(queue.pop(1_000_000)).toBeUndefined();
    unit.ready = true;
    queue.changed(unit, 2, true);
    expect(queue.pop(2)?.key).toBe('a');
  });

  test('a raised priority moves a waiting unit forward', () => {
    const queue = createQueue();
    add(queue, 'a', 0);
    const b = add(queue, 'b', 1);
    b.priority = 5;
    queue.changed(b, 2, false);
    expect(queue.pop(3)?.key).toBe('b');
    expect(queue.pop(3)?.key).toBe('a');
    expect(queue.pop(3)).toBeUndefined();
  });

  test('a unit without members, or dropped, is gone', () => {
    const queue = createQueue();
    const a = add(queue, 'a', 0);
    add(queue, 'b', 0);
    a.pods.clear();
    queue.changed(a, 1, true);
    queue.drop('b');
    expect(queue.pop(2)).toBeUndefined();
    expect(queue.size).toBe(0);
  });
});
