import { type Bytes, hex } from '../bytes.ts'
import { type Hold, heldBy, withHold } from './hold.ts'
import type { SignedVoucher } from './voucher.ts'

/** Within a channel. A reboot or a second machine of the same payee has another receipt key, so a lane of its own. */
export interface Lane {
  readonly payer: Bytes
  readonly payee: Bytes
  readonly receiptKey: Bytes
}

export function laneOf({ payer, object }: SignedVoucher): Lane {
  return { payer, payee: object.payee, receiptKey: object.receiptKey }
}

/** One text for one lane. */
export function laneName({ payer, payee, receiptKey }: Lane): string {
  return [payer, payee, receiptKey].map(hex).join('/')
}

/**
 * What one party counts on a lane, within one registration of its payer key. Broker: what it countersigned. Client: what
 * it signed, because any of it may be countersigned later. Sums in nanograms, from the beginning of the lane.
 */
export interface LaneAccount {
  readonly since: bigint
  /** The highest floor. */
  readonly floor: bigint
  /** Total of the highest receipt this party stands by: countersigned (broker), verified (client). */
  readonly receipted: bigint
  /** The highest ceiling ever, freed or not. */
  readonly ceiling: bigint
  readonly holds: readonly Hold[]
  /** On chain. */
  readonly paid: bigint
}

export function emptyLane(since: bigint): LaneAccount {
  return { since, floor: 0n, receipted: 0n, ceiling: 0n, holds: [], paid: 0n }
}

/** @throws RangeError for a voucher of another registration: its sums start elsewhere */
export function withVoucher(lane: LaneAccount, voucher: SignedVoucher['object']): LaneAccount {
  if (voucher.since !== lane.since) throw new RangeError('a voucher of another registration')
  return {
    ...lane,
    floor: larger(lane.floor, voucher.floor),
    ceiling: larger(lane.ceiling, voucher.ceiling),
    holds: withHold(lane.holds, { ceiling: voucher.ceiling, until: voucher.until }),
  }
}

export function withReceipted(lane: LaneAccount, total: bigint): LaneAccount {
  return { ...lane, receipted: larger(lane.receipted, total) }
}

export function withPaid(lane: LaneAccount, paid: bigint): LaneAccount {
  return { ...lane, paid: larger(lane.paid, paid) }
}

/** What can ever be claimed on this lane, as far as this party knows. `finalized`: date of a finalized block, Unix seconds. */
export function owedAtMost(lane: LaneAccount, finalized: number): bigint {
  return larger(larger(lane.floor, lane.receipted), heldBy(lane.holds, finalized))
}

/** The part of it that is not paid yet. */
export function openAtMost(lane: LaneAccount, finalized: number): bigint {
  return larger(0n, owedAtMost(lane, finalized) - lane.paid)
}

export function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
