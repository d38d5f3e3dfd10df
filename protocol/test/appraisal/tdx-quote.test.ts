import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeQuote } from '../../../localnet/src/tee/index.ts'
import { type Bytes, concat, hex } from '../../src/index.ts'
import type { AppraisalCode } from '../../src/appraisal/failure.ts'
import { readQuote, trimQuote } from '../../src/appraisal/tdx/quote.ts'
import { runs } from '../property.ts'
import { type Change, codeOf, inputOf, plan, refusalOf } from './simulated.ts'

type Planned = Parameters<NonNullable<Change['plan']>>[0]['quote']

describe('checklist step 1, the quote', () => {
  it.each([
    [4, 2, '1.0'],
    [5, 2, '1.0'],
    [5, 3, '1.5'],
  ] as const)('of version %i with body type %i is read to its last byte', async (version, bodyType, tdx) => {
    const planned = await plan()
    Object.assign(planned.quote, { version, bodyType })
    const encoded = await encodeQuote(planned.quote)
    const quote = readQuote(encoded)
    const { td, qe } = planned.quote
    expect(quote.version).toBe(version)
    expect(quote.report).toEqual({
      teeTcbSvn: td.teeTcbSvn,
      mrSeam: td.mrSeam,
      mrSignerSeam: td.mrSignerSeam,
      seamAttributes: td.seamAttributes,
      tdAttributes: td.attributes,
      xfam: td.xfam,
      mrTd: td.mrTd,
      mrConfigId: td.mrConfigId,
      mrOwner: td.mrOwner,
      mrOwnerConfig: td.mrOwnerConfig,
      rtmr: td.rtmr,
      reportData: td.reportData,
      teeTcbSvn2: tdx === '1.5' ? td.teeTcbSvn2 : null,
      mrServiceTd: tdx === '1.5' ? td.mrServiceTd : null,
    })
    expect(quote.qeReport).toMatchObject({ isvProdId: qe.productId, isvSvn: qe.svn, mrSigner: qe.mrSigner })
    expect(await refusalOf(await inputOf({ input: () => ({ quote: encoded }) }))).toBe('accepted')
  })

  const refused: [name: string, code: AppraisalCode, change: (quote: Planned) => void][] = [
    ['of version 3', 'tdx-quote-version', (q) => (q.version = 3)],
    ['of version 6', 'tdx-quote-version', (q) => (q.version = 6)],
    ['with an attestation key of type 3', 'tdx-key-type', (q) => (q.keyType = 3)],
    ['of an SGX enclave', 'tdx-tee-type', (q) => (q.teeType = 0)],
    ['by another vendor’s quoting enclave', 'tdx-qe-vendor', (q) => (q.qeVendor = new Uint8Array(16))],
    ['with an SGX body', 'tdx-body-type', (q) => Object.assign(q, { version: 5, bodyType: 1 })],
    ['with a TDX 1.5 Ex body', 'tdx-body-type', (q) => Object.assign(q, { version: 5, bodyType: 4 })],
    ['with a body of another length', 'tdx-section-length', (q) => Object.assign(q, { version: 5, bodyLength: 585 })],
    ['whose signature data ends after it', 'tdx-section-length', (q) => (q.lengthErrors = [1, 0, 0])],
    ['whose signature data ends before it', 'tdx-trailing-bytes', (q) => (q.lengthErrors = [-1, 0, 0])],
    ['whose certification data is longer', 'tdx-section-length', (q) => (q.lengthErrors = [0, 1, 0])],
    ['whose certification data is shorter', 'tdx-section-length', (q) => (q.lengthErrors = [0, -1, 0])],
    ['whose certificates are longer', 'tdx-section-length', (q) => (q.lengthErrors = [0, 0, 1])],
    ['whose certificates are shorter', 'tdx-section-length', (q) => (q.lengthErrors = [0, 0, -1])],
    ['with a byte after it', 'tdx-trailing-bytes', (q) => (q.trailing = Uint8Array.of(0))],
    ['with certification data of type 5', 'tdx-certification-type', (q) => (q.certificationType = 5)],
    ['with an encrypted PPID for a PCK', 'tdx-certification-type', (q) => (q.pckCertificationType = 3)],
  ]
  it.each(refused)('%s is refused: %s', async (_, code, change) => {
    const input = await inputOf({ plan: ({ quote }) => change(quote) })
    expect(await refusalOf(input)).toEqual({ code, step: 'tdx.quote', blame: 'evidence' })
  })

  describe('as bytes', () => {
    let encoded: Bytes
    let input: Awaited<ReturnType<typeof inputOf>>
    beforeAll(async () => {
      input = await inputOf()
      encoded = input.quote
    })

    it('cut anywhere is refused', async () => {
      for (let length = 0; length < encoded.length; length += 13) {
        expect(await codeOf(() => readQuote(encoded.subarray(0, length)))).toMatch(
          /^tdx-(quote-format|section-length)$/,
        )
      }
    })

    it('larger than any is refused', async () => {
      expect(await codeOf(() => readQuote(new Uint8Array(32 * 1024 + 1)))).toBe('tdx-quote-format')
    })

    it('with certificates that are no text is refused', async () => {
      const binary = encoded.slice()
      binary[binary.length - 40] = 0xff
      expect(await codeOf(() => readQuote(binary))).toBe('tdx-quote-format')
    })

    it('from a service that pads its buffer is trimmed to itself', async () => {
      expect(trimQuote(encoded)).toEqual(encoded)
      expect(trimQuote(concat(encoded, new Uint8Array(4000)))).toEqual(encoded)
      expect(await codeOf(() => trimQuote(encoded.subarray(0, -1)))).toBe('tdx-section-length')
      expect(await codeOf(() => trimQuote(encoded.subarray(0, 100)))).toBe('tdx-quote-format')
    })

    it('mangled anywhere says nothing else, and makes nothing throw but the typed error', async () => {
      const edit = fc.record({
        where: fc.nat(encoded.length - 1),
        byte: fc.integer({ min: 1, max: 255 }),
        how: fc.constantFrom('flip', 'cut', 'insert', 'shorten'),
      })
      const genuine = hex(readQuote(encoded).signed)
      const search = fc.assert(
        fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
          let quote: Bytes = encoded
          for (const { where, byte, how } of edits) {
            const [before, at] = [quote.subarray(0, where), quote.subarray(where, where + 1)]
            if (how === 'shorten') quote = before
            else if (how === 'insert') quote = concat(before, Uint8Array.of(byte), quote.subarray(where))
            else
              quote = concat(
                before,
                how === 'flip' ? at.map((b) => b ^ byte) : new Uint8Array(),
                quote.subarray(where + 1),
              )
          }
          const code = await codeOf(() => readQuote(quote))
          const refusal = await refusalOf({ ...input, quote })
          if (code !== 'accepted') expect(refusal).toMatchObject({ code, step: 'tdx.quote' })
          // White space between certificates is no part of what anybody signs.
          if (refusal === 'accepted') expect(hex(readQuote(quote).signed)).toBe(genuine)
        }),
        runs(150),
      )
      await expect(search).resolves.toBe(undefined)
    })
  })
})
