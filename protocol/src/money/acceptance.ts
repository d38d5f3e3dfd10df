import { type Bytes, equal } from '../bytes.ts'
import { availableIn, type ChannelState, isLive, keyIn } from './channel-state.ts'
import { larger } from './lane.ts'
import { terms } from './terms.ts'
import type { SignedVoucher } from './voucher.ts'

/** A node's own sums on one lane, in nanograms from its beginning. */
export interface NodeLane {
  readonly since: bigint
  /** Receipts signed so far. */
  readonly total: bigint
  /** Maxima of jobs that run. */
  readonly inFlight: bigint
  /** On chain. */
  readonly paid: bigint
}

export const emptyNodeLane = (since: bigint): NodeLane => ({ since, total: 0n, inFlight: 0n, paid: 0n })

/** Every job on the lane may still end at its maximum, so the voucher must reach all of them. */
export function requiredCeiling(lane: NodeLane, maximum: bigint): bigint {
  return lane.total + lane.inFlight + maximum
}

export function jobBegan(lane: NodeLane, maximum: bigint): NodeLane {
  return { ...lane, inFlight: lane.inFlight + maximum }
}

/**
 * The lane with the job's amount receipted; `total` is what the receipt says. A job that failed before it cost anything
 * ends with amount 0.
 * @throws RangeError for an amount above the job's maximum, or a job that never began: the node's own mistake
 */
export function jobEnded(lane: NodeLane, maximum: bigint, amount: bigint): NodeLane {
  if (amount < 0n || amount > maximum) throw new RangeError('amount above what the job was accepted for')
  if (maximum > lane.inFlight) throw new RangeError('that job did not begin on this lane')
  return { ...lane, inFlight: lane.inFlight - maximum, total: lane.total + amount }
}

/** What a node stands to lose on a lane, were nothing more ever paid: worked for or being worked for, and not claimed. */
export function atRisk(lane: NodeLane): bigint {
  return larger(0n, lane.total - lane.paid) + lane.inFlight
}

/** Why a node takes no work for a voucher. Each is told as `bad-money`; the node's log names it. */
export type NodeObjection =
  | 'other-channel'
  | 'other-payee'
  | 'other-receipt-key'
  | 'channel-not-open'
  | 'channel-closing'
  | 'unknown-key'
  | 'other-registration'
  | 'key-ended'
  | 'ceiling-too-low'
  | 'hold-too-short'
  | 'limit-too-low'
  | 'channel-too-poor'
  | 'unclaimed-in-channel'
  | 'unclaimed-at-broker'

/** What a node compares a voucher with. Both signatures were verified already. */
export interface NodeView {
  readonly payee: Bytes
  readonly receiptKey: Bytes
  readonly state: ChannelState
  readonly lane: NodeLane
  /** Sums of `atRisk` over all lanes, this one included: in this channel, and with this broker. */
  readonly risk: { readonly channel: bigint; readonly broker: bigint }
  readonly caps: { readonly channel: bigint; readonly broker: bigint }
  /** Unix seconds. */
  readonly now: number
  readonly leastHoldSeconds: number
}

export const defaultCaps = { channel: terms.unclaimedPerChannel, broker: terms.unclaimedPerBroker }

/** The first reason to refuse work of at most `maximum` nanograms for this voucher; null: take it. A low floor is no reason. */
export function nodeObjection({ payer, object }: SignedVoucher, maximum: bigint, view: NodeView): NodeObjection | null {
  const { state, lane, risk, caps, now } = view
  if (!equal(object.channel, state.channel)) return 'other-channel'
  if (!equal(object.payee, view.payee)) return 'other-payee'
  if (!equal(object.receiptKey, view.receiptKey)) return 'other-receipt-key'
  if (state.opened === 0n) return 'channel-not-open'
  if (state.closesAt !== null) return 'channel-closing'
  const key = keyIn(state, payer)
  if (key === undefined) return 'unknown-key'
  if (key.since !== object.since || lane.since !== object.since) return 'other-registration'
  if (!isLive(key, now)) return 'key-ended'
  if (object.ceiling < requiredCeiling(lane, maximum)) return 'ceiling-too-low'
  if (object.until < now + view.leastHoldSeconds) return 'hold-too-short'
  const open = larger(0n, requiredCeiling(lane, maximum) - lane.paid)
  if (open > key.limit - key.spent) return 'limit-too-low'
  if (open > availableIn(state)) return 'channel-too-poor'
  if (risk.channel + maximum > caps.channel) return 'unclaimed-in-channel'
  if (risk.broker + maximum > caps.broker) return 'unclaimed-at-broker'
  return null
}
