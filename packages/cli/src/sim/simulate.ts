/** What `coracle sim` does: flags and file to a scenario, the scenario to runs, the runs to text, a page, JSON and CSV. */
import {
  coloured,
  createSweeper,
  fileMapping,
  htmlReport,
  InputError,
  isShortMapping,
  jobsCsv,
  jobsCsvHeader,
  jsonReport,
  planOf,
  ProgressLine,
  readScenario,
  relativeTo,
  remarksOf,
  runSaved,
  runScenario,
  ScenarioError,
  scenarioFromFlags,
  shortMapping,
  summaryCsv,
  terminalReport,
  writeChunks,
  type Report,
  type Scenario,
  type SweepListener,
} from '@coracle/simulator';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, relative, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { dump } from 'js-yaml';
import { CliError, type CliContext } from '../context.ts';
import type { SimFlags } from './flags.ts';

/** Throws CliError for what is the user's to mend. */
export async function simulate(
  context: CliContext,
  file: string | undefined,
  flags: SimFlags,
): Promise<void> {
  await tellingMistakes(() => run(context, file, flags));
}

/** Mistakes in scenarios and inputs are the user's to mend: told as CliError. */
export async function tellingMistakes(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ScenarioError || error instanceof InputError) {
      throw new CliError(error.message, { cause: error });
    }
    throw error;
  }
}

/** What the file and the flags say together. Throws ScenarioError or CliError. */
export async function scenarioOf(
  { cwd }: CliContext,
  file: string | undefined,
  flags: SimFlags,
): Promise<Scenario> {
  const at = (path: string): string => resolve(cwd, path);
  const base =
    file === undefined ? undefined : relativeTo(dirname(file), readScenario(await textOf(at(file)), file));
  // Paths stay as they were written where they lead to the same files.
  return relativeTo(
    relative(process.cwd(), cwd),
    scenarioFromFlags({ ...flags, mapping: await mappingOf(flags.mapping, at) }, base),
  );
}

async function run(context: CliContext, file: string | undefined, flags: SimFlags): Promise<void> {
  const scenario = await scenarioOf(context, file, flags);
  await checkOutputs(context, flags);
  const report = await reportOf(context, scenario, flags);
  if (!report) {
    context.setExitCode(130);
    return;
  }
  const told: Report = {
    ...report,
    scenario: { text: scenarioText(scenario), command: 'coracle sim scenario.yaml' },
  };
  const toStdout = [flags.report, flags.json, flags.csv, flags.jobsCsv].includes('-');
  if (!toStdout) {
    const { isTTY = false } = context.stdout;
    const columns = context.stdout.columns || undefined;
    context.stdout.write(
      terminalReport(told, {
        ...(columns !== undefined && { width: columns }),
        colour: coloured(isTTY, context.env),
        all: flags.all ?? false,
      }),
    );
  }
  if (flags.report !== undefined) await write(context, flags.report, [htmlReport(told)]);
  if (flags.json !== undefined) await write(context, flags.json, jsonReport(told));
  if (flags.jobsCsv !== undefined) await write(context, flags.jobsCsv, allJobs(told));
  if (flags.csv !== undefined) await write(context, flags.csv, [summaryCsv(told)]);
  if (context.signal.aborted) context.setExitCode(130);
}

async function mappingOf(
  text: string | undefined,
  at: (path: string) => string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (text === undefined) return undefined;
  return isShortMapping(text) ? shortMapping(text) : fileMapping(await textOf(at(text)), text);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): CliError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EISDIR'
        ? 'is a folder; a file was expected'
        : message;
  return new CliError(`${file}: ${why}`, { cause: error });
}

/** The scenario as a file that says the same, flags included. */
function scenarioText({ name, spec }: Scenario): string {
  return dump(
    { apiVersion: 'coracle.dev/v1alpha1', kind: 'Scenario', metadata: { name }, spec },
    { lineWidth: 110, noRefs: true },
  );
}

/** Undefined: Ctrl-C came before anything was done. */
async function reportOf(
  context: CliContext,
  scenario: Scenario,
  flags: SimFlags,
): Promise<Report | undefined> {
  const plan = planOf(scenario.spec);
  const progress = progressOf(context, flags.quiet ?? false);
  if (flags.save !== undefined || flags.resume !== undefined) {
    return single(context, scenario, flags, progress);
  }
  const threads = Math.min(flags.threads ?? availableParallelism(), plan.runs.length);
  const sweeper = createSweeper({ threads, signal: context.signal, listener: progress.listener });
  try {
    const { stderr } = context;
    // Over the line that says how far it is.
    const clear = stderr.isTTY ? '\r\u001b[K' : '';
    // A large file takes its time.
    const { from } = scenario.spec.workload;
    if (stderr.isTTY && !flags.quiet && from !== undefined) stderr.write(`reading ${from}`);
    const say = (line: string): void => void stderr.write(`${clear}${line}\n`);
    const done = await runScenario(scenario, sweeper, {
      detail: flags.report !== undefined || flags.jobsCsv !== undefined,
      signal: context.signal,
      say: flags.quiet ? undefined : say,
    });
    if (context.signal.aborted) progress.stopped();
    if (!done) {
      stderr.write('Stopped before a run was done (of a single run, --save keeps where it is).\n');
      return undefined;
    }
    const { report, missing } = done;
    if (missing === 0) return report;
    const stopped = `Stopped: ${missing} of ${plan.runs.length} runs are not in these figures.`;
    return { ...report, findings: [...report.findings, stopped] };
  } catch (error) {
    if (context.stderr.isTTY) context.stderr.write('\r\u001b[K');
    throw error;
  } finally {
    await sweeper.close();
  }
}

