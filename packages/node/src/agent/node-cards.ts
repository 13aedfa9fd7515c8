/**
 * What an agent does about the cards of its node besides giving them to containers: says what is left, offers them, and finds
 * out what running pods have when its account was lost.
 */
import type { Client } from '@coracle/client';
import { Node, Pod } from '@coracle/machinery/api';
import { type Clock, find, type Logger } from '@coracle/operator';
import { type DeviceManager, gpuAnnotation, gpuResource } from '../devices/device-manager.ts';
import { restoreCards, wantsCards } from '../devices/pod-cards.ts';
import { publishCards } from '../devices/slice-publisher.ts';
import { isTerminalPhase } from '../pod/containers.ts';
import type { NodeDescription } from './node-object.ts';

export interface NodeCardsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly devices: DeviceManager;
  /** Writes the Node as `describe` has it. */
  register(): Promise<unknown>;
}

export class NodeCards {
  readonly #deps: NodeCardsDeps;
  /** Cards that claims have, as the Node's status says. */
  #told = 0;
  #cancelTelling: (() => void) | undefined;
  #cancelOffer: (() => void) | undefined;
  #stopped = false;

  constructor(deps: NodeCardsDeps) {
    this.#deps = deps;
  }

  /** The node is registered: from here on it says what is left, and its cards are offered as devices. */
  start(): void {
    const { devices } = this.#deps;
    devices.changed = () => this.#changed();
    this.#changed();
    void this.#offer();
  }

  stop(): void {
    this.#stopped = true;
    this.#deps.devices.changed = undefined;
    this.#cancelTelling?.();
    this.#cancelOffer?.();
  }

  /** The node as it is now: cards that claims have, and those that are gone, cannot be had as a resource. */
  describe(description: NodeDescription): NodeDescription {
    const { devices } = this.#deps;
    const gone = devices.cards.filter((card) => card === undefined).length;
    const taken = gone + devices.claimed;
    if (taken === 0) return description;
    const allocatable = { ...description.allocatable, [gpuResource]: String(devices.cards.length - taken) };
    return { ...description, allocatable };
  }

  /** Claims have taken or given back cards: the Node says so, a moment later and once for all; tried until it works. */
  #changed(): void {
    if (this.#stopped || this.#deps.devices.claimed === this.#told) return;
    this.#cancelTelling ??= this.#deps.clock.after(50, () => void this.#tell());
  }

  async #tell(): Promise<void> {
    const { clock, devices, logger, register } = this.#deps;
    const { claimed } = devices;
    try {
      await register();
      this.#told = claimed;
      this.#cancelTelling = undefined;
      this.#changed();
    } catch (error) {
      logger.warn({ error: String(error) }, 'the node could not say which cards are left');
      if (!this.#stopped) this.#cancelTelling = clock.after(5000, () => void this.#tell());
    }
  }

  /** Tried until it works. */
  async #offer(): Promise<void> {
    const { client, clock, devices, logger, nodeName } = this.#deps;
    try {
      const node = await find(client, Node, { name: nodeName });
      if (node && !this.#stopped) await publishCards(client, node, devices);
    } catch (error) {
      if (this.#stopped) return;
      logger.warn({ node: nodeName, error: String(error) }, 'the cards are not offered as devices yet');
      this.#cancelOffer = clock.after(10_000, () => void this.#offer());
    }
  }

  /**
   * After the checkpoint was lost: what running pods have is read from their annotations, before anybody is given a card.
   * Answers those of which that cannot be known: their containers must be ended, to start again with cards of their own.
   */
  async restore(running: ReadonlySet<string>): Promise<readonly Pod[]> {
    const { client, clock, devices, logger, nodeName } = this.#deps;
    if (!devices.forgotten || devices.devices.length === 0 || running.size === 0) return [];
    let pods: readonly Pod[] | undefined;
    while (pods === undefined && !this.#stopped) {
      try {
        pods = (await client.list(Pod, { fieldSelector: `spec.nodeName=${nodeName}` })).items;
      } catch (error) {
        logger.warn({ node: nodeName, error: String(error) }, 'the cards of running pods cannot be read yet');
        await new Promise<void>((resolve) => clock.after(1000, resolve));
      }
    }
    return (pods ?? []).filter((pod) => {
      const { uid, annotations } = pod.metadata;
      if (!running.has(uid) || isTerminalPhase(pod.status) || !wantsCards(pod)) return false;
      return !restoreCards(pod, annotations?.[gpuAnnotation], devices);
    });
  }
}
