/** An engine that had no room gets one slot back after so long without complaint. Milliseconds. */
export const SLOT_BACK = 60_000

/**
 * How many jobs at a time an engine is given. It begins with what was set, or what the engine says of itself; an engine
 * that answers that it has no room gets fewer, and slowly more again.
 */
export class EngineSlots {
  readonly #monotonic: () => number
  #most: number
  #lost = 0
  #since = -Infinity

  /** `monotonic`: milliseconds. */
  constructor(most: number, monotonic: () => number) {
    this.#most = most
    this.#monotonic = monotonic
  }

  get now(): number {
    const back = Math.floor((this.#monotonic() - this.#since) / SLOT_BACK)
    if (back > 0 && this.#lost > 0) {
      this.#lost = Math.max(0, this.#lost - back)
      this.#since += back * SLOT_BACK
    }
    return this.#most - this.#lost
  }

  /** The engine says how many it has. */
  learn(slots: number): void {
    this.#most = slots
    this.#lost = 0
  }

  /** It had no room for the last of so many jobs, which it was given at a time. */
  busy(running: number): void {
    const fits = Math.max(1, Math.min(this.now, running) - 1)
    this.#lost = this.#most - fits
    this.#since = this.#monotonic()
  }
}
