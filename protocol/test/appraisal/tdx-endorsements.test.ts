import { describe, expect, it } from 'vitest'
import {
  type CertificatePlan,
  intelNames,
  intelRootPlan,
  issue,
  pckCaPlan,
  serial,
  type TdxPlan,
} from '../../../localnet/src/tee/index.ts'
import { integer } from '../../../localnet/src/tee/der-writer.ts'
import type { AppraisalCode } from '../../src/appraisal/failure.ts'
import { readAnswer } from '../../src/appraisal/tdx/collateral.ts'
import { type Change, codeOf, DAY, inputOf, NOW, plan, refusalOf } from './simulated.ts'

const isPlan = (item: CertificatePlan | Uint8Array | undefined): item is CertificatePlan =>
  item !== undefined && !(item instanceof Uint8Array)

/** The certificate plan at a place of one of the three chains. */
const chains = {
  'tdx.pck-chain': ({ quote }: TdxPlan) => quote.chain,
  'tdx.tcb-info-chain': ({ collateral }: TdxPlan) => collateral.tcbInfo.chain,
  'tdx.qe-identity-chain': ({ collateral }: TdxPlan) => collateral.qeIdentity.chain,
} as const
type ChainStep = keyof typeof chains
const certificate = (planned: TdxPlan, step: ChainStep, i: number): CertificatePlan => {
  const found = chains[step](planned)[i]
  if (!isPlan(found)) throw new RangeError('no certificate to change')
  return found
}

describe('checklist step 2, the chains', () => {
  it('of both kinds of PCK authority pass', async () => {
    for (const issuer of ['platform', 'processor'] as const) {
      expect(await refusalOf(await inputOf({}, await plan(issuer)))).toBe('accepted')
    }
  })

  const leaf: [name: string, code: AppraisalCode, change: (certificate: CertificatePlan) => void][] = [
    ['expired', 'chain-expired', (c) => (c.notAfter = NOW - 1)],
    ['not yet valid', 'chain-not-yet-valid', (c) => (c.notBefore = NOW + 1)],
    ['signed by a stranger', 'chain-signature', (c) => (c.signedBy = 'strangerP256')],
    ['signed with another algorithm', 'chain-algorithm', (c) => (c.signedBy = 'strangerP384')],
    ['issued in another name', 'chain-name', (c) => (c.issuer = intelNames.tcbSigning)],
    ['an authority', 'chain-leaf-is-ca', (c) => (c.authority = {})],
    ['not allowed to sign', 'chain-key-usage', (c) => (c.usages = ['keyCertSign'])],
    ['without key usage', 'chain-key-usage', (c) => (c.usages = null)],
    ['of another name', 'chain-common-name', (c) => (c.subject = [['CN', 'Intel SGX Something']])],
    ['without a name', 'chain-common-name', (c) => (c.subject = [])],
    [
      'under a critical extension nobody reads',
      'chain-critical-extension',
      (c) => c.extensions.push({ id: '1.2.3', critical: true, value: integer(1) }),
    ],
  ]
  const steps: [ChainStep, 'evidence' | 'endorsement'][] = [
    ['tdx.pck-chain', 'evidence'],
    ['tdx.tcb-info-chain', 'endorsement'],
    ['tdx.qe-identity-chain', 'endorsement'],
  ]
  describe.each(steps)('%s', (step, blame) => {
    it.each(leaf)('with a leaf that is %s is refused: %s', async (_, code, change) => {
      const input = await inputOf({ plan: (planned) => change(certificate(planned, step, 0)) })
      expect(await refusalOf(input)).toEqual({ code, step, blame })
    })

    it('that ends in another root of the same name is refused', async () => {
      const root = await issue({ ...intelRootPlan(), serial: serial(99) })
      const input = await inputOf({ plan: (planned) => chains[step](planned).splice(-1, 1, root) })
      expect(await refusalOf(input)).toEqual({ code: 'chain-untrusted', step, blame })
    })

    it('that is shorter or longer than Intel’s is refused', async () => {
      for (const place of [0, 1]) {
        const shorter = await inputOf({ plan: (planned) => chains[step](planned).splice(place, 1) })
        expect(await refusalOf(shorter)).toEqual({ code: 'chain-length', step, blame })
      }
      const longer = await inputOf({ plan: (planned) => chains[step](planned).splice(1, 0, pckCaPlan('platform')) })
      expect(await refusalOf(longer)).toEqual({ code: 'chain-length', step, blame })
    })
  })

  const authority: typeof leaf = [
    ['expired', 'chain-expired', (c) => (c.notAfter = NOW - 1)],
    ['not yet valid', 'chain-not-yet-valid', (c) => (c.notBefore = NOW + 1)],
    ['signed by a stranger', 'chain-signature', (c) => (c.signedBy = 'strangerP256')],
    ['issued in another name', 'chain-name', (c) => (c.issuer = intelNames.tcbSigning)],
    ['no authority', 'chain-not-ca', (c) => (c.authority = false)],
    ['without basic constraints', 'chain-not-ca', (c) => (c.authority = null)],
    ['not allowed to sign certificates', 'chain-key-usage', (c) => (c.usages = ['crlSign'])],
    ['without key usage', 'chain-key-usage', (c) => (c.usages = null)],
  ]
  const step = 'tdx.pck-chain'
  it.each(authority)('with a PCK authority that is %s is refused: %s', async (_, code, change) => {
    const input = await inputOf({ plan: (planned) => change(certificate(planned, step, 1)) })
    expect(await refusalOf(input)).toEqual({ code, step, blame: 'evidence' })
  })

  it('with a PCK authority of another name is refused', async () => {
    const name = [['CN', 'Intel SGX TCB Signing']] as const
    const input = await inputOf({
      plan: (planned) => {
        certificate(planned, step, 1).subject = name
        certificate(planned, step, 0).issuer = name
      },
    })
    expect(await refusalOf(input)).toEqual({ code: 'chain-common-name', step, blame: 'evidence' })
  })

  it('below a root that allows no authority between are refused', async () => {
    const root = await issue({ ...intelRootPlan(), authority: { pathLength: 0 } })
    const input = await inputOf({
      plan: (planned) => {
        for (const chain of Object.values(chains)) chain(planned).splice(-1, 1, root)
      },
      input: () => ({ root }),
    })
    expect(await refusalOf(input)).toEqual({ code: 'chain-path-length', step, blame: 'evidence' })
  })

  it('of TCB info and QE identity are not signed by a PCK certificate', async () => {
    const input = await inputOf({
      plan: (planned) => {
        const pck = certificate(planned, step, 0)
        planned.collateral.tcbInfo.chain[0] = { ...pck, issuer: intelNames.root, signedBy: 'intelRoot' }
        planned.collateral.tcbInfo.signedBy = 'pck'
      },
    })
    const expected = { code: 'chain-common-name', step: 'tdx.tcb-info-chain', blame: 'endorsement' }
    expect(await refusalOf(input)).toEqual(expected)
  })
})

