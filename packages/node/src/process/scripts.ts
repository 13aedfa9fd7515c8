/**
 * The two shell scripts of a container. They need nothing but a POSIX shell and, for isolation, util-linux; so a container
 * outlives the agent for the price of three small shells.
 *
 *     supervise.sh (own session)
 *        |- joins the cgroup, makes the namespaces --> run.sh (process 1 of its pid namespace)
 *        |      |- mounts, host name                     |- the container's command
 *        |      '- its output goes through a pipe to
 *        |- the log pump: segments of 10 MiB, the newest five kept
 *        '- writes `status` when run.sh has ended, `drained` when the pump has
 *
 * Process 1 is the shell and not the command, because process 1 ignores every signal it has no handler for: a plain
 * `sleep` would sit out its whole termination grace. Ending process 1 ends every process of the namespace, which is what
 * leaves no orphan.
 */
import { unshareArguments } from './capabilities.ts';
import type { Isolation } from './capabilities.ts';
import { quote } from './mount-plan.ts';

/** Segments of the log: size in bytes, and how many are kept (kubelet's containerLogMaxSize and containerLogMaxFiles). */
export const logSegment = { bytes: 10 * 1024 * 1024, kept: 5 } as const;

export interface SuperviseOptions {
  folder: string;
  isolation: Isolation;
  joinFiles: string[];
  boundedLogs: boolean;
}

const identity = (file: string): string =>
  [
    'if [ -r /proc/self/stat ]; then read -r me < /proc/self/stat',
    'else me="$$ $(ps -o lstart= -p $$)"; fi',
    `echo "$me" > ${file}`,
  ].join('\n');

/** The script that stays outside the namespaces and outlives the agent. */
export function superviseScript(options: SuperviseOptions): string {
  const { folder, isolation, joinFiles, boundedLogs } = options;
  // What unshare itself says goes to a file, not to the container's log (run.sh sets its own error output).
  const enter = isolation === 'none' ? 'exec sh' : `exec unshare ${unshareArguments(isolation).join(' ')} sh`;
  const aside = isolation === 'none' ? '' : ' 2> unshare.log';
  const joins = joinFiles.map(
    (file) => `echo 0 > ${quote(file)} || { echo ${quote(`cannot join ${file}`)} > error; exit 128; }`,
  );
  const pump = boundedLogs
    ? [
        'n=1',
        'while :; do',
        `  stdbuf -o0 head -c ${logSegment.bytes} >> log.$n`,
        `  [ "$(wc -c < log.$n)" -lt ${logSegment.bytes} ] && break`,
        '  n=$((n+1))',
        `  rm -f log.$((n-${logSegment.kept}))`,
        'done',
      ]
    : ['cat >> log.1'];
  return [
    `cd ${quote(folder)} || exit 1`,
    'umask 077',
    'set -C',
    `${identity('supervisor')} || exit 1`,
    'set +C',
    '{',
    '  (',
    '    umask 022',
    ...joins.map((line) => `    ${line}`),
    `    ${enter} ${quote(`${folder}/run.sh`)}${aside}`,
    '  ) < /dev/null 2>&1',
    '  echo $? > status',
    '} | {',
    ...pump.map((line) => `  ${line}`),
    '  echo done > drained',
    '}',
    '',
  ].join('\n');
}

export interface RunOptions {
  folder: string;
  isolation: Isolation;
  hostname: string;
  mountLines: string[];
  workingDir: string | undefined;
  env: Record<string, string>;
  command: string[];
  runAs: { user?: number | undefined; group?: number | undefined } | undefined;
}

/** `env -i NAME=value ... [setpriv ...] command`: sets exactly these variables, whatever their names. */
export function commandLine(options: Pick<RunOptions, 'env' | 'command' | 'runAs'>): string {
  const variables = Object.entries(options.env).map(([name, value]) => quote(`${name}=${value}`));
  const { user, group } = options.runAs ?? {};
  const identity =
    user === undefined && group === undefined
      ? []
      : [
          'setpriv',
          ...(user === undefined ? [] : [`--reuid=${user}`]),
          ...(group === undefined && user === undefined ? [] : [`--regid=${group ?? user}`]),
          '--clear-groups',
        ];
  return ['env', '-i', ...variables, ...identity, ...options.command.map(quote)].join(' ');
}

/** The script that is process 1 inside: mounts, then the command. */
export function runScript(options: RunOptions): string {
  const { folder, isolation, mountLines } = options;
  const isolated = isolation !== 'none';
  const name = quote(options.hostname);
  const go =
    options.workingDir === undefined
      ? []
      : [`cd ${quote(options.workingDir)} || fail ${quote(`working directory ${options.workingDir}`)}`];
  return [
    // Opened before the mounts may cover them.
    `exec 7> ${quote(`${folder}/pid`)} 8> ${quote(`${folder}/error`)} 2>&8`,
    'fail() { echo "$1" >&8; exit 128; }',
    'if [ -r /proc/self/stat ]; then read -r me < /proc/self/stat',
    'else me="$$ $(ps -o lstart= -p $$)"; fi',
    ...(isolated
      ? [
          ...mountLines,
          `{ echo ${name} > /proc/sys/kernel/hostname || hostname ${name}; } 2> /dev/null || fail "host name"`,
        ]
      : []),
    ...go,
    'echo "$me" >&7',
    // The shell itself would say "Terminated" on its own account; the command's errors go with its output.
    'exec 2> /dev/null 7>&- 8>&-',
    `( exec ${commandLine(options)} 2>&1 )`,
    // A shell may replace itself by its last command; process 1 must stay the shell.
    'exit $?',
    '',
  ].join('\n');
}
