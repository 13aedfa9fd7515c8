/**
 * How volumes come to lie at their mount paths inside a container's private mount namespace, although the container sees
 * the host's own file tree and a mount path often does not exist there.
 *
 * The container's root is a small tmpfs that has every entry of the host's `/` bound into it (pivot_root makes it the
 * root). A mount path is then one of these:
 * - It exists: the volume is bound over it. Only this container sees that.
 * - It lies below another mount of the container: its mount point is made inside that volume, as container runtimes do.
 * - Its deepest existing parent P is a system folder (`/`, or at or below /run, /var, /mnt, ...): P is not bound whole; it is a
 *   folder of the tmpfs into which P's entries are bound one by one, and the mount point is made there. The host's P is
 *   untouched; new files that the container makes directly in P live in that tmpfs.
 * - P is any other folder (somebody's home or project): taking it apart would swallow files that the container writes beside
 *   the mount path, so an empty mount point is made on the host, and removed with the pod.
 * `/dev` (the default termination message path lies there) is always taken apart: a container has the devices of the host
 * and terminals of its own, but not disks, consoles and loop devices.
 *
 * All mounts are made by one `mount --all --fstab`: one call a mount costs 2-5 ms each, and there are forty.
 * The plan is pure: it asks `tree` what is there and yields shell lines and files.
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
}

export interface MountPlan {
  /** Shell lines; each calls `fail` when it does not work. They end inside the new root. */
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
  const apart = new Set(['/', '/dev']);
  const targets: Target[] = [];
  for (const request of requests.toSorted((a, b) => depth(a.mountPath) - depth(b.mountPath)))
    targets.push(place(request, tree, targets, apart, plan));

  const root = `${folder}/stage`;
  const build: Build = {
    folders: ['.old', 'proc'].map((name) => `${root}/${name}`),
    touch: [],
    copy: [],
    fstab: [],
  };
  for (const path of [...apart].toSorted((a, b) => depth(a) - depth(b)))
    takeApart(build, path, tree, root, apart);
  makePoints(build, targets, root);
  build.fstab.push(fstabLine('devpts', `${root}/dev/pts`, 'devpts', 'newinstance,ptmxmode=0666,mode=620'));
  build.fstab.push(fstabLine('proc', `${root}/proc`, 'proc', 'defaults'));
  for (const { hostPath, path, readOnly, fresh, kind } of targets) {
    const options = `rbind${readOnly ? ',ro' : ''}${fresh && kind === 'folder' ? ',X-mount.mkdir' : ''}`;
    build.fstab.push(fstabLine(hostPath, root + path, 'none', options));
  }
  plan.files[`${folder}/fstab`] = `${build.fstab.join('\n')}\n`;
  plan.lines.push(
    // Unbindable: binding the entry that holds the stage must not copy the stage into itself.
    `mount -t tmpfs --make-unbindable -o size=4m,mode=755 coracle ${quote(root)} || fail "root"`,
    `mkdir -p ${build.folders.map(quote).join(' ')} || fail "mount points"`,
    ...build.touch.map((path) => `[ -e ${quote(path)} ] || : >> ${quote(path)} || fail "mount points"`),
    ...build.copy,
    `ln -s pts/ptmx ${quote(`${root}/dev/ptmx`)}`,
    `mount --all --fstab ${quote(`${folder}/fstab`)} || fail "mounts"`,
    `cd ${quote(root)} && pivot_root . .old && cd / || fail "pivot_root"`,
    'umount --lazy /.old && rmdir /.old || fail "old root"',
  );
  return plan;
}

/** What a new root is made of. */
interface Build {
  folders: string[];
  touch: string[];
  /** Lines that copy symbolic links. */
  copy: string[];
  fstab: string[];
}

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
  apart: Set<string>,
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
    for (let each = parent; !apart.has(each); each = posix.dirname(each)) apart.add(each);
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

/** Puts a folder of the tmpfs in place of a folder of the host, with the host's entries bound into it. */
function takeApart(
  build: Build,
  folder: string,
  tree: HostTree,
  root: string,
  apart: ReadonlySet<string>,
): void {
  const at = (name: string): string => posix.join(root, folder, name);
  const links: string[] = [];
  build.folders.push(at(''), ...(folder === '/dev' ? [at('pts')] : []));
  for (const { name, kind } of tree.entries(folder)) {
    const path = posix.join(folder, name);
    if (folder === '/dev' && (kind === 'block' || deviceNoise.test(name))) continue;
    if (path === '/proc' || apart.has(path)) continue;
    if (kind === 'link') links.push(path);
    else {
      (kind === 'folder' ? build.folders : build.touch).push(at(name));
      // An entry may go between the plan and the mount (a device that is unplugged).
      build.fstab.push(fstabLine(path, at(name), 'none', 'rbind,nofail'));
    }
  }
  if (links.length > 0)
    build.copy.push(
      `cp -P ${links.map(quote).join(' ')} ${quote(at(''))} || fail ${quote(`links of ${folder}`)}`,
    );
}

/** Mount points in the tmpfs, and those of files inside other volumes. Folders inside volumes: X-mount.mkdir. */
function makePoints(build: Build, targets: readonly Target[], root: string): void {
  for (const target of targets) {
    if (!target.fresh) continue;
    const around = targets.find((each) => each !== target && isBelow(target.mountPath, each.mountPath));
    if (target.kind === 'folder') {
      if (around === undefined) build.folders.push(root + target.path);
      continue;
    }
    // Inside a volume: made in the volume itself, which is not mounted yet.
    const path =
      around === undefined
        ? root + target.path
        : around.hostPath + target.mountPath.slice(around.mountPath.length);
    build.folders.push(posix.dirname(path));
    build.touch.push(path);
  }
}