describe('checklist step 3, revocation', () => {
  const wrong: [name: string, code: AppraisalCode, change: (planned: TdxPlan, list: 'rootCrl' | 'pckCrl') => void][] = [
    ['is missing', 'crl-missing', ({ collateral }, list) => (collateral[list] = null)],
    [
      'is forged',
      'crl-signature',
      ({ collateral }, list) => Object.assign(collateral[list] ?? {}, { signedBy: 'strangerP256' }),
    ],
    [
      'has expired',
      'crl-expired',
      ({ collateral }, list) => Object.assign(collateral[list] ?? {}, { nextUpdate: NOW - 1 }),
    ],
    [
      'is from tomorrow',
      'crl-not-yet-valid',
      ({ collateral }, list) => Object.assign(collateral[list] ?? {}, { thisUpdate: NOW + 1 }),
    ],
    [
      'has no next update',
      'malformed',
      ({ collateral }, list) => Object.assign(collateral[list] ?? {}, { nextUpdate: null }),
    ],
    [
      'is by another authority',
      'crl-issuer',
      ({ collateral }, list) => Object.assign(collateral[list] ?? {}, { issuer: intelNames.processor }),
    ],
  ]
  describe.each(['rootCrl', 'pckCrl'] as const)('a list, %s,', (list) => {
    it.each(wrong)('that %s is refused: %s', async (_, code, change) => {
      const input = await inputOf({ plan: (planned) => change(planned, list) })
      expect(await refusalOf(input)).toEqual({ code, step: 'tdx.revocation-lists', blame: 'endorsement' })
    })
  })

  it('lists are not interchangeable', async () => {
    const swapped = await inputOf({
      input: ({ collateral }) => ({
        collateral: { ...collateral, rootCrl: collateral.pckCrl, pckCrl: collateral.rootCrl },
      }),
    })
    expect(await refusalOf(swapped)).toMatchObject({ code: 'crl-issuer' })
  })

  it('a PCK authority that may not sign lists is refused', async () => {
    const input = await inputOf({
      plan: (planned) => (certificate(planned, 'tdx.pck-chain', 1).usages = ['keyCertSign']),
    })
    expect(await refusalOf(input)).toMatchObject({ code: 'crl-signer', step: 'tdx.revocation-lists' })
  })

  const revoked: [
    name: string,
    list: 'rootCrl' | 'pckCrl',
    chain: ChainStep,
    place: number,
    step: string,
    blame: string,
  ][] = [
    ['a PCK certificate', 'pckCrl', 'tdx.pck-chain', 0, 'tdx.pck-revocation', 'evidence'],
    ['its authority', 'rootCrl', 'tdx.pck-chain', 1, 'tdx.pck-revocation', 'evidence'],
    ['the signer of TCB info', 'rootCrl', 'tdx.tcb-info-chain', 0, 'tdx.signer-revocation', 'endorsement'],
    ['the signer of QE identity', 'rootCrl', 'tdx.qe-identity-chain', 0, 'tdx.signer-revocation', 'endorsement'],
  ]
  it.each(revoked)('%s on %s is refused', async (_, list, chain, place, step, blame) => {
    const input = await inputOf({
      plan: (planned) => {
        const found = certificate(planned, chain, place)
        found.serial = serial(0x77)
        planned.collateral[list]?.revoked.push({ serial: found.serial, at: NOW - DAY })
      },
    })
    expect(await refusalOf(input)).toEqual({ code: 'crl-revoked', step, blame })
  })
})

