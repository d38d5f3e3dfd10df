import type { Bytes } from '@cocoon/protocol'
import type { Address, Cell, Contract, ContractProvider, StateInit } from '@ton/core'
import { fromUint256, toUint256 } from './account.ts'
import { channelAddress, type InitialState, stateInit } from './initial-state.ts'

/** What the getter `channel` says. Coins in nanograms, times in Unix seconds. */
export interface ChannelView {
  readonly owner: Address
  readonly broker: Address
  readonly feeBasisPoints: number
  readonly network: number
  /** Seconds. */
  readonly challengePeriod: number
  readonly closesAt: number | null
  readonly opened: bigint
  readonly released: bigint
  readonly fees: bigint
  /** What claims and releases can reach. */
  readonly available: bigint
  readonly brokerKey: Bytes
  readonly previousBrokerKey: { readonly key: Bytes; readonly until: number } | null
}

export interface PayerKeyView {
  readonly since: bigint
  readonly limit: bigint
  readonly spent: bigint
  readonly expires: number
  readonly revoked: boolean
}

/** A channel to be asked through a sandbox or a `TonClient`. Messages to it are made by the functions of messages.ts. */
export class Channel implements Contract {
  readonly address: Address
  readonly init?: StateInit

  private constructor(address: Address, init?: StateInit) {
    this.address = address
    if (init) this.init = init
  }

  /** The one channel that this initial state has with the pinned code. */
  static of(initial: InitialState, code?: Cell): Channel {
    return new Channel(channelAddress(initial, code), stateInit(initial, code))
  }

  /** A channel of unknown terms. What it answers is believed only once `of` gives the same address. */
  static at(address: Address): Channel {
    return new Channel(address)
  }

  async getChannel(provider: ContractProvider): Promise<ChannelView> {
    const { stack } = await provider.get('channel', [])
    const view = {
      owner: stack.readAddress(),
      broker: stack.readAddress(),
      feeBasisPoints: stack.readNumber(),
      network: stack.readNumber(),
      challengePeriod: stack.readNumber(),
      closesAt: stack.readNumber() || null,
      opened: stack.readBigNumber(),
      released: stack.readBigNumber(),
      fees: stack.readBigNumber(),
      available: stack.readBigNumber(),
      brokerKey: fromUint256(stack.readBigNumber()),
    }
    const previous = { key: fromUint256(stack.readBigNumber()), until: stack.readNumber() }
    return { ...view, previousBrokerKey: previous.until === 0 ? null : previous }
  }

  /** Undefined when the key is not registered. */
  async getPayerKey(provider: ContractProvider, key: Bytes): Promise<PayerKeyView | undefined> {
    const { stack } = await provider.get('payerKey', [{ type: 'int', value: toUint256(key) }])
    const view = {
      since: stack.readBigNumber(),
      limit: stack.readBigNumber(),
      spent: stack.readBigNumber(),
      expires: stack.readNumber(),
      revoked: stack.readBoolean(),
    }
    return view.since === 0n ? undefined : view
  }

  /** What a lane was paid since the key's registration, in nanograms, the fee included. */
  async getPaid(provider: ContractProvider, lane: { since: bigint; payee: Bytes; receiptKey: Bytes }): Promise<bigint> {
    const { stack } = await provider.get('paid', [
      { type: 'int', value: lane.since },
      { type: 'int', value: toUint256(lane.payee) },
      { type: 'int', value: toUint256(lane.receiptKey) },
    ])
    return stack.readBigNumber()
  }
}
