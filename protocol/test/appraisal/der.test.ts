import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ecdsaSignature, objectId, time } from '../../../localnet/src/tee/der-writer.ts'
import { type Bytes, concat, fromHex, hex, utf8 } from '../../src/index.ts'
import {
  type Der,
  elements,
  Fields,
  readBoolean,
  readDer,
  readEcdsaSignature,
  readNamedBits,
  readOctetBits,
  readOid,
  readSmall,
  readText,
  readTime,
  readUnsigned,
  tags,
} from '../../src/appraisal/der.ts'
import { runs } from '../property.ts'
import { codeOf } from './simulated.ts'

const value = (tag: number, contents: Uint8Array): Bytes => concat(Uint8Array.of(tag, contents.length), contents)
const of = (tag: number, contents: string | Uint8Array): Der =>
  readDer(value(tag, typeof contents === 'string' ? fromHex(contents) : contents), tag)

describe('DER is read strictly', () => {
  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['contents cut short', '300201'],
    ['an indefinite length', '30800000'],
    ['a length in more bytes than needed', '308101ff'],
    ['a long length with a zero in front', `30820080${'00'.repeat(128)}`],
    ['a length of four bytes', `308400000080${'00'.repeat(128)}`],
    ['a length far beyond the end', '3083ffffff'],
    ['a length whose bytes are cut', '3082'],
    ['trailing bytes', '300000'],
    ['another tag', '3100'],
  ])('%s is refused', async (_, bytes) => {
    expect(await codeOf(() => readDer(fromHex(bytes), tags.sequence))).toBe('malformed')
  })

  it('a tag number above 30 is refused even where it is asked for', async () => {
    expect(await codeOf(() => readDer(fromHex('1f00'), 0x1f))).toBe('malformed')
  })

  it('lengths of one, two and three bytes are read', () => {
    for (const length of [127, 128, 255, 256, 65_535, 65_536]) {
      const digits = length.toString(16)
      const bytes = digits.length % 2 ? `0${digits}` : digits
      const header = length < 128 ? bytes : `8${bytes.length / 2}${bytes}`
      const encoding = concat(fromHex(`04${header}`), new Uint8Array(length))
      expect(readDer(encoding, tags.octetString).contents).toHaveLength(length)
    }
  })

  it('fields come in order, optional ones may be missing, none may be left', async () => {
    const list = of(tags.sequence, '020101040101')
    const fields = new Fields(list)
    expect(readSmall(fields.next(tags.integer))).toBe(1)
    expect(fields.optional(tags.boolean)).toBe(null)
    expect(await codeOf(() => fields.end())).toBe('malformed')
    expect(fields.optional(tags.boolean, tags.octetString)?.contents).toHaveLength(1)
    fields.end()
    expect(await codeOf(() => fields.any())).toBe('malformed')
    expect([...elements(list)].map(({ tag }) => tag)).toEqual([tags.integer, tags.octetString])
  })

  it('a depth of thousands costs one level', async () => {
    let nested = new Uint8Array()
    for (let depth = 0; depth < 5000; depth++) {
      const length = nested.length
      const header =
        length < 128 ? [0x30, length] : length < 256 ? [0x30, 0x81, length] : [0x30, 0x82, length >> 8, length & 255]
      nested = concat(Uint8Array.from(header), nested)
    }
    const list = readDer(nested, tags.sequence)
    expect([...elements(list)]).toHaveLength(1)
    expect(await codeOf(() => readOid(list))).toBe('malformed')
  })
})

describe('integers', () => {
  it.each([
    ['00', 0],
    ['7f', 127],
    ['0080', 128],
    ['00ffffffff', 0xffff_ffff],
  ])('%s is %i', (contents, expected) => {
    expect(readSmall(of(tags.integer, contents))).toBe(expected)
    expect(hex(readUnsigned(of(tags.integer, contents)))).toBe(contents)
  })
  it.each([
    ['nothing', ''],
    ['a negative one', '80'],
    ['a zero byte too many', '007f'],
    ['two zero bytes', '0000'],
  ])('%s is refused', async (_, contents) => {
    expect(await codeOf(() => readUnsigned(of(tags.integer, contents)))).toBe('malformed')
  })
  it('a small one has at most 32 bits', async () => {
    expect(await codeOf(() => readSmall(of(tags.integer, '010000000000')))).toBe('malformed')
  })
})

describe('object identifiers', () => {
  it.each(['2.5.29.19', '1.2.840.113741.1.13.1', '1.3.6.1.4.1.3704.1.3.8', '2.999.3'])('%s is read', (dotted) => {
    const encoded = dotted === '2.999.3' ? fromHex('0603883703') : objectId(dotted)
    expect(readOid(readDer(encoded, tags.oid))).toBe(dotted)
  })
  it.each([
    ['nothing', ''],
    ['one cut within an arc', '2a86'],
    ['an arc with a zero in front', '2a8001'],
    ['an arc beyond what is exact', `2a${'ff'.repeat(9)}7f`],
  ])('%s is refused', async (_, contents) => {
    expect(await codeOf(() => readOid(of(tags.oid, contents)))).toBe('malformed')
  })
})

