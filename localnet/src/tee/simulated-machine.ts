import type { Bytes } from '@cocoon/protocol'
import { BOOT_NONCE_BYTES, attest, type MachineOptions, type SimulatedEvidence } from './machine.ts'
import { publish, type SimulatedRegistry } from './registry.ts'
import { planScene, type ScenePlan } from './scene.ts'
import { flipSwitches, type SwitchName } from './switches.ts'

const HOUR = 3600
const DAY = 24 * HOUR

export type SimulatedMachineOptions = Omit<MachineOptions, 'now' | 'network' | 'bootNonce'> & {
  /** Unix seconds. */
  readonly clock: () => number
  /** Unix seconds from which one registry statement stays published; without it every day has a new one. */
  readonly publishedOn?: number
  /** Digest of the built Mini App, for the registry statement. */
  readonly bundle?: Bytes
}

/**
 * One simulated machine and all who vouch for it, for as long as a localnet runs: evidence for its identity key, renewed
 * under the same boot nonce; collateral; registry and stamp. What is broken stays broken until it is mended.
 */
export class SimulatedMachine {
  readonly #options: SimulatedMachineOptions
  readonly #bootNonce: Bytes
  readonly #broken = new Set<SwitchName>()
  /** The newest evidence. */
  #shown: SimulatedEvidence | undefined

  constructor(options: SimulatedMachineOptions) {
    this.#options = options
    this.#bootNonce = options.random(BOOT_NONCE_BYTES)
  }

  /** What is broken now, in the order in which it was broken. */
  get broken(): readonly SwitchName[] {
    return [...this.#broken]
  }

  /** Breaks one rule from the next evidence, collateral, registry or stamp on. */
  break(name: SwitchName): void {
    this.#broken.add(name)
  }

  mend(name: SwitchName): void {
    this.#broken.delete(name)
  }

  async #plan(): Promise<ScenePlan> {
    const { clock, publishedOn, bundle, ...options } = this.#options
    const now = clock()
    const scene = await planScene({
      ...options,
      now,
      bootNonce: this.#bootNonce,
      published: { ...publishedAt(now, publishedOn), ...(bundle ? { bundle } : {}) },
    })
    await flipSwitches(scene, this.broken)
    return scene
  }

  /** Signed now and good for a day, with the collateral that a node carries beside it. */
  async evidence(): Promise<SimulatedEvidence> {
    this.#shown = await attest((await this.#plan()).machine)
    return this.#shown
  }

  /** Registry of the day and stamp of the hour: asking twice gives the same bytes. */
  async registry(): Promise<SimulatedRegistry> {
    const plan = await this.#plan()
    // What a stamp takes back is known once there is evidence.
    const revoked = await plan.revoke(this.#shown ?? (await attest(plan.machine)))
    plan.registry.stamp.revoked.push(...revoked)
    return publish(plan.registry)
  }

  /** What the makers' services answer from; see source.ts. */
  async endorsements(): Promise<Pick<ScenePlan['machine'], 'tdx' | 'snp' | 'gpus'>> {
    return (await this.#plan()).machine
  }
}

/**
 * Numbers count days and hours, so that a localnet that starts again goes on counting; the statement of one start counts
 * seconds, since two starts of a day may publish different apps.
 */
function publishedAt(now: number, publishedOn: number | undefined) {
  const [day, hour] = [Math.floor(now / DAY), Math.floor(now / HOUR)]
  const [number, issued] = publishedOn === undefined ? [day, day * DAY] : [publishedOn, publishedOn]
  return { numbers: { registry: number, stamp: hour }, issued: { registry: issued, stamp: hour * HOUR } }
}
