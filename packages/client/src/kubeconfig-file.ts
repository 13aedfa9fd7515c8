import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { dump } from 'js-yaml';
import { type Kubeconfig, mergeKubeconfig, parseKubeconfig } from './kubeconfig.ts';

/**
 * Adds entries to a kubeconfig file, keeping everything else in it. The file appears whole or not at all (written beside it,
 * then renamed), readable by its owner alone. A lock file keeps two writers from losing each other's entries; one that is
 * older than 10 s is taken to be left over. Throws KubeconfigError if the file is there and cannot be understood: it is
 * then left as it is.
 */
export async function writeKubeconfig(file: string, addition: Kubeconfig): Promise<Kubeconfig> {
  return changeKubeconfig(file, (existing) => mergeKubeconfig(existing, addition));
}

/** As writeKubeconfig, with any change of the whole. */
export async function changeKubeconfig(
  file: string,
  change: (existing: Kubeconfig) => Kubeconfig,
): Promise<Kubeconfig> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  // A link (dotfile managers make them) stays a link: its target is what is written.
  const target = await realpath(file).catch(() => path.resolve(file));
  const unlock = await lock(`${target}.lock`);
  try {
    const text = await readFile(target, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const next = change(parseKubeconfig(text, file));
    await replaceFile(target, dump(next, { lineWidth: -1 }));
    return next;
  } finally {
    await unlock();
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chmod(temporary, 0o600);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The lock file kubectl uses too. Gives up after 10 s, when its holder must have died. */
async function lock(file: string): Promise<() => Promise<void>> {
  for (let tries = 0; ; tries++) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (tries >= 200) await rm(file, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
