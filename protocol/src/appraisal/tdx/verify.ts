import { type Bytes, equal, hex } from '../../bytes.ts'
import { checkNotRevoked, readRevocationList, verifyRevocationList } from '../crl.ts'
import { type Check, ensure, inSteps, type Outcome, type Steps } from '../failure.ts'
import { isSignedBy } from '../public-key.ts'
import { type Certificate, iso, readCertificate, readPemChain, verifyChain } from '../x509.ts'
import { checkDates, type Level, openQeIdentity, openTcbInfo, type TcbInfo, type TdxCollateral } from './collateral.ts'
import { readPlatform, type SgxPlatform } from './pck.ts'
import { checkBinding, matchesMask, matchQe } from './qe.ts'
import { attestationKeyOf, readQuote, type TdReport } from './quote.ts'
import { acceptTcb, findModule, matchModule, matchPlatform, merge, type TcbGrace, type TcbVerdict } from './tcb.ts'

const QUOTE = 'TDX DCAP quoting library API, appendix A.3 and A.4'
const X509 = 'RFC 5280 section 6; SGX PCK certificate and CRL profile specification'
const CRL = 'RFC 5280 section 5; SGX PCK certificate and CRL profile specification'
const PCS = 'Intel PCS API v4'

/** Steps 1 to 9 of the checklist. */
export const tdxChecks: readonly Check[] = [
  { name: 'tdx.quote', source: QUOTE, blame: 'evidence' },
  { name: 'tdx.pck-chain', source: X509, blame: 'evidence' },
  { name: 'tdx.tcb-info-chain', source: X509, blame: 'endorsement' },
  { name: 'tdx.qe-identity-chain', source: X509, blame: 'endorsement' },
  { name: 'tdx.revocation-lists', source: CRL, blame: 'endorsement' },
  { name: 'tdx.pck-revocation', source: CRL, blame: 'evidence' },
  { name: 'tdx.signer-revocation', source: CRL, blame: 'endorsement' },
  { name: 'tdx.tcb-info', source: `${PCS}, Get TDX TCB Info`, blame: 'endorsement' },
  { name: 'tdx.qe-identity', source: `${PCS}, Get TDX QE Identity`, blame: 'endorsement' },
  { name: 'tdx.qe-report', source: `${QUOTE}, QE report certification data`, blame: 'evidence' },
  { name: 'tdx.qe', source: `${PCS}, Get TDX QE Identity`, blame: 'evidence' },
  { name: 'tdx.quote-signature', source: QUOTE, blame: 'evidence' },
  {
    name: 'tdx.platform',
    source: 'SGX PCK certificate and CRL profile specification, section 1.3.5',
    blame: 'evidence',
  },
  { name: 'tdx.module', source: `${PCS}, Get TDX TCB Info, tdxModuleIdentities`, blame: 'evidence' },
  { name: 'tdx.tcb', source: `${PCS}, Get TDX TCB Info, TCB level comparison`, blame: 'policy' },
]

/** Common names of the certificates below a root. */
export interface SignerNames {
  readonly pck: string
  /** Of the two kinds of authority that issue PCK certificates. */
  readonly pckIssuers: readonly string[]
  readonly collateral: string
}

export const intelNames: SignerNames = {
  pck: 'Intel SGX PCK Certificate',
  pckIssuers: ['Intel SGX PCK Platform CA', 'Intel SGX PCK Processor CA'],
  collateral: 'Intel SGX TCB Signing',
}

export interface TdxInput {
  readonly quote: Bytes
  readonly collateral: TdxCollateral
  /** The pinned root, DER. */
  readonly root: Bytes
  /** Unix seconds. */
  readonly now: number
  /** The least tcbEvaluationDataNumber; undefined accepts any. */
  readonly minimumEvaluation?: number | undefined
  readonly grace?: TcbGrace | null | undefined
  readonly names?: SignerNames
}

export interface TdxVerdict {
  readonly report: TdReport
  readonly platform: SgxPlatform
  readonly tcb: TcbVerdict & { readonly evaluationNumber: number }
  /** Unix seconds: the earliest date among everything this rests on. */
  readonly expires: number
}

