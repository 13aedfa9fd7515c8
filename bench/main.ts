/**
 * `npm run bench [-- NAME ...]`: measures what docs/performance.md promises and prints it. Each part starts the engine as users
 * do, as a process of its own from the bundle, on a store on disk, and talks to it over HTTPS.
 */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { coldStart } from './cold-start.ts';
import { reads } from './reads.ts';
import { scheduler } from './scheduler/scheduler.ts';
import { scheduling } from './scheduling.ts';
import { watches } from './watches.ts';
import { writes } from './writes.ts';

const parts: Record<string, (only?: readonly string[]) => Promise<void>> = {
  'cold-start': coldStart,
  writes,
  reads,
  watches,
  scheduling,
  scheduler,
};

const [...names] = process.argv.slice(2);
if (names.includes('--help')) {
  console.log(
    `npm run bench -- [${Object.keys(parts).join(' | ')}] ...\n` +
      'npm run bench -- PART --only CASE[,CASE ...]: some cases of a part that has cases (scheduler)\n\n' +
      'Examples:\n  npm run bench -- writes reads\n  npm run bench -- scheduler --only basic,gangs-64',
  );
  process.exit(0);
}
const at = names.indexOf('--only');
const only = at === -1 ? [] : (names.splice(at, 2)[1] ?? '').split(',');
for (const name of names) {
  if (!(name in parts)) {
    console.error(`no benchmark "${name}"; there are: ${Object.keys(parts).join(', ')}`);
    process.exit(2);
  }
}
const root = fileURLToPath(new URL('..', import.meta.url));
const built = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);
const [cpu] = cpus();
console.log(
  `${cpus().length} x ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node ${process.version}\n`,
);
for (const name of names.length > 0 ? names : Object.keys(parts)) {
  console.log(name);
  await parts[name]?.(only);
  console.log('');
}
