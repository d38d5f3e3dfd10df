import { existsSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { type AppraisalCode, inSteps } from '../../src/appraisal/failure.ts'
import { readAnswer, type TdxCollateral } from '../../src/appraisal/tdx/collateral.ts'
import { readQuote, trimQuote } from '../../src/appraisal/tdx/quote.ts'
import { tdChecks, verifyTd } from '../../src/appraisal/tdx/td.ts'
import { appraiseTdx } from '../../src/appraisal/tdx/verify.ts'
import { type Bytes, fromHex, hex } from '../../src/index.ts'
import { codeOf } from '../appraisal/simulated.ts'

/** Vectors others made. They lie beside the repository and are not ours to publish, so they may be absent. */
const folder = new URL('../../../../shared/vectors/', import.meta.url)
const present = existsSync(folder)
let run = 0
if (!present) console.log('foreign attestation vectors: not present, not run')
afterAll(() => {
  if (present) console.log(`foreign attestation vectors: ${run} run`)
})

const bytes = (name: string): Bytes => new Uint8Array(readFileSync(new URL(name, folder)))
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const seconds = (date: string): number => Date.parse(date) / 1000

/** Collateral as Phala's library and the simulated cases hold it. */
interface Held {
  readonly root_ca_crl: string
  readonly pck_crl: string
  readonly tcb_info_issuer_chain: string
  readonly tcb_info: string
  readonly tcb_info_signature: string
  readonly qe_identity_issuer_chain: string
  readonly qe_identity: string
  readonly qe_identity_signature: string
}
const collateralOf = (held: Held): TdxCollateral => ({
  tcbInfo: held.tcb_info,
  tcbInfoSignature: held.tcb_info_signature,
  tcbInfoChain: held.tcb_info_issuer_chain,
  qeIdentity: held.qe_identity,
  qeIdentitySignature: held.qe_identity_signature,
  qeIdentityChain: held.qe_identity_issuer_chain,
  rootCrl: fromHex(held.root_ca_crl.toLowerCase()),
  pckCrl: fromHex(held.pck_crl.toLowerCase()),
})
const held = (name: string): TdxCollateral => collateralOf(JSON.parse(text(name)) as Held)

describe.skipIf(!present)('foreign quotes', () => {
  const root = present ? bytes('tdx/IntelSGXRootCA.der') : new Uint8Array()

  it('a real machine of 2025 is up to date at the time it was asked', async () => {
    const quote = trimQuote(bytes('tdx/dcap-qvl/tdx_quote'))
    const collateral = held('tdx/dcap-qvl/tdx_quote_collateral.json')
    const { value, failure } = await appraiseTdx({ quote, collateral, root, now: seconds('2025-06-19T11:32:27Z') })
    expect(failure).toBe(null)
    expect(value?.tcb).toEqual({
      status: 'UpToDate',
      date: seconds('2024-03-13T00:00:00Z'),
      advisories: [],
      evaluationNumber: 17,
    })
    expect(value?.expires).toBe(seconds('2025-07-19T10:00:35Z'))
    expect(hex(value?.platform.ppid ?? new Uint8Array())).toBe('811dca2a26b952e85bb6448b097ba4fd')
    if (value) expect((await inSteps(tdChecks, (steps) => verifyTd(steps, value.report))).failure).toBe(null)

    const later = await appraiseTdx({ quote, collateral, root, now: seconds('2025-07-19T11:32:27Z') })
    expect(later.failure).toMatchObject({ code: 'crl-expired', blame: 'endorsement' })
    const untrimmed = bytes('tdx/dcap-qvl/tdx_quote')
    const whole = await appraiseTdx({ quote: untrimmed, collateral, root, now: seconds('2025-06-19T11:32:27Z') })
    expect(whole.failure).toMatchObject({ code: 'tdx-trailing-bytes' })
    run += 3
  })

  it('a real machine of TDX 1.5 has no matching level', async () => {
    const { failure, steps } = await appraiseTdx({
      quote: trimQuote(bytes('tdx/dcap-qvl/tdx_quote_outdated')),
      collateral: held('tdx/dcap-qvl/tdx_quote_outdated_collateral.json'),
      root,
      now: seconds('2026-02-18T11:58:51Z'),
    })
    expect(failure).toMatchObject({ code: 'tcb-no-level', step: 'tdx.tcb' })
    expect(steps.filter(({ status }) => status === 'passed')).toHaveLength(14)
    run++
  })

  it('one platform’s collateral says nothing about another’s quote', async () => {
    const { failure } = await appraiseTdx({
      quote: trimQuote(bytes('tdx/dcap-qvl/tdx_quote')),
      collateral: held('tdx/dcap-qvl/tdx_quote_outdated_collateral.json'),
      root,
      now: seconds('2026-02-18T11:58:51Z'),
    })
    expect(failure).toMatchObject({ code: 'tcb-info-fmspc', blame: 'endorsement' })
    run++
  })

  it('an SGX quote is none of a trust domain', async () => {
    const collateral = held('sgx/sgx_quote_collateral.json')
    const { failure } = await appraiseTdx({
      quote: bytes('sgx/sgx_quote'),
      collateral,
      root,
      now: seconds('2025-06-19'),
    })
    expect(failure).toMatchObject({ code: 'tdx-quote-version', step: 'tdx.quote' })
    run++
  })

  it('Google’s real machine verifies to the platform, which its TCB info does not know', async () => {
    const [tcbInfo, qeIdentity] = [
      readAnswer('tcbInfo', text('tdx/go-tdx-guest/sample_tcbInfo_response')),
      readAnswer('qeIdentity', text('tdx/go-tdx-guest/sample_qeIdentity_response')),
    ]
    const chain = text('tdx/go-tdx-guest/tcb_signing_chain_2018.pem')
    const collateral: TdxCollateral = {
      tcbInfo: tcbInfo.text,
      tcbInfoSignature: tcbInfo.signature,
      tcbInfoChain: chain,
      qeIdentity: qeIdentity.text,
      qeIdentitySignature: qeIdentity.signature,
      qeIdentityChain: chain,
      rootCrl: bytes('tdx/go-tdx-guest/rootcrl.der'),
      pckCrl: bytes('tdx/go-tdx-guest/pckcrl'),
    }
    const quote = trimQuote(bytes('tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat'))
    const { failure } = await appraiseTdx({ quote, collateral, root, now: seconds('2023-07-01T00:00:00Z') })
    expect(failure).toMatchObject({ code: 'tcb-no-level', step: 'tdx.tcb' })
    run++
  })

  const report = (name: string): Bytes => {
    const base64 = /-----BEGIN REPORT-----([^-]+)-----/.exec(text(name))?.[1] ?? ''
    return Uint8Array.from(atob(base64.replaceAll(/\s/g, '')), (char) => char.charCodeAt(0))
  }
  const inHex = (name: string): Bytes => fromHex(text(name).trim().replace(/^0x/, ''))
  const parsed: [name: string, read: () => Bytes, version: number, td: AppraisalCode | null][] = [
    ['dcap-qvl/quote-from-tappd.hex', () => inHex('tdx/dcap-qvl/quote-from-tappd.hex'), 4, null],
    ['dcap-qvl/tdx-quote.hex', () => inHex('tdx/dcap-qvl/tdx-quote.hex'), 4, null],
    ['go-tdx-guest/cos-113-tdx-quote.dat', () => bytes('tdx/go-tdx-guest/cos-113-tdx-quote.dat'), 4, null],
    ['go-tdx-guest/quote_v5_sample.dat', () => bytes('tdx/go-tdx-guest/quote_v5_sample.dat'), 5, null],
    [
      'go-tdx-guest/tdx_prod_quote_SPR_E4.dat',
      () => bytes('tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat'),
      4,
      'td-sept-ve',
    ],
    ['openpcc/gce_tdx_report.txt', () => report('tdx/openpcc/gce_tdx_report.txt'), 4, null],
    [
      'dstack/quote-report.json',
      () => fromHex((JSON.parse(text('tdx/dstack/quote-report.json')) as { quote: string }).quote),
      4,
      null,
    ],
  ]
  it.each(parsed)('%s is read to its last byte', async (_, read, version, td) => {
    const quote = readQuote(trimQuote(read()))
    expect(quote.version).toBe(version)
    const { failure } = await inSteps(tdChecks, (steps) => verifyTd(steps, quote.report))
    expect(failure?.code ?? null).toBe(td)
    run++
  })

  it('Azure’s report, which is no quote, is refused', async () => {
    expect(await codeOf(() => trimQuote(report('tdx/openpcc/azure_tdx_report.txt')))).toBe('tdx-quote-version')
    run++
  })
})

interface Simulated {
  readonly now: number
  readonly root: string
  readonly quote: string
  readonly collateral: Held
  readonly expected: string
}

describe.skipIf(!present)('simulated quotes of the feasibility study', () => {
  const cases: [name: string, expected: string, code: AppraisalCode | 'accepted'][] = [
    ['valid-v4', 'accept UpToDate', 'accepted'],
    ['valid-v5', 'accept UpToDate', 'accepted'],
    ['crl-expired', 'reject PCK_CRL_TIME', 'crl-expired'],
    ['crl-forged', 'reject PCK_CRL_SIG', 'crl-signature'],
    ['debug-td', 'reject TD_DEBUG', 'td-debug'],
    ['fmspc-mismatch', 'reject FMSPC', 'tcb-info-fmspc'],
    ['leaf-as-ca', 'reject PCK_CHAIN_LEN', 'chain-length'],
    ['mrsignerseam', 'reject MRSIGNERSEAM', 'tdx-module-signer'],
    ['pck-expired', 'reject PCK_CERT_TIME', 'chain-expired'],
    ['pck-revoked', 'reject PCK_REVOKED', 'crl-revoked'],
    ['qe-debug', 'reject QE_DEBUG', 'qe-debug'],
    ['tcb-expired', 'reject TCB_TIME', 'tcb-info-expired'],
    ['tcb-outofdate', 'reject TCB_STATUS', 'tcb-not-up-to-date'],
    ['tcb-revoked', 'reject TCB_STATUS', 'tcb-revoked'],
  ]
  const decode = (value: string): Bytes =>
    /^[0-9a-f]+$/.test(value) ? fromHex(value) : Uint8Array.from(atob(value), (char) => char.charCodeAt(0))
  /** Their authorities have names of their own. */
  const names = {
    pck: 'DEV Simulated PCK Certificate',
    pckIssuers: ['DEV Simulated PCK Platform CA'],
    collateral: 'DEV Simulated TCB Signing',
  }

  it.each(cases)('%s: %s', async (name, expected, code) => {
    const vector = JSON.parse(text(`tdx/sim/${name}.json`)) as Simulated
    expect(vector.expected).toBe(expected)
    const input = {
      quote: decode(vector.quote),
      collateral: collateralOf(vector.collateral),
      root: decode(vector.root),
      now: vector.now,
    }
    const outcome = await inSteps([], async (steps) => {
      const { value, failure } = await appraiseTdx({ ...input, names })
      if (!value) return failure?.code
      steps.expect(tdChecks)
      await verifyTd(steps, value.report)
      return 'accepted'
    })
    expect(outcome.failure?.code ?? outcome.value).toBe(code)
    const underIntel = await appraiseTdx({ ...input, root: bytes('tdx/IntelSGXRootCA.der'), names })
    expect(underIntel.failure?.code).toBe(code === 'chain-length' ? code : 'chain-untrusted')
    run++
  })
})
