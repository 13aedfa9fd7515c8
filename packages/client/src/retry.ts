import { isReason } from '@coracle/machinery';

/**
 * Runs `attempt` again while it fails with Conflict, at most `tries` times (default 5). `attempt` must read the object anew
 * each time. There is no wait between tries: whoever won the race has finished already.
 */
export async function retryOnConflict<T>(attempt: () => Promise<T>, tries = 5): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isReason(error, 'Conflict') || count >= tries) throw error;
    }
  }
}
