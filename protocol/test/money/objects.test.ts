import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Bytes, createSigner, fromHex, hex, type Signer } from '../../src/index.ts'
import {
  decodeSignedVoucher,
  encodeSignedVoucher,
  type FlatObject,
  jobDigest,
  receipt,
  release,
  signHash,
  signVoucher,
  verifyHash,
  verifyVoucher,
  voucher,
} from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { codeOf } from '../refused.ts'
import { filled, receipts, releases, vouchers } from './arbitrary.ts'

interface Kind {
  readonly name: string
  readonly object: FlatObject<object>
  readonly values: fc.Arbitrary<object>
  readonly bits: number
  readonly tag: number
}
const kind = <T extends object>(
  name: string,
  object: FlatObject<T>,
  values: fc.Arbitrary<T>,
  bits: number,
  tag: number,
): Kind => ({ name, object: object as unknown as FlatObject<object>, values, bits, tag })
const kinds = [
  kind('voucher', voucher, vouchers, 1008, 0x7663),
  kind('receipt', receipt, receipts, 976, 0x7263),
  kind('release', release, releases, 432, 0x726c),
]

let [payer, broker]: Signer[] = []
beforeAll(async () => {
  payer = await createSigner(filled(1))
  broker = await createSigner(filled(2))
})
const signers = (): { payer: Signer; broker: Signer } => {
  if (!payer || !broker) throw new Error('no signers')
  return { payer, broker }
}

const example = {
  channel: filled(0x11),
  since: 46_000_001n,
  payee: filled(0x22),
  receiptKey: filled(0x33),
  floor: 1_000_000n,
  ceiling: 5_000_000n,
  until: 1_800_000_000,
}

describe.each(kinds)('a $name', ({ object, values, bits, tag }) => {
  it('has its own tag and length', () => {
    expect([object.tag, object.bits]).toEqual([tag, bits])
    fc.assert(
      fc.property(values, (value) => {
        const cell = object.cell(value)
        expect([cell.bits, cell.data.length]).toEqual([bits, bits / 8])
        expect(hex(cell.data).slice(0, 4)).toBe(tag.toString(16))
      }),
      runs(20),
    )
  })

  it('comes back as it went, and from its own bytes only', () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = object.encode(value)
        expect(object.decode(encoded)).toEqual(value)
        expect(object.encode(object.decode(encoded))).toEqual(encoded)
      }),
      runs(100),
    )
  })

  it('is refused with a byte more or less, or another tag', async () => {
    const [value] = fc.sample(values, { numRuns: 1, seed: 7 })
    const encoded = object.encode(value ?? {})
    const other = encoded.slice()
    other[1] = (other[1] ?? 0) ^ 1
    const longer = new Uint8Array([...encoded, 0])
    for (const bytes of [encoded.slice(1), encoded.slice(0, -1), longer, new Uint8Array(0), other]) {
      expect(await codeOf(() => object.decode(bytes))).toBe('broken-encoding')
      expect(await codeOf(() => object.decodeSigned(bytes))).toBe('broken-encoding')
    }
  })

  it('decodes or is broken-encoding, whatever the bytes', async () => {
    const arbitrary = fc.uint8Array({ minLength: bits / 8 - 1, maxLength: bits / 8 }).map((array) => {
      const bytes = new Uint8Array(array)
      if (bytes.length > 1) bytes.set([tag >> 8, tag & 0xff])
      return bytes
    })
    await fc.assert(
      fc.asyncProperty(arbitrary, async (bytes) => {
        const code = await codeOf(() => expect(object.encode(object.decode(bytes))).toEqual(bytes))
        expect(['accepted', 'broken-encoding']).toContain(code)
      }),
      runs(200),
    )
  })

  it('signed travels with its signature behind it', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const signed = await object.sign(value, signers().broker)
        expect(await object.verify(signed, signers().broker.publicKey)).toBe(true)
        const bytes = object.encodeSigned(signed)
        expect(bytes.length).toBe(bits / 8 + 64)
        expect(object.decodeSigned(bytes)).toEqual(signed)
      }),
      runs(10),
    )
  })

  it('signed holds for no other key, and for not a bit of another object', async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.nat(), async (value, at) => {
        const signed = await object.sign(value, signers().broker)
        expect(await object.verify(signed, signers().payer.publicKey)).toBe(false)
        const bytes = object.encodeSigned(signed)
        const bit = at % (bytes.length * 8)
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
        let changed
        try {
          changed = object.decodeSigned(bytes)
        } catch {
          return
        }
        expect(await object.verify(changed, signers().broker.publicKey)).toBe(false)
      }),
      runs(60),
    )
  })

  it('malformed is false, never an exception', async () => {
    const [value] = fc.sample(values, { numRuns: 1, seed: 8 })
    const { signature } = await object.sign(value ?? {}, signers().broker)
    const { publicKey } = signers().broker
    const bad = { ...value, channel: new Uint8Array(31) }
    expect(await object.verify({ object: bad, signature }, publicKey)).toBe(false)
    expect(await object.verify({ object: value ?? {}, signature: new Uint8Array(63) }, publicKey)).toBe(false)
    expect(await object.verify({ object: value ?? {}, signature }, new Uint8Array(31))).toBe(false)
  })
})

