import type { Bytes } from '../bytes.ts'
import { hex } from '../bytes.ts'
import { terms } from './terms.ts'

/** A payer key as its channel registers it. */
export interface PayerKeyState {
  /** Logical time of the registration. */
  readonly since: bigint
  /** Nanograms, over all lanes, from the registration on. */
  readonly limit: bigint
  readonly spent: bigint
  /** Unix seconds; stops countersigning at once and claims one challenge period later. */
  readonly expires: number
  /** Final for this registration; works as an expiry at that moment. */
  readonly revoked: boolean
}

/**
 * One channel as the chain shows it in one finalized block. Everything here is of the same block: sums that mix two
 * blocks count a payment twice or not at all.
 */
export interface ChannelState {
  /** Account id. */
  readonly channel: Bytes
  /** Unix seconds of that block: no later block is dated earlier. */
  readonly time: number
  /** Nanograms, the rent reserve and accrued fees included. */
  readonly balance: bigint
  readonly fees: bigint
  /** Logical time of the first open after deployment or finish; 0 when not open. */
  readonly opened: bigint
  /** Nanograms released since then. */
  readonly released: bigint
  /** Unix seconds of a requested close, past or future; null when none is. */
  readonly closesAt: number | null
  readonly brokerKey: Bytes
  /** By lower-case hex of the key. */
  readonly keys: ReadonlyMap<string, PayerKeyState>
}

/** What claims and releases can reach, in nanograms. */
export function availableIn(state: ChannelState): bigint {
  const rest = state.balance - terms.rentReserve - state.fees
  return rest > 0n ? rest : 0n
}

export function keyIn(state: ChannelState, payer: Bytes): PayerKeyState | undefined {
  return state.keys.get(hex(payer))
}

/** Countersigned and worked for. `now` in Unix seconds. */
export function isLive(key: PayerKeyState, now: number): boolean {
  return !key.revoked && now < key.expires
}
