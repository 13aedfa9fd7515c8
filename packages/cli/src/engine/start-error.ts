/** Why an engine did not start, where that is the user's to mend. */
import { StoreCorruptError, StoreFormatError, StoreLockedError } from '@coracle/store';
import { CliError } from '../context.ts';
import type { Home } from './home.ts';

/**
 * The error to show for what `startEngine` rejected with: one line that says what to do, or the error itself when it is none that
 * a user could mend.
 */
export function startError(
  error: unknown,
  where: { home?: Home | undefined; host: string; port: number },
): unknown {
  const { home, host, port } = where;
  if (error instanceof StoreLockedError) {
    const root = home?.root ?? '';
    return new CliError(
      `another engine (process ${error.pid}) runs in ${root}: \`coracle down --data ${root}\` ends it, \`--data FOLDER\` starts one beside it`,
      { cause: error },
    );
  }
  if (error instanceof StoreCorruptError || error instanceof StoreFormatError) {
    return new CliError(error.message, { cause: error });
  }
  const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const at = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new CliError(
        `port ${port} of ${host} is taken, perhaps by another cluster: \`--port 0\` takes a free one`,
        {
          cause: error,
        },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CliError(`--host ${host} is no address of this machine`, { cause: error });
    default:
  }
  if (code === 'EACCES' && syscall === 'listen') {
    return new CliError(`this user may not listen on ${at}: take a port above 1023`, { cause: error });
  }
  const reason = typeof code === 'string' ? fileErrors[code] : undefined;
  const file = path ?? dest;
  if (reason && file !== undefined) {
    return new CliError(`cannot use the data folder ${home?.root ?? ''}: ${file} ${reason}`, {
      cause: error,
    });
  }
  return error;
}

const fileErrors: Record<string, string> = {
  EACCES: 'may not be written by this user',
  EPERM: 'may not be written by this user',
  EROFS: 'is on a file system that is read-only',
  EEXIST: 'is a file, not a folder',
  ENOTDIR: 'is below a file, not a folder',
  ENOENT: 'cannot be made there',
  ENOSPC: 'does not fit: the disk is full',
};
