/**
 * Follows the kinds of pod groups the cluster has. A kind that it lacks is asked for again when a pod names a group of it,
 * not more often than every half a minute; until the answer is there the pod waits.
 */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { Clock, InformerFactory, Logger } from '@coracle/operator';
import type { GangRegistry } from './gang-registry.ts';
import type { Gate } from './gate.ts';
import type { GroupKind } from './group-kinds/index.ts';
import type { Intake } from './intake.ts';

export interface FollowGroupsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly informers: InformerFactory;
  readonly gangs: GangRegistry;
  readonly intake: Intake;
  readonly gate: Gate;
}

/** How long the answer that there is no such kind holds. */
const absentMs = 30_000;

/** Resolves when each kind is known to be there or not. Returns a function that ends it. */
export async function followGroups(deps: FollowGroupsDeps): Promise<() => void> {
  const { client, clock, logger, informers, gangs, intake, gate } = deps;
  const removers: (() => void)[] = [];
  /** Kinds that are not there, and when that was asked; kinds that are being asked for: Infinity. */
  const absent = new Map<GroupKind, number>();
  let stopped = false;

  const follow = (kind: GroupKind): void => {
    const remove = informers.informer(kind.type).on({
      add: (group) => intake.groupChanged(kind, group),
      update: (_before, group) => intake.groupChanged(kind, group),
      delete: (group) => intake.groupRemoved(kind, group),
    });
    removers.push(remove);
  };
  const isThere = async (kind: GroupKind): Promise<boolean> => {
    try {
      await client.list(kind.type, { limit: 1 });
      return true;
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Forbidden')) throw error;
      return false;
    }
  };
  const askAgain = async (kind: GroupKind): Promise<void> => {
    absent.set(kind, Number.POSITIVE_INFINITY);
    let there = false;
    try {
      there = await isThere(kind);
    } catch (error) {
      logger.warn({ group: kind.type.group, error }, 'cannot ask for pod groups');
    }
    if (stopped) return;
    if (there) {
      absent.delete(kind);
      follow(kind);
      void informers.start();
    } else {
      absent.set(kind, clock.now());
      gate.run(() => intake.kindChanged(kind, true));
    }
  };

  await Promise.all(
    gangs.kinds.map(async (kind) => {
      if (await isThere(kind)) {
        follow(kind);
        return;
      }
      absent.set(kind, clock.now());
      intake.kindChanged(kind, true);
      const { group, resource } = kind.type;
      logger.debug({ group, resource }, 'no such pod groups here');
    }),
  );
  const look = (pod: Pod): void => {
    if (absent.size === 0 || pod.spec?.nodeName) return;
    const kind = gangs.kindOf(pod);
    const since = kind && absent.get(kind);
    if (kind === undefined || since === undefined || clock.now() - since < absentMs) return;
    // From here on such pods wait for their group.
    intake.kindChanged(kind, false);
    void askAgain(kind);
  };
  removers.push(informers.informer(Pod).on({ add: look }));
  return () => {
    stopped = true;
    for (const remove of removers) remove();
  };
}
