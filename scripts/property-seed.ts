/**
 * Property tests draw the same cases in every run, so that a change, and nothing else, makes a test fail.
 * `PROPERTY_SEED=N` draws others; `npm run fuzz` draws new ones again and again.
 */
import { configureGlobal } from 'fast-check';

const seed = Number(process.env['PROPERTY_SEED'] ?? 20_260_101);
if (!Number.isSafeInteger(seed)) throw new Error(`PROPERTY_SEED must be a whole number, not "${seed}"`);
configureGlobal({ seed });
