/** The libraries of functions, and which of them Kubernetes' expressions have. */
import type { Overload } from '../declare.ts';
import { addresses } from './addresses.ts';
import { conversions } from './conversions.ts';
import { formats } from './formats.ts';
import { formatting } from './format.ts';
import { lists } from './lists.ts';
import { operators } from './operators.ts';
import { optionals } from './optionals.ts';
import { quantities } from './quantity.ts';
import { regexes } from './regex.ts';
import { semvers } from './semver.ts';
import { strings } from './strings.ts';
import { times } from './times.ts';
import { urls } from './urls.ts';

/** What every expression in Kubernetes may call. */
export const kubernetesLibraries: readonly (readonly Overload[])[] = [
  operators,
  conversions,
  times,
  optionals,
  strings,
  formatting,
  regexes,
  lists,
  quantities,
  semvers,
  addresses,
  urls,
  formats,
];
