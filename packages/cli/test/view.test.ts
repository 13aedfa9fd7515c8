import { describe, expect, test } from 'vitest';
import type { Pod } from '@coracle/machinery/api';
import type { Unstructured } from '@coracle/machinery';
import { createRunView } from '../src/run/view.ts';

const pod = (name: string, phase: string, gpus?: string): Pod =>
  ({
    metadata: {
      name,
      uid: name,
      ...(gpus ? { annotations: { 'coracle.dev/gpu-ids': `main=${gpus}` } } : {}),
    },
    spec: { nodeName: 'boat', containers: [{ name: 'main' }] },
    status: { phase },
  }) as unknown as Pod;
const job = { kind: 'TrainJob', metadata: { name: 'digits' } } as unknown as Unstructured;

describe('what `coracle run` shows', () => {
  test('without a terminal: changes of state once, and every log line with its worker', () => {
    let text = '';
    const view = createRunView({ write: (t) => (text += String(t)) }, { colour: false, now: () => 0 });
    view.workload(job, { done: false, text: 'Running' });
    view.pod(pod('w-0', 'Pending'));
    view.pod(pod('w-0', 'Running', 'GPU-1'));
    view.pod(pod('w-0', 'Running', 'GPU-1'));
    view.line(pod('w-0', 'Running'), 'main', 'epoch=1 loss=0.5');
    view.close();
    expect(text).toBe('w-0: Running on boat, GPU GPU-1\nw-0 | epoch=1 loss=0.5\n');
    expect(view.workers).toMatchObject([{ name: 'w-0', state: 'Running', gpus: ['GPU-1'] }]);
    expect(Object.fromEntries(view.workers[0]?.metrics ?? [])).toEqual({ epoch: '1', loss: '0.5' });
  });

  test('on a terminal: rows are redrawn below the log, and nothing after close', () => {
    let text = '';
    const view = createRunView(
      { write: (t) => (text += String(t)), isTTY: true, columns: 80, rows: 24 },
      { colour: false, now: () => 0 },
    );
    view.pod(pod('w-0', 'Running'));
    view.workload(job, { done: false, text: 'Running' });
    view.line(pod('w-0', 'Running'), 'main', 'hello');
    expect(text).toContain('w-0 | hello\n');
    expect(text).toContain('\u001b[3A\u001b[0J');
    expect(text).toContain('● w-0  Running');
    view.close();
    const before = text;
    view.workload(job, { done: true, ok: true, text: 'Complete' });
    expect(text).toBe(before);
  });

  const noRoom = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.';
  const unschedulable = (name: string): Pod =>
    ({
      ...pod(name, 'Pending'),
      spec: { containers: [{ name: 'main' }] },
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: noRoom }],
      },
    }) as unknown as Pod;

  test('says why a worker is not placed: in a log once, on a terminal below the rows', () => {
    let plain = '';
    const log = createRunView({ write: (t) => (plain += String(t)) }, { colour: false, now: () => 0 });
    for (const name of ['w-0', 'w-1']) log.pod(unschedulable(name));
    log.pod(unschedulable('w-0'));
    expect(plain).toBe(`w-0: Unschedulable: ${noRoom}\nw-1: Unschedulable\n`);

    let live = '';
    const out = {
      write: (t: string | Uint8Array) => (live += String(t)),
      isTTY: true,
      columns: 40,
      rows: 24,
    };
    const view = createRunView(out, { colour: false, now: () => 0 });
    view.pod(unschedulable('w-0'));
    expect(live).toContain('○ w-0  Unschedulable\n');
    expect(live.replaceAll(/\s+/g, ' ')).toContain(noRoom);
    for (const line of live.split('\n')) expect(line.length).toBeLessThan(40);
  });

  test('on a narrow terminal: no row is wider, long names show their end, ids of cards their first part', () => {
    let text = '';
    const name = 'a-training-job-with-a-long-name-node-0-3-m55dv';
    const view = createRunView(
      { write: (t) => (text += String(t)), isTTY: true, columns: 80, rows: 24 },
      { colour: false, now: () => 0 },
    );
    view.workload({ kind: 'TrainJob', metadata: { name: 'x'.repeat(100) } } as unknown as Unstructured, {
      done: false,
      text: 'Running',
    });
    view.pod(pod(name, 'Running', 'GPU-194aaf6f-7c06-194e-91f4-2a6279adfcd3'));
    text = '';
    view.line(pod(name, 'Running'), 'main', 'epoch=1 loss=0.5');
    const rows = text.slice(text.indexOf('| epoch=1') + 20).split('\n');
    for (const row of rows) expect(row.length).toBeLessThan(80);
    expect(text).toContain('-name-node-0-3-m55dv  Running     GPU-194aaf6f  epoch=1 loss=0.5\n');
  });

  test('on a terminal: a progress bar shows its last state, and a log cannot move the cursor', () => {
    let text = '';
    const view = createRunView(
      { write: (t) => (text += String(t)), isTTY: true, columns: 80, rows: 24 },
      { colour: false, now: () => 0 },
    );
    view.pod(pod('w-0', 'Running'));
    text = '';
    view.line(pod('w-0', 'Running'), 'main', ' 10%\r 20%\u001b[2K\u001b[1A \u001b[31mred\u001b[0m\r');
    expect(text).toContain('w-0 |  20% \u001b[31mred\u001b[0m\n');
  });

  test('on a terminal: many things drawn later are drawn once', () => {
    let writes = 0;
    let draw: (() => void) | undefined;
    const view = createRunView(
      { write: () => (writes += 1), isTTY: true, columns: 80, rows: 24 },
      { colour: false, now: () => 0, later: (work) => (draw = work) },
    );
    view.pod(pod('w-0', 'Running'));
    for (let i = 0; i < 100; i++) view.line(pod('w-0', 'Running'), 'main', `line ${i}`);
    expect(writes).toBe(0);
    draw?.();
    expect(writes).toBe(1);
  });
});
