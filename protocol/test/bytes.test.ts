import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  base64url,
  concat,
  copy,
  equal,
  fromBase64url,
  fromHex,
  fromUtf8,
  hex,
  sha256,
  uint32,
  uint64,
  utf8,
} from '../src/index.ts'
import { runs } from './property.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => new Uint8Array(array))

describe('hex and base64url', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(bytes, (one) => {
        expect(fromHex(hex(one))).toEqual(one)
        expect(fromBase64url(base64url(one))).toEqual(one)
        expect(base64url(one)).toMatch(/^[\w-]*$/)
      }),
      runs(200),
    )
  })

  it('have one text for each byte string: whatever decodes encodes back to the same text', () => {
    const decoders = [
      [fromHex, hex],
      [fromBase64url, base64url],
    ] as const
    const texts = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: fc.constantFrom('a', 'B', 'A', '0', '-', '_', '+', '/', '=', ' ', '\n'), maxLength: 9 }),
    )
    fc.assert(
      fc.property(texts, fc.constantFrom(...decoders), (text, [decode, encode]) => {
        let decoded
        try {
          decoded = decode(text)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
          return
        }
        expect(encode(decoded)).toBe(text)
      }),
      runs(500),
    )
  })

  it.each(['A', 'AB', 'AAB', 'AAA=', 'AA==', 'A A', 'A+AA', 'A/AA', 'ä'])('base64url refuses %j', (text) => {
    expect(() => fromBase64url(text)).toThrow(RangeError)
  })
  it.each(['a', 'AB', '0g', '0x00', ' 0'])('hex refuses %j', (text) => expect(() => fromHex(text)).toThrow(RangeError))

  it('long byte strings, too', () => {
    const long = new Uint8Array(100_000).fill(0xa5)
    expect(fromBase64url(base64url(long))).toEqual(long)
  })
})

describe('bytes', () => {
  it('compare by content and length', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equal(a, copy(a))).toBe(true)
        expect(equal(a, b)).toBe(hex(a) === hex(b))
        expect(equal(a, concat(a, b))).toBe(b.length === 0)
      }),
      runs(100),
    )
    expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(equal(Uint8Array.of(3, 2), Uint8Array.of(1, 2))).toBe(false)
  })

  it('copy to a buffer of their own', () => {
    const larger = Uint8Array.of(9, 1, 2, 9)
    const own = copy(larger.subarray(1, 3))
    expect([own.buffer.byteLength, own.byteOffset]).toEqual([2, 0])
    larger.fill(0)
    expect(own).toEqual(Uint8Array.of(1, 2))
  })

  it('hold integers with the highest byte first', () => {
    expect(hex(uint32(0x0102_0304))).toBe('01020304')
    expect(hex(uint64(2 ** 40 + 5))).toBe('0000010000000005')
  })

  it('hold text strictly as UTF-8, a byte order mark included', () => {
    expect(fromUtf8(utf8('\uFEFFä€😀'))).toBe('\uFEFFä€😀')
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(TypeError)
  })

  it('hash piece by piece as one', async () => {
    expect(hex(await sha256())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(await sha256(utf8('ab'), utf8('c'))).toEqual(await sha256(utf8('abc')))
  })
})
