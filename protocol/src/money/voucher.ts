import { type Bytes, concat, equal } from '../bytes.ts'
import type { Signer } from '../signing.ts'
import { bits256, flatObject, type Signed, uint32, uint64 } from './object.ts'

/**
 * What a payer key signs before a job: `floor` is owed outright, up to `ceiling` against a receipt. The broker's
 * signature over the same hash is the hold: these coins are reserved until `until`.
 *
 * LAYOUT, one flat cell of 1008 bits, no references:
 *
 *     tag 16 = 0x7663 | channel 256 | since 64 | payee 256 | receiptKey 256 | floor 64 | ceiling 64 | until 32
 *
 * Tolk: `struct (0x7663) Voucher { channel: uint256; since: uint64; payee: uint256; receiptKey: uint256; floor: uint64;
 * ceiling: uint64; until: uint32 }`. Nothing names the network: the channel's address does.
 */
export interface Voucher {
  /** Account id of the channel on the basechain. */
  readonly channel: Bytes
  /** Logical time at which the payer key was registered: adding a key again revives no signature. */
  readonly since: bigint
  /** Account id that is paid, on the basechain. Never the channel itself. */
  readonly payee: Bytes
  /** The node's identity key: receipts of this lane are signed by it. */
  readonly receiptKey: Bytes
  /** Nanograms owed outright, from the beginning of the lane. */
  readonly floor: bigint
  /** Nanograms owed at most, from the beginning of the lane; at least the floor. */
  readonly ceiling: bigint
  /** Last second, of the chain's clock, at which the countersigned voucher stands for more than its floor. */
  readonly until: number
}

export const voucher = flatObject<Voucher>(
  'voucher',
  0x7663,
  {
    channel: bits256,
    since: uint64,
    payee: bits256,
    receiptKey: bits256,
    floor: uint64,
    ceiling: uint64,
    until: uint32,
  },
  (value) => {
    if (value.floor > value.ceiling) return 'the floor is above the ceiling'
    if (equal(value.payee, value.channel)) return 'the channel cannot be the payee'
    return null
  },
)

/** A voucher as it travels beside a job: 32 bytes of payer key, 126 of voucher, 64 of the payer key's signature. */
export interface SignedVoucher extends Signed<Voucher> {
  readonly payer: Bytes
}

export async function signVoucher(object: Voucher, payer: Signer): Promise<SignedVoucher> {
  return { payer: payer.publicKey, ...(await voucher.sign(object, payer)) }
}

export function verifyVoucher(signed: SignedVoucher): Promise<boolean> {
  return voucher.verify(signed, signed.payer)
}

export function encodeSignedVoucher(signed: SignedVoucher): Bytes {
  if (signed.payer.length !== 32) throw new RangeError('a payer key has 32 bytes')
  return concat(signed.payer, voucher.encodeSigned(signed))
}

/** Decodes; verifying is the caller's. @throws CocoonError `broken-encoding` */
export function decodeSignedVoucher(bytes: Bytes): SignedVoucher {
  return { payer: bytes.slice(0, 32), ...voucher.decodeSigned(bytes.slice(32)) }
}
