/** How the cards of a host are linked: what `nvidia-smi topo -m` prints, or a machine of a known make. */
import type { TopologyText } from '@coracle/machinery';
import type { Gpu } from './gpus.ts';

/**
 * `dgx`: all cards joined by NVLink switches, half of them near each processor.
 * `pcie`: pairs behind one PCIe switch, half of the pairs at each processor.
 */
export const declaredTopologies = ['dgx', 'pcie'] as const;
export type DeclaredTopology = (typeof declaredTopologies)[number];

/**
 * The matrix of `nvidia-smi topo -m`: by card, the words for its links with the others. Columns and rows are named `GPU0`,
 * `GPU1`, ... by index. Empty for a text of another form.
 */
export function linksOf(matrix: string, gpus: readonly Gpu[]): Map<string, Record<string, string>> {
  const byIndex = new Map(gpus.map((gpu) => [`GPU${gpu.index}`, gpu.id]));
  const result = new Map<string, Record<string, string>>();
  // Terminals get the head underlined.
  // oxlint-disable-next-line no-control-regex
  const lines = matrix.replaceAll(/\u001B\[[0-9;]*m/g, '').split('\n');
  const head = lines.find((line) => /^\s+GPU0\b/.test(line));
  if (head === undefined) return result;
  const columns = head.trim().split(/\s+/);
  for (const line of lines) {
    const [row = '', ...words] = line.trim().split(/\s+/);
    const id = byIndex.get(row);
    if (id === undefined || line === head) continue;
    const links: Record<string, string> = {};
    for (const [i, word] of words.entries()) {
      const other = byIndex.get(columns[i] ?? '');
      if (other !== undefined && other !== id && word !== 'X') links[other] = word;
    }
    result.set(id, links);
  }
  return result;
}

/** The same cards, linked as in a machine of that make. */
export function declaredLinks(gpus: readonly Gpu[], topology: DeclaredTopology): Gpu[] {
  const half = Math.ceil(gpus.length / 2);
  const numaOf = (i: number): number => (i < half ? 0 : 1);
  return gpus.map((gpu, i) => {
    const links: Record<string, string> = {};
    for (const [j, other] of gpus.entries()) {
      if (j === i) continue;
      if (topology === 'dgx') links[other.id] = 'NV18';
      else if (i >> 1 === j >> 1) links[other.id] = 'PIX';
      else links[other.id] = numaOf(i) === numaOf(j) ? 'NODE' : 'SYS';
    }
    // Two cards a root, as the switches have them.
    const pcieRoot = `pci0000:${(16 + 32 * (i >> 1)).toString(16).padStart(2, '0')}`;
    return { ...gpu, links, numaNode: numaOf(i), pcieRoot };
  });
}

/** What a node says of its cards, in the order of their numbers; `undefined` stands for one that is gone. */
export function topologyText(cards: readonly (Gpu | undefined)[]): TopologyText {
  const links: string[] = [];
  for (let a = 0; a < cards.length; a++) {
    for (let b = a + 1; b < cards.length; b++) {
      const other = cards[b];
      links.push((other && cards[a]?.links?.[other.id]) ?? '');
    }
  }
  const lost = cards.flatMap((card, i) => (card ? [] : [i]));
  return {
    numa: cards.map((card) => card?.numaNode ?? -1),
    links,
    ...(lost.length > 0 ? { lost } : {}),
  };
}
