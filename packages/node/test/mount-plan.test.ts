import { describe, expect, test } from 'vitest';
import { type EntryKind, type HostTree, planMounts, quote } from '../src/process/mount-plan.ts';

/** A host whose tree is a list of paths: folders end in `/`, links are `path -> target`. */
function host(...paths: string[]): HostTree {
  const links = new Map(
    paths.filter((path) => path.includes(' -> ')).map((path) => path.split(' -> ') as [string, string]),
  );
  const folders = new Set([
    '/',
    ...paths.filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1)),
  ]);
  const files = new Set(paths.filter((path) => !path.endsWith('/') && !path.includes(' -> ')));
  const real = (path: string): string => {
    for (const [link, target] of links)
      if (path === link || path.startsWith(`${link}/`)) return real(target + path.slice(link.length));
    return path;
  };
  return {
    real,
    kind(path) {
      const at = real(path);
      return folders.has(at) ? 'folder' : files.has(at) ? 'file' : undefined;
    },
    entries(path) {
      const top = path === '/' ? '/' : `${path}/`;
      const below = (each: string): boolean =>
        each.startsWith(top) && each !== '/' && !each.slice(top.length).includes('/');
      const of = (all: Iterable<string>, kind: EntryKind): { name: string; kind: EntryKind }[] =>
        [...all].filter(below).map((each) => ({ name: each.slice(top.length), kind }));
      return [...of(folders, 'folder'), ...of(files, 'file'), ...of(links.keys(), 'link')];
    },
  };
}
const linux = host(
  ...`/dev/ /dev/pts/ /dev/shm/ /dev/null /dev/ptmx /dev/tty1 /etc/ /etc/hosts /proc/ /run/ /run/lock/ /run/x.sock
    /usr/ /usr/bin/ /var/ /var/log/ /home/ /home/me/ /vol/ /vol/file`.split(/\s+/),
  '/bin -> /usr/bin',
  '/var/run -> /run',
);
const at = (mountPath: string, hostPath = '/vol', readOnly = false) => ({ mountPath, hostPath, readOnly });
const plan = (...requests: ReturnType<typeof at>[]) => planMounts(requests, linux, '/c');
const fstab = (made: ReturnType<typeof plan>): string[] => (made.files['/c/fstab'] ?? '').trim().split('\n');
/** Lines of volumes: after the new /proc. */
const volumes = (made: ReturnType<typeof plan>): string[] => {
  const all = fstab(made);
  return all.slice(all.findIndex((line) => line.startsWith('proc ')) + 1);
};
const bind = (path: string): string => `${path} /c/stage${path} none rbind,nofail 0 0`;

describe('the mount plan', () => {
  test('makes a root of its own out of the entries of the host, with devices and terminals of its own', () => {
    const made = plan();
    expect(fstab(made)).toEqual([
      ...['/etc', '/run', '/usr', '/var', '/home', '/vol', '/dev/shm', '/dev/null'].map(bind),
      'devpts /c/stage/dev/pts devpts newinstance,ptmxmode=0666,mode=620 0 0',
      'proc /c/stage/proc proc defaults 0 0',
    ]);
    expect(made.lines).toContain(`cp -P '/bin' '/c/stage/' || fail 'links of /'`);
    expect(made.lines.at(-2)).toContain('pivot_root');
    expect(made.hostFolders).toEqual([]);
  });

  test('binds over a path that exists, through links', () => {
    expect(volumes(plan(at('/var/run/lock', '/vol', true)))).toEqual([
      '/vol /c/stage/run/lock none rbind,ro 0 0',
    ]);
  });

  test('takes a system folder apart that has not the path, and those around it', () => {
    const made = plan(at('/var/run/secrets/sa'), at('/var/log/new'));
    expect(fstab(made)).toEqual(expect.arrayContaining([bind('/run/x.sock'), bind('/run/lock')]));
    expect(fstab(made)).not.toEqual(expect.arrayContaining([bind('/run')]));
    expect(fstab(made)).not.toEqual(expect.arrayContaining([bind('/var')]));
    expect(volumes(made)).toEqual([
      '/vol /c/stage/var/log/new none rbind,X-mount.mkdir 0 0',
      '/vol /c/stage/run/secrets/sa none rbind,X-mount.mkdir 0 0',
    ]);
    expect(made.lines.find((line) => line.startsWith('mkdir'))).toContain(`'/c/stage/run/secrets/sa'`);
    expect(made.hostFolders).toEqual([]);
  });

  test('makes mount points at the root in the new root', () => {
    expect(volumes(plan(at('/data/in')))).toEqual(['/vol /c/stage/data/in none rbind,X-mount.mkdir 0 0']);
  });

  test('makes mount points in homes on the host, to be removed later', () => {
    const made = plan(at('/home/me/work/out'), at('/home/me/conf', '/vol/file'));
    expect(made.hostFolders).toEqual(['/home/me/work', '/home/me/work/out']);
    expect(made.hostFiles).toEqual(['/home/me/conf']);
  });

  test('puts mounts inside other mounts after them, whatever their order', () => {
    const made = plan(at('/data/a/b', '/etc'), at('/data'), at('/data/f', '/vol/file'));
    expect(volumes(made)).toEqual([
      '/vol /c/stage/data none rbind,X-mount.mkdir 0 0',
      '/vol/file /c/stage/data/f none rbind 0 0',
      '/etc /c/stage/data/a/b none rbind,X-mount.mkdir 0 0',
    ]);
    // The mount point of the file is made in the volume around it.
    expect(made.lines.some((line) => line.includes(": >> '/vol/f'"))).toBe(true);
  });

  test('refuses a file over a folder, a folder over a file, the root, and a source that is not there', () => {
    expect(() => plan(at('/etc', '/vol/file'))).toThrow('cannot mount a file at /etc: there is a folder');
    expect(() => plan(at('/etc/hosts'))).toThrow('cannot mount a folder at /etc/hosts: there is a file');
    expect(() => plan(at('/'))).toThrow('cannot mount at /');
    expect(() => plan(at('/data', '/none'))).toThrow('/none does not exist');
  });

  test('writes blanks and quotes so that mount and sh read them', () => {
    const made = planMounts([at(`/data/it's a "path"\\`)], linux, '/c');
    expect(volumes(made)).toEqual([
      `/vol /c/stage/data/it's\\040a\\040"path"\\134 none rbind,X-mount.mkdir 0 0`,
    ]);
    expect(quote("it's")).toBe(`'it'\\''s'`);
  });
});
