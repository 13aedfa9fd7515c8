/** Running a further command inside a container: probes, hooks, `kubectl exec`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError, type ExecOptions, type StreamSession } from '@coracle/machinery';
import type { Clock } from '@coracle/operator';
import type { HostAbilities } from './capabilities.ts';
import { readJson } from './container-files.ts';
import { childrenOf, isAlive, signal, treeOf } from './host-process.ts';
import { quote } from './mount-plan.ts';
import { commandLine } from './scripts.ts';
import { toolPath } from './tool-path.ts';
import type { SupervisedContainer } from './supervised-container.ts';

/** How to get a command line into the container: a program and arguments, to which a shell script is added. */
export interface Entry {
  program: string;
  args: string[];
  container: SupervisedContainer;
}

/** Throws BadRequest if the container does not run. */
export function enterContainer(container: SupervisedContainer): Entry {
  const { first } = container;
  if (container.exited || first === undefined || !isAlive(first))
    throw new ApiError('BadRequest', `container ${container.name} is not running`);
  if (container.record.isolation === 'none') return { program: 'sh', args: ['-c'], container };
  const namespaces = ['--mount', '--pid', '--uts'];
  if (container.record.isolation === 'user-namespace') namespaces.unshift('--user', '--preserve-credentials');
  return {
    program: 'nsenter',
    args: ['--target', String(first.pid), ...namespaces, 'sh', '-c'],
    container,
  };
}

function scriptFor({ container }: Entry, command: string[], terminal: boolean): string {
  const { record, folder } = container;
  const env = readJson<Record<string, string>>(join(folder, 'env.json')) ?? {};
  const line = commandLine({
    env: terminal ? { TERM: 'xterm', ...env } : env,
    command,
    runAs: record.runAs,
  });
  const inside = [`cd ${quote(record.workingDir ?? '/')} && exec ${line}`];
  const text = inside.join('\n');
  return terminal ? `exec script -qec ${quote(text)} /dev/null` : text;
}

/** The command joins the container's cgroup before it enters, so that its memory is the container's. */
function launch(entry: Entry, script: string, stdin: boolean): ChildProcess {
  const joins = (entry.container.cgroup?.joinFiles ?? []).map((file) => `echo 0 > ${quote(file)}`);
  const enter = [entry.program, ...entry.args].map(quote).join(' ');
  // The script goes in as an argument, read back by the outer shell: nothing is quoted twice.
  return spawn('sh', ['-c', [...joins, `exec ${enter} "$1"`].join('\n'), 'exec', script], {
    cwd: '/',
    detached: true,
    stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { PATH: toolPath() },
  });
}

function killAll(child: ChildProcess): void {
  if (child.pid === undefined) return;
  for (const pid of treeOf(child.pid).toReversed()) signal(pid, 'SIGKILL');
  signal(-child.pid, 'SIGKILL');
}

const exitCodeOf = (code: number | null, by: NodeJS.Signals | null): number =>
  code ?? (by === 'SIGKILL' ? 137 : 143);

/** Output kept of a probe or hook. */
const mostOutput = 10 * 1024;

export function execSync(
  entry: Entry,
  command: string[],
  timeoutMs: number,
  clock: Clock,
): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = launch(entry, scriptFor(entry, command, false), false);
    let output = '';
    const take = (chunk: Buffer): void => {
      if (output.length < mostOutput) output += chunk.toString('utf8');
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    const cancel = clock.after(timeoutMs, () => {
      killAll(child);
      reject(new Error(`command timed out: ${JSON.stringify(command)} timed out after ${timeoutMs / 1000}s`));
    });
    child.on('error', (error) => {
      cancel();
      reject(error);
    });
    child.on('exit', (code, by) => {
      cancel();
      // Output still in the pipe; a background child may hold it open for ever, so do not wait for its end.
      setImmediate(() => resolve({ exitCode: exitCodeOf(code, by), output: output.slice(0, mostOutput) }));
    });
  });
}

export async function execStream(
  entry: Entry,
  options: ExecOptions,
  session: StreamSession,
  host: HostAbilities,
): Promise<void> {
  if (options.tty && !host.terminal)
    throw new ApiError('BadRequest', 'this node has no `script` command, which gives a terminal to exec');
  const child = launch(entry, scriptFor(entry, options.command, options.tty), options.stdin);
  const stop = (): void => killAll(child);
  session.signal.addEventListener('abort', stop, { once: true });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, by) => resolve(exitCodeOf(code, by)));
  });
  const outputs = [
    forward(child.stdout, options.stdout ? session.stdout : undefined),
    forward(child.stderr, options.stderr && !options.tty ? session.stderr : undefined),
  ];
  if (options.stdin && session.stdin && child.stdin) void feed(session.stdin, child.stdin);
  if (options.tty && session.resize) void resizeTerminal(session.resize, child);
  try {
    const exitCode = await ended;
    // What is still in the pipes comes first; a background process that keeps them open is not waited for.
    await Promise.race([Promise.all(outputs), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    await session.finish({ exitCode });
  } catch (error) {
    await session.finish({ error: error instanceof Error ? error : new Error(String(error)) });
  } finally {
    session.signal.removeEventListener('abort', stop);
  }
}

async function forward(
  from: NodeJS.ReadableStream | null,
  to: ((chunk: Uint8Array) => Promise<void>) | undefined,
): Promise<void> {
  if (from === null) return;
  try {
    for await (const chunk of from) await to?.(chunk as Buffer);
  } catch {
    // The caller has gone; the command goes on until its signal.
  }
}

async function feed(from: AsyncIterable<Uint8Array>, to: NodeJS.WritableStream): Promise<void> {
  to.on('error', () => {});
  try {
    for await (const chunk of from) {
      if (!to.write(chunk)) await new Promise((resolve) => to.once('drain', resolve));
    }
  } catch {
    // The connection broke: the same as its end.
  }
  to.end();
}

/** `script` takes its size from its own terminal, which it has not; the terminal it made is set from outside. */
async function resizeTerminal(
  sizes: AsyncIterable<{ width: number; height: number }>,
  child: ChildProcess,
): Promise<void> {
  try {
    for await (const { width, height } of sizes) {
      const terminal = child.pid === undefined ? undefined : await terminalBelow(child.pid);
      if (terminal !== undefined)
        spawn('stty', ['-F', terminal, 'rows', String(height), 'cols', String(width)], {
          stdio: 'ignore',
        }).on('error', () => {});
    }
  } catch {
    // The caller has gone.
  }
}

async function terminalBelow(pid: number): Promise<string | undefined> {
  for (let tries = 0; tries < 20; tries++) {
    for (const each of treeOf(pid)) {
      try {
        const target = readlinkSync(`/proc/${each}/fd/0`);
        // The container has terminals of its own: the way there is through the process.
        if (/^\/dev\/pts\/\d+$/.test(target) && childrenOf(pid).length > 0) return `/proc/${each}/fd/0`;
      } catch {
        // Ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 25).unref());
  }
  return undefined;
}
