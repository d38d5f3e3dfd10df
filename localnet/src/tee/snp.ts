import { type Bytes, concat, sha256, utf8 } from '@cocoon/protocol'
import type { SnpCollateral } from '@cocoon/protocol/appraisal'
import { amdNames, type AmdTcb, askPlan, vcekPlan } from './amd-certificates.ts'
import { type CertificatePlan, issue, issueChain, pem } from './certificates.ts'
import { type CrlPlan, issueCrl } from './crls.ts'
import type { EcKeyName } from './development-keys.ts'
import { sign } from './keys.ts'
import { uint32, uint64, zeros } from './little-endian.ts'
import { amdRoot } from './public.ts'

/** An attestation report of SEV-SNP before it is signed (SEV-SNP firmware ABI, 56860, table 23). */
export interface SnpReport {
  version: number
  guestSvn: number
  policy: bigint
  familyId: Bytes
  imageId: Bytes
  vmpl: number
  /** 1: ECDSA on P-384 with SHA-384. */
  signatureAlgorithm: number
  currentTcb: AmdTcb
  platformInfo: bigint
  /** Bits 2 to 4 name the key that signs: 0 VCEK, 1 VLEK. Bit 1: the chip id is masked. */
  flags: number
  reportData: Bytes
  measurement: Bytes
  hostData: Bytes
  idKeyDigest: Bytes
  authorKeyDigest: Bytes
  reportId: Bytes
  reportIdMa: Bytes
  reportedTcb: AmdTcb
  /** Family, model, stepping of the processor; since version 3. */
  cpuid: Bytes
  chipId: Bytes
  committedTcb: AmdTcb
  launchTcb: AmdTcb
  /** 168 bytes that firmware keeps at zero. */
  reserved: Bytes
}

export interface SnpPlan {
  report: SnpReport
  signedBy: EcKeyName
  /** Bytes after r and s, which firmware keeps at zero. */
  afterSignature: Bytes
  trailing: Bytes
  vcek: CertificatePlan
  /** ASK, then ARK. */
  chain: (CertificatePlan | Bytes)[]
  crl: CrlPlan | null
}

export const snpPolicy = {
  /** SMT allowed, and the bit that must be one. */
  ordinary: 0x3_0000n,
  migrationAgent: 1n << 18n,
  debug: 1n << 19n,
} as const

const REPORT_BYTES = 0x4a0
const SIGNED_BYTES = 0x2a0
/** r and s stand in 72 bytes each, lowest byte first. */
const NUMBER_BYTES = 72
const P384_BYTES = 48

/** Milan and Genoa: boot loader, TEE, four reserved bytes, SNP, microcode. */
function encodeTcb(tcb: AmdTcb): Bytes {
  return Uint8Array.of(tcb.bootLoader, tcb.tee, 0, 0, 0, 0, tcb.snp, tcb.microcode)
}

function encodeReport(report: SnpReport): Bytes {
  return concat(
    uint32(report.version),
    uint32(report.guestSvn),
    uint64(report.policy),
    report.familyId,
    report.imageId,
    uint32(report.vmpl),
    uint32(report.signatureAlgorithm),
    encodeTcb(report.currentTcb),
    uint64(report.platformInfo),
    uint32(report.flags),
    zeros(4),
    report.reportData,
    report.measurement,
    report.hostData,
    report.idKeyDigest,
    report.authorKeyDigest,
    report.reportId,
    report.reportIdMa,
    encodeTcb(report.reportedTcb),
    report.cpuid,
    zeros(21),
    report.chipId,
    encodeTcb(report.committedTcb),
    Uint8Array.of(0x37, 0x37, 1, 0),
    Uint8Array.of(0x37, 0x37, 1, 0),
    encodeTcb(report.launchTcb),
    report.reserved,
  )
}

const reversed = (bytes: Bytes) => concat(bytes.toReversed(), zeros(NUMBER_BYTES - bytes.length))

export async function encodeSnpReport(plan: SnpPlan): Promise<Bytes> {
  const signed = encodeReport(plan.report)
  if (signed.length !== SIGNED_BYTES) throw new RangeError(`an SNP report signs ${SIGNED_BYTES} bytes`)
  const signature = await sign(plan.signedBy, signed)
  const [r, s] = [signature.subarray(0, P384_BYTES), signature.subarray(P384_BYTES)]
  return concat(signed, reversed(r), reversed(s), plan.afterSignature, plan.trailing)
}

export async function encodeSnpCollateral(plan: SnpPlan): Promise<SnpCollateral> {
  return {
    vcek: await issue(plan.vcek),
    chain: pem(...(await issueChain(plan.chain))),
    crl: plan.crl ? await issueCrl(plan.crl) : zeros(0),
  }
}

const TCB: AmdTcb = { bootLoader: 9, tee: 0, snp: 22, microcode: 72 }
const DAY = 86_400

/** `serial` names the machine: it alone decides the chip id. `now` in Unix seconds. */
export async function snpPlan(options: {
  readonly serial: string
  readonly now: number
  readonly measurement: Bytes
  readonly reportData: Bytes
}): Promise<SnpPlan> {
  const chipId = concat(
    await sha256(utf8(`simulated chip of ${options.serial}`)),
    await sha256(utf8(`simulated chip of ${options.serial}, second half`)),
  )
  return {
    report: {
      version: 3,
      guestSvn: 0,
      policy: snpPolicy.ordinary,
      familyId: zeros(16),
      imageId: zeros(16),
      vmpl: 0,
      signatureAlgorithm: 1,
      currentTcb: { ...TCB },
      platformInfo: 0x25n,
      flags: 0,
      reportData: options.reportData,
      measurement: options.measurement,
      hostData: zeros(32),
      idKeyDigest: zeros(48),
      authorKeyDigest: zeros(48),
      reportId: await sha256(utf8(`simulated report of ${options.serial}`)),
      reportIdMa: new Uint8Array(32).fill(0xff),
      reportedTcb: { ...TCB },
      cpuid: Uint8Array.of(0x19, 0x11, 0x01),
      chipId,
      committedTcb: { ...TCB },
      launchTcb: { ...TCB },
      reserved: zeros(168),
    },
    signedBy: 'vcek',
    afterSignature: zeros(REPORT_BYTES - SIGNED_BYTES - 2 * NUMBER_BYTES),
    trailing: zeros(0),
    vcek: vcekPlan(TCB, chipId.slice()),
    chain: [askPlan(), amdRoot],
    crl: {
      issuer: amdNames.root,
      signedBy: 'amdRoot',
      thisUpdate: options.now - DAY,
      nextUpdate: options.now + 29 * DAY,
      revoked: [],
      number: 1,
      extensions: [],
    },
  }
}
