import { feeOn } from './amount.ts'
import { type ChannelState, isLive, keyIn } from './channel-state.ts'
import { type Lane, larger } from './lane.ts'
import { terms } from './terms.ts'

/** What is carried to the chain for one lane, signatures already verified. */
export interface Claim {
  readonly floor: bigint
  readonly ceiling: bigint
  readonly until: number
  /** Total of the node's receipt, where one is carried. */
  readonly total: bigint | null
  /** Which of the two the broker's signature that is carried is over. */
  readonly countersigned: 'voucher' | 'receipt'
}

/**
 * What a claim reaches, in nanograms from the beginning of the lane: max(floor, min(total, ceiling)). The floor needs the
 * voucher's countersignature; above it, a receipt, and either that countersignature at `now` <= until or the receipt's
 * own. `now` is the date of the block that executes the claim, in Unix seconds.
 */
export function claimTarget({ floor, ceiling, until, total, countersigned }: Claim, now: number): bigint {
  const earned = total === null ? 0n : total < ceiling ? total : ceiling
  // Of a voucher the broker never countersigned only the ceiling counts, as a limit.
  if (countersigned === 'receipt') return earned
  return now <= until ? larger(floor, earned) : floor
}

export interface Payout {
  /** To the payee, the fee already taken off. */
  readonly payee: bigint
  readonly fee: bigint
  /** Both together: what `paid` and `spent` rise by. */
  readonly sum: bigint
}

/** What a claim of `target` pays now. Never an error: what is not there, or not allowed, is not paid. In nanograms. */
export function payout(
  target: bigint,
  lane: { readonly paid: bigint },
  key: { readonly limit: bigint; readonly spent: bigint },
  available: bigint,
  basisPoints: number,
): Payout {
  const bounds = [target - lane.paid, key.limit - key.spent, available]
  const sum = larger(
    0n,
    bounds.reduce((least, bound) => (bound < least ? bound : least)),
  )
  const fee = feeOn(lane.paid + sum, basisPoints) - feeOn(lane.paid, basisPoints)
  return { payee: sum - fee, fee, sum }
}

/**
 * Whether the broker carries a claim of `unclaimed` nanograms now. Small sums wait until it is now or never; the very
 * small ones stay with the user.
 */
export function broughtByBroker(
  unclaimed: bigint,
  lane: Lane,
  state: ChannelState,
  now: number,
  challenge: number,
): boolean {
  const key = keyIn(state, lane.payer)
  if (key === undefined) return false
  const ending = !isLive(key, now + challenge)
  if (state.closesAt !== null) return unclaimed >= terms.claimClosingFrom
  return unclaimed >= (ending ? terms.claimEndingFrom : terms.claimFrom)
}

/** When a node stops waiting for the broker's countersignature on its receipt and claims itself: at half the hold. Unix seconds. */
export function claimedByNodeAt(accepted: number, until: number): number {
  return Math.floor((accepted + until) / 2)
}
