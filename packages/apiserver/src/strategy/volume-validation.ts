/** Volumes of pods (core/v1 validation). */
import {
  configMapKey,
  dns1123Label,
  dns1123Subdomain,
  type FieldError,
  parseQuantity,
} from '@coracle/machinery';
import type { KeyToPath, Volume } from '@coracle/machinery/api';
import { fieldPathProblems, localPathProblems, resourceFieldProblems } from './container-validation.ts';
import { duplicate, forbidden, invalid, named, oneOf, required } from './fields.ts';
import { tokenProjection } from './token-projection.ts';

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const fileFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

const modeProblems = (field: string, mode: number | undefined | null): FieldError[] =>
  typeof mode === 'number' && (mode < 0 || mode > 0o777)
    ? [invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
    : [];

function itemProblems(items: readonly KeyToPath[] | undefined, at: string): FieldError[] {
  const errors: FieldError[] = [];
  (items ?? []).forEach((item, index) => {
    const field = `${at}[${index}]`;
    if (!item.key) errors.push(required(`${field}.key`));
    else errors.push(...named(`${field}.key`, item.key, configMapKey));
    if (!item.path) errors.push(required(`${field}.path`));
    else errors.push(...localPathProblems(`${field}.path`, item.path));
    errors.push(...modeProblems(`${field}.mode`, item.mode));
  });
  return errors;
}

interface DownwardItem {
  path: string;
  fieldRef?: { fieldPath: string } | undefined;
  resourceFieldRef?: { resource: string; containerName?: string | undefined } | undefined;
  mode?: number | undefined;
}
function downwardProblems(items: readonly DownwardItem[] | undefined, at: string): FieldError[] {
  const errors: FieldError[] = [];
  (items ?? []).forEach((item, index) => {
    const field = `${at}[${index}]`;
    if (!item.path) errors.push(required(`${field}.path`));
    errors.push(...localPathProblems(`${field}.path`, item.path));
    if (item.fieldRef && item.resourceFieldRef)
      errors.push(
        invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
      );
    else if (item.fieldRef)
      errors.push(...fieldPathProblems(`${field}.fieldRef.fieldPath`, item.fieldRef.fieldPath, fileFields));
    else if (item.resourceFieldRef) {
      if (!item.resourceFieldRef.containerName)
        errors.push(required(`${field}.resourceFieldRef.containerName`));
      errors.push(...resourceFieldProblems(`${field}.resourceFieldRef`, item.resourceFieldRef.resource));
    } else errors.push(required(field, 'one of fieldRef and resourceFieldRef is required'));
    errors.push(...modeProblems(`${field}.mode`, item.mode));
  });
  return errors;
}

function projectedProblems(volume: Volume, at: string): FieldError[] {
  const projected = volume.projected;
  if (!projected || projected === tokenProjection) return [];
  const errors = modeProblems(`${at}.defaultMode`, projected.defaultMode);
  (projected.sources ?? []).forEach((source, index) => {
    const field = `${at}.sources[${index}]`;
    const kinds = Object.values(source).filter((value) => value !== undefined && value !== null);
    if (kinds.length > 1) errors.push(forbidden(field, 'may not specify more than 1 volume type per source'));
    if (source.secret) {
      if (!source.secret.name) errors.push(required(`${field}.secret.name`));
      errors.push(...itemProblems(source.secret.items, `${field}.secret.items`));
    }
    if (source.configMap) {
      if (!source.configMap.name) errors.push(required(`${field}.configMap.name`));
      errors.push(...itemProblems(source.configMap.items, `${field}.configMap.items`));
    }
    if (source.downwardAPI)
      errors.push(...downwardProblems(source.downwardAPI.items, `${field}.downwardAPI.items`));
    const token = source.serviceAccountToken;
    if (token) {
      const seconds = token.expirationSeconds ?? 3600;
      if (seconds < 600)
        errors.push(
          invalid(
            `${field}.serviceAccountToken.expirationSeconds`,
            seconds,
            'may not specify a duration less than 10 minutes',
          ),
        );
      if (!token.path) errors.push(required(`${field}.serviceAccountToken.path`));
      else errors.push(...localPathProblems(`${field}.serviceAccountToken.path`, token.path));
    }
  });
  return errors;
}

function sourceProblems(volume: Volume, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (volume.secret) {
    if (!volume.secret.secretName) errors.push(required(`${at}.secret.secretName`));
    errors.push(...modeProblems(`${at}.secret.defaultMode`, volume.secret.defaultMode));
    errors.push(...itemProblems(volume.secret.items, `${at}.secret.items`));
  }
  if (volume.configMap) {
    if (!volume.configMap.name) errors.push(required(`${at}.configMap.name`));
    errors.push(...modeProblems(`${at}.configMap.defaultMode`, volume.configMap.defaultMode));
    errors.push(...itemProblems(volume.configMap.items, `${at}.configMap.items`));
  }
  if (volume.downwardAPI) {
    errors.push(...modeProblems(`${at}.downwardAPI.defaultMode`, volume.downwardAPI.defaultMode));
    errors.push(...downwardProblems(volume.downwardAPI.items, `${at}.downwardAPI.items`));
  }
  errors.push(...projectedProblems(volume, `${at}.projected`));
  if (volume.hostPath) {
    if (!volume.hostPath.path) errors.push(required(`${at}.hostPath.path`));
    else if (volume.hostPath.path.split('/').includes('..'))
      errors.push(invalid(`${at}.hostPath.path`, volume.hostPath.path, "must not contain '..'"));
    errors.push(...oneOf(`${at}.hostPath.type`, volume.hostPath.type, hostPathTypes));
  }
  if (volume.emptyDir?.sizeLimit) {
    try {
      if (parseQuantity(volume.emptyDir.sizeLimit).nanos < 0n)
        errors.push(
          forbidden(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'),
        );
    } catch {
      // The schema reports malformed quantities.
    }
  }
  if (volume.persistentVolumeClaim && !volume.persistentVolumeClaim.claimName)
    errors.push(required(`${at}.persistentVolumeClaim.claimName`));
  if (volume.nfs) {
    if (!volume.nfs.server) errors.push(required(`${at}.nfs.server`));
    if (!volume.nfs.path) errors.push(required(`${at}.nfs.path`));
    else if (!volume.nfs.path.startsWith('/'))
      errors.push(invalid(`${at}.nfs.path`, volume.nfs.path, 'must be an absolute path'));
  }
  if (volume.csi) {
    if (!volume.csi.driver) errors.push(required(`${at}.csi.driver`));
    else errors.push(...named(`${at}.csi.driver`, volume.csi.driver.toLowerCase(), dns1123Subdomain));
  }
  if (volume.ephemeral && !volume.ephemeral.volumeClaimTemplate)
    errors.push(required(`${at}.ephemeral.volumeClaimTemplate`));
  return errors;
}

/** Problems of a pod's volumes: names, one source each, and the sources' own rules. */
export function volumeProblems(volumes: readonly Volume[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  volumes.forEach((volume, index) => {
    const field = `${at}[${index}]`;
    let kinds = 0;
    for (const key in volume) {
      if (key === 'name' || volume[key as keyof Volume] == null) continue;
      kinds++;
      if (kinds > 1) errors.push(forbidden(`${field}.${key}`, 'may not specify more than 1 volume type'));
    }
    if (kinds === 0) errors.push(required(field, 'must specify a volume type'));
    errors.push(...sourceProblems(volume, field));
    if (!volume.name) errors.push(required(`${field}.name`));
    else {
      errors.push(...named(`${field}.name`, volume.name, dns1123Label));
      if (names.has(volume.name)) errors.push(duplicate(`${field}.name`, volume.name));
      names.add(volume.name);
    }
  });
  return errors;
}
