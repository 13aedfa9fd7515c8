/**
 * DynamicResources: devices through claims (`resource.k8s.io`). Finds nodes whose devices satisfy the pod's claims, prefers
 * those that satisfy earlier alternatives, takes the devices with the decision, and writes the claims before the binding.
 *
 * Looks at the whole cluster only where devices are shared by nodes, so it keeps its own verdicts by node (`dra/shape.ts`)
 * and wakes its pods itself.
 */
import { parseDuration, type CardTopology } from '@coracle/machinery';
import { ClaimsReservation, type ExtendedReservation } from '../dra/claims-reservation.ts';
import { deallocateClaim, deleteClaim } from '../dra/claim-writer.ts';
import { cannotAllocate, type Allocation } from '../dra/allocator.ts';
import { orderCards } from '../dra/card-order.ts';
import type { DraState } from '../dra/dra-state.ts';
import type { NodeView } from '../dra/inventory.ts';
import { defaultBindingTimeoutMs, isStuck } from '../dra/readiness.ts';
import { allocationResult } from '../dra/result.ts';
import type { Shape } from '../dra/shape.ts';
import { shareIdOf } from '../dra/share-id.ts';
import { wishOf, type Wish } from '../dra/wish.ts';
import type { PodInfo } from '../pod-info.ts';
import {
  normalizeToMax,
  type FilterPlugin,
  type GatePlugin,
  type RepairPlugin,
  type ScorePlugin,
} from '../plugin.ts';
import { CannotReserve, type Reservation, type ReservePlugin } from '../reservation.ts';
import type { Snapshot } from '../snapshot.ts';

const name = 'DynamicResources';
/** Steps of the search for devices on one node, and in one decision. A step takes about a microsecond. */
const stepsPerNode = 5_000;
const stepsPerDecision = 30_000;

/** Codes below `firstAsked`; the others are `firstAsked` and the shape's code, times the number of shapes. */
const elsewhere = 1;
const leftover = 2;
const outOfTime = 3;
const firstAsked = 4;

export interface DynamicResourcesArgs {
  /** How long devices may take to be ready after their allocation, as `10m0s`; default 10 minutes. */
  readonly bindingTimeout?: string;
}

