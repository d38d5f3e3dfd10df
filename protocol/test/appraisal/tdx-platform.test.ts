import { describe, expect, it } from 'vitest'
import { type TcbInfo, type TdxPlan, sgxExtension } from '../../../localnet/src/tee/index.ts'
import { integer, objectId, octets, sequence } from '../../../localnet/src/tee/der-writer.ts'
import type { AppraisalCode } from '../../src/appraisal/failure.ts'
import { matchesMask } from '../../src/appraisal/tdx/qe.ts'
import { appraiseTdx } from '../../src/appraisal/tdx/verify.ts'
import { first, inputOf, pck, plan, refusalOf, svns } from './simulated.ts'

type Case = [name: string, code: AppraisalCode, change: (planned: TdxPlan) => void]
const refuses = (step: string, blame: string, cases: Case[]) =>
  it.each(cases)('%s is refused: %s', async (_, code, change) => {
    expect(await refusalOf(await inputOf({ plan: change }))).toEqual({ code, step, blame })
  })

describe('checklist step 5, the quoting enclave', () => {
  describe('whose report', () => {
    refuses('tdx.qe-report', 'evidence', [
      ['is signed by a stranger', 'qe-report-signature', ({ quote }) => (quote.qeSignedBy = 'strangerP256')],
      ['binds another key', 'qe-binding', ({ quote }) => (quote.qe.bound = 'strangerP256')],
      ['goes on after the binding', 'qe-binding', ({ quote }) => (quote.qe.afterBinding[31] = 1)],
    ])
    it('binds a key by which nobody signed is refused', async () => {
      const input = await inputOf({
        plan: ({ quote }) => Object.assign(quote, { attestationKey: 'strangerP256', signedBy: 'strangerP256' }),
      })
      expect(await refusalOf(input)).toMatchObject({ code: 'qe-binding', step: 'tdx.qe-report' })
    })
    it('binds other authentication data is refused', async () => {
      const input = await inputOf()
      const at = 48 + 584 + 4 + 64 + 64 + 6 + 384 + 64 + 2
      const quote = input.quote.slice()
      quote[at] = 1
      expect(await refusalOf({ ...input, quote })).toMatchObject({ code: 'qe-binding', step: 'tdx.qe-report' })
    })
  })

  describe('that', () => {
    refuses('tdx.qe', 'evidence', [
      ['can be debugged', 'qe-debug', ({ quote }) => (quote.qe.attributes[0] = 0x13)],
      ['is signed by someone else', 'qe-signer', ({ quote }) => (quote.qe.mrSigner = new Uint8Array(32))],
      ['is another product', 'qe-product', ({ quote }) => (quote.qe.productId = 1)],
      ['has other MISCSELECT', 'qe-miscselect', ({ quote }) => (quote.qe.miscSelect = Uint8Array.from([1, 0, 0, 0]))],
      ['has other attributes', 'qe-attributes', ({ quote }) => (quote.qe.attributes[0] = 0x01)],
    ])
    refuses('tdx.qe', 'endorsement', [['is older than any known', 'qe-no-level', ({ quote }) => (quote.qe.svn = 1)]])
    it('differs outside the mask passes', async () => {
      const input = await inputOf({ plan: ({ quote }) => (quote.qe.attributes[8] = 0xff) })
      expect(await refusalOf(input)).toBe('accepted')
    })
    it('is compared under the mask, and with nothing beyond it', () => {
      expect(matchesMask(Uint8Array.from([0xab]), Uint8Array.from([0xf0]), Uint8Array.from([0xa0]))).toBe(true)
      expect(matchesMask(Uint8Array.from([0xab]), Uint8Array.from([0xf0]), Uint8Array.from([0xab]))).toBe(false)
      expect(matchesMask(Uint8Array.from([0xab, 0]), Uint8Array.from([0xf0]), Uint8Array.from([0xa0]))).toBe(false)
      expect(matchesMask(Uint8Array.from([0xab]), Uint8Array.from([0xf0]), Uint8Array.from([0xa0, 0]))).toBe(false)
    })
  })
})

describe('checklist step 6, the quote’s signature', () => {
  refuses('tdx.quote-signature', 'evidence', [
    ['by a stranger', 'tdx-quote-signature', ({ quote }) => (quote.signedBy = 'strangerP256')],
  ])
  it.each([
    ['the header', 30],
    ['a measurement', 48 + 136 + 5],
    ['report data', 48 + 520],
  ])('that does not cover %s is refused', async (_, at) => {
    const input = await inputOf()
    const quote = input.quote.slice()
    quote[at] = (quote[at] ?? 0) ^ 1
    const expected = { code: 'tdx-quote-signature', step: 'tdx.quote-signature', blame: 'evidence' }
    expect(await refusalOf({ ...input, quote })).toEqual(expected)
  })
})

