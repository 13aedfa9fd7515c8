#!/usr/bin/env node
/** Entry of the `coracle` command: turns on Node's compile cache before anything large is loaded, then runs the program. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import module from 'node:module';

module.enableCompileCache?.(join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coracle'));
const { main } = await import('./program.ts');
await main(process.argv.slice(2));
