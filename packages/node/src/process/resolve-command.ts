import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { HostMount } from '../runtime.ts';

/**
 * Why the command cannot be run, in the words container runtimes use; undefined if it can, or if that shows only inside
 * (it lies below a mount).
 */
export function commandProblem(
  command: readonly string[],
  path: string,
  workingDir: string,
  mounts: readonly HostMount[],
): string | undefined {
  const name = command[0];
  if (name === undefined || name === '') return 'no command specified';
  const isMounted = (file: string): boolean =>
    mounts.some(
      (each) => file === each.mountPath || file.startsWith(`${each.mountPath.replace(/\/$/, '')}/`),
    );
  if (name.includes('/')) {
    const file = isAbsolute(name) ? name : join(workingDir, name);
    if (isMounted(file)) return undefined;
    const problem = problemOf(file);
    return problem === undefined ? undefined : `exec: "${name}": stat ${name}: ${problem}`;
  }
  const folders = path.split(':').map((folder) => (folder === '' ? '.' : folder));
  for (const folder of folders) {
    const file = join(isAbsolute(folder) ? folder : join(workingDir, folder), name);
    if (isMounted(file) || problemOf(file) === undefined) return undefined;
  }
  return `exec: "${name}": executable file not found in $PATH`;
}

function problemOf(file: string): string | undefined {
  try {
    if (statSync(file).isDirectory()) return 'is a directory';
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'
      ? 'permission denied'
      : 'no such file or directory';
  }
}
