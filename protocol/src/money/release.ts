import type { Bytes } from '../bytes.ts'
import { bits256, flatObject, uint32, uint64 } from './object.ts'

/**
 * What the broker signs to give coins back to the channel's owner, and to nobody else, without closing. Cumulative; one
 * is outstanding at a time; the broker carries it itself.
 *
 * LAYOUT, one flat cell of 432 bits, no references:
 *
 *     tag 16 = 0x726c | channel 256 | opened 64 | total 64 | until 32
 *
 * Tolk: `struct (0x726c) Release { channel: uint256; opened: uint64; total: uint64; until: uint32 }`.
 */
export interface Release {
  readonly channel: Bytes
  /** Logical time of the first open after deployment or finish: reopening revives no release. */
  readonly opened: bigint
  /** Nanograms released since then, this one included. */
  readonly total: bigint
  /** Last second, of the chain's clock, at which it can be carried. */
  readonly until: number
}

export const release = flatObject<Release>(
  'release',
  0x726c,
  { channel: bits256, opened: uint64, total: uint64, until: uint32 },
  (value) => (value.opened === 0n ? 'the channel is not open' : null),
)
