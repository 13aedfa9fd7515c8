/** `--nodes 1000 --shape a100x8`, `--nodes 8xh100x8 --nodes 100xcpu64`: which virtual nodes an engine has. */
import type { EngineOptions } from './engine.ts';
import { CliError } from '../context.ts';

export interface NodePoolFlag {
  count: number;
  /** Absent: a node of 32 cores without cards. */
  shape?: string;
}

/** Beyond it the addresses of nodes and the memory of one process end. */
const mostNodes = 100_000;

/** Reads one value of `--nodes`: pools, by commas. Throws CliError. */
export function nodePools(text: string): NodePoolFlag[] {
  return text.split(',').map((word) => {
    const [, digits, shape] = /^\s*(\d+)(?:x([a-z][a-z0-9-]*))?\s*$/.exec(word) ?? [];
    const count = Number(digits);
    if (digits === undefined || count < 1)
      throw new CliError(
        `--nodes "${text}": a pool is how many nodes and of which shape, such as 8xh100x8 or 100xcpu64; a number alone takes its shape from --shape`,
      );
    return { count, ...(shape === undefined ? {} : { shape }) };
  });
}

/**
 * What the flags mean for the engine. Pools of one shape are one pool. Nodes of a shape are called as the simulator calls
 * them (`a100x8-0007`), so that one can be held against the other; without a shape `virtual-7`. The table of shapes is loaded only here: plain
 * `coracle up` does not pay for it. Throws CliError.
 */
export async function virtualPools(
  flags: readonly NodePoolFlag[],
  shape: string | undefined,
): Promise<Pick<EngineOptions, 'virtualNodes' | 'virtualShape'>> {
  const counts = new Map<string | undefined, number>();
  for (const pool of flags) {
    const name = pool.shape ?? shape;
    counts.set(name, (counts.get(name) ?? 0) + pool.count);
  }
  if (shape !== undefined && !flags.some((pool) => pool.shape === undefined))
    throw new CliError('--shape is the shape of nodes given as a number alone: --nodes 1000 --shape a100x8');
  const virtualNodes = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (virtualNodes > mostNodes)
    throw new CliError(`${virtualNodes} virtual nodes are too many: ${mostNodes} are the most`);
  if (counts.size === 1 && counts.has(undefined)) return { virtualNodes };
  const { nodeOfPool, poolOf, shapeOf } = await import('@coracle/simulator');
  const members: {
    name: string;
    labels: Record<string, string>;
    capacity: Record<string, string> | undefined;
  }[] = [];
  for (const [name, count] of counts) {
    if (name === undefined) {
      for (let i = 0; i < count; i++) members.push({ name: `virtual-${i}`, labels: {}, capacity: undefined });
      continue;
    }
    let pool;
    try {
      pool = poolOf(name, shapeOf(name), count);
    } catch (error) {
      throw new CliError(error instanceof Error ? error.message : String(error));
    }
    for (let i = 0; i < count; i++) {
      const { metadata, status } = nodeOfPool(pool, i);
      members.push({
        name: metadata.name,
        labels: metadata.labels ?? {},
        capacity: status?.capacity as Record<string, string> | undefined,
      });
    }
  }
  return {
    virtualNodes,
    virtualShape: {
      names: (index) => members[index]?.name ?? `virtual-${index}`,
      labels: (index) => members[index]?.labels ?? {},
      capacity: (index) => members[index]?.capacity,
    },
  };
}
