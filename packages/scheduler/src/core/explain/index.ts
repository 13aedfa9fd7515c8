export { amountText } from './amount-text.ts';
export { explainPod, type ExplainPodOptions } from './explain-pod.ts';
export { explainGang, type ExplainGangOptions } from './explain-gang.ts';
export { explanationText, traceText, type TextOptions } from './text.ts';
export { traceDecision } from './trace.ts';
export type {
  Explanation,
  ExplainOptions,
  GangReport,
  NearNode,
  NodeTrace,
  PreemptionReport,
  QueueReport,
  Rejection,
  Remedy,
  ScoreTrace,
  Shortage,
  Trace,
} from './types.ts';
