import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex, sha256 } from '../../src/index.ts'
import { BitWriter, ByteReader, cellHash, MAX_CELL_BITS } from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { codeOf } from '../refused.ts'

const pieces = fc.array(
  fc
    .integer({ min: 0, max: 300 })
    .chain((width) =>
      fc.record({ width: fc.constant(width), value: fc.bigInt({ min: 0n, max: 2n ** BigInt(width) - 1n }) }),
    ),
  { maxLength: 6 },
)

function toBits(pieceList: readonly { width: number; value: bigint }[]): string {
  return pieceList.map(({ width, value }) => (width === 0 ? '' : value.toString(2).padStart(width, '0'))).join('')
}

describe('a flat cell', () => {
  // Made with @ton/core 0.63.1; money-cells.test.ts compares with it at random.
  it.each([
    [0, 0n, '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'],
    [1, 1n, '7c6c1a965fd501d2938c2c0e06626bdaa3531357016e169070c9ef79c4c46bc0'],
    [8, 0xffn, '81f3b92f222078b1606cfc3eebfee22216cc40ac99e6524b00fbaa933a6bcd47'],
  ])('of %i bits has the hash the chain computes', async (bits, value, digest) => {
    expect(hex(await cellHash(new BitWriter().uint(value, bits).cell()))).toBe(digest)
  })

  it('holds what was written, the highest bit first, and zeros behind it', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const bits = toBits(list)
        fc.pre(bits.length <= MAX_CELL_BITS)
        const writer = new BitWriter()
        for (const { width, value } of list) writer.uint(value, width)
        const cell = writer.cell()
        expect(cell.bits).toBe(bits.length)
        const written = [...cell.data].map((byte) => byte.toString(2).padStart(8, '0')).join('')
        expect(written).toBe(bits.padEnd(Math.ceil(bits.length / 8) * 8, '0'))
      }),
      runs(200),
    )
  })

  it('that ends within a byte differs from the one with the padding written out', async () => {
    const short = new BitWriter().uint(0b1010, 4).cell()
    const long = new BitWriter().uint(0b10101000, 8).cell()
    expect(hex(await cellHash(short))).not.toBe(hex(await cellHash(long)))
    expect(await cellHash(short)).toEqual(await sha256(Uint8Array.of(0, 1, 0b10101000)))
    expect(await cellHash(long)).toEqual(await sha256(Uint8Array.of(0, 2, 0b10101000)))
  })

  it('holds 1023 bits and not one more', () => {
    const full = new BitWriter().uint(0n, MAX_CELL_BITS)
    expect(full.bits).toBe(1023)
    expect(() => full.uint(0, 1)).toThrow(RangeError)
  })

  it.each([
    [256, 8],
    [-1, 8],
    [1, 0],
    [0.5, 8],
    [2n ** 64n, 64],
    [0, -1],
    [0, 1.5],
  ])('takes no %s in %s bits', (value, width) => {
    expect(() => new BitWriter().uint(value, width)).toThrow(RangeError)
  })

  it('has no hash when its bytes and its length disagree, or an unused bit is set', async () => {
    for (const [bits, data] of [
      [8, []],
      [8, [1, 2]],
      [9, [1, 2]],
      [1024, Array.from({ length: 128 }, () => 0)],
      [-1, []],
      [0.5, [0]],
    ] as const) {
      await expect(cellHash({ bits, data: Uint8Array.from(data) })).rejects.toThrow(RangeError)
    }
  })

  it('is read back in whole bytes, and never past its end', async () => {
    const { data } = new BitWriter().uint(0xabcdn, 16).bytes(Uint8Array.of(1, 2)).cell()
    const reader = new ByteReader(data)
    expect(reader.uint(16)).toBe(0xabcdn)
    expect(reader.bytes(2)).toEqual(Uint8Array.of(1, 2))
    expect(await codeOf(() => reader.bytes(1))).toBe('broken-encoding')
  })
})
