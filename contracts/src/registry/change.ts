import type { Bytes } from '@cocoon/protocol'
import { type Address, beginCell, type Cell, type Slice } from '@ton/core'
import { accountOf, addressOf, fromUint256, toUint256 } from '../account.ts'

/** A broker as the Registry lists it. */
export interface ListedBroker {
  /** Ed25519, the key that countersigns. */
  readonly key: Bytes
  /** Basis points: a channel with a higher fee is not this broker's. */
  readonly maximumFee: number
}

/** What waits out the delay before it takes effect. */
export type Change =
  | { readonly kind: 'accept-code'; readonly hash: Bytes }
  | { readonly kind: 'set-broker'; readonly account: Address; readonly broker: ListedBroker }
  | { readonly kind: 'set-content'; readonly digest: Bytes; readonly sequence: bigint }
  | { readonly kind: 'set-owner'; readonly owner: Address }
  | { readonly kind: 'set-guardian'; readonly guardian: Address }
  /** Seconds, at most 30 days. */
  | { readonly kind: 'set-delay'; readonly delay: number }
  /** Null takes the announcement back. */
  | { readonly kind: 'set-successor'; readonly account: Address | null }

const prefixes = {
  'accept-code': 0x41000001,
  'set-broker': 0x41000002,
  'set-content': 0x41000003,
  'set-owner': 0x41000004,
  'set-guardian': 0x41000005,
  'set-delay': 0x41000006,
  'set-successor': 0x41000007,
} as const satisfies Record<Change['kind'], number>

const NONE = 0n
export const accountNumber = (address: Address | null): bigint =>
  address === null ? NONE : toUint256(accountOf(address))
export const addressFrom = (value: bigint): Address | null => (value === NONE ? null : addressOf(fromUint256(value)))

function mustBe(address: Address | null): Address {
  if (address === null) throw new Error('an account is missing in the state of the Registry')
  return address
}

export function changeCell(change: Change): Cell {
  const cell = beginCell().storeUint(prefixes[change.kind], 32)
  switch (change.kind) {
    case 'accept-code':
      return cell.storeUint(toUint256(change.hash), 256).endCell()
    case 'set-broker':
      return cell
        .storeUint(accountNumber(change.account), 256)
        .storeUint(toUint256(change.broker.key), 256)
        .storeUint(change.broker.maximumFee, 16)
        .endCell()
    case 'set-content':
      return cell.storeUint(toUint256(change.digest), 256).storeUint(change.sequence, 64).endCell()
    case 'set-owner':
      return cell.storeUint(accountNumber(change.owner), 256).endCell()
    case 'set-guardian':
      return cell.storeUint(accountNumber(change.guardian), 256).endCell()
    case 'set-delay':
      return cell.storeUint(change.delay, 32).endCell()
    case 'set-successor':
      return cell.storeUint(accountNumber(change.account), 256).endCell()
  }
}

/** @throws Error for a cell that is no change */
export function parseChange(cell: Cell): Change {
  const from = cell.beginParse()
  const change = readChange(from.loadUint(32), from)
  from.endParse()
  return change
}

function readChange(prefix: number, from: Slice): Change {
  const bytes = (): Bytes => fromUint256(from.loadUintBig(256))
  const account = (): Address | null => addressFrom(from.loadUintBig(256))
  switch (prefix) {
    case prefixes['accept-code']:
      return { kind: 'accept-code', hash: bytes() }
    case prefixes['set-broker']:
      return {
        kind: 'set-broker',
        account: mustBe(account()),
        broker: { key: bytes(), maximumFee: from.loadUint(16) },
      }
    case prefixes['set-content']:
      return { kind: 'set-content', digest: bytes(), sequence: from.loadUintBig(64) }
    case prefixes['set-owner']:
      return { kind: 'set-owner', owner: mustBe(account()) }
    case prefixes['set-guardian']:
      return { kind: 'set-guardian', guardian: mustBe(account()) }
    case prefixes['set-delay']:
      return { kind: 'set-delay', delay: from.loadUint(32) }
    case prefixes['set-successor']:
      return { kind: 'set-successor', account: account() }
    default:
      throw new Error(`no change begins with ${prefix.toString(16)}`)
  }
}
