/** Where an engine keeps its things: one folder, readable by its user alone. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Home {
  readonly root: string;
  /** The database. */
  readonly store: string;
  /** Keys and certificates. */
  readonly pki: string;
  /** What node agents keep: containers, logs, device checkpoints. */
  readonly nodes: string;
  /** Volumes that are folders: one a claim. */
  readonly volumes: string;
  /** kubeconfig of this engine alone. */
  readonly kubeconfig: string;
  /** Log of an engine that runs in the background. */
  readonly log: string;
  /** Says that an engine runs, and where. */
  readonly state: string;
}

/** The folder of `--data`, else $CORACLE_HOME, else ~/.coracle. */
export function homeOf(option: string | undefined, env: Readonly<Record<string, string | undefined>>): Home {
  const root = resolve(option ?? env['CORACLE_HOME'] ?? join(env['HOME'] ?? homedir(), '.coracle'));
  return {
    root,
    store: join(root, 'store'),
    pki: join(root, 'pki'),
    nodes: join(root, 'nodes'),
    volumes: join(root, 'volumes'),
    kubeconfig: join(root, 'kubeconfig'),
    log: join(root, 'engine.log'),
    state: join(root, 'engine.json'),
  };
}

/** A running engine, as it wrote it down. */
export interface RunningEngine {
  pid: number;
  server: string;
  startedAt: string;
  /** Everything is up, and the user's kubeconfig, named here, leads to it (unless it was to be left alone). */
  ready?: { kubeconfig?: string; context?: string };
}

/** The engine that runs in this folder; undefined if none does (a note left by a killed one does not count). */
export async function runningEngine(home: Home): Promise<RunningEngine | undefined> {
  try {
    const engine = JSON.parse(await readFile(home.state, 'utf8')) as RunningEngine;
    process.kill(engine.pid, 0);
    return engine;
  } catch {
    return undefined;
  }
}

/** Writes down that this process is the engine. */
export async function noteEngine(home: Home, engine: RunningEngine): Promise<void> {
  await writeFile(home.state, `${JSON.stringify(engine)}\n`, { mode: 0o600 });
}

export async function forgetEngine(home: Home): Promise<void> {
  await rm(home.state, { force: true });
}
