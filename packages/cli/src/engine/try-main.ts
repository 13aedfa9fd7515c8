import { startEngine } from './try.ts';
import { homeOf } from './home.ts';
import { createLogger } from '@coracle/operator';
const t0 = performance.now();
const e = await startEngine({
  home: homeOf('/tmp/tryhome', {}),
  host: '127.0.0.1',
  port: 16443,
  virtualNodes: 0,
  logger: createLogger({ level: 'info', write: (l) => process.stderr.write(l) }),
});
console.log('ready', e.readyMs, performance.now() - t0, process.memoryUsage().rss / 2 ** 20);
setInterval(() => console.log(process.memoryUsage().rss / 2 ** 20), 10000);
process.on('SIGTERM', () => e.close().then(() => process.exit(0)));
