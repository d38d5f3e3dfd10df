import { createPrivateKey, createPublicKey, sign as nodeSign, type KeyObject } from 'node:crypto'
import { createHash } from 'node:crypto'
import type { Bytes } from '@cocoon/protocol'
import type { Receipt, Release, Signed, Voucher } from '@cocoon/protocol/money'
import { beginCell, type Cell } from '@ton/core'
import type { ClaimEntry } from '../src/index.ts'

/** 32 bytes that are the same in every run. */
export const digest = (name: string): Bytes => new Uint8Array(createHash('sha256').update(name).digest())

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** An Ed25519 key made of its name. */
export class Key {
  readonly publicKey: Bytes
  readonly #secret: KeyObject

  constructor(name: string) {
    const der = Buffer.concat([PKCS8_PREFIX, digest(name)])
    this.#secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    this.publicKey = new Uint8Array(createPublicKey(this.#secret).export({ format: 'der', type: 'spki' }).subarray(-32))
  }

  sign(cell: Cell): Bytes {
    return new Uint8Array(nodeSign(null, cell.hash(), this.#secret))
  }
}

const bytes = (value: Bytes) => Buffer.from(value)

// The layouts of TESTING.md once more, with the library that wallets use: the project's own cells must hash the same.

export const voucherCell = (v: Voucher): Cell =>
  beginCell()
    .storeUint(0x7663, 16)
    .storeBuffer(bytes(v.channel), 32)
    .storeUint(v.since, 64)
    .storeBuffer(bytes(v.payee), 32)
    .storeBuffer(bytes(v.receiptKey), 32)
    .storeUint(v.floor, 64)
    .storeUint(v.ceiling, 64)
    .storeUint(v.until, 32)
    .endCell()

export const receiptCell = (r: Receipt): Cell =>
  beginCell()
    .storeUint(0x7263, 16)
    .storeBuffer(bytes(r.channel), 32)
    .storeUint(r.since, 64)
    .storeBuffer(bytes(r.payee), 32)
    .storeUint(r.total, 64)
    .storeUint(r.amount, 64)
    .storeBuffer(bytes(r.job), 32)
    .endCell()

export const releaseCell = (r: Release): Cell =>
  beginCell()
    .storeUint(0x726c, 16)
    .storeBuffer(bytes(r.channel), 32)
    .storeUint(r.opened, 64)
    .storeUint(r.total, 64)
    .storeUint(r.until, 32)
    .endCell()

/** Who signs what. A test that is about a forged signature names another key. */
export interface Signers {
  readonly payer: Key
  readonly node: Key
  readonly broker: Key
}

export interface Terms {
  readonly channel: Bytes
  readonly since: bigint
  readonly payee: Bytes
  readonly floor?: bigint
  readonly ceiling?: bigint
  readonly until?: number
  /** With a receipt where given. */
  readonly total?: bigint
  readonly settled?: boolean
}

/** The last second that 32 bits hold. */
export const NEVER = 2 ** 32 - 1

export function signedVoucher(terms: Terms, signers: Pick<Signers, 'payer' | 'node'>): Signed<Voucher> {
  const { channel, since, payee, floor = 0n, until = NEVER } = terms
  const ceiling = terms.ceiling ?? terms.total ?? floor
  const object = { channel, since, payee, receiptKey: signers.node.publicKey, floor, ceiling, until }
  return { object, signature: signers.payer.sign(voucherCell(object)) }
}

export function signedReceipt(terms: Terms & { total: bigint }, node: Key): Signed<Receipt> {
  const { channel, since, payee, total } = terms
  const object = { channel, since, payee, total, amount: total, job: digest('job') }
  return { object, signature: node.sign(receiptCell(object)) }
}

export function claimEntry(terms: Terms, signers: Signers): ClaimEntry {
  const voucher = signedVoucher(terms, signers)
  const total = terms.total
  const receipt = total === undefined ? undefined : signedReceipt({ ...terms, total }, signers.node)
  const settled = terms.settled === true && receipt !== undefined
  return {
    voucher,
    ...(receipt ? { receipt } : {}),
    countersigned: settled ? 'receipt' : 'voucher',
    countersignature: signers.broker.sign(settled ? receiptCell(receipt.object) : voucherCell(voucher.object)),
  }
}

export function signedRelease(object: Release, broker: Key): Signed<Release> {
  return { object, signature: broker.sign(releaseCell(object)) }
}
