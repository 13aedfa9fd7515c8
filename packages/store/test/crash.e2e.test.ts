import { test } from 'vitest';
import { killRepeatedly } from './crash.ts';

test('no acknowledged write is lost and no revision goes back when the process is killed 20 times', async () => {
  await killRepeatedly(20);
});
