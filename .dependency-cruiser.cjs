/**
 * Import direction: a room may import only rooms below it (docs/architecture.md).
 * `allowed` lists, for each room, what it may reach; anything else fails the check.
 */
const rooms = {
  machinery: [],
  store: ['machinery'],
  apiserver: ['store', 'machinery'],
  client: ['machinery'],
  operator: ['client', 'machinery'],
  node: ['operator', 'client', 'machinery'],
  controllers: ['operator', 'client', 'machinery'],
  scheduler: ['operator', 'client', 'machinery'],
  training: ['operator', 'client', 'machinery'],
};
const upward = Object.entries(rooms).map(([room, below]) => ({
  name: `${room}-imports-only-below`,
  comment: `packages/${room} may import only: ${below.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^packages/${room}/(src|bench)/` },
  to: { path: '^packages/([^/]+)/', pathNot: `^packages/(${[room, ...below].join('|')})/` },
}));
module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: { path: '^packages/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'source-never-imports-tests',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '/(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage|node_modules)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