describe('other types', () => {
  it('booleans are 00 or ff', async () => {
    expect(readBoolean(of(tags.boolean, 'ff'))).toBe(true)
    expect(readBoolean(of(tags.boolean, '00'))).toBe(false)
    for (const wrong of ['01', '', 'ffff']) {
      expect(await codeOf(() => readBoolean(of(tags.boolean, wrong)))).toBe('malformed')
    }
  })
  it('bit strings of bytes have no unused bits', async () => {
    expect(hex(readOctetBits(of(tags.bitString, '00abcd')))).toBe('abcd')
    for (const wrong of ['', '00', '01ab', '08ab']) {
      expect(await codeOf(() => readOctetBits(of(tags.bitString, wrong)))).toBe('malformed')
    }
  })
  it('named bits count from the highest, and unused ones are zero', async () => {
    expect(readNamedBits(of(tags.bitString, '0780'))).toBe(0x8000)
    expect(readNamedBits(of(tags.bitString, '0106'))).toBe(0x0600)
    expect(readNamedBits(of(tags.bitString, '07ff80'))).toBe(0xff80)
    expect(readNamedBits(of(tags.bitString, '00'))).toBe(0)
    // AMD's ASK: one bit less unused than could be.
    expect(readNamedBits(of(tags.bitString, '0104'))).toBe(0x0400)
    for (const wrong of ['', '01', '0781', '0880', '00ffffff']) {
      expect(await codeOf(() => readNamedBits(of(tags.bitString, wrong)))).toBe('malformed')
    }
  })
  it('texts are well-formed UTF-8 of two kinds', async () => {
    expect(readText(of(tags.utf8String, utf8('Intel Ü')))).toBe('Intel Ü')
    expect(readText(of(tags.printableString, utf8('US')))).toBe('US')
    expect(await codeOf(() => readText(of(tags.utf8String, 'ff')))).toBe('malformed')
    expect(await codeOf(() => readText(of(tags.octetString, '61')))).toBe('malformed')
  })
})

describe('times', () => {
  const read = (tag: number, text: string) => readTime(of(tag, utf8(text)))
  it.each([
    [tags.utcTime, '500101000000Z', '1950-01-01T00:00:00Z'],
    [tags.utcTime, '491231235959Z', '2049-12-31T23:59:59Z'],
    [tags.utcTime, '240229120000Z', '2024-02-29T12:00:00Z'],
    [tags.generalizedTime, '20500101000000Z', '2050-01-01T00:00:00Z'],
    [tags.generalizedTime, '99991231235959Z', '9999-12-31T23:59:59Z'],
  ])('tag %i: %s is %s', (tag, text, expected) => {
    expect(read(tag, text)).toBe(Date.parse(expected) / 1000)
  })
  it.each([
    ['without seconds', tags.utcTime, '2401010000Z'],
    ['without Z', tags.utcTime, '240101000000'],
    ['in another zone', tags.utcTime, '240101000000+0100'],
    ['on a day that is not', tags.utcTime, '250229000000Z'],
    ['in month 13', tags.utcTime, '241301000000Z'],
    ['in month 0', tags.utcTime, '240001000000Z'],
    ['at 24 o’clock', tags.utcTime, '240101240000Z'],
    ['with a fraction', tags.generalizedTime, '20500101000000.5Z'],
    ['before 2050 in the long form', tags.generalizedTime, '20240101000000Z'],
    ['of other characters', tags.utcTime, '24010100000xZ'],
    ['empty', tags.utcTime, ''],
  ])('a time %s is refused', async (_, tag, text) => {
    expect(await codeOf(() => read(tag, text))).toBe('malformed')
  })
  it('every second of the calendar comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -631_152_000, max: 253_402_300_799 }), (seconds) => {
        const encoded = time(seconds)
        expect(readTime(readDer(encoded, encoded[0] ?? 0))).toBe(seconds)
      }),
      runs(200),
    )
  })
})

describe('ECDSA signatures', () => {
  it('come back as r and s of full length', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(32, 48),
        fc.uint8Array({ minLength: 1, maxLength: 32 }),
        fc.uint8Array({ minLength: 1, maxLength: 32 }),
        (size, r, s) => {
          fc.pre(r.some((byte) => byte > 0) && s.some((byte) => byte > 0))
          const raw = new Uint8Array(2 * size)
          raw.set(r, size - r.length)
          raw.set(s, 2 * size - s.length)
          expect(hex(readEcdsaSignature(ecdsaSignature(raw), size))).toBe(hex(raw))
        },
      ),
      runs(100),
    )
  })
  it.each([
    ['r is zero', '3006020100020101'],
    ['s is negative', '3006020101020180'],
    ['r has a zero too many', '300702020001020101'],
    ['r is longer than the curve', `3026022101${'00'.repeat(32)}020101`],
    ['there is a third number', '3009020101020101020101'],
    ['there is one number', '3003020101'],
    ['there are bytes after it', '300602010102010100'],
  ])('are refused when %s', async (_, bytes) => {
    expect(await codeOf(() => readEcdsaSignature(fromHex(bytes), 32))).toBe('malformed')
  })
})

describe('no input', () => {
  it('makes a reader throw anything but the typed error', async () => {
    const readers = [readOid, readUnsigned, readSmall, readBoolean, readOctetBits, readNamedBits, readText, readTime]
    const search = fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...Object.values(tags)), async (raw, tag) => {
        const bytes = new Uint8Array(raw)
        await codeOf(() => readDer(bytes, bytes[0] ?? 0))
        await codeOf(() => readEcdsaSignature(bytes, 32))
        const whole = of(tag, bytes)
        for (const read of readers) await codeOf(() => read(whole))
        await codeOf(() => [...elements({ ...whole, tag: tags.sequence })])
      }),
      runs(500),
    )
    await expect(search).resolves.toBe(undefined)
  })
})
