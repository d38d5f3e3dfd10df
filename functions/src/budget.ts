/** So many at once, and so many a second for ever. */
export interface Budget {
  readonly burst: number
  readonly perSecond: number
}

/** A token bucket. Pure; times are Unix milliseconds. */
export class TokenBucket {
  readonly #budget: Budget
  #tokens: number
  #at: number

  constructor(budget: Budget, now: number) {
    this.#budget = budget
    this.#tokens = budget.burst
    this.#at = now
  }

  /** False when there is none left. A clock that goes back gives nothing. */
  take(now: number): boolean {
    const { burst, perSecond } = this.#budget
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * perSecond)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
