/** What a countersigned voucher reserves above its floor, on one lane. Sums run from the beginning of the lane. */
export interface Hold {
  /** Nanograms. */
  readonly ceiling: bigint
  /** Unix seconds; a claim in a block dated so, or earlier, still counts. */
  readonly until: number
}

/**
 * A hold ends by its date and by nothing else: not by a refusal, an answer, a receipt or a failed job. The node holds a
 * voucher that stays good, so coins freed earlier could be owed twice. `finalized` is the date of a finalized block, in
 * Unix seconds: every block still to come is dated no earlier.
 */
export function isFreed(hold: Hold, finalized: number): boolean {
  return finalized > hold.until
}

/** Holds on one lane do not add up: the voucher with the highest ceiling speaks for all of them. In nanograms. */
export function heldBy(holds: readonly Hold[], finalized: number): bigint {
  return holds.reduce((most, hold) => (isFreed(hold, finalized) || hold.ceiling < most ? most : hold.ceiling), 0n)
}

/** Adds a hold and forgets those that another one outlasts and covers. */
export function withHold(holds: readonly Hold[], added: Hold): readonly Hold[] {
  const covers = (one: Hold, other: Hold): boolean => one.ceiling >= other.ceiling && one.until >= other.until
  if (holds.some((hold) => covers(hold, added))) return holds
  return [...holds.filter((hold) => !covers(added, hold)), added]
}

/** Until when some of these coins are reserved: what a person is shown. Null when nothing is. */
export function reservedUntil(holds: readonly Hold[], finalized: number): number | null {
  const live = holds.filter((hold) => !isFreed(hold, finalized))
  return live.length === 0 ? null : Math.max(...live.map((hold) => hold.until))
}
