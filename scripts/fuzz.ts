/**
 * `npm run fuzz [-- --rounds N] [PATH ...]`: runs every property test again and again, each round with a new seed, until one
 * fails or the rounds (default 20) are done. A failing round names its seed: `PROPERTY_SEED=N npm run test:unit` repeats it.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, help: { type: 'boolean' } },
  allowPositionals: true,
});
if (values.help) {
  console.log(
    'npm run fuzz [-- --rounds N] [PATH ...]\n\nExample:\n  npm run fuzz -- --rounds 5 packages/scheduler',
  );
  process.exit(0);
}
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rounds must be a whole number of at least 1, not "${values.rounds}"`);
  process.exit(2);
}
const files = globSync('packages/*/test/**/*.test.ts', { cwd: root })
  .filter((file) => positionals.length === 0 || positionals.some((path) => file.startsWith(path)))
  .filter((file) => readFileSync(`${root}/${file}`, 'utf8').includes('fast-check'));
for (let round = 1; round <= rounds; round++) {
  const seed = randomInt(2 ** 31);
  console.log(`round ${round} of ${rounds}: ${files.length} files, PROPERTY_SEED=${seed}`);
  const run = spawnSync('npx', ['vitest', 'run', '--project', 'unit', '--reporter', 'dot', ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PROPERTY_SEED: `${seed}` },
    encoding: 'utf8',
  });
  if (run.status !== 0) {
    console.error(`${run.stdout}${run.stderr}\nfailed with PROPERTY_SEED=${seed}`);
    process.exit(1);
  }
}
