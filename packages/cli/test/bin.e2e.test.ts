import { fileURLToPath } from 'node:url';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../bin/coracle.mjs', import.meta.url));

function run(node: string, ...words: string[]): Promise<{ code: unknown; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(node, [bin, ...words], { timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error ? error.code : 0, out, err }),
    );
  });
}

describe('the command that npm links', () => {
  test('runs, and passes its words and exit codes through', async () => {
    expect(await run(process.execPath, '--version')).toMatchObject({ code: 0, out: '0.1.0\n' });
    expect(await run(process.execPath, 'nonsense')).toMatchObject({ code: 1, out: '' });
  });

  // The Node.js of the system may be any; where it is an old one, the one npm installed takes over.
  test.runIf(existsSync('/usr/bin/node'))('runs with the Node.js of the system', async () => {
    expect(await run('/usr/bin/node', '--version')).toMatchObject({ code: 0, out: '0.1.0\n' });
    expect(await run('/usr/bin/node', 'run', '--workers', '0', '--', 'true')).toMatchObject({
      code: 1,
      err: expect.stringContaining('not a whole number') as string,
    });
  });
});
