import type { Environment } from './environment.ts'
import type { Keep, KeptAnswer } from './events.ts'

/** Records are written at most this often while an answer streams. Milliseconds. */
export const KEEP_EVERY = 1_000

/** One record, and the frame from which on it knows nothing. */
export interface Snapshot {
  readonly kept: KeptAnswer
  readonly next: number
}

/** Writes the record of one answer: one at a time, the newest only, at most once a second unless it is urgent. */
export class Keeper {
  readonly #keep: Keep
  readonly #environment: Environment
  readonly #snapshot: () => Snapshot
  readonly #stored: (next: number) => void
  #pause = new AbortController()
  #running: Promise<void> | undefined
  #began = -Infinity
  #changed = false
  #urgent = false
  #lastFailed = false
  #everStored = false

  /** `stored` is called with what the newest stored record covers. */
  constructor(keep: Keep, environment: Environment, snapshot: () => Snapshot, stored: (next: number) => void) {
    this.#keep = keep
    this.#environment = environment
    this.#snapshot = snapshot
    this.#stored = stored
  }

  /** There is something new: it is written soon. */
  changed(): void {
    this.#changed = true
    this.#running ??= this.#run()
  }

  /** Writes what is new without waiting. Resolves when it is stored, or could not be. */
  async flush(): Promise<void> {
    if (!this.#changed) return this.#running
    this.#urgent = true
    this.#pause.abort()
    await this.#running
  }

  /** Writes the last record. False when an older one is all that is stored: then the rest must stay at the broker. */
  async finish(): Promise<boolean> {
    this.changed()
    await this.flush()
    return !this.#lastFailed || !this.#everStored
  }

  async #run(): Promise<void> {
    while (this.#changed) {
      const since = this.#environment.now() - this.#began
      if (!this.#urgent && since < KEEP_EVERY) {
        this.#pause = new AbortController()
        await this.#environment.wait(Math.min(KEEP_EVERY, KEEP_EVERY - since), this.#pause.signal)
      }
      await this.#write()
    }
    this.#running = undefined
  }

  async #write(): Promise<void> {
    this.#changed = this.#urgent = false
    this.#began = this.#environment.now()
    const { kept, next } = this.#snapshot()
    try {
      await this.#keep(kept)
      this.#lastFailed = false
      this.#everStored = true
    } catch {
      // Storage that fails never stops an answer: it goes on unstored, and unacknowledged.
      this.#lastFailed = true
      return
    }
    this.#stored(next)
  }
}