describe('checklist step 4, TCB info and QE identity', () => {
  type Signed = TdxPlan['collateral']['tcbInfo'] | TdxPlan['collateral']['qeIdentity']
  const kinds = [
    ['tcbInfo', 'tdx.tcb-info', 'tcb-info'],
    ['qeIdentity', 'tdx.qe-identity', 'qe-identity'],
  ] as const
  const set = (signed: Signed, fields: object) => void Object.assign(signed.content, fields)
  const wrong: [name: string, ending: string, change: (signed: Signed) => void][] = [
    ['signed by a stranger', 'signature', (s) => (s.signedBy = 'strangerP256')],
    ['changed after it was signed', 'signature', (s) => (s.tamper = (json) => json.replace('"version"', ' "version"'))],
    ['written again in another order', 'signature', (s) => (s.tamper = (json) => `${json} `)],
    ['for SGX', 'id', (s) => set(s, { id: s.content.id === 'TDX' ? 'SGX' : 'QE' })],
    ['of another version', 'id', (s) => set(s, { version: 1 })],
    ['from tomorrow', 'not-yet-valid', (s) => set(s, { issueDate: '2026-11-22T00:00:01Z' })],
    ['expired', 'expired', (s) => set(s, { nextUpdate: '2026-11-21T23:59:59Z' })],
    ['without a date', 'format', (s) => set(s, { nextUpdate: undefined })],
    ['with a date of another form', 'format', (s) => set(s, { issueDate: '2026-11-21' })],
    ['with a date that is none', 'format', (s) => set(s, { nextUpdate: '2026-13-21T00:00:00Z' })],
    ['with a version that is text', 'format', (s) => set(s, { version: '3' })],
    ['with an evaluation number below zero', 'format', (s) => set(s, { tcbEvaluationDataNumber: -1 })],
    ['without levels', 'format', (s) => set(s, { tcbLevels: undefined })],
    ['with a status nobody knows', 'format', (s) => s.content.tcbLevels.forEach((l) => (l.tcbStatus = 'Fine'))],
    [
      'with a level without date',
      'format',
      (s) => s.content.tcbLevels.forEach((l) => Object.assign(l, { tcbDate: 0 })),
    ],
    [
      'with advisories that are no list',
      'format',
      (s) => s.content.tcbLevels.forEach((l) => Object.assign(l, { advisoryIDs: 'x' })),
    ],
    [
      'with an advisory that is a number',
      'format',
      (s) => s.content.tcbLevels.forEach((l) => Object.assign(l, { advisoryIDs: [1] })),
    ],
    [
      'with too many levels',
      'format',
      (s) => set(s, { tcbLevels: Array.from({ length: 129 }, () => s.content.tcbLevels[0]) }),
    ],
    ['too large', 'format', (s) => set(s, { padding: 'x'.repeat(300_000) })],
  ]
  describe.each(kinds)('%s', (kind, step, prefix) => {
    it.each(wrong)('%s is refused: %s', async (_, ending, change) => {
      const input = await inputOf({ plan: ({ collateral }) => change(collateral[kind]) })
      expect(await refusalOf(input)).toEqual({ code: `${prefix}-${ending}`, step, blame: 'endorsement' })
    })

    it('with a signature that is no hex is refused', async () => {
      for (const signature of ['', 'zz'.repeat(64), '00'.repeat(63), '00'.repeat(64)]) {
        const change: Change = {
          input: ({ collateral }) => ({ collateral: { ...collateral, [`${kind}Signature`]: signature } }),
        }
        expect(await refusalOf(await inputOf(change))).toMatchObject({ code: `${prefix}-signature`, step })
      }
    })

    it('with a lone surrogate is not taken for what was signed', async () => {
      const input = await inputOf({
        plan: ({ collateral }) => {
          set(collateral[kind], { note: '\ufffd' })
          collateral[kind].tamper = (json) => json.replace('\ufffd', '\ud800')
        },
      })
      // The signature covers U+FFFD, and what is read is what it covers.
      expect(await refusalOf(input)).toBe('accepted')
    })

    it('of an evaluation below the registry’s is refused', async () => {
      const minimum = (minimumEvaluation: number) => inputOf({ input: () => ({ minimumEvaluation }) })
      expect(await refusalOf(await minimum(20))).toBe('accepted')
      expect(await refusalOf(await minimum(21))).toMatchObject({ code: 'tcb-evaluation-too-old', blame: 'endorsement' })
      const older = await inputOf({
        plan: ({ collateral }) => set(collateral[kind], { tcbEvaluationDataNumber: 19 }),
        input: () => ({ minimumEvaluation: 20 }),
      })
      expect(await refusalOf(older)).toEqual({ code: 'tcb-evaluation-too-old', step, blame: 'endorsement' })
    })
  })

  it('TCB info whose levels are not compared in the known way is refused', async () => {
    const input = await inputOf({ plan: ({ collateral }) => set(collateral.tcbInfo, { tcbType: 1 }) })
    expect(await refusalOf(input)).toMatchObject({ code: 'tcb-info-id' })
  })

  it('TCB info with a component too few, too many or out of range is refused', async () => {
    for (const components of [15, 17]) {
      const input = await inputOf({
        plan: ({ collateral }) => {
          const tcb = collateral.tcbInfo.content.tcbLevels[0]?.tcb
          if (tcb) tcb.tdxtcbcomponents = Array.from({ length: components }, () => ({ svn: 0 }))
        },
      })
      expect(await refusalOf(input)).toMatchObject({ code: 'tcb-info-format' })
    }
    const large = await inputOf({
      plan: ({ collateral }) =>
        collateral.tcbInfo.content.tcbLevels[0]?.tcb.sgxtcbcomponents.splice(3, 1, { svn: 256 }),
    })
    expect(await refusalOf(large)).toMatchObject({ code: 'tcb-info-format' })
  })

  it('one object is not taken for the other', async () => {
    const input = await inputOf({
      input: ({ collateral: c }) => ({
        collateral: { ...c, tcbInfo: c.qeIdentity, tcbInfoSignature: c.qeIdentitySignature },
      }),
    })
    expect(await refusalOf(input)).toMatchObject({ code: 'tcb-info-id' })
  })
})