/** Steps 1 to 9 on their own record. Never throws. */
export function appraiseTdx(input: TdxInput): Promise<Outcome<TdxVerdict>> {
  return inSteps(tdxChecks, (steps) => verifyTdx(steps, input))
}

/**
 * Runs `tdxChecks`: that the quote is genuine, and that the platform it comes from is to be trusted today.
 * @throws AppraisalError after the check that failed is recorded
 */
export async function verifyTdx(steps: Steps, input: TdxInput): Promise<TdxVerdict> {
  const { collateral, now, minimumEvaluation, grace = null } = input

  const quote = await steps.run('tdx.quote', (found) => {
    const read = readQuote(input.quote)
    found(`version ${read.version}, TDX ${read.report.teeTcbSvn2 ? '1.5' : '1.0'} report`)
    return read
  })

  const endorsed = await verifyEndorsements(steps, input, quote.pckChain)
  const { pck, tcbSigner, qeSigner } = endorsed

  const info = await steps.run('tdx.tcb-info', async (found) => {
    const opened = await openTcbInfo(collateral, tcbSigner)
    checkDates('tcbInfo', opened, now, minimumEvaluation)
    found(`evaluation ${opened.evaluationNumber}, until ${iso(opened.nextUpdate)}`)
    return opened
  })
  const identity = await steps.run('tdx.qe-identity', async (found) => {
    const opened = await openQeIdentity(collateral, qeSigner)
    checkDates('qeIdentity', opened, now, minimumEvaluation)
    found(`evaluation ${opened.evaluationNumber}, until ${iso(opened.nextUpdate)}`)
    return opened
  })

  await steps.run('tdx.qe-report', async () => {
    const signed = await isSignedBy(pck.key, quote.qeSignature, quote.qeReport.encoding)
    ensure(signed, 'qe-report-signature', 'quoting enclave is not signed by its PCK certificate')
    await checkBinding(quote)
  })
  const qeLevel = await steps.run('tdx.qe', (found) => {
    found(`product ${quote.qeReport.isvProdId}, SVN ${quote.qeReport.isvSvn}`)
    return matchQe(quote.qeReport, identity)
  })
  await steps.run('tdx.quote-signature', async () => {
    const signed = await isSignedBy(attestationKeyOf(quote), quote.signature, quote.signed)
    ensure(signed, 'tdx-quote-signature', 'quote is not signed by its attestation key')
  })

  const platform = await steps.run('tdx.platform', (found) => {
    const read = readPlatform(pck)
    const [fmspc, pceId] = [hex(read.fmspc), hex(read.pceId)]
    ensure(equal(read.fmspc, info.fmspc), 'tcb-info-fmspc', `FMSPC ${fmspc}, TCB info is for ${hex(info.fmspc)}`)
    ensure(equal(read.pceId, info.pceId), 'tcb-info-pceid', `PCEID ${pceId}, TCB info is for ${hex(info.pceId)}`)
    found(`FMSPC ${fmspc}, PCEID ${pceId}, PPID ${hex(read.ppid)}`)
    return read
  })
  const moduleLevels = await steps.run('tdx.module', (found) => {
    found(`module ${hex(quote.report.mrSeam)}`)
    return matchModules(info, quote.report)
  })
  const { tcb, until } = await steps.run('tdx.tcb', (found) => {
    const svns = securityVersions(quote.report)
    const levels = [...svns.map((svn) => matchPlatform(info, platform, svn)), ...moduleLevels, qeLevel]
    const accepted = acceptTcb(levels, grace, now)
    const merged = { ...merge(levels), evaluationNumber: info.evaluationNumber }
    const graced = accepted === Infinity ? '' : `, under grace until ${iso(accepted)}`
    found(`${merged.status} of ${iso(merged.date)}${graced}`)
    return { tcb: merged, until: accepted }
  })

  const expires = Math.min(endorsed.expires, info.nextUpdate, identity.nextUpdate, until)
  return { report: quote.report, platform, tcb, expires }
}

