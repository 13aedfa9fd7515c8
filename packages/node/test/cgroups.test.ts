/** On plain folders: what would be written to control groups, and how their files are read. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cgroupMounts, ContainerCgroup } from '../src/process/cgroups.ts';
import { parseStat } from '../src/process/host-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-cgroups-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('control groups', () => {
  test('of version 1 and 2 are found among the mounts', () => {
    const text = [
      'proc /proc proc rw 0 0',
      'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0',
      'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0',
      '',
    ].join('\n');
    expect(cgroupMounts(text)).toEqual([
      { path: '/sys/fs/cgroup/memory', type: 'cgroup', options: ['rw', 'relatime', 'memory'] },
      { path: '/sys/fs/cgroup/unified', type: 'cgroup2', options: ['rw', 'relatime'] },
    ]);
  });

  test('of version 1 get limits, shares and a quota of 100 ms', () => {
    const [memory, cpu, cpuacct] = ['m1', 'c1', 'a1'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const group = new ContainerCgroup({ version: 1, folders: { memory, cpu, cpuacct } }, 'pod', 'main-0');
    group.create({ cpuMillis: 1500, memoryBytes: 1 << 20, cpuShares: 1 });
    const read = (root: string, file: string): string =>
      readFileSync(join(root, 'pod', 'main-0', file), 'utf8');
    expect(read(memory, 'memory.limit_in_bytes')).toBe('1048576');
    expect(read(cpu, 'cpu.cfs_quota_us')).toBe('150000');
    expect(read(cpu, 'cpu.cfs_period_us')).toBe('100000');
    expect(read(cpu, 'cpu.shares')).toBe('2');
    expect(group.joinFiles).toEqual(
      [memory, cpu, cpuacct].map((root) => join(root, 'pod/main-0/cgroup.procs')),
    );
    writeFileSync(
      join(memory, 'pod/main-0/memory.oom_control'),
      'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
    );
    expect(group.oomKills()).toBe(3);
    writeFileSync(join(memory, 'pod/main-0/memory.usage_in_bytes'), '5000\n');
    writeFileSync(join(memory, 'pod/main-0/memory.stat'), 'cache 1\ntotal_inactive_file 2000\n');
    writeFileSync(join(cpuacct, 'pod/main-0/cpuacct.usage'), '123\n');
    expect(group.usage()).toEqual({ cpuNanos: 123, memoryBytes: 3000 });
  });

  test('of version 2 get limits, a weight, and die as one', () => {
    const unified = join(folder, 'u2');
    mkdirSync(join(unified, 'pod'), { recursive: true });
    const group = new ContainerCgroup({ version: 2, folders: { unified } }, 'pod', 'main-0');
    group.create({ cpuMillis: 250, memoryBytes: 1 << 20, cpuShares: 1024 });
    const read = (file: string): string => readFileSync(join(unified, 'pod', 'main-0', file), 'utf8');
    expect(read('memory.max')).toBe('1048576');
    expect(read('memory.swap.max')).toBe('0');
    expect(read('memory.oom.group')).toBe('1');
    expect(read('cpu.max')).toBe('25000 100000');
    expect(read('cpu.weight')).toBe('39');
    group.kill();
    expect(read('cgroup.kill')).toBe('1');
    writeFileSync(join(unified, 'pod/main-0/memory.events'), 'low 0\noom 1\noom_kill 1\n');
    expect(group.oomKills()).toBe(1);
    writeFileSync(join(unified, 'pod/main-0/cpu.stat'), 'usage_usec 7\n');
    writeFileSync(join(unified, 'pod/main-0/memory.current'), '4096\n');
    writeFileSync(join(unified, 'pod/main-0/memory.stat'), 'inactive_file 96\n');
    expect(group.usage()).toEqual({ cpuNanos: 7000, memoryBytes: 4000 });
  });
});

describe('a line of /proc/PID/stat', () => {
  test('is read although names may hold brackets and blanks', () => {
    const line = `42 (a) b (c) S 1 40 40 0 -1 4194560 1 2 3 4 11 22 5 6 20 0 1 0 98765 1000 77 1 1`;
    expect(parseStat(line)).toEqual({
      pid: 42,
      state: 'S',
      parent: 1,
      group: 40,
      ticks: 33,
      startTime: '98765',
      pages: 77,
    });
    expect(parseStat('none')).toBeUndefined();
  });
});
