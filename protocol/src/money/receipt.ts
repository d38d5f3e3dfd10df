import { type Bytes, sha256, utf8 } from '../bytes.ts'
import { bits256, flatObject, uint64 } from './object.ts'

/**
 * What a node signs after a job, with its identity key: the running total of the lane. The broker's signature over the
 * same hash settles it. It travels with its signature in 186 bytes, inside the final frame and to the broker in clear.
 *
 * LAYOUT, one flat cell of 976 bits, no references:
 *
 *     tag 16 = 0x7263 | channel 256 | since 64 | payee 256 | total 64 | amount 64 | job 256
 *
 * Tolk: `struct (0x7263) Receipt { channel: uint256; since: uint64; payee: uint256; total: uint64; amount: uint64;
 * job: uint256 }`. The payer key is named by `since`: one transaction registers one key.
 */
export interface Receipt {
  readonly channel: Bytes
  readonly since: bigint
  readonly payee: Bytes
  /** Nanograms of all jobs of the lane, this one included. */
  readonly total: bigint
  /** Nanograms of this job. */
  readonly amount: bigint
  /** Salted digest of the job: `jobDigest`. */
  readonly job: Bytes
}

export const receipt = flatObject<Receipt>(
  'receipt',
  0x7263,
  { channel: bits256, since: uint64, payee: bits256, total: uint64, amount: uint64, job: bits256 },
  (value) => (value.amount > value.total ? 'the amount is above the total' : null),
)

/**
 * Names a job on a receipt. Receipts are carried to the chain, where everyone reads them; without `salt`, 32 bytes that
 * only device and node know, the digest says nothing about the job id.
 */
export function jobDigest(salt: Bytes, jobId: Bytes): Promise<Bytes> {
  if (salt.length !== 32 || jobId.length !== 32) throw new RangeError('salt and job id have 32 bytes')
  return sha256(utf8('cocoon/1 receipt job\n'), salt, jobId)
}
