/** Match conditions of admission webhooks: which requests one is called for, by `object`, `oldObject`, `request` and `authorizer`. */
import { type Environment, environment } from './environment.ts';
import { formatIssues } from './issues.ts';
import { authorizers } from './library/authorizer.ts';
import { kubernetesLibraries } from './library/index.ts';
import { type CelProgram, compileCel } from './program.ts';
import { type ObjectType, type Type, types } from './types.ts';

function object(name: string, fields: Readonly<Record<string, Type>>): ObjectType {
  return {
    kind: 'object',
    name,
    field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined),
  };
}
const { string, bool, dyn, list, map } = types;
const kind = object('kubernetes.GroupVersionKind', { group: string, version: string, kind: string });
const resource = object('kubernetes.GroupVersionResource', {
  group: string,
  version: string,
  resource: string,
});
const userInfo = object('kubernetes.UserInfo', {
  username: string,
  uid: string,
  groups: list(string),
  extra: map(string, list(string)),
});
const request = object('kubernetes.AdmissionRequest', {
  kind,
  resource,
  subResource: string,
  requestKind: kind,
  requestResource: resource,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo,
  dryRun: bool,
  options: dyn,
});

let made: Environment | undefined;
/** Made on first use. */
function conditionEnvironment(): Environment {
  made ??= environment({
    variables: {
      object: dyn,
      oldObject: dyn,
      request,
      authorizer: types.opaque('kubernetes.authorization.Authorizer'),
      'authorizer.requestResource': types.opaque('kubernetes.authorization.ResourceCheck'),
    },
    libraries: [...kubernetesLibraries, authorizers],
    homogeneous: true,
  });
  return made;
}

/** A condition, or why the expression is none (the API server's words for the field error). */
export function compileAdmissionCondition(
  expression: string,
):
  | { readonly program: CelProgram; readonly error?: never }
  | { readonly error: string; readonly program?: never } {
  const compiled = compileCel(expression, conditionEnvironment());
  if (!compiled.ok) return { error: `compilation failed: ${formatIssues(expression, compiled.issues)}` };
  const { program } = compiled;
  if (program.type.kind === 'bool' || program.type.kind === 'dyn') return { program };
  return { error: 'must evaluate to bool' };
}
