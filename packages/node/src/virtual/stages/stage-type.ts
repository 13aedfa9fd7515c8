/** kwok's `Stage` (kwok.x-k8s.io/v1alpha1, cluster-scoped): how objects of a kind go on from where they are. */
import { resourceType, type ResourceType } from '@coracle/machinery';
import type { StoredMeta } from '@coracle/machinery/api';

export interface Expression {
  expressionFrom?: string;
  jq?: { expression?: string };
  cel?: { expression?: string };
}
export interface MatchExpression {
  key?: string;
  operator?: string;
  values?: string[];
  jq?: { key?: string; operator?: string; values?: string[] };
  cel?: { expression?: string };
}
export interface StageEvent {
  type?: string;
  reason?: string;
  message?: string;
}
export interface StageFinalizers {
  add?: { value?: string }[];
  remove?: { value?: string }[];
  empty?: boolean;
}
export interface StagePatch {
  subresource?: string;
  root?: string;
  template?: string;
  type?: 'json' | 'merge' | 'strategic';
  impersonation?: { username: string };
}
export interface StageStep {
  event?: StageEvent;
  finalizers?: StageFinalizers;
  delete?: boolean;
  patch?: StagePatch;
  apply?: { template?: string };
}
export interface StageSpec {
  resourceRef: { apiGroup?: string; kind: string };
  /** Absent: it is for no object. */
  selector?: {
    matchLabels?: Record<string, string>;
    matchAnnotations?: Record<string, string>;
    matchExpressions?: MatchExpression[];
  };
  weight?: number;
  weightFrom?: Expression;
  delay?: {
    durationMilliseconds?: number;
    durationFrom?: Expression;
    jitterDurationMilliseconds?: number;
    jitterDurationFrom?: Expression;
  };
  next?: {
    event?: StageEvent;
    finalizers?: StageFinalizers;
    delete?: boolean;
    patches?: StagePatch[];
    statusTemplate?: string;
    statusSubresource?: string;
    statusPatchAs?: { username: string };
  };
  /** The newer form of `next`. */
  steps?: StageStep[];
  /** Always so here: the next stage is looked for at once in what a stage has written. */
  immediateNextStage?: boolean;
}
export interface Stage {
  apiVersion: 'kwok.x-k8s.io/v1alpha1';
  kind: 'Stage';
  metadata: StoredMeta;
  spec: StageSpec;
}

export const Stage: ResourceType<Stage> = resourceType<Stage>(
  'kwok.x-k8s.io',
  'v1alpha1',
  'stages',
  'Stage',
  false,
);
