/** One of a selector's matchExpressions. */
import type { KubeObject } from '@coracle/machinery';
import type { Moment, StageCel } from './cel.ts';
import { query } from './jq.ts';
import { NotUnderstood } from './not-understood.ts';
import type { MatchExpression } from './stage-type.ts';

/** Throws NotUnderstood. An expression that stops with an error is as one that finds nothing. */
export function requirement(
  { jq, cel, ...old }: MatchExpression,
  celOf: () => StageCel,
): (object: KubeObject, moment: Moment) => boolean {
  if (cel !== undefined) {
    const asked = celOf().query(cel.expression ?? '', ['bool']);
    return (object, moment) => asked(object, moment) === true;
  }
  const { key = '', operator = '', values = [] } = jq ?? old;
  const asked = query(key);
  const wanted = new Set(values);
  const some = (object: KubeObject): boolean =>
    (asked.run(object) ?? []).some((value) => typeof value !== 'object' && wanted.has(String(value)));
  const exists = (object: KubeObject): boolean => (asked.run(object) ?? []).length > 0;
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) throw new NotUnderstood(`${operator} "${key}" needs values`);
      return operator === 'In' ? some : (object) => !some(object);
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) throw new NotUnderstood(`${operator} "${key}" takes no values`);
      return operator === 'Exists' ? exists : (object) => !exists(object);
    default:
      throw new NotUnderstood(`operator "${operator}"; supported are In, NotIn, Exists and DoesNotExist`);
  }
}
