/**
 * How volumes come to lie at their mount paths inside a container's private mount namespace, although the container sees
 * the host's own file tree and a mount path often does not exist there.
 *
 * The container's root is a small tmpfs that has every entry of the host's `/` bound into it (pivot_root makes it the
 * root). A mount path is then one of these:
 * - It exists: the volume is bound over it. Only this container sees that.
 * - It lies below another mount of the container: its mount point is made inside that volume, as container runtimes do.
 * - Its deepest existing parent P is a system folder (`/`, or at or below /run, /var, /mnt, ...): P is covered by a tmpfs that
 *   has P's entries bound into it, and the mount point is made there. The host's P is untouched; new files that the
 *   container makes directly in P live in that tmpfs.
 * - P is any other folder (somebody's home or project): covering it would swallow files that the container writes beside the
 *   mount path, so an empty mount point is made on the host, and removed with the pod.
 * `/dev` (the default termination message path lies there) is always covered, with the devices of a container bound in and
 * terminals of its own; disks, consoles and loop devices are left out.
 *
 * Mounts are made by `mount --all --fstab`, many in one call: one call a mount costs 2-5 ms each, and there are sixty.
 * The plan is pure: it asks `tree` what is there and yields shell lines and fstab files.
 */
import { posix } from 'node:path';

export interface MountRequest {
  hostPath: string;
  mountPath: string;
  readOnly: boolean;
}

export type EntryKind = 'folder' | 'file' | 'link' | 'block';
export interface HostTree {
  /** What is at the path, following links. */
  kind(path: string): 'folder' | 'file' | undefined;
  /** The path with links resolved; it exists. */
  real(path: string): string;
  /** Entries of a folder, links not followed. */
  entries(path: string): { name: string; kind: EntryKind }[];
  /** A folder's permission bits. */
  mode(path: string): number;
}

export interface MountPlan {
  /** Shell lines; each calls `fail` when it does not work. They end inside the new root, before /proc is mounted. */
  lines: string[];
  /** Files that the lines read, by path. */
  files: Record<string, string>;
  /** Folders and files to make on the host beforehand, outermost first, and to remove with the pod. */
  hostFolders: string[];
  hostFiles: string[];
}

/** `'it'\''s'` for sh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const systemFolders = ['/run', '/var', '/mnt', '/media', '/opt', '/srv', '/etc', '/usr', '/sys'];
const isSystem = (path: string): boolean =>
  path === '/' || path === '/dev' || systemFolders.some((top) => isBelow(path, top));
const isBelow = (path: string, top: string): boolean =>
  path === top || path.startsWith(top === '/' ? '/' : `${top}/`);

const deviceNoise =
  /^(tty\d+|vcs.*|loop\d+|ram\d+|zram\d+|btrfs-control|autofs|kmsg|mem|port|vga_arbiter|pts|ptmx)$/;

/** A folder with more entries than this is not covered: its mount point is made on the host. */
const mostEntries = 500;

interface Target extends MountRequest {
  kind: 'folder' | 'file';
  /** Real path of the mount point. */
  path: string;
  /** The mount point must be made inside: in a covered folder or in another volume. */
  fresh: boolean;
}

/** `folder` is the container's own: `folder/stage` is an empty folder in it. Throws on a mount path of the wrong kind. */
export function planMounts(requests: readonly MountRequest[], tree: HostTree, folder: string): MountPlan {
  const plan: MountPlan = { lines: [], files: {}, hostFolders: [], hostFiles: [] };
  const covered = new Set(['/', '/dev']);
  const targets: Target[] = [];
  for (const request of requests.toSorted((a, b) => depth(a.mountPath) - depth(b.mountPath)))
    targets.push(place(request, tree, targets, covered, plan));

  const root = `${folder}/stage`;
  plan.lines.push(
    // Unbindable: binding the entry that holds the stage must not copy the stage into itself.
    `mount -t tmpfs --make-unbindable -o size=4m,mode=${octal(tree.mode('/'))} coracle ${quote(root)} || fail "root"`,
  );
  const mountAll = (name: string, fstab: string[]): void => {
    if (fstab.length === 0) return;
    const file = `${folder}/fstab.${name}`;
    plan.files[file] = `${fstab.join('\n')}\n`;
    plan.lines.push(`mount --all --fstab ${quote(file)} || fail ${quote(`mounts (${name})`)}`);
  };

  const byLevel = Map.groupBy(covered, (path) => [...covered].filter((each) => isBelow(path, each)).length);
  for (let level = 1; byLevel.has(level); level++) {
    const fstab = (byLevel.get(level) ?? []).flatMap((path) => coverEntries(plan.lines, path, tree, root));
    for (const path of byLevel.get(level + 1) ?? [])
      fstab.push(
        fstabLine('coracle', root + path, 'tmpfs', `size=4m,nr_inodes=4096,mode=${octal(tree.mode(path))}`),
      );
    mountAll(`cover-${level}`, fstab);
  }
  makePoints(plan.lines, targets, root);
  mountAll(
    'volumes',
    targets.map((each) =>
      fstabLine(
        each.hostPath,
        root + each.path,
        'none',
        `rbind${each.readOnly ? ',ro' : ''}${each.fresh && each.kind === 'folder' ? ',X-mount.mkdir' : ''}`,
      ),
    ),
  );
  plan.lines.push(
    `cd ${quote(root)} && mkdir .old && pivot_root . .old && cd / || fail "pivot_root"`,
    'mount -t proc proc /proc || fail "mount /proc"',
    'umount --lazy /.old && rmdir /.old || fail "old root"',
  );
  return plan;
}

