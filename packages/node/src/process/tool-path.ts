/** PATH for our own tools: ours, and the system folders that an ordinary user's PATH leaves out (pivot_root is in one). */
export const toolPath = (): string =>
  [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']
    .filter((folder) => folder !== '')
    .join(':');
