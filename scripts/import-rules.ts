/**
 * Import direction (docs/architecture.md): what each room may reach. `npm run imports` fails on anything else. A new room adds a
 * line here.
 */
const rooms: Record<string, readonly string[]> = {
  machinery: [],
  store: ['machinery'],
  apiserver: ['store', 'machinery'],
  client: ['machinery'],
  operator: ['client', 'machinery'],
  node: ['operator', 'client', 'machinery'],
  controllers: ['operator', 'client', 'machinery'],
  scheduler: ['operator', 'client', 'machinery'],
  training: ['operator', 'client', 'machinery'],
  simulator: ['scheduler', 'operator', 'client', 'machinery'],
  // Assembles engines: reaches everything.
  cli: [
    'simulator',
    'training',
    'scheduler',
    'controllers',
    'node',
    'operator',
    'client',
    'apiserver',
    'store',
    'machinery',
  ],
};

export interface Rule {
  why: string;
  /** Files the rule is about. */
  from: RegExp;
  /** What they may not import, unless `unless` matches too. */
  to: RegExp;
  unless?: RegExp;
}

export const rules: readonly Rule[] = [
  ...Object.entries(rooms).map(([room, below]) => ({
    why: `packages/${room} may import only ${below.join(', ') || 'nothing of ours'}`,
    from: new RegExp(`^packages/${room}/(src|bench)/`),
    to: /^packages\//,
    unless: new RegExp(`^packages/(${[room, ...below].join('|')})/`),
  })),
  {
    why: 'what is shipped never imports tests or benchmarks',
    from: /^packages\/[^/]+\/src\//,
    to: /(^|\/)(test|bench)\//,
  },
];
export const knownRooms: ReadonlySet<string> = new Set(Object.keys(rooms));
