/**
 * The declared life of a virtual pod: it starts after a while, runs for a while, and ends well or badly. Annotations on
 * the pod (or its template) say how; what they leave out comes from defaults.
 */
import type { Pod } from '@coracle/machinery/api';

export interface Stages {
  /** From binding to running. */
  startMs: number;
  /** From running to the end; undefined: runs until it is deleted. */
  runMs: number | undefined;
  /** What it ends with when it does not fail by chance. */
  exitCode: number;
  /** Chance of 0 to 1 that it ends with exit code 1 instead. */
  failProbability: number;
}

export const stageAnnotations = {
  start: 'coracle.dev/start-seconds',
  run: 'coracle.dev/run-seconds',
  exitCode: 'coracle.dev/exit-code',
  failProbability: 'coracle.dev/fail-probability',
} as const;

/** Pods that are meant to end run for ten seconds, others for ever. */
export const defaultStages: Stages = { startMs: 100, runMs: 10_000, exitCode: 0, failProbability: 0 };

/** The stages of one pod. Numbers that are none are passed over. */
export function stagesOf(pod: Pod, defaults: Stages = defaultStages): Stages {
  const annotations = pod.metadata.annotations ?? {};
  const number = (name: string): number | undefined => {
    const text = annotations[name];
    const value = text === undefined || text === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const start = number(stageAnnotations.start);
  const run = number(stageAnnotations.run);
  const meantToEnd = (pod.spec?.restartPolicy ?? 'Always') !== 'Always';
  return {
    startMs: start === undefined ? defaults.startMs : start * 1000,
    runMs: run === undefined ? (meantToEnd ? defaults.runMs : undefined) : run * 1000,
    exitCode: number(stageAnnotations.exitCode) ?? defaults.exitCode,
    failProbability: Math.min(1, number(stageAnnotations.failProbability) ?? defaults.failProbability),
  };
}
