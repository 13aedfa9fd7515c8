/** What a command gets from the world: streams, environment, a signal, and a way to the cluster. Tests pass their own. */
import type { Client } from '@coracle/client';
import type { Readable } from 'node:stream';

export interface Output {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Options that every command which talks to a cluster has. */
export interface ConnectionOptions {
  /** Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config. */
  kubeconfig?: string | undefined;
  context?: string | undefined;
  namespace?: string | undefined;
}
export interface Connection {
  client: Client;
  /** The namespace asked for, else the context's, else `default`. */
  namespace: string;
  server: string;
  close(): Promise<void>;
}

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined; setRawMode?(on: boolean): unknown };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by the first Ctrl-C (or SIGTERM). */
  readonly signal: AbortSignal;
  /** Connects as the kubeconfig says. Throws CliError with what to do when there is none or nobody answers. */
  connect(options: ConnectionOptions): Promise<Connection>;
  /** Words after a lone `--` on the command line; undefined when there was none. */
  readonly argvAfterDashes: readonly string[] | undefined;
  /** The exit code of the process when the command has ended; 0 unless set. */
  setExitCode(code: number): void;
}

/** An error that is the user's to mend: printed as one line, without a stack. */
export class CliError extends Error {
  override name = 'CliError';
  readonly exitCode: number;
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}