export function dynamicResources(
  args: DynamicResourcesArgs = {},
): FilterPlugin & ScorePlugin & ReservePlugin & GatePlugin & RepairPlugin {
  const bindingTimeoutMs =
    (args.bindingTimeout ? parseDuration(args.bindingTimeout) : undefined) ?? defaultBindingTimeoutMs;
  return {
    name,
    clusterWide: true,
    ownHints: true,

    gate(pod, snapshot) {
      const claims = snapshot.devices.claimsOf(pod);
      if (!('problem' in claims)) return undefined;
      return {
        reason: claims.problem,
        ...(claims.key === undefined ? {} : { key: claimGateKey(claims.key) }),
      };
    },

    prepareFilter(pod, snapshot) {
      const wish = wishOf(pod, snapshot);
      if (wish === undefined) return undefined;
      if (typeof wish === 'string') return rejected(wish);
      const { inventory } = wish.state;
      let spent = 0;
      const shapes: Shape[] = [];
      const judge = (row: number): number => {
        if (wish.leftover !== undefined) return leftover;
        for (const { used, allocation } of wish.allocated) {
          if (allocation.nodeSelector && !inventory.nodeMatches(allocation.nodeSelector, row))
            return elsewhere;
          if (isStuck(used.claim, wish.state.now(), bindingTimeoutMs)) return elsewhere;
        }
        const shape = wish.shape(wish.missing(snapshot, row));
        if (!shape) return 0;
        if (spent > stepsPerDecision) return outOfTime;
        const budget = { left: stepsPerNode };
        const code = shape.judge(row, inventory, budget);
        spent += stepsPerNode - budget.left;
        if (code === 0) return 0;
        let index = shapes.indexOf(shape);
        if (index < 0) index = shapes.push(shape) - 1;
        return firstAsked + (index << 16) + code;
      };
      const why = (code: number): { reason: string; claim: number } => {
        if (code === elsewhere) return { reason: 'resourceclaim not available on the node', claim: 0 };
        if (code === leftover) return { reason: 'cannot schedule extended resource claim', claim: 0 };
        if (code === outOfTime) return { reason: 'timed out trying to allocate devices', claim: 0 };
        const rest = code - firstAsked;
        return shapes[rest >> 16]!.reason(rest & 0xffff);
      };
      /** The shape on every node, where nothing else matters. */
      const simple = wish.leftover === undefined && wish.allocated.length === 0 && wish.backed.length === 0;
      const alike = simple ? wish.shape(0) : undefined;
      // Upstream never evicts for devices.
      const mayEvict = snapshot.hasPodsBelow(pod.priority);
      return {
        filter(rows, count, codes) {
          if (!alike) {
            for (let i = 0; i < count; i++) codes[i] = judge(rows[i]!);
            return;
          }
          alike.recall(inventory, rows, count, codes);
          for (let i = 0; i < count; i++) if (codes[i] !== 0) codes[i] = judge(rows[i]!);
        },
        reasons(code) {
          const { reason, claim } = why(code);
          return [wish.worded(reason, claim)];
        },
        unfinished: () => spent > stepsPerDecision,
        resolvable: (code) => mayEvict && why(code).reason === cannotAllocate,
      };
    },

    prepareScore(pod, snapshot) {
      const wish = wishOf(pod, snapshot);
      if (wish === undefined || typeof wish === 'string') return undefined;
      const usual = wish.shape(0);
      if (!usual?.prioritized) return undefined;
      return {
        score(rows, count, scores) {
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            const shape = wish.backed.length === 0 ? usual : wish.shape(wish.missing(snapshot, row));
            const fits = shape?.judge(row, wish.state.inventory, { left: stepsPerNode }) === 0;
            scores[i] = fits ? shape.score(row) : 0;
          }
        },
        normalize: (scores, count) => normalizeToMax(scores, count, false),
      };
    },

    reserve(pod, row, snapshot) {
      const state = snapshot.devices;
      const left = state.left.get(pod.uid);
      if (left) return restored(state, pod.uid, left);
      const wish = wishOf(pod, snapshot);
      if (wish === undefined) return undefined;
      if (typeof wish === 'string') throw new CannotReserve(wish);
      return take(wish, row, snapshot, bindingTimeoutMs);
    },

    leave(pod, _row, snapshot) {
      const state = snapshot.devices;
      if (state.left.has(pod.uid)) return undefined;
      const keys = heldAlone(state, pod);
      if (keys.length === 0) return undefined;
      free(state, pod.uid, keys);
      return () => restore(state, pod.uid, keys);
    },

    repair(pod, snapshot) {
      const wish = wishOf(pod, snapshot);
      if (wish === undefined) return undefined;
      if (typeof wish === 'string') return { message: 'still not schedulable' };
      const { ledger } = wish.state;
      for (const { used, allocation } of wish.allocated) {
        if (!allocation.nodeSelector && !isStuck(used.claim, wish.state.now(), bindingTimeoutMs)) continue;
        const users = used.claim.status?.reservedFor ?? [];
        if (users.some(({ uid }) => uid !== pod.uid) || (ledger.get(used.key)?.holders.size ?? 0) > 0)
          continue;
        return {
          message: 'deallocation of ResourceClaim completed',
          act: (io) => deallocateClaim(ledger, used.key, io),
        };
      }
      const { leftover: stale } = wish;
      if (stale !== undefined) {
        return {
          message: 'deletion of ResourceClaim completed',
          act: (io) => deleteClaim(ledger, stale, io),
        };
      }
      return { message: 'still not schedulable' };
    },

    freeing(row, snapshot) {
      const { ledger, inventory } = snapshot.devices;
      if (inventory.empty) return false;
      const pools = new Set(inventory.view(row).pools.map(({ pool }) => pool.id));
      for (const { key, holders } of ledger.all()) {
        const status = ledger.claim(key)?.status;
        if (!status?.allocation || holders.size > 0) continue;
        const here = status.allocation.devices?.results?.some((r) => pools.has(`${r.driver}/${r.pool}`));
        if (here && (status.reservedFor ?? []).every((user) => !snapshot.pod(user.uid))) return true;
      }
      return false;
    },
  };
}

