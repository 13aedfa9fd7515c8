#!/usr/bin/env node
/**
 * What `npx coracle` runs, on any Node.js from 20 on: the bundle where one is built from what is checked out, else the sources. Both need a newer Node.js
 * than some machines have; the repository brings its own (the package node-OS-ARCH), which takes over then.
 */
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');
const bundle = join(root, 'dist', 'coracle.mjs');
const sources = join(here, '..', 'src', 'main.ts');
// Git notes each pull, checkout and commit in logs/HEAD: a bundle from before is an old one.
const program = changedAt(bundle) > changedAt(join(root, '.git', 'logs', 'HEAD')) ? bundle : sources;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

// The bundle is compiled for Node.js 22; the sources need one that strips types (22.18).
if (major > 22 || (major === 22 && minor >= 18)) {
  // The program finds its own words after argv[1], whatever that is.
  process.argv[1] = program;
  await import(pathToFileURL(program).href);
} else {
  const node = ownNode();
  if (node === undefined) {
    console.error(
      `coracle: Node.js ${process.versions.node} is too old, and the one that npm installs beside it (the package ` +
        `node-${process.platform}-${process.arch}) is not there: run npm ci without --omit=optional, or use Node.js 22.18 or newer`,
    );
    process.exit(1);
  }
  runWith(node);
}

/**
 * Milliseconds; 0 for a file that is not there.
 * @param {string} path
 */
function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Path of the Node.js that was installed with the repository. */
function ownNode() {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  for (const name of [
    `node-${platform === 'win32' ? 'win' : platform}-${arch}`,
    `node-bin-${platform}-${arch}`,
  ]) {
    try {
      const file = platform === 'win32' ? 'bin/node.exe' : 'bin/node';
      const path = join(dirname(require.resolve(`${name}/package.json`)), file);
      if (existsSync(path)) return path;
    } catch {
      // Not for this machine.
    }
  }
  return undefined;
}

/** @param {string} node */
function runWith(node) {
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on. The child decides when to end.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => void child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(`coracle: ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0);
  });
}