const octal = (mode: number): string => mode.toString(8);
const depth = (path: string): number => posix.normalize(path).split('/').length;

/** Blanks and backslashes are written as octal in fstab. */
function fstabLine(source: string, target: string, type: string, options: string): string {
  const escape = (text: string): string =>
    text.replaceAll(/[\\ \t\n#]/g, (char) => `\\${(char.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`);
  return `${escape(source)} ${escape(target)} ${type} ${options} 0 0`;
}

function place(
  request: MountRequest,
  tree: HostTree,
  before: readonly Target[],
  covered: Set<string>,
  plan: MountPlan,
): Target {
  const kind = tree.kind(request.hostPath);
  if (kind === undefined) throw new Error(`${request.hostPath} does not exist`);
  const wanted = posix.normalize(request.mountPath).replace(/(.)\/$/, '$1');
  if (wanted === '/') throw new Error('cannot mount at /');
  const around = before.findLast((each) => isBelow(wanted, each.mountPath));
  if (around !== undefined) {
    const path = around.path + wanted.slice(around.mountPath.length);
    return { ...request, mountPath: wanted, kind, path, fresh: true };
  }
  const { parent, rest } = deepestParent(wanted, tree);
  const path = posix.join(parent, rest);
  const target = { ...request, mountPath: wanted, kind, path };
  if (rest === '') {
    const present = tree.kind(path);
    if (present === kind) return { ...target, fresh: false };
    throw new Error(
      `cannot mount a ${kind} at ${request.mountPath}: there is a ${present ?? 'special file'}`,
    );
  }
  if (isSystem(parent) && (parent === '/dev' || tree.entries(parent).length <= mostEntries)) {
    covered.add(parent);
    return { ...target, fresh: true };
  }
  addHostPoint(plan, parent, rest, kind);
  return { ...target, fresh: false };
}

function deepestParent(path: string, tree: HostTree): { parent: string; rest: string } {
  let parent = path;
  const rest: string[] = [];
  while (parent !== '/' && tree.kind(parent) === undefined) {
    rest.unshift(posix.basename(parent));
    parent = posix.dirname(parent);
  }
  return { parent: tree.real(parent), rest: rest.join('/') };
}

function addHostPoint(plan: MountPlan, parent: string, rest: string, kind: 'folder' | 'file'): void {
  const parts = rest.split('/');
  let path = parent;
  for (const [index, part] of parts.entries()) {
    path = posix.join(path, part);
    const list = kind === 'file' && index === parts.length - 1 ? plan.hostFiles : plan.hostFolders;
    if (!list.includes(path)) list.push(path);
  }
}

/** Makes places for a covered folder's entries in its tmpfs; returns the fstab lines that bind them. */
function coverEntries(lines: string[], folder: string, tree: HostTree, root: string): string[] {
  const at = (name: string): string => posix.join(root, folder, name);
  const entries = tree
    .entries(folder)
    .filter((entry) => folder !== '/dev' || (entry.kind !== 'block' && !deviceNoise.test(entry.name)));
  const fstab: string[] = [];
  if (folder === '/dev') {
    // Terminals of its own: the device that makes them does not work when bound from elsewhere.
    lines.push(`mkdir ${quote(at('pts'))} && ln -s pts/ptmx ${quote(at('ptmx'))}`);
    fstab.push(fstabLine('devpts', at('pts'), 'devpts', 'newinstance,ptmxmode=0666,mode=620'));
  }
  const namesOf = (kind: EntryKind): string[] =>
    entries.filter((entry) => entry.kind === kind).map((entry) => entry.name);
  const folders = namesOf('folder');
  const files = namesOf('file');
  const links = namesOf('link');
  if (folders.length > 0) lines.push(`mkdir ${folders.map((name) => quote(at(name))).join(' ')}`);
  for (const name of files) lines.push(`: > ${quote(at(name))}`);
  if (links.length > 0) {
    const sources = links.map((name) => quote(posix.join(folder, name)));
    lines.push(`cp -P ${sources.join(' ')} ${quote(at(''))} || fail ${quote(`links of ${folder}`)}`);
  }
  for (const name of [...folders, ...files]) {
    // A new /proc is mounted in the end; /dev is always covered.
    if (folder === '/' && (name === 'proc' || name === 'dev')) continue;
    fstab.push(fstabLine(posix.join(folder, name), at(name), 'none', 'rbind'));
  }
  return fstab;
}

/** Mount points inside covered folders, and of files inside other volumes. Folders inside volumes: X-mount.mkdir. */
function makePoints(lines: string[], targets: readonly Target[], root: string): void {
  const isInside = (target: Target): boolean =>
    targets.some((each) => each !== target && isBelow(target.mountPath, each.mountPath));
  for (const target of targets) {
    if (!target.fresh || target.kind !== 'file') continue;
    // Inside a volume: made in the volume itself, which is not mounted yet.
    const around = targets.find((each) => each !== target && isBelow(target.mountPath, each.mountPath));
    const path =
      around === undefined
        ? root + target.path
        : around.hostPath + target.mountPath.slice(around.mountPath.length);
    const parent = quote(posix.dirname(path));
    lines.push(
      `[ -e ${quote(path)} ] || { { [ -d ${parent} ] || mkdir -p ${parent}; } && : >> ${quote(path)}; } || fail ${quote(`mount point ${target.mountPath}`)}`,
    );
  }
  const folders = targets.filter((each) => each.fresh && each.kind === 'folder' && !isInside(each));
  if (folders.length > 0)
    lines.push(`mkdir -p ${folders.map((each) => quote(root + each.path)).join(' ')} || fail "mount points"`);
}
