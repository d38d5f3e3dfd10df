import fc from 'fast-check'
import type { Bytes } from '../../src/index.ts'
import type { Receipt, Release, Voucher } from '../../src/money/index.ts'

export const bytes32: fc.Arbitrary<Bytes> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((array) => new Uint8Array(array))
export const uint64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: 1_000_000_000n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)
export const uint32: fc.Arbitrary<number> = fc.integer({ min: 0, max: 2 ** 32 - 1 })

export const vouchers: fc.Arbitrary<Voucher> = fc
  .record({
    channel: bytes32,
    since: uint64,
    payee: bytes32,
    receiptKey: bytes32,
    sums: fc.tuple(uint64, uint64),
    until: uint32,
  })
  .map(({ sums: [a, b], ...rest }) => ({ ...rest, floor: a < b ? a : b, ceiling: a < b ? b : a }))
  .filter((one) => one.channel.some((byte, i) => byte !== one.payee[i]))

export const receipts: fc.Arbitrary<Receipt> = fc
  .record({ channel: bytes32, since: uint64, payee: bytes32, sums: fc.tuple(uint64, uint64), job: bytes32 })
  .map(({ sums: [a, b], ...rest }) => ({ ...rest, total: a < b ? b : a, amount: a < b ? a : b }))

export const releases: fc.Arbitrary<Release> = fc.record({
  channel: bytes32,
  opened: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
  total: uint64,
  until: uint32,
})

/** 32 bytes that all have one value: easy to tell apart in a test. */
export const filled = (byte: number): Bytes => new Uint8Array(32).fill(byte)
