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
    expect(text).toBe('w-0: Pending on boat\nw-0: Running on boat, GPU GPU-1\nw-0 | epoch=1 loss=0.5\n');
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
});
