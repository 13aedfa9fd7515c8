/** A pod's /etc/hosts: written once, then rewritten in place, because a bind mount shows the file, not the name. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export interface HostLine {
  address: string;
  names: string[];
}

/** kubelet's "Kubernetes-managed hosts file": the loopback names, then ours. */
export function hostsText(lines: readonly HostLine[]): string {
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    ...lines.map((line) => `${line.address}\t${line.names.join('\t')}`),
    '',
  ].join('\n');
}

/** Overwrites from the start and cuts what is left over, so that a reader never finds the file empty. */
export function writeInPlace(path: string, text: string): void {
  const file = openSync(path, 'a+', 0o644);
  closeSync(file);
  const writable = openSync(path, 'r+');
  try {
    const bytes = Buffer.from(text);
    writeSync(writable, bytes, 0, bytes.length, 0);
    ftruncateSync(writable, bytes.length);
  } finally {
    closeSync(writable);
  }
}
