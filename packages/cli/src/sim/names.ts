/** Names that `coracle sim` takes: for `coracle sim list` and for completion. */
import { cardTable, formats, goalMetrics, orderingPolicies, placements } from '@coracle/simulator';

export function simNames(): string {
  const width = 26;
  const rows = (title: string, entries: readonly { name: string; about: string }[]): string =>
    [`${title}:`, ...entries.map(({ name, about }) => `  ${name.padEnd(width)}${about}`)].join('\n');
  return `${[
    rows('Placement policies (--placement)', [
      ...placements,
      { name: 'FILE.yaml#NAME', about: 'a profile of a KubeSchedulerConfiguration' },
    ]),
    rows('Ordering policies (--ordering)', orderingPolicies),
    rows(
      'Shapes of nodes (--shape, --add): a card and how many, or cpu and cores, such as cpu64',
      Object.entries(cardTable).map(([name, { product, memoryGib, cpu, hostGib }]) => ({
        name: `${name}x8`,
        about: `${product}, ${memoryGib} GiB; ${cpu} cores and ${hostGib} GiB a card`,
      })),
    ),
    rows('Metrics of goals (--find)', goalMetrics),
    `Formats of inputs (--format):\n  ${formats.join(', ')}`,
  ].join('\n\n')}\n`;
}

/** What may stand behind an option, by its long name. */
export function simWords(option: string): string[] {
  const names = (entries: readonly { name: string }[]): string[] => entries.map(({ name }) => name);
  switch (option) {
    case '--placement':
      return names(placements);
    case '--ordering':
      return names(orderingPolicies);
    case '--shape':
    case '--find-shape':
      return Object.keys(cardTable).map((card) => `${card}x8`);
    case '--speed':
      return [...new Set(Object.values(cardTable).map(({ model }) => `${model}=`))];
    case '--format':
      return [...formats];
    case '--find':
      return goalMetrics.map(({ name, better }) => `${name}${better === 'high' ? '>' : '<'}`);
    default:
      return [];
  }
}
