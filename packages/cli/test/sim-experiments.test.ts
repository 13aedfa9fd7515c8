import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { setupCli } from './harness.ts';

const { runWith } = setupCli();
const cwd = mkdtempSync(join(tmpdir(), 'sim-experiments-'));
mkdirSync(join(cwd, 'muri'));
// Two jobs on a card each, and what they take: 1,000 and 3,000 iterations of 100 ms and 1.5 %.
writeFileSync(
  join(cwd, 'muri/trace1.csv'),
  'job_id,num_gpu,submit_time,iterations,model_name,duration,iteration_time\n' +
    '0,1,0,1000,bert,100000,100\n1,1,0,3000,bert,300000,100\n',
);
// The second is interrupted once, when the first ends: 10 seconds of its work are undone.
const mean = (101.5 + 314.5) / 2;
writeFileSync(
  join(cwd, 'muri/published.json'),
  JSON.stringify({ traces: ['trace1'], avg_jct: { SRTF: [mean], SRSF: [2 * mean] } }),
);
mkdirSync(join(cwd, 'openb'));
writeFileSync(
  join(cwd, 'openb/openb_node_list_gpu_node.csv'),
  'sn,cpu_milli,memory_mib,gpu,model\nnode-0,64000,262144,2,T4\nnode-1,64000,262144,2,T4\n',
);
writeFileSync(
  join(cwd, 'openb/openb_pod_list_default.csv'),
  `name,cpu_milli,memory_mib,num_gpu,gpu_milli\n${Array.from({ length: 8 }, (_, i) => `pod-${i},1000,1024,1,500\n`).join('')}`,
);
writeFileSync(
  join(cwd, 'openb/published.csv'),
  'workload,policy,metric,demand_pct,mean,sd_pop\n' +
    'default,FGD,alloc_pct_of_total_gpu,100,100,0\ndefault,DotProd,alloc_pct_of_total_gpu,100,90,1\n',
);
const sim = (...words: string[]) => runWith({ cwd }, 'sim', ...words);

describe('coracle sim muri', () => {
  test('prints the published figure beside ours, and whether it is met', async () => {
    const { code, out, err } = await sim('muri', 'muri', '--policy', 'srtf,SRSF', '--threads', '1');
    expect(code, err).toBe(0);
    expect(out).toMatch(/trace1 +SRTF +208\.0 +208\.0 +-?0\.0000 % /);
    expect(out).toMatch(/trace1 +SRSF +416\.0 +208\.0 +-50\.0000 % ! /);
    expect(out).toContain('1 of 2 met');
  });
});

describe('coracle sim openb', () => {
  test('prints every published figure beside ours, and writes them as CSV', async () => {
    const words = 'openb openb --seeds 2 --threads 1 --policy fgd,dotproduct --csv openb.csv';
    const { code, out, err } = await sim(...words.split(' '));
    expect(code, err).toBe(0);
    expect(out).toContain('100%: 100.00/100.00');
    expect(out).toContain('100%: 90.00/100.00 !');
    expect(out).toContain('1 of 2 cells within 0.5 points (50.0 %), worst 10.00');
    expect(readFileSync(join(cwd, 'openb.csv'), 'utf8').split('\n')).toEqual([
      'workload,policy,metric,demand_pct,published,ours,difference,published_sd',
      'default,FGD,allocatedPercent,100,100,100.000,0.000,0',
      'default,DotProduct,allocatedPercent,100,90,100.000,10.000,1',
      '',
    ]);
  });

  test.each([
    [['openb', 'gone'], 'there is no folder gone'],
    [['openb', 'openb', '--workload', 'other'], 'there is no workload "other"; there is default'],
    [
      ['muri', 'muri', '--policy', 'fifo'],
      'there is no policy "fifo"; there are SRTF, SRSF, Tiresias_L, Themis',
    ],
  ])('%j: %s', async (words, message) => {
    const { code, err } = await sim(...words);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});
