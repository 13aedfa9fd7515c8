import { parseConfiguration, profilesFrom, type SchedulerSettings } from '@coracle/scheduler';
import { readFile } from 'node:fs/promises';
import { CliError } from '../context.ts';

/** Reads a KubeSchedulerConfiguration file. Throws CliError with what is wrong with it. */
export async function readSchedulerConfig(file: string): Promise<SchedulerSettings> {
  try {
    return profilesFrom(parseConfiguration(await readFile(file, 'utf8')));
  } catch (error) {
    throw new CliError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
