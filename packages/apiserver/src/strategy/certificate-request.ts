/** CertificateSigningRequests: who asks, for what; approval, which is given once and by its own path. */
import { type FieldError, formatTime, pathSegmentName, type Unstructured } from '@coracle/machinery';
import type { certificates_v1 } from '@coracle/machinery/api';
import type { Strategy, StrategyContext } from '../contracts.ts';
import { forbidden, invalid, isPart, notSupported, objects, required, specOf, validSpec } from './fields.ts';

type Request = certificates_v1.CertificateSigningRequest;
type Condition = certificates_v1.CertificateSigningRequestCondition;
const conditionsOf = (object: Unstructured): readonly Condition[] =>
  objects((object as unknown as Request).status?.conditions);
const at = 'status.conditions';
/** Conditions that are given for good. */
const final = ['Approved', 'Denied', 'Failed'];

/** Fills times that the caller left open, from the same condition before or from now. */
function stampConditions(object: Unstructured, old: Unstructured, now: string): void {
  for (const condition of conditionsOf(object)) {
    const before = conditionsOf(old).find((c) => c.type === condition.type && c.status === condition.status);
    condition.lastTransitionTime ??= before?.lastTransitionTime ?? now;
    const same = before?.reason === condition.reason && before?.message === condition.message;
    condition.lastUpdateTime ??= (same ? before?.lastUpdateTime : undefined) ?? now;
  }
}

/** Conditions and certificate after a write by way of `status` or `approval`. */
function statusProblems(object: Unstructured, old: Unstructured, context: StrategyContext): FieldError[] {
  const errors: FieldError[] = [];
  const now = conditionsOf(object);
  const count = (list: readonly Condition[], type: string): number =>
    list.filter((c) => c.type === type).length;
  now.forEach((condition, index) => {
    if (!condition.type) errors.push(required(`${at}[${index}].type`));
    else if (final.includes(condition.type) && condition.status !== 'True')
      errors.push(notSupported(`${at}[${index}].status`, condition.status, ['True']));
  });
  if (count(now, 'Approved') > 0 && count(now, 'Denied') > 0)
    errors.push(invalid(at, 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  const before = conditionsOf(old);
  for (const type of final) {
    if (count(now, type) < count(before, type))
      errors.push(forbidden(at, `updates may not remove a condition of type ${JSON.stringify(type)}`));
    if (context.subresource !== 'approval' && type !== 'Failed' && count(now, type) > count(before, type))
      errors.push(forbidden(at, `updates may not add a condition of type ${JSON.stringify(type)}`));
  }
  const had = (old as unknown as Request).status?.certificate;
  if (had && had !== (object as unknown as Request).status?.certificate)
    errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  return errors;
}

export const certificateRequests: Strategy = {
  nameProblem: pathSegmentName,
  prepareForCreate(object, { user }) {
    // Who asks is what the server knows, never what the caller says.
    const spec = specOf<certificates_v1.CertificateSigningRequestSpec>(object);
    if (!isPart(spec)) return;
    spec.username = user.username;
    spec.groups = [...user.groups];
    if (user.uid) spec.uid = user.uid;
    else delete (spec as { uid?: string }).uid;
    if (user.extra) spec.extra = structuredClone(user.extra);
    else delete (spec as { extra?: unknown }).extra;
    object['status'] = {};
  },
  prepareForUpdate(object, old) {
    object['spec'] = old['spec'];
  },
  validate(object) {
    const spec = validSpec<certificates_v1.CertificateSigningRequestSpec>(object);
    const errors: FieldError[] = [];
    const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
    if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem))
      errors.push(invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST'));
    if ((spec.usages ?? []).length === 0) errors.push(required('spec.usages'));
    if (!spec.signerName) errors.push(required('spec.signerName'));
    else if (!/^[a-z0-9.-]+\/[A-Za-z0-9._:-]+$/.test(spec.signerName))
      errors.push(
        invalid(
          'spec.signerName',
          spec.signerName,
          "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ),
      );
    if (spec.expirationSeconds != null && spec.expirationSeconds < 600)
      errors.push(
        invalid(
          'spec.expirationSeconds',
          spec.expirationSeconds,
          'may not specify a duration less than 600 seconds (10 minutes)',
        ),
      );
    return errors;
  },
  prepareForStatusUpdate(object, old, { now }) {
    stampConditions(object, old, formatTime(now));
  },
  validateStatusUpdate: statusProblems,
  fields: {
    'spec.signerName': (object) =>
      validSpec<certificates_v1.CertificateSigningRequestSpec>(object).signerName ?? '',
  },
};
