import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { remove, tempFolder } from './real.ts';

const folder = tempFolder();
afterAll(() => remove(folder));

test('an ordinary user has volumes, names and processes of their own too, in a user namespace', (context) => {
  const as = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const root = process.getuid?.() === 0;
  if (root && spawnSync('setpriv', [...as, 'true']).status !== 0) return context.skip();
  chmodSync(folder, 0o777);
  const program = [process.execPath, fileURLToPath(new URL('unprivileged.ts', import.meta.url)), folder];
  const readable = ['-e', 'require("fs").accessSync(process.argv[1])', program[1] as string];
  if (root && spawnSync('setpriv', [...as, process.execPath, ...readable]).status !== 0)
    return context.skip();
  const [command, ...args] = root ? ['setpriv', ...as, ...program] : program;
  // As most ordinary users have it: without the folders of administration tools.
  const env = { ...process.env, PATH: '/usr/local/bin:/usr/bin:/bin' };
  const answer = JSON.parse(
    execFileSync(command as string, args, { encoding: 'utf8', cwd: folder, env }),
  ) as {
    isolation: string;
    code: number;
    log: string;
  };
  if (answer.isolation === 'none') return context.skip();
  expect(answer.isolation).toBe('user-namespace');
  expect(answer.log.trim().split('\n')).toEqual(['volume', 'volume', 'box', '127.64.1.1\tpeer', 'sh']);
  expect(answer.code).toBe(0);
});
