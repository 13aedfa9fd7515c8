/** Cold start of the registry: importing the module (with its table), making a registry, first use of schemas. */
const started = performance.now();
const { createRegistry } = await import('../src/registry.ts');
const imported = performance.now();
const registry = createRegistry();
const made = performance.now();
const pods = registry.byResource('', 'v1', 'pods');
void pods?.schema;
const pod = performance.now();
let kinds = 0;
for (const kind of registry.kinds()) {
  void kind.schema;
  kinds++;
}
const all = performance.now();
const line = (what: string, ms: number): void =>
  console.log(`${what.padEnd(44)} ${ms.toFixed(2).padStart(8)} ms`);
line('import of the registry and its table', imported - started);
line('createRegistry, cold', made - imported);
line('schema of Pod, first use', pod - made);
line(`schemas of all ${kinds} kinds, first use`, all - pod);
let again = performance.now();
for (let i = 0; i < 100; i++) createRegistry();
again = (performance.now() - again) / 100;
line('createRegistry, warm', again);

export {};