/** Under which the intake keeps pods that wait for this claim. */
export function claimGateKey(claim: string): string {
  return `claim/${claim}`;
}

function rejected(rejection: string) {
  return { rejection, filter: () => undefined, reasons: () => [rejection], resolvable: () => false };
}

/** Decides the devices of the pod on the row, and takes them. */
function take(wish: Wish, row: number, snapshot: Snapshot, timeoutMs: number): Reservation | undefined {
  const { state, pod } = wish;
  const { ledger, inventory } = state;
  if (wish.leftover !== undefined) throw new CannotReserve('cannot schedule extended resource claim');
  const elsewhereNow = wish.allocated.some(
    ({ allocation }) => allocation.nodeSelector && !inventory.nodeMatches(allocation.nodeSelector, row),
  );
  if (elsewhereNow) throw new CannotReserve('resourceclaim not available on the node');
  const mask = wish.missing(snapshot, row);
  const shape = wish.shape(mask);
  if (!shape && wish.allocated.length === 0) return undefined;
  const nodeName = snapshot.nameOf(row);
  const found = shape && allocateOn(shape, inventory.view(row), snapshot.cards.topology[row]);
  if (found && !('picks' in found)) throw new CannotReserve(wish.worded(found.reason, found.claim));
  const results = (found?.picks ?? []).map((picks, i) => {
    const owner = wish.open[i]?.claim.metadata.uid ?? pod.uid;
    return allocationResult(shape!.claims[i]!, picks, nodeName, (device, index) =>
      shareIdOf(owner, device, index),
    );
  });
  for (const { used } of wish.allocated) ledger.hold(used.key, pod.uid);
  for (const [i, { key }] of wish.open.entries()) ledger.hold(key, pod.uid, results[i]!);
  let extended: ExtendedReservation | undefined;
  if (mask !== 0) {
    const key = `${pod.pod.metadata.namespace}/<extended-resources> ${pod.uid}`;
    const allocation = results[wish.open.length]!;
    ledger.hold(key, pod.uid, allocation);
    extended = { key, ...wish.extendedAsk(mask), allocation };
  }
  return new ClaimsReservation(state, pod, wish.claims, extended, timeoutMs);
}

function allocateOn(shape: Shape, view: NodeView, topology: CardTopology | undefined): Allocation {
  const ordered = orderCards(view, shape.claims, topology);
  const found = shape.allocate(ordered, { left: stepsPerNode });
  // In another order the search may have taken too long.
  return 'picks' in found || ordered === view ? found : shape.allocate(view, { left: stepsPerNode });
}

/** Allocated claims that nobody but the placed pod uses. */
function heldAlone(state: DraState, { pod, uid }: PodInfo): string[] {
  const { ledger } = state;
  const claims = state.claimsOf(pod);
  const keys = 'problem' in claims ? [] : claims.map(({ key }) => key);
  const extended = ledger.extendedClaimOf(uid);
  if (extended !== undefined) keys.push(extended);
  return keys.filter((key) => {
    const record = ledger.get(key);
    if (!record || !ledger.allocation(key)) return false;
    const users = ledger.claim(key)?.status?.reservedFor ?? [];
    return users.every((user) => user.uid === uid) && [...record.holders].every((holder) => holder === uid);
  });
}

function free(state: DraState, uid: string, keys: readonly string[]): void {
  state.left.set(uid, keys);
  for (const key of keys) state.ledger.setFreed(key, true);
}

function restore(state: DraState, uid: string, keys: readonly string[]): void {
  state.left.delete(uid);
  for (const key of keys) state.ledger.setFreed(key, false);
}

/** A pod imagined gone is back. */
function restored(state: DraState, uid: string, keys: readonly string[]): Reservation {
  restore(state, uid, keys);
  return { release: () => free(state, uid, keys) };
}
