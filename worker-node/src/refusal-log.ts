import type { RefusalCode } from '@cocoon/protocol'
import type { Log } from './log.ts'

/** Lines about single refusals in one second. */
const LINES = 20
const SECOND = 1_000

/** Refusals in the log: each by itself while they are few, the others as a number. A flood must not fill the disk. */
export class RefusalLog {
  readonly #log: Log
  readonly #monotonic: () => number
  #since = -Infinity
  #lines = 0
  #unnamed = 0

  /** `monotonic`: milliseconds. */
  constructor(log: Log, monotonic: () => number) {
    this.#log = log
    this.#monotonic = monotonic
  }

  refused(job: string, code: RefusalCode): void {
    this.tell()
    if (this.#lines < LINES) {
      this.#lines += 1
      this.#log('job.refused', { job, code })
    } else this.#unnamed += 1
  }

  /** Writes the number of those that had no line of their own, once their second is over. */
  tell(): void {
    const now = this.#monotonic()
    if (now - this.#since < SECOND) return
    if (this.#unnamed > 0) this.#log('jobs.refused', { count: this.#unnamed })
    this.#since = now
    this.#lines = 0
    this.#unnamed = 0
  }
}
