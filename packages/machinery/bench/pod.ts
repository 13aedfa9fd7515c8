/** What a write of one pod costs in machinery, step by step; and the usual helpers of hot loops. Figures are medians of rounds. */
import {
  applyDefaults,
  applyMergePatch,
  applyStrategicMergePatch,
  compileJsonPath,
  createRegistry,
  decodeJson,
  deepEqual,
  jsonClone,
  milliOf,
  parseQuantity,
  parseSelector,
  prune,
  typeErrors,
  validate,
} from '../src/index.ts';

const registry = createRegistry();
const schema = registry.byKind('', 'v1', 'Pod')?.schema ?? {};
const container = (name: string): object => ({
  name,
  image: 'registry.example.com/team/image:1.2.3',
  command: ['python', '-m', 'train', '--epochs', '10'],
  env: Array.from({ length: 8 }, (_, i) => ({ name: `VARIABLE_${i}`, value: `value ${i}` })),
  ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
  resources: {
    requests: { cpu: '500m', memory: '1Gi' },
    limits: { cpu: '2', memory: '4Gi', 'nvidia.com/gpu': '1' },
  },
  volumeMounts: [
    { name: 'data', mountPath: '/data' },
    { name: 'tmp', mountPath: '/tmp' },
  ],
  livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10 },
});
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'train-worker-0',
    namespace: 'team-a',
    labels: { app: 'train', 'batch.kubernetes.io/job-name': 'train', index: '0' },
    annotations: { 'example.com/note': 'a pod as controllers make them' },
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'train', uid: 'u', controller: true }],
  },
  spec: {
    containers: [container('main'), container('sidecar')],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'tmp', emptyDir: {} },
    ],
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    restartPolicy: 'Never',
  },
};
const text = JSON.stringify(pod);
const bytes = new TextEncoder().encode(text);
const selector = parseSelector('app=train,index in (0,1),!debug');
const readyPath = compileJsonPath('.status.conditions[?(@.type=="Ready")].status');
const status = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };

function measure(what: string, run: () => unknown): void {
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    const n = 2000;
    const start = performance.now();
    for (let i = 0; i < n; i++) run();
    rounds.push(((performance.now() - start) / n) * 1000);
  }
  const median = rounds.toSorted((a, b) => a - b)[4] ?? 0;
  console.log(`${what.padEnd(44)} ${median.toFixed(2).padStart(8)} µs`);
}

console.log(`a pod of ${bytes.length} bytes`);
measure('JSON.parse, for comparison', () => JSON.parse(text) as unknown);
measure('decodeJson (with double keys looked for)', () => decodeJson(bytes));
measure('typeErrors', () => typeErrors(schema, pod));
measure('prune (nothing to drop)', () => prune(schema, pod));
measure('validate', () => validate(schema, pod));
measure('jsonClone', () => jsonClone(pod));
measure('structuredClone, for comparison', () => structuredClone(pod));
measure('jsonClone + applyDefaults', () => applyDefaults(schema, jsonClone(pod)));
measure('deepEqual of equals', () => deepEqual(pod, JSON.parse(text)));
const patch = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'x' }] } };
measure('applyMergePatch', () => applyMergePatch(pod, { metadata: { labels: { a: 'b' } } }));
measure('applyStrategicMergePatch', () => applyStrategicMergePatch(schema, pod, patch));
measure('selector.matches', () => selector.matches(pod.metadata.labels));
measure('JSONPath with a filter', () => readyPath(status));
measure('milliOf("500m")', () => milliOf('500m'));
measure('parseQuantity("1.5Gi").toString()', () => parseQuantity('1.5Gi').toString());
