import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  bytesOf,
  bytesUpTo,
  decodeCbor,
  encodeCbor,
  type Final,
  hex,
  nanograms,
  Refusal,
  Statement,
  uint,
  Wrap,
} from '../src/index.ts'
import { cbor, type Plain } from '../vectors/by-hand.ts'
import vectors from '../vectors/cbor.json' with { type: 'json' }
import { fromHex } from '../src/index.ts'
import { makeNode } from '../vectors/material.ts'
import { runs } from './property.ts'
import { codeOf } from './refused.ts'

const anything = v.unknown()
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => new Uint8Array(array))
const { value: plain } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.string({ maxLength: 30, unit: 'grapheme' }),
    bytes(40),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 30, unit: 'grapheme' }), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}))

describe('deterministic CBOR', () => {
  it('is what the specification says, for every value', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const encoded = encodeCbor(value)
        expect(hex(encoded)).toBe(hex(cbor(value)))
        expect(hex(encodeCbor(decodeCbor(anything, encoded, encoded.length)))).toBe(hex(encoded))
      }),
      runs(300),
    )
  })

  it('decoding arbitrary bytes throws nothing but a CocoonError, and what it takes has one encoding', async () => {
    await fc.assert(
      fc.asyncProperty(bytes(60), async (input) => {
        let value: unknown
        const code = await codeOf(() => (value = decodeCbor(anything, input, 60)))
        expect(['accepted', 'broken-encoding']).toContain(code)
        if (code === 'accepted') expect(hex(encodeCbor(value))).toBe(hex(input))
      }),
      runs(1000),
    )
  })

  it('so does decoding valid objects with some bytes changed, left out or added', async () => {
    const { signed } = await makeNode('cbor node')
    const valid = [signed.body, ...vectors.valid.map((one) => fromHex(one.hex))]
    const change = fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: bytes(4) })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...valid),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (start, changes) => {
          const input = [...start]
          for (const { at, remove, insert } of changes) input.splice(at % (input.length + 1), remove, ...insert)
          for (const schema of [anything, Statement, Refusal, Wrap]) {
            expect(['accepted', 'broken-encoding']).toContain(
              await codeOf(() => decodeCbor(schema, Uint8Array.from(input), 5000)),
            )
          }
        },
      ),
      runs(300),
    )
  })

  it.each([
    ['arrays', 0x81],
    ['maps of no key', 0xa1],
    ['tags', 0xc0],
    ['arrays without end', 0x9f],
  ])('refuses %s nested 100,000 deep, soon', async (_, byte) => {
    const started = performance.now()
    expect(await codeOf(() => decodeCbor(anything, new Uint8Array(100_000).fill(byte), 200_000))).toBe(
      'broken-encoding',
    )
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('refuses maps nested deep with their keys', async () => {
    const nested = new Uint8Array(150_001)
    for (let i = 0; i < 150_000; i += 3) nested.set([0xa1, 0x61, 0x61], i)
    expect(await codeOf(() => decodeCbor(anything, nested, 200_000))).toBe('broken-encoding')
  })

  it('refuses announced lengths beyond the input, without allocating them', async () => {
    for (const head of ['5a7fffffff', '7a7fffffff', '9a7fffffff', 'ba7fffffff', '9b0020000000000000']) {
      const started = performance.now()
      expect(await codeOf(() => decodeCbor(anything, fromHex(head), 100))).toBe('broken-encoding')
      expect(performance.now() - started).toBeLessThan(500)
    }
  })

  it('refuses an object larger than allowed before it reads it', async () => {
    expect(await codeOf(() => decodeCbor(anything, Uint8Array.of(0), 1))).toBe('accepted')
    expect(await codeOf(() => decodeCbor(anything, Uint8Array.of(0x18, 0x18), 1))).toBe('broken-encoding')
  })

  it('refuses names every object inherits, as unknown fields', async () => {
    const schema = v.strictObject({ a: uint })
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const map = Object.fromEntries([
        ['a', 1],
        [name, 1],
      ]) as { readonly [key: string]: Plain }
      expect(await codeOf(() => decodeCbor(schema, cbor(map), 100))).toBe('broken-encoding')
    }
  })

  it('is never made of what has no place in it: that is our own mistake', () => {
    for (const value of [
      1.5,
      Number.NaN,
      Infinity,
      2 ** 53,
      undefined,
      { a: undefined },
      [0.1],
      new Date(0),
      2n ** 64n,
    ]) {
      expect(() => encodeCbor(value)).toThrow()
    }
    const withoutCode = { status: 'done' } as Partial<Final>
    expect(() => encodeCbor({ ...withoutCode, code: withoutCode.code })).toThrow(TypeError)
  })

  it('names a failing field and never what stood there', () => {
    const schema = v.strictObject({ secret: uint })
    const decode = () => decodeCbor(schema, encodeCbor({ secret: 'hunter2' }), 100)
    expect(decode).toThrow(/secret/)
    expect(decode).not.toThrow(/hunter2/)
  })
})

describe('fields', () => {
  it('byte strings have their length and a buffer of their own', async () => {
    const encoded = encodeCbor(new Uint8Array(32))
    const own = decodeCbor(bytesOf(32), encoded, 100)
    expect([own.byteOffset, own.buffer.byteLength]).toEqual([0, 32])
    expect(await codeOf(() => decodeCbor(bytesOf(31), encoded, 100))).toBe('broken-encoding')
    expect(await codeOf(() => decodeCbor(bytesUpTo(31), encoded, 100))).toBe('broken-encoding')
    expect(decodeCbor(bytesUpTo(32), encoded, 100).buffer.byteLength).toBe(32)
  })

  it('amounts are unsigned and 64 bits wide', async () => {
    for (const amount of [0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n]) {
      expect(decodeCbor(nanograms, encodeCbor(amount), 9)).toBe(amount)
    }
    expect(await codeOf(() => decodeCbor(nanograms, encodeCbor(-1), 9))).toBe('broken-encoding')
    expect(await codeOf(() => decodeCbor(nanograms, cbor(-(2n ** 60n)), 9))).toBe('broken-encoding')
    expect(await codeOf(() => decodeCbor(uint, encodeCbor(2n ** 53n), 9))).toBe('broken-encoding')
  })
})
