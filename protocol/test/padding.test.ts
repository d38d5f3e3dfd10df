import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limits, pad, padme, requestBucket, unpad } from '../src/index.ts'
import { runs } from './property.ts'
import { codeOf } from './refused.ts'

const length = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 70_000 }), fc.nat({ max: limits.request }))

/** Algorithm 1 of the paper, in its own words: as many low bits are zero as the exponent allows. */
function padmeOfThePaper(value: number): number {
  if (value < 2) return value
  const e = value.toString(2).length - 1
  const s = e.toString(2).length
  const mask = (1n << BigInt(e - s > 0 ? e - s : 0)) - 1n
  return Number((BigInt(value) + mask) & ~mask)
}

describe('Padmé', () => {
  it('is the paper’s, grows, is its own bucket and costs at most 12 %', () => {
    fc.assert(
      fc.property(length, fc.nat({ max: 1000 }), (value, more) => {
        const padded = padme(value)
        expect(padded).toBe(padmeOfThePaper(value))
        expect(padded).toBeGreaterThanOrEqual(value)
        expect(padme(padded)).toBe(padded)
        expect(padme(value + more)).toBeGreaterThanOrEqual(padded)
        expect(padded).toBeLessThanOrEqual(Math.max(value * 1.12, value + 1))
      }),
      runs(500),
    )
  })
  it('holds around every power of two', () => {
    for (let power = 1; power <= 2 ** 26; power *= 2) {
      for (const value of [power - 1, power, power + 1]) expect(padme(value)).toBe(padmeOfThePaper(value))
    }
  })
})

describe('padding of a request', () => {
  it('chooses powers of two from 256 to 64 KiB, then Padmé', () => {
    const buckets = new Set<number>()
    for (let bytes = 0; bytes <= 65_536; bytes += 13) buckets.add(requestBucket(bytes))
    expect([...buckets]).toEqual([256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536])
    expect(requestBucket(65_536)).toBe(65_536)
    expect(requestBucket(65_537)).toBe(padme(65_537))
  })

  it('comes off as it went on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (array) => {
        const content = new Uint8Array(array)
        expect(unpad(pad(content, requestBucket), requestBucket)).toEqual(content)
      }),
      runs(100),
    )
  })

  it('is refused when any byte of it is not zero, and in any other bucket', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 600 }), fc.nat(), fc.integer({ min: 1, max: 255 }), async (bytes, at, byte) => {
        const padded = pad(new Uint8Array(bytes), requestBucket)
        const free = padded.length - 4 - bytes
        if (free > 0) {
          const dirty = padded.slice()
          dirty[4 + bytes + (at % free)] = byte
          expect(await codeOf(() => unpad(dirty, requestBucket))).toBe('bad-padding')
        }
        const larger = new Uint8Array(padded.length * 2)
        larger.set(padded)
        expect(await codeOf(() => unpad(larger, requestBucket))).toBe('bad-padding')
        expect(await codeOf(() => unpad(padded.slice(0, -1), requestBucket))).toBe('bad-padding')
      }),
      runs(100),
    )
  })

  it('reads its length from views of larger buffers', () => {
    const padded = pad(Uint8Array.of(1, 2), requestBucket)
    const larger = new Uint8Array(300).fill(255)
    larger.set(padded, 20)
    expect(unpad(larger.subarray(20, 276), requestBucket)).toEqual(Uint8Array.of(1, 2))
  })
})
