/** The libraries of functions, and which of them Kubernetes' expressions have. */
import type { Overload } from '../declare.ts';
import { conversions } from './conversions.ts';
import { operators } from './operators.ts';
import { optionals } from './optionals.ts';
import { quantities } from './quantity.ts';
import { semvers } from './semver.ts';
import { strings } from './strings.ts';

/** What every expression in Kubernetes may call. */
export const kubernetesLibraries: readonly (readonly Overload[])[] = [
  operators,
  conversions,
  optionals,
  strings,
  quantities,
  semvers,
];