/** The three chains and who revoked what; everything that certificates say. */
async function verifyEndorsements(
  steps: Steps,
  { collateral, root, now, names = intelNames }: TdxInput,
  pckPem: string,
) {
  const [pck, pckIssuer, pckExpires] = await steps.run('tdx.pck-chain', async (found) => {
    const chain = readPemChain(pckPem)
    const until = await verifyChain(chain, { root, now, length: 3 })
    const [leaf, issuer] = chain as [Certificate, Certificate]
    checkName(leaf, [names.pck])
    checkName(issuer, names.pckIssuers)
    found(`${issuer.commonName}, until ${iso(until)}`)
    return [leaf, issuer, until] as const
  })
  const verifySigner = (step: string, pem: string) =>
    steps.run(step, async (found) => {
      const chain = readPemChain(pem)
      const until = await verifyChain(chain, { root, now, length: 2 })
      const [leaf] = chain as [Certificate]
      checkName(leaf, [names.collateral])
      found(`${leaf.commonName}, until ${iso(until)}`)
      return [leaf, until] as const
    })
  const [tcbSigner, tcbExpires] = await verifySigner('tdx.tcb-info-chain', collateral.tcbInfoChain)
  const [qeSigner, qeExpires] = await verifySigner('tdx.qe-identity-chain', collateral.qeIdentityChain)

  const [byRoot, byPckIssuer, listsExpire] = await steps.run('tdx.revocation-lists', async (found) => {
    const rootList = readRevocationList(collateral.rootCrl)
    const pckList = readRevocationList(collateral.pckCrl)
    const until = Math.min(
      await verifyRevocationList(rootList, readCertificate(root), now),
      await verifyRevocationList(pckList, pckIssuer, now),
    )
    found(`${rootList.revoked.size + pckList.revoked.size} revoked, until ${iso(until)}`)
    return [rootList, pckList, until] as const
  })
  await steps.run('tdx.pck-revocation', () => {
    checkNotRevoked(pck, byPckIssuer)
    checkNotRevoked(pckIssuer, byRoot)
  })
  await steps.run('tdx.signer-revocation', () => {
    checkNotRevoked(tcbSigner, byRoot)
    checkNotRevoked(qeSigner, byRoot)
  })
  return { pck, tcbSigner, qeSigner, expires: Math.min(pckExpires, tcbExpires, qeExpires, listsExpire) }
}

function checkName({ commonName }: Certificate, expected: readonly string[]): void {
  const right = expected.includes(commonName)
  ensure(
    right,
    'chain-common-name',
    `${JSON.stringify(commonName.slice(0, 64))} where ${expected.join(' or ')} belongs`,
  )
}

/** At launch and, where the report says it, now: a module can be updated under a running domain. Both must pass. */
function securityVersions({ teeTcbSvn, teeTcbSvn2 }: TdReport): Bytes[] {
  return teeTcbSvn2 ? [teeTcbSvn, teeTcbSvn2] : [teeTcbSvn]
}

/** That Intel signed the TDX module and it is configured as Intel says. Returns its levels. */
function matchModules(info: TcbInfo, report: TdReport): Level[] {
  const { mrSigner, attributes, attributesMask } = findModule(info, report.teeTcbSvn) ?? info.module
  const signer = equal(report.mrSignerSeam, mrSigner)
  ensure(signer, 'tdx-module-signer', `TDX module is signed by ${hex(report.mrSignerSeam)}`)
  const { seamAttributes } = report
  // Every bit is reserved today, whatever the mask says.
  const zero = seamAttributes.every((byte) => byte === 0)
  const expected = zero && matchesMask(seamAttributes, attributesMask, attributes)
  ensure(expected, 'tdx-module-attributes', `TDX module has attributes ${hex(seamAttributes)}`)
  return securityVersions(report).flatMap((svn) => {
    const module = findModule(info, svn)
    return module ? [matchModule(module, svn)] : []
  })
}
