import { type Bytes, concat, fromHex, sha256, utf8 } from '@cocoon/protocol'
import { type CertificatePlan, issueChain, pem } from './certificates.ts'
import type { EcKeyName } from './development-keys.ts'
import { point, sign } from './keys.ts'
import { uint16, uint32, zeros } from './little-endian.ts'

/** Registers and attributes of a trust domain, as its report carries them (TDX DCAP quoting library API, A.3.2). */
export interface TrustDomain {
  /** 16 bytes: security versions of module and platform; byte 1 is the module's major version. */
  teeTcbSvn: Bytes
  mrSeam: Bytes
  mrSignerSeam: Bytes
  seamAttributes: Bytes
  /** 8 bytes, lowest bit first. */
  attributes: Bytes
  xfam: Bytes
  mrTd: Bytes
  mrConfigId: Bytes
  mrOwner: Bytes
  mrOwnerConfig: Bytes
  rtmr: [Bytes, Bytes, Bytes, Bytes]
  reportData: Bytes
  /** The last two are in reports of TDX 1.5 only. */
  teeTcbSvn2: Bytes
  mrServiceTd: Bytes
}

/** The report of the enclave that signs quotes (SGX developer reference, `sgx_report_body_t`). */
export interface QuotingEnclave {
  cpuSvn: Bytes
  miscSelect: Bytes
  attributes: Bytes
  mrEnclave: Bytes
  mrSigner: Bytes
  productId: number
  svn: number
  /** The key that it vouches for. */
  bound: EcKeyName
  /** Follows the digest of that key; zeros. */
  afterBinding: Bytes
}

/** A quote before it is signed. Every field can be set against the rules. */
export interface QuotePlan {
  version: number
  keyType: number
  teeType: number
  /** Four bytes that versions 4 and 5 keep at zero. */
  reserved: Bytes
  qeVendor: Bytes
  userData: Bytes
  /** Version 5 says which report follows: 2 for TDX 1.0, 3 for TDX 1.5. */
  bodyType: number
  /** What version 5 says the report's length is; null for the truth. */
  bodyLength: number | null
  td: TrustDomain
  attestationKey: EcKeyName
  signedBy: EcKeyName
  qe: QuotingEnclave
  qeSignedBy: EcKeyName
  /** Bytes that the quoting enclave binds together with its key. */
  authData: Bytes
  certificationType: number
  pckCertificationType: number
  /** Leaf first. Pinned roots stand here as their bytes. */
  chain: (CertificatePlan | Bytes)[]
  /** Added to the three lengths that a quote states: signature data, certification data, certificates. */
  lengthErrors: [number, number, number]
  /** Changes the text of the certificates before its length is taken. */
  rewriteChain: ((pem: string) => string) | null
  /** Bytes after the last. */
  trailing: Bytes
  /** How many bytes are left of the quote; null for all. */
  keep: number | null
}

/** Intel's quoting enclave: 939a7233-f79c-4ca9-940a-0db3957f0607. */
export const INTEL_QE_VENDOR = '939a7233f79c4ca9940a0db3957f0607'
const TDX_TEE_TYPE = 0x81
const ECDSA_P256 = 2
const QE_REPORT_CERTIFICATION = 6
const PCK_CHAIN = 5

export const quotePlan = (td: TrustDomain, qe: QuotingEnclave, chain: QuotePlan['chain']): QuotePlan => ({
  version: 4,
  keyType: ECDSA_P256,
  teeType: TDX_TEE_TYPE,
  reserved: zeros(4),
  qeVendor: fromHex(INTEL_QE_VENDOR),
  userData: zeros(20),
  bodyType: 2,
  bodyLength: null,
  td,
  attestationKey: 'attestation',
  signedBy: 'attestation',
  qe,
  qeSignedBy: 'pck',
  authData: zeros(32),
  certificationType: QE_REPORT_CERTIFICATION,
  pckCertificationType: PCK_CHAIN,
  chain,
  lengthErrors: [0, 0, 0],
  rewriteChain: null,
  trailing: zeros(0),
  keep: null,
})

function encodeReport(td: TrustDomain, newer: boolean): Bytes {
  return concat(
    td.teeTcbSvn,
    td.mrSeam,
    td.mrSignerSeam,
    td.seamAttributes,
    td.attributes,
    td.xfam,
    td.mrTd,
    td.mrConfigId,
    td.mrOwner,
    td.mrOwnerConfig,
    ...td.rtmr,
    td.reportData,
    ...(newer ? [td.teeTcbSvn2, td.mrServiceTd] : []),
  )
}

function encodeBody(plan: QuotePlan): Bytes {
  const newer = plan.version === 5 && plan.bodyType === 3
  const report = encodeReport(plan.td, newer)
  if (plan.version !== 5) return report
  return concat(uint16(plan.bodyType), uint32(plan.bodyLength ?? report.length), report)
}

async function encodeQeReport({ qe, authData }: QuotePlan): Promise<Bytes> {
  return concat(
    qe.cpuSvn,
    qe.miscSelect,
    zeros(28),
    qe.attributes,
    qe.mrEnclave,
    zeros(32),
    qe.mrSigner,
    zeros(96),
    uint16(qe.productId),
    uint16(qe.svn),
    zeros(60),
    await sha256(point(qe.bound), authData),
    qe.afterBinding,
  )
}

/** A quote of version 4 or 5 (TDX DCAP quoting library API, A.3 and A.4). */
export async function encodeQuote(plan: QuotePlan): Promise<Bytes> {
  const [signatureData, certificationData, certificates] = plan.lengthErrors
  const header = concat(
    uint16(plan.version),
    uint16(plan.keyType),
    uint32(plan.teeType),
    plan.reserved,
    plan.qeVendor,
    plan.userData,
  )
  const signed = concat(header, encodeBody(plan))
  const qeReport = await encodeQeReport(plan)
  const certificatesPem = pem(...(await issueChain(plan.chain)))
  const chain = latin1(plan.rewriteChain?.(certificatesPem) ?? certificatesPem)
  const certification = concat(
    qeReport,
    await sign(plan.qeSignedBy, qeReport),
    uint16(plan.authData.length),
    plan.authData,
    uint16(plan.pckCertificationType),
    uint32(chain.length + certificates),
    chain,
  )
  const authentication = concat(
    await sign(plan.signedBy, signed),
    point(plan.attestationKey),
    uint16(plan.certificationType),
    uint32(certification.length + certificationData),
    certification,
  )
  const quote = concat(signed, uint32(authentication.length + signatureData), authentication, plan.trailing)
  return plan.keep === null ? quote : quote.slice(0, plan.keep)
}

const latin1 = (text: string): Bytes => Uint8Array.from(text, (char) => char.charCodeAt(0))

const measured = new Map<string, Promise<ArrayBuffer>>()

/** SHA-384 of a name: a simulated measurement that says what it is of. A fresh copy each time, which may be changed. */
export async function measurement(of: string): Promise<Bytes> {
  const digest = measured.get(of) ?? crypto.subtle.digest('SHA-384', utf8(`simulated ${of}`))
  measured.set(of, digest)
  return new Uint8Array((await digest).slice())
}
