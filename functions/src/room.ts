/** A slot that a matcher keeps for somebody with a lease. */
export interface Reservation {
  readonly lease: string
  /** Unix milliseconds. */
  readonly expires: number
}

export interface HandedJob {
  readonly lease: string
  readonly model: string
}

/**
 * Whether a node has room now: the slots it called free, less the jobs it was given since, less the slots that are kept
 * for others. Pure, and in memory only: what is forgotten with it makes the relay too hopeful once, and the node refuses.
 */
export class Room {
  /** Jobs handed over that the node's last word about its load did not count, oldest first. */
  readonly #uncounted = new Map<string, HandedJob>()
  /** By model, as its matcher last said. */
  readonly #reserved = new Map<string, readonly Reservation[]>()

  /**
   * True when one more job fits. `lease` reserves a slot: it competes with the jobs on their way, not with other leases.
   * Without it the job takes only what nobody has reserved.
   */
  fits(free: number, now: number, lease?: string): boolean {
    const left = this.left(free)
    if (lease !== undefined) return left > 0
    const reserved = [...this.#reserved.values()].flat().filter(({ expires }) => expires > now)
    return left - reserved.length > 0
  }

  /** Of these free slots, those that no job is on its way to. */
  left(free: number): number {
    return Math.max(0, free - this.#uncounted.size)
  }

  handed(job: string, handed: HandedJob): void {
    this.#uncounted.set(job, handed)
    const reserved = this.#reserved.get(handed.model) ?? []
    this.#reserved.set(
      handed.model,
      reserved.filter(({ lease }) => lease !== handed.lease),
    )
  }

  /** The node shows that it knows this job, or it is over: its report, if it made one, came before. */
  counted(job: string): HandedJob | undefined {
    const handed = this.#uncounted.get(job)
    this.#uncounted.delete(job)
    return handed
  }

  /**
   * The node reports its free slots: as many fewer as there are, so many of the oldest jobs it counts itself now. One
   * that crossed a job on its way counts nothing.
   */
  reported(before: number, free: number): HandedJob[] {
    const counted = [...this.#uncounted].slice(0, Math.max(0, before - free))
    for (const [job] of counted) this.#uncounted.delete(job)
    return counted.map(([, handed]) => handed)
  }

  /** The node joined anew: what it knows is in what it said, what it does not know is lost. */
  joined(): HandedJob[] {
    const handed = [...this.#uncounted.values()]
    this.#uncounted.clear()
    return handed
  }

  reservations(model: string, reserved: readonly Reservation[]): void {
    this.#reserved.set(model, reserved)
  }
}
