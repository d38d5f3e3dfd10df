import type { Bytes } from '@cocoon/protocol'
import {
  type Address,
  beginCell,
  type Builder,
  Cell,
  contractAddress,
  Dictionary,
  type DictionaryValue,
  type Slice,
} from '@ton/core'
import { addressOf, fromUint256, toUint256 } from '../account.ts'
import { boc } from '../code/registry.ts'
import { accountNumber, addressFrom, type Change, changeCell, type ListedBroker, parseChange } from './change.ts'

/** The pinned code. It never changes: a new one is another Registry, announced as this one's successor. */
export const registryCode = Cell.fromBase64(boc)

export interface WaitingChange {
  /** Never used twice; the smallest is applied first. */
  readonly number: number
  /** Unix seconds. */
  readonly ready: number
  readonly change: Change
}

/** Everything a Registry keeps. */
export interface RegistryState {
  readonly owner: Address
  readonly guardian: Address
  /** Seconds. */
  readonly delay: number
  readonly codes: readonly Bytes[]
  readonly brokers: readonly (ListedBroker & { readonly account: Address })[]
  /** Oldest first. */
  readonly changes: readonly WaitingChange[]
  /** Of the registry statement; null while none is announced. */
  readonly digest: Bytes | null
  readonly sequence: bigint
  readonly successor: Address | null
}

/** As deployed: the address binds all of it. */
export type InitialRegistry = Pick<RegistryState, 'owner' | 'guardian' | 'delay' | 'codes' | 'brokers'>

/** Seconds; what the production Registry is deployed with. */
export const REGISTRY_DELAY = 72 * 3600

const codes: DictionaryValue<true> = {
  serialize: (_, to) => void to.storeBit(true),
  parse: (from) => {
    from.loadBit()
    return true
  },
}
const brokers: DictionaryValue<ListedBroker> = {
  serialize: ({ key, maximumFee }, to) => void to.storeUint(toUint256(key), 256).storeUint(maximumFee, 16),
  parse: (from) => ({ key: fromUint256(from.loadUintBig(256)), maximumFee: from.loadUint(16) }),
}
const waiting: DictionaryValue<Omit<WaitingChange, 'number'>> = {
  serialize: ({ ready, change }, to: Builder) => void to.storeUint(ready, 32).storeRef(changeCell(change)),
  parse: (from: Slice) => ({ ready: from.loadUint(32), change: parseChange(from.loadRef()) }),
}
const numbers = { account: Dictionary.Keys.BigUint(256), change: Dictionary.Keys.Uint(32) }

/** @throws RangeError for accounts outside the basechain, malformed hashes and keys, or a fee that is none */
export function registryStateInit(initial: InitialRegistry, code = registryCode): { code: Cell; data: Cell } {
  const codeMap = Dictionary.empty(numbers.account, codes)
  for (const hash of initial.codes) codeMap.set(toUint256(hash), true)
  const brokerMap = Dictionary.empty(numbers.account, brokers)
  for (const broker of initial.brokers) {
    if (!(broker.maximumFee >= 0 && broker.maximumFee <= 10_000)) {
      throw new RangeError('a fee has 0 to 10000 basis points')
    }
    brokerMap.set(accountNumber(broker.account), broker)
  }
  const nothingAnnounced = beginCell().storeUint(0, 256).storeUint(0, 64).storeUint(0, 256).endCell()
  const data = beginCell()
    .storeUint(accountNumber(initial.owner), 256)
    .storeUint(accountNumber(initial.guardian), 256)
    .storeUint(initial.delay, 32)
    .storeUint(1, 32) // number of the first change
    .storeDict(codeMap)
    .storeDict(brokerMap)
    .storeBit(false) // nothing waits
    .storeRef(nothingAnnounced)
    .endCell()
  return { code, data }
}

export function registryAddress(initial: InitialRegistry, code = registryCode): Address {
  return contractAddress(0, registryStateInit(initial, code))
}

/**
 * Reads the data cell of a Registry, so that everything is of one block.
 * @throws Error for a cell that is not a Registry's state
 */
export function parseRegistryState(data: Cell): RegistryState {
  const from = data.beginParse()
  const account = (): Address => addressOf(fromUint256(from.loadUintBig(256)))
  const own = { owner: account(), guardian: account(), delay: from.loadUint(32) }
  from.loadUint(32) // number of the next change
  const codeMap = from.loadDict(numbers.account, codes)
  const brokerMap = from.loadDict(numbers.account, brokers)
  const changeMap = from.loadDict(numbers.change, waiting)
  const announced = from.loadRef().beginParse()
  from.endParse()
  const digest = announced.loadUintBig(256)
  return {
    ...own,
    codes: codeMap.keys().map(fromUint256),
    brokers: [...brokerMap].map(([key, broker]) => ({ account: addressOf(fromUint256(key)), ...broker })),
    changes: [...changeMap].map(([number, one]) => ({ number, ...one })).sort((a, b) => a.number - b.number),
    digest: digest === 0n ? null : fromUint256(digest),
    sequence: announced.loadUintBig(64),
    successor: addressFrom(announced.loadUintBig(256)),
  }
}
