/** How a session ended, as the error channel says it. */
import { statusOf } from '../pipeline/respond.ts';

export type SessionEnd = { exitCode: number } | { error: Error };

/** A Status, from version 4 of the channel protocols on. */
export function finalStatus(end: SessionEnd): unknown {
  const status = { metadata: {} };
  if ('error' in end) return statusOf(end.error);
  if (end.exitCode === 0) return { ...status, status: 'Success' };
  return {
    ...status,
    status: 'Failure',
    message: `command terminated with non-zero exit code: error executing command, exit code ${end.exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(end.exitCode) }] },
  };
}

/** Plain text, in the versions before; none when all is well. */
export function finalText(end: SessionEnd): string {
  if ('error' in end) return end.error.message;
  return end.exitCode === 0 ? '' : `exit code ${end.exitCode}`;
}
