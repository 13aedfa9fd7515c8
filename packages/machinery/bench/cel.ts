/**
 * `node packages/machinery/bench/cel.ts`: what compiling an expression and evaluating it costs.
 * Devices are as a driver publishes them: a dozen attributes, some capacities; 4,096 of them, so that caches of single objects do not flatter.
 */
import {
  compileCel,
  compileDeviceSelector,
  environment,
  kubernetesLibraries,
  types,
} from '../src/cel/index.ts';

const driver = 'gpu.example.com';
const devices = Array.from({ length: 4096 }, (_, index) => ({
  driver,
  attributes: {
    model: { string: index % 3 === 0 ? 'A100' : 'H100' },
    uuid: { string: `GPU-${index}` },
    index: { int: index % 8 },
    numa: { int: index % 2 },
    driverVersion: { version: `55${index % 10}.1.0` },
    healthy: { bool: true },
    'dra.example.com/pcieRoot': { string: `pci0000:${index % 16}` },
    architecture: { string: 'Hopper' },
    brand: { string: 'Example' },
    minor: { int: index },
  },
  capacity: { memory: { value: '80Gi' }, sms: { value: '132' } },
}));

/** Processor time, so that other work on the machine does not count. Best of five rounds. */
function measure(name: string, unit: string, run: () => number): void {
  run();
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = process.cpuUsage();
    let count = 0;
    let used = 0;
    while (used < 60_000) {
      count += run();
      const { user, system } = process.cpuUsage(start);
      used = user + system;
    }
    best = Math.min(best, (used * 1000) / count);
  }
  const rate = Math.round(1e9 / best).toLocaleString('en');
  console.log(
    `${name.padEnd(44)} ${rate.padStart(12)} ${unit}/s ${Math.round(best).toLocaleString('en').padStart(9)} ns`,
  );
}

const attributes = `device.attributes["${driver}"]`;
const selectors: readonly [string, string][] = [
  ['driver', `device.driver == "${driver}"`],
  ['one attribute', `${attributes}.model == "H100"`],
  [
    'attribute and capacity',
    `${attributes}.model == "H100" && device.capacity["${driver}"].memory.compareTo(quantity("40Gi")) >= 0`,
  ],
  ['version', `${attributes}.driverVersion.isGreaterThan(semver("555.0.0"))`],
  [
    'in a list, text functions',
    `${attributes}.model in ["A100", "H100"] && ${attributes}.uuid.startsWith("GPU-")`,
  ],
  ['regular expression', `${attributes}.uuid.matches("^GPU-[0-9]+$")`],
  ['bind and exists', `cel.bind(a, ${attributes}, ["A100", "B200"].exists(m, a.model == m) && a.healthy)`],
  ['missing name (an error)', `${attributes}.nothing == 1`],
];
for (const [name, expression] of selectors) {
  const { program, error } = compileDeviceSelector(expression);
  if (!program) throw new Error(error);
  measure(`selector: ${name}`, 'devices', () => {
    for (const device of devices) {
      try {
        program.matches(device);
      } catch {
        // The last selector is there to fail.
      }
    }
    return devices.length;
  });
}

const env = environment({ variables: { x: types.int, s: types.string }, libraries: kubernetesLibraries });
const sources: readonly [string, string][] = [
  ['arithmetic', '(x * 3 + 7) % 11 - x / 2 > 0'],
  ['64-bit arithmetic', '9007199254740993 + x * 3 > 0'],
  ['a walk over 100 numbers', `[${Array.from({ length: 100 }, (_, at) => at).join(',')}].all(n, n + x >= 0)`],
  ['format', '"%s has %d".format([s, x])'],
];
for (const [name, source] of sources) {
  measure(`compile: ${name}`, 'programs', () => {
    if (!compileCel(source, env).ok) throw new Error(source);
    return 1;
  });
  const compiled = compileCel(source, env);
  if (!compiled.ok) throw new Error(source);
  const { program } = compiled;
  const bindings = { x: 5, s: 'name' };
  measure(`evaluate: ${name}`, 'times', () => {
    for (let count = 0; count < 100; count++) program.evaluate(bindings);
    return 100;
  });
}
