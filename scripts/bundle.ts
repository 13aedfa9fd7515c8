/**
 * Bundles the `coracle` command: one entry and a few chunks that are loaded when a command needs them, so that `coracle get` does
 * not pay for the engine. Native packages (lmdb) stay outside.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes the bundle to a folder (below the repository, so that lmdb is found) in place of what is there. */
export async function bundle(outdir: string): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: {
      coracle: 'packages/cli/src/main.ts',
      // Threads: packages/simulator/src/sweep/pool.ts, experiments/threads.ts and inputs/unpack/unpacked.ts look for them under these
      // names beside themselves.
      'simulator-worker': 'packages/simulator/src/sweep/worker.ts',
      'simulator-experiments-worker': 'packages/simulator/src/experiments/worker.ts',
      'simulator-unpack-worker': 'packages/simulator/src/inputs/unpack/worker.ts',
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    minifyWhitespace: true,
    external: ['lmdb'],
    // CommonJS packages in the bundle ask for Node's own modules through require.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'warning',
  });
}
