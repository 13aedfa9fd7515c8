/** Makes the small trace the tests always run on: `node packages/simulator/bench/openb-small-trace.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GoRandom } from '../src/experiments/openb/go-random.ts';

const folder = join(import.meta.dirname, '../test/traces/openb-small');
const random = new GoRandom(7);
/** One of several, by weight. */
function draw<T>(choices: readonly (readonly [number, T])[]): T {
  let at = random.intn(choices.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, value] of choices) if ((at -= weight) < 0) return value;
  throw new Error('weights');
}

const nodes = Array.from({ length: 60 }, (_, i) => {
  const [cpu, memory, cards, model] = draw([
    [5, [96, 384, 8, 'H'] as const],
    [3, [64, 256, 4, 'L'] as const],
    [2, [32, 128, 2, 'T'] as const],
  ]);
  return `node-${String(i).padStart(3, '0')},${cpu * 1000},${memory * 1024},${cards},${model}`;
});
const pods = Array.from({ length: 300 }, (_, i) => {
  const [cards, milli] = draw([
    [20, [0, 0] as const],
    [14, [1, 250] as const],
    [14, [1, 450] as const],
    [18, [1, 700] as const],
    [40, [1, 1000] as const],
    [6, [2, 1000] as const],
    [4, [4, 1000] as const],
    [2, [8, 1000] as const],
  ]);
  const cpu =
    cards === 0
      ? draw([
          [1, 4],
          [1, 8],
          [1, 16],
        ])
      : draw([
          [1, 2],
          [3, 6],
          [3, 8],
          [2, 12],
        ]) * Math.max(1, cards / 2);
  const model =
    cards === 0
      ? ''
      : draw([
          [8, ''],
          [1, 'H'],
          [1, 'H|L'],
          [1, 'T'],
        ]);
  const fits = cards > 2 && model === 'T' ? '' : model;
  return `pod-${String(i).padStart(4, '0')},${cpu * 1000},${cpu * 2048},${cards},${milli},${fits}`;
});
mkdirSync(folder, { recursive: true });
const write = (name: string, head: string, lines: readonly string[]): void =>
  writeFileSync(join(folder, name), `${head}\n${lines.join('\n')}\n`);
write('openb_node_list_gpu_node.csv', 'sn,cpu_milli,memory_mib,gpu,model', nodes);
write('openb_pod_list_small.csv', 'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec', pods);
