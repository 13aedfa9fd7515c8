import { statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Checks (or makes) what a hostPath volume's type promises; throws in the kubelet's words. */
export async function prepareHostPath(path: string, type: string | undefined): Promise<void> {
  if (type === undefined || type === '') {
    // Nothing is promised, but something must be there to be mounted: the container runtimes make a folder.
    if (!exists(path)) await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (type === 'FileOrCreate') {
    if (!exists(path)) {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeFile(path, '', { flag: 'a', mode: 0o644 });
    }
    return;
  }
  if (!exists(path))
    throw new Error(`hostPath type check failed: ${path} is not ${words[type] ?? `a ${type}`}`);
  const stat = statSync(path);
  const matches =
    (type === 'Directory' && stat.isDirectory()) ||
    (type === 'File' && stat.isFile()) ||
    (type === 'Socket' && stat.isSocket()) ||
    (type === 'CharDevice' && stat.isCharacterDevice()) ||
    (type === 'BlockDevice' && stat.isBlockDevice());
  if (!matches) throw new Error(`hostPath type check failed: ${path} is not ${words[type] ?? `a ${type}`}`);
}

const words: Record<string, string> = {
  Directory: 'a directory',
  File: 'a file',
  Socket: 'a socket file',
  CharDevice: 'a character device',
  BlockDevice: 'a block device',
};

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
