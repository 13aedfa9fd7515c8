/** What `/version` says: the Kubernetes version whose API is served, and that it is served by Coracle. */
import type { VersionInfo } from './context.ts';

const architectures: Record<string, string> = { x64: 'amd64', ia32: '386' };

export const versionInfo: VersionInfo = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+coracle',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node-${process.versions.node}`,
  compiler: 'v8',
  platform: `${process.platform}/${architectures[process.arch] ?? process.arch}`,
};
