import type { Surroundings } from '../src/virtual/stages/template/template.ts';

/** What templates are rendered amid: always the same. */
export const surroundings: Surroundings = {
  now: Date.parse('2026-01-02T03:04:05Z'),
  startedAt: 0,
  random: () => 0.5,
  nodeName: 'n1',
  nodePort: 0,
  nodeIP: (name) => (name === 'n1' ? '10.64.0.1' : ''),
  podIP: () => '10.128.0.9',
};
