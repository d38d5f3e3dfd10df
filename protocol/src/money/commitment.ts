import { equal, hex } from '../bytes.ts'
import { availableIn, type ChannelState, isLive, keyIn } from './channel-state.ts'
import { isFreed } from './hold.ts'
import {
  emptyLane,
  type Lane,
  type LaneAccount,
  laneName,
  laneOf,
  larger,
  openAtMost,
  withReceipted,
  withVoucher,
} from './lane.ts'
import type { Receipt } from './receipt.ts'
import type { Release } from './release.ts'
import { terms } from './terms.ts'
import type { SignedVoucher } from './voucher.ts'

/** All that a broker has put its key to in one channel and that can still cost it coins. */
export interface Commitments {
  /** By `laneName`. `paid` is of the same block as the channel's state. */
  readonly lanes: ReadonlyMap<string, { readonly lane: Lane; readonly account: LaneAccount }>
  /** The latest release; null when none was signed. */
  readonly release: Release | null
}

export const noCommitments: Commitments = { lanes: new Map(), release: null }

/** What one lane can still draw: nothing once its key is gone, registered anew, or a challenge period past its end. */
function drawable(lane: Lane, account: LaneAccount, state: ChannelState, challenge: number): bigint {
  const key = keyIn(state, lane.payer)
  if (key === undefined || key.since !== account.since) return 0n
  // A revoked key's date is its revocation: from there, too, one challenge period.
  if (state.time >= key.expires + challenge) return 0n
  return openAtMost(account, state.time)
}

function releasable(release: Release | null, state: ChannelState): bigint {
  if (release === null || release.opened !== state.opened) return 0n
  if (isFreed({ ceiling: release.total, until: release.until }, state.time)) return 0n
  return larger(0n, release.total - state.released)
}

/**
 * Left side of invariant 13: live ceilings + floors and settled receipts past their `until` - paid + signed releases -
 * released, in nanograms.
 */
export function committed(commitments: Commitments, state: ChannelState, challenge: number): bigint {
  let sum = releasable(commitments.release, state)
  for (const { lane, account } of commitments.lanes.values()) sum += drawable(lane, account, state, challenge)
  return sum
}

function committedOfKey(commitments: Commitments, state: ChannelState, payer: string, challenge: number): bigint {
  let sum = 0n
  for (const { lane, account } of commitments.lanes.values()) {
    if (hex(lane.payer) === payer) sum += drawable(lane, account, state, challenge)
  }
  return sum
}

/** Why a broker does not sign. */
export type BrokerObjection =
  | 'other-channel'
  | 'channel-not-open'
  | 'channel-closing'
  | 'broker-key'
  | 'unknown-key'
  | 'other-registration'
  | 'key-ended'
  | 'hold-over'
  | 'hold-too-long'
  | 'above-ceiling'
  | 'unknown-lane'
  | 'over-limit'
  | 'over-committed'
  | 'release-outstanding'
  | 'nothing-released'

/** What the broker signed, with the rest unchanged, or why not. A caller stores `commitments` before the signature leaves. */
export type BrokerDecision =
  | { readonly objection: BrokerObjection; readonly commitments: null }
  | { readonly objection: null; readonly commitments: Commitments }

const no = (objection: BrokerObjection): BrokerDecision => ({ objection, commitments: null })

function within(commitments: Commitments, state: ChannelState, challenge: number, payer?: string): BrokerDecision {
  const key = payer === undefined ? undefined : state.keys.get(payer)
  if (payer !== undefined && key !== undefined) {
    if (key.spent + committedOfKey(commitments, state, payer, challenge) > key.limit) return no('over-limit')
  }
  if (committed(commitments, state, challenge) > availableIn(state)) return no('over-committed')
  return { objection: null, commitments }
}

function withLane(commitments: Commitments, lane: Lane, account: LaneAccount): Commitments {
  return { ...commitments, lanes: new Map(commitments.lanes).set(laneName(lane), { lane, account }) }
}

/**
 * Whether to countersign a voucher whose payer signature was verified: that makes a hold of it. `now` is the broker's
 * clock in Unix seconds, `challenge` the network's challenge period in seconds.
 */
export function decideVoucher(
  signed: SignedVoucher,
  commitments: Commitments,
  state: ChannelState,
  now: number,
  challenge: number,
): BrokerDecision {
  const { payer, object } = signed
  if (!equal(object.channel, state.channel)) return no('other-channel')
  if (state.opened === 0n) return no('channel-not-open')
  if (state.closesAt !== null) return no('channel-closing')
  if (equal(payer, state.brokerKey)) return no('broker-key')
  const key = keyIn(state, payer)
  if (key === undefined) return no('unknown-key')
  if (key.since !== object.since) return no('other-registration')
  if (!isLive(key, now)) return no('key-ended')
  if (object.until <= now) return no('hold-over')
  if (object.until > now + terms.holdSeconds + terms.clockSlackSeconds) return no('hold-too-long')
  const lane = laneOf(signed)
  const account = withVoucher(accountOf(commitments, lane, object.since), object)
  return within(withLane(commitments, lane, account), state, challenge, hex(payer))
}

/** Whether to countersign a node's receipt, whose signature was verified: from then on it is owed without a date. */
export function decideReceipt(
  lane: Lane,
  receipt: Receipt,
  commitments: Commitments,
  state: ChannelState,
  challenge: number,
): BrokerDecision {
  if (!equal(receipt.channel, state.channel)) return no('other-channel')
  const known = commitments.lanes.get(laneName(lane))?.account
  if (known === undefined || !equal(receipt.payee, lane.payee)) return no('unknown-lane')
  if (known.since !== receipt.since) return no('other-registration')
  if (receipt.total > known.ceiling) return no('above-ceiling')
  const payer = hex(lane.payer)
  return within(withLane(commitments, lane, withReceipted(known, receipt.total)), state, challenge, payer)
}

/** Whether to sign a release to the owner. Another one may be outstanding only as the same one. */
export function decideRelease(
  release: Release,
  commitments: Commitments,
  state: ChannelState,
  challenge: number,
): BrokerDecision {
  if (!equal(release.channel, state.channel)) return no('other-channel')
  if (state.opened === 0n || release.opened !== state.opened) return no('channel-not-open')
  if (release.total <= state.released) return no('nothing-released')
  if (isFreed({ ceiling: release.total, until: release.until }, state.time)) return no('hold-over')
  const last = commitments.release
  const same = last !== null && last.total === release.total && last.until === release.until
  if (!same && releasable(last, state) > 0n) return no('release-outstanding')
  return within({ ...commitments, release }, state, challenge)
}

function accountOf(commitments: Commitments, lane: Lane, since: bigint): LaneAccount {
  const known = commitments.lanes.get(laneName(lane))?.account
  return known?.since === since ? known : emptyLane(since)
}
