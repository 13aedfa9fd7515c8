import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('loading the client does not load undici: a short command would pay 40 ms for it', async () => {
  const client = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    `await import(${JSON.stringify(client)}); console.log(process.moduleLoadList.filter((m) => m.includes('undici')).length);`,
  ]);
  expect(stdout).toBe('0\n');
});