async function single(
  context: CliContext,
  { name, spec }: Scenario,
  flags: SimFlags,
  progress: ReturnType<typeof progressOf>,
): Promise<Report> {
  const plan = planOf(spec);
  const { runs } = plan;
  if (runs.length !== 1 || spec.find) {
    throw new CliError(
      `--save and --resume are for one run, and these are ${runs.length}${spec.find ? ' and a search' : ''}`,
    );
  }
  const from =
    flags.resume === undefined
      ? undefined
      : await readFile(resolve(context.cwd, flags.resume)).catch((error: unknown) => {
          throw unreadable(flags.resume!, error);
        });
  const { outcome, ended, bytes } = await runSaved(runs[0]!, {
    from,
    signal: context.signal,
    listener: progress.listener,
  });
  if (!ended) progress.stopped();
  if (flags.save !== undefined) {
    // Whole or not at all: it may be the file it was read from.
    const path = resolve(context.cwd, flags.save);
    await writeFile(`${path}.part`, bytes);
    await rename(`${path}.part`, path);
    context.stderr.write(`saved to ${flags.save}: go on with --resume ${flags.save}\n`);
  }
  return {
    title: name,
    candidates: [
      {
        name: `${runs[0]!.placement} + ${runs[0]!.ordering}`,
        runs: [outcome.summary],
        ...(outcome.result && { detail: outcome.result }),
      },
    ],
    notes: outcome.notes,
    remarks: remarksOf(spec, plan, outcome),
    findings: ended ? [] : ['Stopped before its end: these figures are of the time until then.'],
  };
}

/** A line for the runs that are asked for first, then one for each count that a search tries. */
function progressOf(
  { stderr }: CliContext,
  quiet: boolean,
): { listener: SweepListener | undefined; stopped(): void } {
  if (quiet) return { listener: undefined, stopped: () => undefined };
  const target = {
    write: (text: string) => void stderr.write(text),
    isTTY: stderr.isTTY,
    columns: stderr.columns || undefined,
  };
  let line: ProgressLine | undefined;
  let batches = 0;
  let left = 0;
  const started = (runs: number): void => {
    // Where lines stay, what a search tried is told by itself.
    line = ++batches === 1 || stderr.isTTY ? new ProgressLine(target, runs, performance.now()) : undefined;
    left = runs;
  };
  return {
    listener: {
      started,
      running: (all) => line?.update(all, performance.now()),
      finished: ({ progress }) => {
        line?.finished(progress);
        if (--left === 0 && batches === 1) line?.end(performance.now());
      },
    },
    stopped: () => left > 0 && line?.stop(),
  };
}

/** What cannot be written is said before the work is done, not after. */
async function checkOutputs({ cwd }: CliContext, flags: SimFlags): Promise<void> {
  const outputs = {
    report: flags.report,
    json: flags.json,
    csv: flags.csv,
    'jobs-csv': flags.jobsCsv,
    save: flags.save,
  };
  const used = new Map<string, string>();
  for (const [flag, file] of Object.entries(outputs)) {
    if (file === undefined) continue;
    const other = used.get(file);
    if (other !== undefined) {
      throw new CliError(
        `--${other} and --${flag} both go to ${file === '-' ? 'standard output' : file}: one of them needs a file of its own`,
      );
    }
    used.set(file, flag);
    if (file === '-' && flag !== 'save') continue;
    const path = resolve(cwd, file);
    const folder = dirname(path);
    if ((await stat(path).catch(() => undefined))?.isDirectory()) {
      throw new CliError(`--${flag}: ${file} is a folder; a file was expected`);
    }
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
      throw new CliError(`--${flag}: ${file} cannot be written: there is no folder ${folder}`);
    }
  }
}

/** Of each candidate's first seed. */
function* allJobs({ candidates }: Report): Generator<string> {
  yield jobsCsvHeader;
  for (const { name, detail } of candidates) if (detail) yield* jobsCsv(detail, name);
}

/** To a file, or to standard output if it is `-`. */
async function write(
  { stdout, stderr, cwd }: CliContext,
  file: string,
  chunks: Iterable<string>,
): Promise<void> {
  if (file === '-') {
    for (const chunk of chunks) stdout.write(chunk);
    return;
  }
  const stream = createWriteStream(resolve(cwd, file));
  const failed = once(stream, 'error').then(([error]) => {
    throw unreadable(file, error);
  });
  const done = (async () => {
    await writeChunks(stream, chunks);
    stream.end();
    await once(stream, 'close');
  })();
  failed.catch(() => undefined);
  await Promise.race([done, failed]);
  stderr.write(`wrote ${file}\n`);
}
