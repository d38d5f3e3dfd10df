import { availableIn, type ChannelState, isLive, keyIn } from './channel-state.ts'
import { emptyLane, type LaneAccount, openAtMost, owedAtMost, withReceipted, withVoucher } from './lane.ts'
import type { Bytes } from '../bytes.ts'
import type { Voucher } from './voucher.ts'

/** One lane of this device's payer key. */
export interface ClientLane {
  /** `holds` are all ceilings this device signed; `receipted` is the total of the last receipt it verified. */
  readonly account: LaneAccount
  /** Maxima, by job id in hex, of jobs without a verified receipt: running, lost or disputed. */
  readonly open: ReadonlyMap<string, bigint>
}

export const emptyClientLane = (since: bigint): ClientLane => ({ account: emptyLane(since), open: new Map() })

/**
 * Floor and ceiling of the next voucher. The floor is what receipts prove, never a guess; the ceiling also reaches every
 * job whose receipt is not here, because the node counts it.
 */
export function nextSums(lane: ClientLane, maximum: bigint): Pick<Voucher, 'floor' | 'ceiling'> {
  let ceiling = lane.account.receipted + maximum
  for (const other of lane.open.values()) ceiling += other
  return { floor: lane.account.receipted, ceiling }
}

/** Before the voucher leaves the device: whatever was signed counts, whether or not anybody took it. */
export function jobSigned(lane: ClientLane, voucher: Voucher, jobId: string, maximum: bigint): ClientLane {
  return { account: withVoucher(lane.account, voucher), open: new Map(lane.open).set(jobId, maximum) }
}

/** Why a receipt is not believed. The job stays open and is shown as disputed. */
export type ReceiptObjection = 'unknown-job' | 'above-maximum' | 'above-ceiling' | 'wrong-sum'

/**
 * A receipt whose signature, lane and job digest were verified. `amount` is what the client computes from the usage it
 * saw: a node that bills more is not paid more by the next floor.
 */
export function jobReceipted(
  lane: ClientLane,
  jobId: string,
  receipt: { readonly total: bigint; readonly amount: bigint },
  amount: bigint,
):
  | { readonly objection: ReceiptObjection; readonly lane: null }
  | { readonly objection: null; readonly lane: ClientLane } {
  const maximum = lane.open.get(jobId)
  if (maximum === undefined) return { objection: 'unknown-job', lane: null }
  if (receipt.amount > maximum) return { objection: 'above-maximum', lane: null }
  if (receipt.amount !== amount) return { objection: 'wrong-sum', lane: null }
  if (receipt.total > lane.account.ceiling) return { objection: 'above-ceiling', lane: null }
  const open = new Map(lane.open)
  open.delete(jobId)
  let most = lane.account.receipted + receipt.amount
  // Other jobs may have ended at the node first; their receipts are on the way or lost.
  for (const other of open.values()) most += other
  if (receipt.total > most) return { objection: 'wrong-sum', lane: null }
  return { objection: null, lane: { account: withReceipted(lane.account, receipt.total), open } }
}

/** A bound a person set, counted from a sum: a day's budget counts from what was receipted when the day began. */
export interface Budget {
  readonly most: bigint
  readonly from: bigint
}

/** Why a device does not sign. */
export type ClientObjection =
  | 'confirming'
  | 'channel-closing'
  | 'key-ended'
  | 'over-budget'
  | 'over-limit'
  | 'over-balance'

/** What a device signed in all, as far as it can still be claimed, and the part of it that is not paid. In nanograms. */
export function exposure(lanes: Iterable<ClientLane>, finalized: number): { owed: bigint; open: bigint } {
  let [owed, open] = [0n, 0n]
  for (const { account } of lanes) {
    owed += owedAtMost(account, finalized)
    open += openAtMost(account, finalized)
  }
  return { owed, open }
}

/**
 * Whether a device may sign the voucher that makes its lanes `lanes` (`jobSigned` applied to the one it is for). A key
 * that no finalized block shows is still confirming: nothing is signed with it.
 */
export function clientObjection(
  payer: Bytes,
  since: bigint,
  lanes: Iterable<ClientLane>,
  budgets: readonly Budget[],
  state: ChannelState,
): ClientObjection | null {
  const key = keyIn(state, payer)
  if (state.opened === 0n || key === undefined || key.since !== since) return 'confirming'
  if (state.closesAt !== null) return 'channel-closing'
  if (!isLive(key, state.time)) return 'key-ended'
  const { owed, open } = exposure(lanes, state.time)
  if (budgets.some(({ most, from }) => owed - from > most)) return 'over-budget'
  if (open > key.limit - key.spent) return 'over-limit'
  if (open > availableIn(state)) return 'over-balance'
  return null
}
