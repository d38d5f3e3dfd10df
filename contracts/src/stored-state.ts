import type { Bytes } from '@cocoon/protocol'
import { hex } from '@cocoon/protocol'
import type { ChannelState } from '@cocoon/protocol/money'
import { type Cell, Dictionary, type DictionaryValue, type Slice } from '@ton/core'
import { fromUint256 } from './account.ts'

/** What one lane was paid, in nanograms, the fee included. */
export interface StoredLane {
  readonly payee: Bytes
  readonly receiptKey: Bytes
  readonly paid: bigint
}

/** One registration of a payer key, as tolk/channel/state.tolk keeps it. */
export interface StoredPayerKey {
  readonly since: bigint
  readonly key: Bytes
  /** Nanograms over all lanes. */
  readonly limit: bigint
  readonly spent: bigint
  /** Unix seconds. */
  readonly expires: number
  readonly revoked: boolean
  readonly lanes: readonly StoredLane[]
}

/** Everything a channel keeps but its balance. Coins in nanograms, times in Unix seconds. */
export interface StoredState {
  /** Account ids in the basechain. */
  readonly owner: Bytes
  readonly broker: Bytes
  readonly feeBasisPoints: number
  /** TON global id. */
  readonly network: number
  /** Null while no closing date is set. */
  readonly closesAt: number | null
  /** Logical time of the first opening after deployment or finish; 0 when not open. */
  readonly opened: bigint
  readonly released: bigint
  readonly fees: bigint
  readonly brokerKey: Bytes
  /** The key before, while the chain still holds it; it serves claims before `until`. */
  readonly previousBrokerKey: { readonly key: Bytes; readonly until: number } | null
  readonly payerKeys: readonly StoredPayerKey[]
}

const bytes256 = (from: Slice): Bytes => fromUint256(from.loadUintBig(256))

/** Dictionaries are only read here; the contract alone writes them. */
function readOnly<T>(parse: (from: Slice) => T): DictionaryValue<T> {
  return {
    parse,
    serialize() {
      throw new Error('the contract alone writes its state')
    },
  }
}

const lanes = {
  key: Dictionary.Keys.Buffer(64),
  value: readOnly((from) => from.loadUintBig(64)),
}

const payerKeys = {
  key: Dictionary.Keys.BigUint(64),
  value: readOnly((from) => ({
    key: bytes256(from),
    limit: from.loadUintBig(64),
    expires: from.loadUint(32),
    revoked: from.loadBit(),
    spent: from.loadUintBig(64),
    lanes: [...from.loadDict(lanes.key, lanes.value)].map(([lane, paid]) => ({
      payee: new Uint8Array(lane.subarray(0, 32)),
      receiptKey: new Uint8Array(lane.subarray(32)),
      paid,
    })),
  })),
}

/**
 * Reads the data cell of a channel: one call to the chain tells everything of the same block. Only of a contract whose
 * address was computed from the pinned code.
 * @throws Error for a cell that is not a channel's state
 */
export function parseStoredState(data: Cell): StoredState {
  const from = data.beginParse()
  const own = {
    owner: bytes256(from),
    network: from.loadInt(32),
    closesAt: from.loadUint(32) || null,
    opened: from.loadUintBig(64),
    released: from.loadUintBig(64),
  }
  const broker = from.loadRef().beginParse()
  const fees = from.loadCoins()
  const registered = from.loadDict(payerKeys.key, payerKeys.value)
  from.endParse()
  const brokerSide = {
    broker: bytes256(broker),
    feeBasisPoints: broker.loadUint(16),
    brokerKey: bytes256(broker),
  }
  const previous = broker.loadMaybeRef()?.beginParse()
  return {
    ...own,
    ...brokerSide,
    fees,
    previousBrokerKey: previous ? { key: bytes256(previous), until: previous.loadUint(32) } : null,
    payerKeys: [...registered].map(([since, payer]) => ({ since, ...payer })),
  }
}

/** The same in the words of the protocol's rules. `balance` and `time` (Unix seconds) are of the block that `stored` is of. */
export function channelState(of: { account: Bytes; time: number; balance: bigint; stored: StoredState }): ChannelState {
  const { stored } = of
  return {
    channel: of.account,
    time: of.time,
    balance: of.balance,
    fees: stored.fees,
    opened: stored.opened,
    released: stored.released,
    closesAt: stored.closesAt,
    brokerKey: stored.brokerKey,
    keys: new Map(
      stored.payerKeys.map(({ key, since, limit, spent, expires, revoked }) => [
        hex(key),
        { since, limit, spent, expires, revoked },
      ]),
    ),
  }
}
