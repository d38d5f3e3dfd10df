/** Wraps that may fail to open in a burst, and how many more each second. One costs some 4 ms of this processor. */
const BURST = 64
const PER_SECOND = 16

/**
 * How many more jobs may fail to open. Whoever relays junk could otherwise keep the whole node busy with decapsulations;
 * so it costs it a few percent, and jobs of honest people wait elsewhere while the allowance is spent.
 */
export class JunkAllowance {
  readonly #monotonic: () => number
  #left = BURST
  #at: number

  /** `monotonic`: milliseconds. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
    this.#at = monotonic()
  }

  get spent(): boolean {
    this.#refill()
    return this.#left < 1
  }

  /** A wrap did not open. */
  spend(): void {
    this.#refill()
    this.#left = Math.max(0, this.#left - 1)
  }

  #refill(): void {
    const now = this.#monotonic()
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1000) * PER_SECOND)
    this.#at = now
  }
}
