import { type Bytes, type NetworkId, networks } from '@cocoon/protocol'
import { type Address, beginCell, Cell, contractAddress } from '@ton/core'
import { accountOf, toUint256 } from './account.ts'
import { boc } from './code/channel.ts'

/** The pinned code. It never changes; a new one is another contract that the Registry must accept first. */
export const channelCode = Cell.fromBase64(boc)

/**
 * What a channel's address binds. Whoever relies on a channel computes the address from these five and the pinned code:
 * a contract with other code may answer every getter and pay nothing.
 */
export interface InitialState {
  readonly owner: Address
  /** Receives the fees and rotates the broker key: a cold wallet. */
  readonly broker: Address
  /** 0 to 10000. */
  readonly feeBasisPoints: number
  readonly network: NetworkId
  /** Ed25519; the broker's when the channel was deployed. A rotation later does not change the address. */
  readonly brokerKey: Bytes
}

/** @throws RangeError for accounts outside the basechain, a fee that is none, an unknown network, a malformed key */
export function initialData({ owner, broker, feeBasisPoints, network, brokerKey }: InitialState): Cell {
  if (!Number.isInteger(feeBasisPoints) || feeBasisPoints < 0 || feeBasisPoints > 10_000) {
    throw new RangeError('a fee has 0 to 10000 basis points')
  }
  if (!Object.values(networks).includes(network)) throw new RangeError(`${String(network)} is no network id we know`)
  const notClosing = 0
  const notOpen = 0
  const brokerSide = beginCell()
    .storeUint(toUint256(accountOf(broker)), 256)
    .storeUint(feeBasisPoints, 16)
    .storeUint(toUint256(brokerKey), 256)
    .storeBit(false) // no key before this one
  return beginCell()
    .storeUint(toUint256(accountOf(owner)), 256)
    .storeInt(network, 32)
    .storeUint(notClosing, 32)
    .storeUint(notOpen, 64)
    .storeUint(0, 64) // released
    .storeRef(brokerSide)
    .storeCoins(0) // fees
    .storeBit(false) // no payer keys
    .endCell()
}

/** Goes with the message that opens the channel, which deploys it. `code` is for tests of other code. */
export function stateInit(initial: InitialState, code: Cell = channelCode): { code: Cell; data: Cell } {
  return { code, data: initialData(initial) }
}

export function channelAddress(initial: InitialState, code: Cell = channelCode): Address {
  return contractAddress(0, stateInit(initial, code))
}
