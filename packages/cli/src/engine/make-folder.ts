import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, for this user alone; one that is there stays as it is. Rejects with the system's error. Node's
 * own recursive `mkdir` never returns where a file system refuses with ENOENT what it should with EACCES (/proc).
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      if ((await stat(path)).isDirectory()) return;
      throw error;
    }
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path) throw error;
    const there = await stat(above).then(
      () => true,
      () => false,
    );
    if (there) throw error;
    await makeFolder(above);
    await mkdir(path, { mode: 0o700 });
  }
}
