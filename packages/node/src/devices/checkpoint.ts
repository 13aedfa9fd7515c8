/** The device manager's file: who has which card. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Cards of a container. */
export interface Entry {
  podUid: string;
  container: string;
  ids: string[];
  /** Thousandths of each card; absent: all of them. */
  milli?: number;
  /** Bytes of each card, with `milli`. */
  memory?: number;
}

/** A claim that pods here use. */
export interface HeldClaim {
  uid: string;
  pods: string[];
  parts: {
    id: string;
    request: string;
    milli: number;
    memory: number;
    /** Name of the device, if it is a partition of the card. */
    partition?: string;
  }[];
}

export interface Ledger {
  entries: Entry[];
  claims: HeldClaim[];
  /** Ids of cards by number. */
  order: string[];
}

/** No ledger: there is no file yet, or it cannot be used, and then `problem` says why. */
export function readCheckpoint(path: string | undefined): { ledger?: Ledger; problem?: string } {
  if (path === undefined) return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? {} : { problem: `${path} cannot be read: ${String(error)}` };
  }
  try {
    const data = JSON.parse(text) as { checksum: string; entries: Entry[] } & Partial<Ledger>;
    const { checksum, ...ledger } = data;
    // Files of before there were claims have entries only, and their checksum is of these.
    if (checksum === checksumOf(ledger) || checksum === checksumOf(data.entries))
      return { ledger: { entries: data.entries, claims: data.claims ?? [], order: data.order ?? [] } };
  } catch {
    // Said below.
  }
  return { problem: `${path} is damaged; devices of running pods are not known` };
}

/** The file has either the old content or the new, whatever happens meanwhile. */
export function writeCheckpoint(path: string, ledger: Ledger): void {
  const { entries, claims, order } = ledger;
  const content = { entries, claims, order };
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID().slice(0, 8)}`;
  writeFileSync(draft, `${JSON.stringify({ ...content, checksum: checksumOf(content) })}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(draft, path);
}

function checksumOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
