import { type Bytes, equal } from '@cocoon/protocol'
import type { Clock, StatementBinding, StatementDates } from '../prekeys.ts'
import type { Log } from '../log.ts'
import { AttestationError } from './attester.ts'
import type { MadeEvidence } from './evidence-maker.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Evidence is made anew so long before it is over, give or take; the rest of the time is for attempts that fail. */
const MARGIN = 4 * HOUR
const JITTER = 2 * HOUR
/** After a failed attempt: a minute, then twice as long each time. */
const RETRY = MINUTE
const MAX_RETRY = 15 * MINUTE
/** A statement over what is left of evidence has to be worth something. Seconds. */
const LEAST_STATEMENT = 60

export interface EvidenceRenewalOptions {
  readonly make: () => Promise<MadeEvidence>
  readonly clock: Clock
  /** From 0 to 1, below 1. */
  readonly chance: () => number
  readonly log: Log
  /** How long after its end of use evidence is still handed out: as long as a prekey lives. Milliseconds. */
  readonly keep: number
  /** Called with evidence that statements name from now on. */
  readonly renewed?: (made: MadeEvidence) => void
}

interface Held {
  readonly made: MadeEvidence
  /** Monotonic clock; null while it is the current one. */
  until: number | null
}

/**
 * Keeps one node's evidence fresh. Dates of claims are the wall clock's; what is kept for how long, the monotonic clock's.
 * It has no timer: `tick` wants to be called once a minute or so.
 */
export class EvidenceRenewal {
  readonly #options: EvidenceRenewalOptions
  #held: Held[] = []
  #current: MadeEvidence
  /** Wall clock, milliseconds. */
  #due: number
  #failures = 0
  #running = false

  private constructor(options: EvidenceRenewalOptions, first: MadeEvidence) {
    this.#options = options
    this.#current = first
    this.#held.push({ made: first, until: null })
    this.#due = this.#dueFor(first)
  }

  /**
   * Makes the first evidence. A node that cannot does not start.
   *
   * @throws AttestationError
   */
  static async start(options: EvidenceRenewalOptions): Promise<EvidenceRenewal> {
    return new EvidenceRenewal(options, await options.make())
  }

  /** What statements name now. It may be over: `bind` says. */
  get current(): MadeEvidence {
    return this.#current
  }

  /** Evidence by the digest that a statement of ours names, for as long as a prekey under it lives. */
  find(digest: Bytes): MadeEvidence | undefined {
    this.#forgetOld()
    return this.#held.find(({ made }) => equal(made.digest, digest))?.made
  }

  /**
   * What a statement that is wanted for these dates (Unix seconds) names, and when it ends: never later than the claims do,
   * or every device would refuse it (SPEC.md A6, `statement.dates`).
   *
   * @throws AttestationError `evidence-expired` when nothing useful is left of it
   */
  bind(wanted: StatementDates): StatementBinding {
    const { notBefore, notAfter } = this.#current.claims
    const end = Math.min(wanted.useBy, notAfter)
    if (wanted.notBefore >= notBefore && end - wanted.notBefore >= LEAST_STATEMENT) {
      return { evidence: this.#current.digest, useBy: end }
    }
    const what =
      'the evidence of this node is over, and no new one could be made: see the evidence.fault lines of its log'
    throw new AttestationError('evidence-expired', what)
  }

  /** Makes new evidence when it is time. A failure is logged, and tried again soon; what there is stays in use until then. */
  async tick(): Promise<void> {
    this.#forgetOld()
    const { clock, make, log } = this.#options
    if (this.#running || clock.now() < this.#due) return
    this.#running = true
    try {
      this.#adopt(await make())
      log('evidence.renewed', { count: this.#held.length })
    } catch (error) {
      const wait = Math.min(RETRY * 2 ** this.#failures, MAX_RETRY) * (0.5 + this.#options.chance() / 2)
      this.#failures += 1
      this.#due = clock.now() + wait
      const why = error instanceof AttestationError ? error.code : error instanceof Error ? error.name : 'unknown'
      log('evidence.fault', { why, count: this.#failures, milliseconds: Math.round(wait) })
    } finally {
      this.#running = false
    }
  }

  #adopt(made: MadeEvidence): void {
    const until = this.#options.clock.monotonic() + this.#options.keep
    for (const held of this.#held) held.until ??= until
    this.#held.push({ made, until: null })
    this.#current = made
    this.#failures = 0
    this.#due = this.#dueFor(made)
    this.#options.renewed?.(made)
  }

  /** Nodes that started together, after a power cut say, do not all ask their host's quoting service together. */
  #dueFor({ claims }: MadeEvidence): number {
    return claims.notAfter * 1000 - MARGIN + (this.#options.chance() - 0.5) * JITTER
  }

  #forgetOld(): void {
    const now = this.#options.clock.monotonic()
    this.#held = this.#held.filter(({ until }) => until === null || until > now)
  }
}