describe('an answer of Intel’s service', () => {
  it('is taken apart without writing it again', async () => {
    const { collateral } = await inputOf()
    const spaced = collateral.tcbInfo.replace(',', ' ,\n')
    expect(readAnswer('tcbInfo', `{"tcbInfo":${spaced},"signature":"${collateral.tcbInfoSignature}"}\n`)).toEqual({
      text: spaced,
      signature: collateral.tcbInfoSignature,
    })
    const { text } = readAnswer('qeIdentity', `{"enclaveIdentity":{"signature":"x"},"signature":"${'0'.repeat(128)}"}`)
    expect(text).toBe('{"signature":"x"}')
  })
  it.each([
    ['', 'tcb-info-format'],
    ['{"enclaveIdentity":{},"signature":"00"}', 'tcb-info-format'],
    [`{"tcbInfo":{},"signature":"${'0'.repeat(127)}"}`, 'tcb-info-format'],
    [`{"tcbInfo":{},"signature":"${'0'.repeat(128)}","more":1}`, 'tcb-info-format'],
    [`{"tcbInfo":{}}`, 'tcb-info-format'],
    [`{"tcbInfo":"${'x'.repeat(300_000)}","signature":"${'0'.repeat(128)}"}`, 'tcb-info-format'],
  ])('of another form is refused: %.40s', async (answer, code) => {
    expect(await codeOf(() => readAnswer('tcbInfo', answer))).toBe(code)
  })
})