describe('money objects', () => {
  it('of two kinds never share a hash, so no signature passes from one to another', async () => {
    const hashes = new Set<string>()
    let count = 0
    for (const { object, values } of kinds) {
      for (const value of fc.sample(values, { numRuns: 50, seed: 9 })) {
        hashes.add(hex(await object.hash(value)))
        count++
      }
    }
    expect(hashes.size).toBe(count)
  })

  it('have the hashes and signatures the chain checks, in every runtime', async () => {
    const { payer: key } = signers()
    expect(hex(voucher.encode(example))).toBe(
      `7663${'11'.repeat(32)}0000000002bde781${'22'.repeat(32)}${'33'.repeat(32)}00000000000f424000000000004c4b406b49d200`,
    )
    // Made with @ton/core 0.63.1 and @ton/crypto 3.3.0.
    expect(hex(await voucher.hash(example))).toBe('13a78d99e743fc35db710a81f3646e57b7be4d5d3ce16095d5bc2bdfa58857f1')
    expect(hex((await voucher.sign(example, key)).signature)).toBe(
      '824dc77206741c4a8a20e98af8f5cdd3a038f26c222e108135213d27abdb4b5b5fed8aadb64a33008f7d910412b8171dc1bbb0f89489159594664ae780d90704',
    )
  })

  it('are not made outside their bounds', () => {
    const encode = (change: object): Bytes => voucher.encode({ ...example, ...change })
    expect(() => encode({ floor: example.ceiling + 1n })).toThrow('floor is above the ceiling')
    expect(() => encode({ payee: example.channel })).toThrow('cannot be the payee')
    for (const change of [
      { since: -1n },
      { since: 2n ** 64n },
      { ceiling: 2n ** 64n },
      { until: 2 ** 32 },
      { until: 1.5 },
      { until: Number.NaN },
      { payee: new Uint8Array(33) },
      { receiptKey: new Uint8Array(0) },
    ]) {
      expect(() => encode(change)).toThrow(RangeError)
    }
    const sums = { channel: filled(1), since: 1n, payee: filled(2), job: filled(3) }
    expect(() => receipt.encode({ ...sums, total: 4n, amount: 5n })).toThrow('amount is above the total')
    expect(() => release.encode({ channel: filled(1), opened: 0n, total: 1n, until: 1 })).toThrow('not open')
  })

  it('outside their bounds are refused when read, too', async () => {
    const bytes = voucher.encode(example)
    const lowCeiling = bytes.slice()
    lowCeiling.fill(0, 114, 122)
    expect(await codeOf(() => voucher.decode(lowCeiling))).toBe('broken-encoding')
    const toItself = bytes.slice()
    toItself.set(example.channel, 42)
    expect(await codeOf(() => voucher.decode(toItself))).toBe('broken-encoding')
  })
})

describe('a signed voucher', () => {
  it('carries its payer key in 222 bytes', async () => {
    const signed = await signVoucher(example, signers().payer)
    const bytes = encodeSignedVoucher(signed)
    expect(bytes.length).toBe(222)
    expect(decodeSignedVoucher(bytes)).toEqual(signed)
    expect(await verifyVoucher(signed)).toBe(true)
    expect(await verifyVoucher({ ...signed, payer: signers().broker.publicKey })).toBe(false)
    expect(await codeOf(() => decodeSignedVoucher(bytes.slice(0, -1)))).toBe('broken-encoding')
    expect(await codeOf(() => decodeSignedVoucher(new Uint8Array(10)))).toBe('broken-encoding')
  })

  it('is countersigned by the broker over the same hash, in a role of its own', async () => {
    const signed = await signVoucher(example, signers().payer)
    const hold = await voucher.sign(example, signers().broker)
    expect(await voucher.verify(hold, signers().broker.publicKey)).toBe(true)
    expect(await verifyVoucher({ ...signed, signature: hold.signature })).toBe(false)
  })
})

describe('a signature over a hash', () => {
  it('is over 32 bytes and nothing else', async () => {
    expect(() => signHash(new Uint8Array(31), signers().payer)).toThrow(RangeError)
    expect(await verifyHash(new Uint8Array(31), signers().payer.publicKey, new Uint8Array(64))).toBe(false)
  })

  it('by a key for which anyone can sign is refused', async () => {
    // The neutral element: R = S = 0 signs everything where such keys are let in.
    const neutral = fromHex(`01${'00'.repeat(31)}`)
    const signature = new Uint8Array(64)
    signature.set(neutral)
    expect(await verifyHash(filled(5), neutral, signature)).toBe(false)
    const negative = neutral.map((byte, i) => (i === 31 ? byte | 0x80 : byte))
    expect(await verifyHash(filled(5), negative, signature)).toBe(false)
  })
})

describe('the job on a receipt', () => {
  it('is named by a digest that says nothing without its salt', async () => {
    const jobId = filled(7)
    const digest = await jobDigest(filled(8), jobId)
    expect(digest.length).toBe(32)
    expect(hex(await jobDigest(filled(9), jobId))).not.toBe(hex(digest))
    expect(hex(await jobDigest(filled(8), filled(6)))).not.toBe(hex(digest))
    expect(() => jobDigest(new Uint8Array(16), jobId)).toThrow(RangeError)
  })
})
