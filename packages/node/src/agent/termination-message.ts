import { mkdirSync, readFileSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container } from '@coracle/machinery/api';
import type { Exited } from '../pod/decide.ts';
import type { ContainerHandle, Runtime } from '../runtime.ts';

/** Bytes kept of a message, and lines and bytes of log that stand in for it (kubelet's numbers). */
const limits = { messageBytes: 4096, logLines: 80, logBytes: 2048 };

export function terminationMessageFile(
  volumesFolder: string,
  uid: string,
  container: string,
  attempt: number,
): string {
  return join(volumesFolder, uid, '.termination', `${container}-${attempt}`);
}

/** Makes the empty file that the container sees at its terminationMessagePath. */
export function makeTerminationMessageFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  chmodSync(path, 0o666);
}

/** What the container left to say. With FallbackToLogsOnError, and nothing said, the end of its log. */
export async function readTerminationMessage(
  deps: { runtime: Runtime; volumesFolder: string },
  uid: string,
  container: Container,
  handle: ContainerHandle,
  end: Exited,
): Promise<string> {
  if (end.message !== undefined) return end.message;
  const path = terminationMessageFile(deps.volumesFolder, uid, container.name, handle.attempt);
  let text = '';
  try {
    if (statSync(path).size > 0) text = readFileSync(path).subarray(0, limits.messageBytes).toString('utf8');
  } catch {
    // Never made: the container did not start.
  }
  if (text !== '' || container.terminationMessagePolicy !== 'FallbackToLogsOnError' || end.exitCode === 0)
    return text;
  const chunks: Uint8Array[] = [];
  const options = { follow: false, previous: false, timestamps: false, tailLines: limits.logLines };
  for await (const chunk of deps.runtime.logs(handle.id, options, new AbortController().signal))
    chunks.push(chunk);
  return Buffer.concat(chunks).subarray(-limits.logBytes).toString('utf8');
}
