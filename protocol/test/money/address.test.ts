import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex, utf8 } from '../../src/index.ts'
import { crc16, friendlyAddress, parseAddress, rawAddress } from '../../src/money/index.ts'
import { runs } from '../property.ts'
import { bytes32, filled } from './arbitrary.ts'

const forms = fc.record({ bounceable: fc.boolean(), testOnly: fc.boolean() })

describe('an address', () => {
  it('comes back from either text, friendly in either alphabet', () => {
    fc.assert(
      fc.property(bytes32, forms, (account, form) => {
        const friendly = friendlyAddress(account, form)
        expect(friendly).toMatch(/^[\w-]{48}$/)
        expect(parseAddress(friendly)).toEqual({ account, ...form })
        expect(parseAddress(friendly.replaceAll('-', '+').replaceAll('_', '/')).account).toEqual(account)
        expect(parseAddress(rawAddress(account))).toEqual({ account, bounceable: null, testOnly: null })
        expect(parseAddress(`0:${hex(account).toUpperCase()}`).account).toEqual(account)
      }),
      runs(200),
    )
  })

  it('with one character wrong is refused', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    fc.assert(
      fc.property(bytes32, forms, fc.nat({ max: 47 }), fc.nat({ max: 63 }), (account, form, at, letter) => {
        const friendly = friendlyAddress(account, form)
        const other = alphabet[letter] ?? 'A'
        fc.pre(friendly[at] !== other)
        expect(() => parseAddress(friendly.slice(0, at) + other + friendly.slice(at + 1))).toThrow(RangeError)
      }),
      runs(300),
    )
  })

  it('of zeros is the one everybody knows', () => {
    const text = 'UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJKZ'
    expect(friendlyAddress(filled(0), { bounceable: false, testOnly: false })).toBe(text)
    expect(rawAddress(filled(0))).toBe(`0:${'00'.repeat(32)}`)
  })

  it.each([
    ['Ef8zMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM0vF', /workchain -1/],
    [`-1:${'33'.repeat(32)}`, /workchain -1/],
    [`1:${'33'.repeat(32)}`, /workchain 1/],
    [`0:${'33'.repeat(31)}`, /48 characters/],
    [`0:${'zz'.repeat(32)}`, /48 characters/],
    ['', /48 characters/],
    [' UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJKZ', /48 characters/],
    ['UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJ Z', /does not belong/],
    ['UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJKä', /does not belong/],
    ['UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-J/Z', /two alphabets/],
    ['UQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJKa', /checksum/],
    ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', /unknown flags/],
  ])('%j is refused in words that help', (text, words) => {
    expect(() => parseAddress(text)).toThrow(words)
    expect(() => parseAddress(text)).toThrow(RangeError)
  })

  it('has 32 bytes', () => {
    expect(() => rawAddress(new Uint8Array(31))).toThrow(RangeError)
    expect(() => friendlyAddress(new Uint8Array(33), { bounceable: true, testOnly: true })).toThrow(RangeError)
  })

  it('is checked by the CRC of XMODEM', () => {
    expect(crc16(utf8('123456789'))).toBe(0x31c3)
    expect(crc16(new Uint8Array(0))).toBe(0)
  })
})
