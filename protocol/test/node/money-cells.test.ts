import { Address, beginCell, type Cell } from '@ton/core'
import { keyPairFromSeed, sign, signVerify } from '@ton/crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSigner, hex } from '../../src/index.ts'
import {
  BitWriter,
  cellHash,
  friendlyAddress,
  MAX_CELL_BITS,
  parseAddress,
  rawAddress,
  receipt,
  type Receipt,
  release,
  type Release,
  signHash,
  verifyHash,
  voucher,
  type Voucher,
} from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { bytes32, receipts, releases, vouchers } from '../money/arbitrary.ts'

/** The layouts of contracts/TESTING.md, written once more with the library that contracts are written with. */
const cells = {
  voucher: (one: Voucher): Cell =>
    beginCell()
      .storeUint(0x7663, 16)
      .storeBuffer(Buffer.from(one.channel))
      .storeUint(one.since, 64)
      .storeBuffer(Buffer.from(one.payee))
      .storeBuffer(Buffer.from(one.receiptKey))
      .storeUint(one.floor, 64)
      .storeUint(one.ceiling, 64)
      .storeUint(one.until, 32)
      .endCell(),
  receipt: (one: Receipt): Cell =>
    beginCell()
      .storeUint(0x7263, 16)
      .storeBuffer(Buffer.from(one.channel))
      .storeUint(one.since, 64)
      .storeBuffer(Buffer.from(one.payee))
      .storeUint(one.total, 64)
      .storeUint(one.amount, 64)
      .storeBuffer(Buffer.from(one.job))
      .endCell(),
  release: (one: Release): Cell =>
    beginCell()
      .storeUint(0x726c, 16)
      .storeBuffer(Buffer.from(one.channel))
      .storeUint(one.opened, 64)
      .storeUint(one.total, 64)
      .storeUint(one.until, 32)
      .endCell(),
}

describe('against @ton/core', () => {
  it('a flat cell of any length has the same hash', async () => {
    const bits = fc.array(fc.boolean(), { maxLength: MAX_CELL_BITS })
    await fc.assert(
      fc.asyncProperty(bits, async (list) => {
        const theirs = beginCell()
        const ours = new BitWriter()
        for (const bit of list) {
          theirs.storeBit(bit)
          ours.uint(bit ? 1 : 0, 1)
        }
        expect(hex(await cellHash(ours.cell()))).toBe(theirs.endCell().hash().toString('hex'))
      }),
      runs(60),
    )
  })

  it('vouchers, receipts and releases have the same bits and hash', async () => {
    await fc.assert(
      fc.asyncProperty(vouchers, receipts, releases, async (oneVoucher, oneReceipt, oneRelease) => {
        for (const [bytes, hash, cell] of [
          [voucher.encode(oneVoucher), await voucher.hash(oneVoucher), cells.voucher(oneVoucher)],
          [receipt.encode(oneReceipt), await receipt.hash(oneReceipt), cells.receipt(oneReceipt)],
          [release.encode(oneRelease), await release.hash(oneRelease), cells.release(oneRelease)],
        ] as const) {
          expect(cell.refs.length).toBe(0)
          expect(hex(bytes)).toBe(cell.bits.toString().toLowerCase().replace('_', ''))
          expect(hex(hash)).toBe(cell.hash().toString('hex'))
        }
      }),
      runs(100),
    )
  })

  it('addresses have the same texts', () => {
    fc.assert(
      fc.property(bytes32, fc.boolean(), fc.boolean(), (account, bounceable, testOnly) => {
        const theirs = new Address(0, Buffer.from(account))
        expect(rawAddress(account)).toBe(theirs.toRawString())
        expect(friendlyAddress(account, { bounceable, testOnly })).toBe(theirs.toString({ bounceable, testOnly }))
        const plain = theirs.toString({ bounceable, testOnly, urlSafe: false })
        expect(parseAddress(plain)).toEqual({ account, bounceable, testOnly })
      }),
      runs(100),
    )
  })
})

describe('against @ton/crypto', () => {
  it('signatures are the same bytes and hold in both', async () => {
    await fc.assert(
      fc.asyncProperty(bytes32, vouchers, async (seed, one) => {
        const pair = keyPairFromSeed(Buffer.from(seed))
        const signer = await createSigner(seed)
        const { signature } = await voucher.sign(one, signer)
        const hash = cells.voucher(one).hash()
        expect(hex(signature)).toBe(sign(hash, pair.secretKey).toString('hex'))
        expect(signVerify(hash, Buffer.from(signature), pair.publicKey)).toBe(true)
        expect(await voucher.verify({ object: one, signature }, new Uint8Array(pair.publicKey))).toBe(true)
      }),
      runs(20),
    )
  })
})

describe('time', () => {
  it('to sign or verify a voucher is about a millisecond', async () => {
    const signer = await createSigner()
    const [one] = fc.sample(vouchers, { numRuns: 1, seed: 1 })
    if (!one) throw new Error('no voucher')
    const signed = await voucher.sign(one, signer)
    const median = async (run: () => Promise<unknown>): Promise<number> => {
      const times: number[] = []
      for (let i = 0; i < 101; i++) {
        const began = performance.now()
        await run()
        times.push(performance.now() - began)
      }
      return times.sort((a, b) => a - b)[50] ?? Number.NaN
    }
    const took = {
      sign: await median(() => voucher.sign(one, signer)),
      verify: await median(() => voucher.verify(signed, signer.publicKey)),
    }
    console.log(`voucher: sign ${took.sign.toFixed(3)} ms, verify ${took.verify.toFixed(3)} ms (median of 101)`)
    // Twenty times what an idle machine takes: a loaded one must not fail, a second hash of everything must.
    expect(Math.max(took.sign, took.verify)).toBeLessThan(10)
    expect(
      await verifyHash(await voucher.hash(one), signer.publicKey, await signHash(await voucher.hash(one), signer)),
    ).toBe(true)
  })
})