describe('checklist step 7, the platform', () => {
  const extend = (value: Uint8Array) => (planned: TdxPlan) =>
    void (pck(planned).extensions = [{ id: '1.2.840.113741.1.13.1', value }])
  const member = (arc: string, value: Uint8Array) => sequence(objectId(`1.2.840.113741.1.13.1.${arc}`), value)
  const rest = [member('1', octets(new Uint8Array(16))), member('3', octets(new Uint8Array(2)))]
  const fmspc = member('4', octets(new Uint8Array(6)))
  const tcb = (...members: Uint8Array[]) => member('2', sequence(...members))
  const components = Array.from({ length: 16 }, (_, i) => member(`2.${i + 1}`, integer(0)))
  const versions = [member('2.17', integer(1)), member('2.18', octets(new Uint8Array(16)))]
  const tcbInfo = (planned: TdxPlan): TcbInfo => planned.collateral.tcbInfo.content

  refuses('tdx.platform', 'endorsement', [
    ['with TCB info for another FMSPC', 'tcb-info-fmspc', (p) => (tcbInfo(p).fmspc = 'AABBCCDDEEFF')],
    ['with TCB info for another PCEID', 'tcb-info-pceid', (p) => (tcbInfo(p).pceId = '0100')],
  ])
  refuses('tdx.platform', 'evidence', [
    ['without SGX extension', 'pck-extension', (p) => (pck(p).extensions = [])],
    ['without FMSPC', 'pck-extension', extend(sequence(...rest, tcb(...components, ...versions)))],
    ['without TCB', 'pck-extension', extend(sequence(...rest, fmspc))],
    [
      'without CPUSVN',
      'pck-extension',
      extend(sequence(...rest, fmspc, tcb(...components, member('2.17', integer(1))))),
    ],
    [
      'without a component',
      'pck-extension',
      extend(sequence(...rest, fmspc, tcb(...components.slice(1), ...versions))),
    ],
    ['with FMSPC twice', 'pck-extension', extend(sequence(...rest, fmspc, fmspc, tcb(...components, ...versions)))],
    [
      'with FMSPC of 5 bytes',
      'pck-extension',
      extend(sequence(...rest, member('4', octets(new Uint8Array(5))), tcb(...components, ...versions))),
    ],
    [
      'with a member that goes on',
      'malformed',
      extend(
        sequence(...rest, fmspc, tcb(...components, ...versions), sequence(objectId('1.2.3'), integer(1), integer(2))),
      ),
    ],
    [
      'with a PPID that is a number',
      'pck-extension',
      extend(sequence(member('1', integer(1)), ...rest.slice(1), fmspc, tcb(...components, ...versions))),
    ],
    [
      'whose 16 components are not its CPUSVN',
      'pck-svn',
      extend(sequence(...rest, fmspc, tcb(member('2.1', integer(1)), ...components.slice(1), ...versions))),
    ],
    ['with an extension cut short', 'malformed', (p) => extend(sgxExtension(p.platform).value.slice(0, -1))(p)],
  ])
  it('is reported with its PPID', async () => {
    const planned = await plan()
    const { value, steps } = await appraiseTdx(await inputOf({}, planned))
    expect(Object.keys(value?.platform ?? {})).toHaveLength(5)
    expect(planned.platform).toMatchObject(value?.platform ?? {})
    const step = steps.find(({ name }) => name === 'tdx.platform')
    expect(step?.detail).toMatch(/^FMSPC dec06f000000, PCEID 0000, PPID [0-9a-f]{32}$/)
  })
})

describe('checklist step 8, the TDX module', () => {
  const identities = ({ collateral }: TdxPlan) => collateral.tcbInfo.content.tdxModuleIdentities
  refuses('tdx.module', 'evidence', [
    [
      'signed by someone else',
      'tdx-module-signer',
      ({ quote }) => (quote.td.mrSignerSeam = new Uint8Array(48).fill(9)),
    ],
    [
      'with attributes',
      'tdx-module-attributes',
      ({ quote }) => (quote.td.seamAttributes = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0])),
    ],
    [
      'with attributes that a mask would hide',
      'tdx-module-attributes',
      (p) => {
        first(identities(p)).attributesMask = '0'.repeat(16)
        p.quote.td.seamAttributes = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0x80])
      },
    ],
    [
      'without the attributes Intel states',
      'tdx-module-attributes',
      (p) => (first(identities(p)).attributes = `01${'0'.repeat(14)}`),
    ],
  ])
  refuses('tdx.module', 'endorsement', [
    ['of a major version nobody knows', 'tdx-module-unknown', ({ quote }) => (quote.td.teeTcbSvn = svns(7, 3, 3))],
    ['older than any known', 'tdx-module-no-level', ({ quote }) => (quote.td.teeTcbSvn = svns(3, 1, 3))],
    ['that TCB info does not list', 'tdx-module-unknown', (p) => void identities(p).pop()],
  ])
  it('is found by its major version in hex of either case', async () => {
    const accept = await inputOf({
      plan: (p) => {
        first(identities(p)).id = 'TDX_1a'
        p.quote.td.teeTcbSvn = svns(7, 0x1a, 3)
      },
    })
    expect(await refusalOf(accept)).toBe('accepted')
  })
  it('of major version 0 is compared with the one of old', async () => {
    const old = (mrSignerSeam: Uint8Array<ArrayBuffer>) =>
      inputOf({ plan: ({ quote }) => Object.assign(quote.td, { teeTcbSvn: svns(5, 0, 3), mrSignerSeam }) })
    expect(await refusalOf(await old(new Uint8Array(48)))).toBe('accepted')
    expect(await refusalOf(await old(new Uint8Array(48).fill(1)))).toMatchObject({ code: 'tdx-module-signer' })
  })
  it('updated under a running domain is looked up as it is now, too', async () => {
    const running = (teeTcbSvn2: Uint8Array<ArrayBuffer>) =>
      inputOf({
        plan: ({ quote }) => {
          Object.assign(quote, { version: 5, bodyType: 3 })
          quote.td.teeTcbSvn2 = teeTcbSvn2
        },
      })
    expect(await refusalOf(await running(svns(8, 1, 3)))).toBe('accepted')
    expect(await refusalOf(await running(svns(8, 2, 3)))).toMatchObject({ code: 'tdx-module-unknown' })
    expect(await refusalOf(await running(svns(3, 1, 3)))).toMatchObject({ code: 'tdx-module-no-level' })
    expect(await refusalOf(await running(svns(5, 1, 3)))).toMatchObject({ code: 'tcb-not-up-to-date' })
    expect(await refusalOf(await running(svns(8, 1, 2)))).toMatchObject({ code: 'tcb-not-up-to-date' })
  })
})
