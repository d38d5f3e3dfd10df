import type { Bytes } from '@cocoon/protocol'
import type { Receipt, Release, Signed, Voucher } from '@cocoon/protocol/money'
import { equal } from '@cocoon/protocol'
import { beginCell, type Builder, type Cell } from '@ton/core'
import { toUint256 } from './account.ts'

/** First 32 bits of a message to a channel. */
export const operations = {
  open: 0x20000001,
  revoke: 0x20000002,
  claim: 0x20000003,
  release: 0x20000004,
  collectFees: 0x20000005,
  rotateBrokerKey: 0x20000006,
  requestClose: 0x20000007,
  cancelClose: 0x20000008,
  finishClose: 0x20000009,
} as const

/** First 32 bits of what a channel sends back to who carried a message (the usual number of this on TON). */
export const EXCESS = 0xd53276db

/** Comes back with the excess; means nothing to the channel. */
interface Query {
  readonly queryId?: bigint
}

function message(operation: keyof typeof operations, { queryId = 0n }: Query): Builder {
  return beginCell().storeUint(operations[operation], 32).storeUint(queryId, 64)
}

function storeSignature(builder: Builder, signature: Bytes): Builder {
  if (signature.length !== 64) throw new RangeError('a signature has 64 bytes')
  return builder.storeUint(toUint256(signature.slice(0, 32)), 256).storeUint(toUint256(signature.slice(32)), 256)
}

/**
 * By the owner: opens the channel, registers a payer key, or raises one that is registered. What is attached stays.
 * Limit in nanograms over the whole registration, `expires` in Unix seconds; both only rise.
 */
export function openMessage(open: { key: Bytes; limit: bigint; expires: number } & Query): Cell {
  return message('open', open)
    .storeUint(toUint256(open.key), 256)
    .storeUint(open.limit, 64)
    .storeUint(open.expires, 32)
    .endCell()
}

/** By the owner: the key signs no more, for good. */
export function revokeMessage(revoke: { key: Bytes } & Query): Cell {
  return message('revoke', revoke).storeUint(toUint256(revoke.key), 256).endCell()
}

/** One lane's voucher with both signatures, and a receipt where more than the floor is claimed. */
export interface ClaimEntry {
  readonly voucher: Signed<Voucher>
  readonly receipt?: Signed<Receipt>
  /** What the broker's signature is over: the voucher (a hold) or the receipt (settled). Both at once are two entries. */
  readonly countersigned: 'voucher' | 'receipt'
  readonly countersignature: Bytes
}

/**
 * By anyone. Attach `attach.claimEntry` for each entry.
 * @throws RangeError for more than three entries, or a receipt that does not belong to its voucher
 */
export function claimMessage(claim: { entries: readonly ClaimEntry[] } & Query): Cell {
  if (claim.entries.length === 0 || claim.entries.length > 3)
    throw new RangeError('a claim carries one to three entries')
  const builder = message('claim', claim)
  for (const entry of claim.entries) builder.storeRef(entryCell(entry))
  return builder.endCell()
}

function entryCell({ voucher, receipt, countersigned, countersignature }: ClaimEntry): Cell {
  const { since, payee, floor, ceiling, until, receiptKey } = voucher.object
  if (countersigned === 'receipt' && !receipt) throw new RangeError('a settled claim carries the receipt')
  if (receipt && !belongs(receipt.object, voucher.object)) throw new RangeError('the receipt is of another lane')
  const guarantee = storeSignature(beginCell().storeUint(toUint256(receiptKey), 256), countersignature)
  return storeSignature(beginCell(), voucher.signature)
    .storeUint(since, 64)
    .storeUint(toUint256(payee), 256)
    .storeUint(floor, 64)
    .storeUint(ceiling, 64)
    .storeUint(until, 32)
    .storeRef(guarantee)
    .storeMaybeRef(receipt ? receiptCell(receipt, countersigned === 'receipt') : null)
    .endCell()
}

function receiptCell({ object, signature }: Signed<Receipt>, settled: boolean): Cell {
  const parts = beginCell()
    .storeBit(settled)
    .storeUint(object.total, 64)
    .storeUint(object.amount, 64)
    .storeUint(toUint256(object.job), 256)
  return storeSignature(parts, signature).endCell()
}

function belongs(receipt: Receipt, voucher: Voucher): boolean {
  return (
    equal(receipt.channel, voucher.channel) && receipt.since === voucher.since && equal(receipt.payee, voucher.payee)
  )
}

/** By the broker, which gives the release to nobody before. */
export function releaseMessage(carried: { release: Signed<Release> } & Query): Cell {
  const { object, signature } = carried.release
  const parts = message('release', carried)
    .storeUint(object.opened, 64)
    .storeUint(object.total, 64)
    .storeUint(object.until, 32)
  return storeSignature(parts, signature).endCell()
}

/** By anyone: the accrued fee goes to the broker's address. */
export function collectFeesMessage(query: Query = {}): Cell {
  return message('collectFees', query).endCell()
}

/** From the broker's address. */
export function rotateBrokerKeyMessage(rotation: { key: Bytes } & Query): Cell {
  return message('rotateBrokerKey', rotation).storeUint(toUint256(rotation.key), 256).endCell()
}

/** By the owner. Repeating it does not move the date. */
export function requestCloseMessage(query: Query = {}): Cell {
  return message('requestClose', query).endCell()
}

/** By the owner: the only way back to work once a closing date is set. */
export function cancelCloseMessage(query: Query = {}): Cell {
  return message('cancelClose', query).endCell()
}

/** By anyone, from the closing date on. */
export function finishCloseMessage(query: Query = {}): Cell {
  return message('finishClose', query).endCell()
}
