import type { Usage } from './engine/engine.ts'

/** Counts of tokens become visible so often, and not with each job: one job's exact size is nobody's business. Milliseconds. */
export const TOKENS_EVERY = 60_000
/** How far back `speed` looks. Milliseconds. */
const SPEED_WINDOW = 10_000

/** Upper bounds, in seconds. */
export const FIRST_TOKEN_BUCKETS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30] as const
export const DURATION_BUCKETS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600] as const

export class Histogram {
  readonly bounds: readonly number[]
  /** Not cumulative; the last one is what lies beyond every bound. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = [...bounds, 0].map(() => 0)
  }

  add(value: number): void {
    const at = this.bounds.findIndex((bound) => value <= bound)
    const index = at === -1 ? this.bounds.length : at
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.sum += value
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }
}

/** What is counted of one model. */
export class ModelMeter {
  /** Jobs by how the engine ended them: its finish reason, or the code of its error. */
  readonly ended = new Map<string, number>()
  readonly failed = new Map<string, number>()
  readonly firstToken = new Histogram(FIRST_TOKEN_BUCKETS)
  readonly duration = new Histogram(DURATION_BUCKETS)
  running = 0
  tokens: Usage = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
  #unseen: Usage = this.tokens
  #since = -Infinity
  /** When deltas came, by second of the clock. */
  readonly #deltas = new Map<number, number>()

  addTokens(usage: Usage, now: number): void {
    this.#unseen = added(this.#unseen, usage)
    this.publish(now)
  }

  /** Makes the tokens visible that were counted so far, when it is time. */
  publish(now: number): void {
    if (now - this.#since < TOKENS_EVERY) return
    this.#since = now
    this.tokens = added(this.tokens, this.#unseen)
    this.#unseen = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
  }

  addDelta(now: number): void {
    const second = Math.floor(now / 1000)
    this.#deltas.set(second, (this.#deltas.get(second) ?? 0) + 1)
    for (const old of this.#deltas.keys()) {
      if (old > second - SPEED_WINDOW / 1000) break // oldest first
      this.#deltas.delete(old)
    }
  }

  /** Pieces of answers a second, lately; about as many as tokens. */
  speed(now: number): number {
    const second = Math.floor(now / 1000)
    let pieces = 0
    for (const [at, count] of this.#deltas) if (at > second - SPEED_WINDOW / 1000) pieces += count
    return pieces / (SPEED_WINDOW / 1000)
  }
}

function added(one: Usage, other: Usage): Usage {
  return {
    prompt: one.prompt + other.prompt,
    cached: one.cached + other.cached,
    completion: one.completion + other.completion,
    reasoning: one.reasoning + other.reasoning,
  }
}

/** What a node counts for its owner: by model, in memory, since it started. */
export class Meter {
  readonly models: ReadonlyMap<string, ModelMeter>
  /** Milliseconds. */
  readonly monotonic: () => number
  /** Log events that are counted, by name; those about a refusal by its code too. */
  readonly events = new Map<string, number>()

  constructor(models: readonly string[], monotonic: () => number) {
    this.models = new Map(models.map((model) => [model, new ModelMeter()]))
    this.monotonic = monotonic
  }

  event(name: string, count = 1): void {
    this.events.set(name, (this.events.get(name) ?? 0) + count)
  }

  of(name: string): number {
    return this.events.get(name) ?? 0
  }
}
