import type { ResourceType } from '@coracle/machinery';
import type { Client, ListOptions } from './client.ts';

/**
 * Every object of a list, asked for in pages of `limit` (default 500). Rejects with Expired if the pages outlive the
 * server's history; start again then.
 */
export async function* paginate<T>(
  client: Client,
  type: ResourceType<T>,
  options: ListOptions = {},
): AsyncGenerator<T, void, undefined> {
  let token: string | undefined = options.continue;
  do {
    const page = await client.list(type, { limit: 500, ...options, continue: token });
    yield* page.items;
    token = page.metadata.continue || undefined;
  } while (token !== undefined);
}
