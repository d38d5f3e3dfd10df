/**
 * A fixed number of slots, given out in order of arrival. Whoever gives up waiting leaves the queue.
 */
export class SequenceSlots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(slots: number) {
    this.#free = slots
  }

  /** Resolves to true once a slot is taken; to false, with none taken, when the signal comes first. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (this.#free > 0) {
      this.#free--
      return true
    }
    return new Promise((resolve) => {
      const granted = (): void => {
        signal.removeEventListener('abort', gaveUp)
        resolve(true)
      }
      const gaveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(granted), 1)
        resolve(false)
      }
      this.#waiting.push(granted)
      signal.addEventListener('abort', gaveUp, { once: true })
    })
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}
