import { type Bytes, hex, sha256, type Wrap } from '@cocoon/protocol'
import type { Clock } from './prekeys.ts'

export interface SeenJob {
  readonly wrap: string
  /** On the monotonic clock. */
  readonly expires: number
}

/**
 * The jobs this node opened. A job enters once its wrap and commitment were verified, so that junk cannot block an honest
 * job, and stays as long as any prekey that could open it again.
 */
export class SeenJobs {
  readonly #clock: Clock
  readonly #lifetime: number
  readonly #jobs = new Map<string, SeenJob>()

  constructor(clock: Clock, lifetime: number) {
    this.#clock = clock
    this.#lifetime = lifetime
  }

  /** `same`: this job under this wrap was opened; `other`: under another wrap. */
  async check(jobId: Bytes, wrap: Wrap): Promise<'unseen' | 'same' | 'other'> {
    const seen = this.#jobs.get(hex(jobId))
    if (!seen || seen.expires <= this.#clock.monotonic()) return 'unseen'
    return seen.wrap === (await wrapId(wrap)) ? 'same' : 'other'
  }

  /** It was opened, and could not be begun: it may come again. */
  forget(jobId: Bytes): void {
    this.#jobs.delete(hex(jobId))
  }

  async add(jobId: Bytes, wrap: Wrap): Promise<void> {
    const now = this.#clock.monotonic()
    for (const [id, { expires }] of this.#jobs) {
      if (expires > now) break // oldest first: a Map keeps the order of insertion
      this.#jobs.delete(id)
    }
    this.#jobs.set(hex(jobId), { wrap: await wrapId(wrap), expires: now + this.#lifetime })
  }
}

async function wrapId(wrap: Wrap): Promise<string> {
  return hex(await sha256(wrap.enc, wrap.ciphertext))
}
