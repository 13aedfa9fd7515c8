import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openStore } from '../src/index.ts';
import { temporaryFolder } from './support.ts';

/** Bash can limit the size of files, which is how a disk that fills up looks to the writer. */
test.skipIf(process.platform !== 'linux')(
  'a disk that fills up rejects the writes that did not fit, keeps the others, and does not end the process',
  async () => {
    const path = temporaryFolder();
    const child = fileURLToPath(new URL('full-disk-child.ts', import.meta.url));
    const script = `trap '' XFSZ; ulimit -f 800; exec "$0" "$1" "$2"`;
    const { stdout } = await promisify(execFile)('bash', ['-c', script, process.execPath, child, path]);
    const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)![1]!) as Record<string, unknown>;
    expect(result).toEqual({
      acknowledged: expect.any(Number),
      first: 'the store could not write to disk and accepts no more writes',
      later: 'the store could not write to disk and accepts no more writes',
      revision: result['acknowledged'],
      readable: result['acknowledged'],
    });
    expect(result['acknowledged']).toBeGreaterThan(10);
    const store = await openStore({ path });
    expect(store.revision).toBeGreaterThanOrEqual(result['acknowledged'] as number);
    expect(store.range('key-').entries.length).toBe(store.revision);
    await store.close();
  },
);
