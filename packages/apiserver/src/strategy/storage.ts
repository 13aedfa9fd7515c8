/** Volumes, claims and storage classes. */
import { type FieldError, labelSelectorProblems, parseQuantity, type Unstructured } from '@coracle/machinery';
import type { core_v1, storage_v1 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  forbidden,
  immutable,
  invalid,
  isPart,
  notSupported,
  oneOf,
  required,
  same,
  specOf,
  validSpec,
} from './fields.ts';
import { amountProblems } from './resource-validation.ts';
import { defaultClaimSpec } from './storage-defaults.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

function accessModeProblems(modes: readonly string[] | undefined, at: string): FieldError[] {
  if (!modes || modes.length === 0) return [required(at, 'at least 1 access mode is required')];
  const errors = modes
    .filter((mode) => !accessModes.includes(mode))
    .map((mode) => notSupported(at, mode, accessModes));
  if (modes.includes('ReadWriteOncePod') && modes.length > 1)
    errors.push(forbidden(at, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

const notSources = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function volumeProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<core_v1.PersistentVolumeSpec>(object);
  const errors = accessModeProblems(spec.accessModes, 'spec.accessModes');
  if (Object.keys(spec.capacity ?? {}).length === 0) errors.push(required('spec.capacity'));
  else if (spec.capacity?.['storage'] === undefined)
    errors.push(notSupported('spec.capacity', Object.keys(spec.capacity ?? {}), ['storage']));
  errors.push(...amountProblems(spec.capacity, 'spec.capacity'));
  const sources = Object.keys(spec).filter((key) => !notSources.has(key) && spec[key as 'nfs'] !== undefined);
  if (sources.length === 0) errors.push(required('spec', 'must specify a volume type'));
  for (const extra of sources.slice(1))
    errors.push(forbidden(`spec.${extra}`, 'may not specify more than 1 volume type'));
  if (spec.hostPath && !spec.hostPath.path) errors.push(required('spec.hostPath.path'));
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle')
    errors.push(
      forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"),
    );
  if (spec.local && !spec.nodeAffinity?.required)
    errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  errors.push(
    ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, [
      'Delete',
      'Recycle',
      'Retain',
    ]),
  );
  errors.push(...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']));
  return errors;
}

const source = (of: Unstructured): unknown =>
  Object.fromEntries(Object.entries(validSpec(of)).filter(([key]) => !notSources.has(key)));

export const persistentVolumes: Strategy = {
  defaults(object) {
    const spec = specOf<core_v1.PersistentVolumeSpec>(object);
    if (!isPart(spec)) return;
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ||= 'Filesystem';
    if (isPart(spec.hostPath)) spec.hostPath.type ??= '';
    if (isPart(spec.claimRef)) {
      spec.claimRef.apiVersion ||= 'v1';
      spec.claimRef.kind ||= 'PersistentVolumeClaim';
    }
  },
  prepareForCreate(object, context) {
    object['status'] = {
      phase: 'Pending',
      lastPhaseTransitionTime: `${context.now.toISOString().slice(0, 19)}Z`,
    };
  },
  validate: volumeProblems,
  validateUpdate(object, old) {
    const errors = volumeProblems(object);
    if (!same(source(object), source(old)))
      errors.push(
        forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'),
      );
    const spec = validSpec<core_v1.PersistentVolumeSpec>(object);
    const before = validSpec<core_v1.PersistentVolumeSpec>(old);
    errors.push(...immutable('spec.volumeMode', spec.volumeMode, before.volumeMode));
    return errors;
  },
  fields: { name: (object) => object.metadata.name },
};

function claimProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<core_v1.PersistentVolumeClaimSpec>(object);
  const errors = [
    ...labelSelectorProblems(spec.selector, 'spec.selector'),
    ...accessModeProblems(spec.accessModes, 'spec.accessModes'),
  ];
  const storage = spec.resources?.requests?.['storage'];
  if (storage === undefined) errors.push(required('spec.resources[storage]'));
  else if (parseQuantity(storage).nanos <= 0n)
    errors.push(invalid('spec.resources[storage]', storage, 'must be greater than zero'));
  errors.push(...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']));
  return errors;
}

const claimFrozen =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

export const persistentVolumeClaims: Strategy = {
  defaults(object) {
    const spec = specOf<core_v1.PersistentVolumeClaimSpec>(object);
    if (isPart(spec)) defaultClaimSpec(spec);
  },
  prepareForCreate(object) {
    object['status'] = { phase: 'Pending' };
  },
  validate: claimProblems,
  validateUpdate(object, old) {
    const spec = validSpec<core_v1.PersistentVolumeClaimSpec>(object);
    const before = validSpec<core_v1.PersistentVolumeClaimSpec>(old);
    const errors = claimProblems(object);
    const bound = (old['status'] as { phase?: string } | undefined)?.phase === 'Bound';
    const fixed: core_v1.PersistentVolumeClaimSpec = { ...spec };
    // The binder sets the volume's name, and a default class may be filled in later.
    if (!before.volumeName) fixed.volumeName = before.volumeName;
    if (before.storageClassName === undefined) fixed.storageClassName = before.storageClassName;
    if (bound) {
      fixed.resources = before.resources;
      fixed.volumeAttributesClassName = before.volumeAttributesClassName;
    }
    if (!same(fixed, before)) errors.push(forbidden('spec', claimFrozen));
    const asked = spec.resources?.requests?.['storage'];
    const had = before.resources?.requests?.['storage'];
    const status = (old['status'] as core_v1.PersistentVolumeClaimStatus | undefined)?.capacity?.['storage'];
    if (bound && asked && had && parseQuantity(asked).cmp(parseQuantity(had)) < 0)
      if (!status || parseQuantity(asked).cmp(parseQuantity(status)) <= 0)
        errors.push(
          forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'),
        );
    return errors;
  },
  fields: { name: (object) => object.metadata.name },
};

const classOf = (object: Unstructured): storage_v1.StorageClass =>
  object as unknown as storage_v1.StorageClass;

export const storageClasses: Strategy = {
  defaults(object) {
    const storageClass = classOf(object);
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validate(object) {
    const { provisioner, reclaimPolicy, volumeBindingMode } = classOf(object);
    return [
      ...(provisioner ? [] : [required('provisioner')]),
      ...oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
      ...oneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
    ];
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (!same(object['parameters'], old['parameters']))
      errors.push(forbidden('parameters', 'updates to parameters are forbidden.'));
    if (object['provisioner'] !== old['provisioner'])
      errors.push(forbidden('provisioner', 'updates to provisioner are forbidden.'));
    if (object['reclaimPolicy'] !== old['reclaimPolicy'])
      errors.push(forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'));
    return [
      ...errors,
      ...immutable('volumeBindingMode', object['volumeBindingMode'], old['volumeBindingMode']),
    ];
  },
};

export const csiDrivers: Strategy = {
  defaults(object) {
    const spec = specOf<storage_v1.CSIDriverSpec>(object);
    if (!isPart(spec)) return;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!Array.isArray(spec.volumeLifecycleModes) || spec.volumeLifecycleModes.length === 0)
      spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
};

export const volumeAttachments: Strategy = {
  prepareForCreate(object) {
    object['status'] = { attached: false };
  },
  validate(object) {
    const spec = validSpec<storage_v1.VolumeAttachmentSpec>(object);
    return [
      ...(spec.attacher ? [] : [required('spec.attacher')]),
      ...(spec.nodeName ? [] : [required('spec.nodeName')]),
    ];
  },
  validateUpdate: (object, old) => immutable('spec', object['spec'], old['spec']),
};
