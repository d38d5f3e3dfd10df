import { type Bytes, fromHex, hex, sha256, utf8 } from '@cocoon/protocol'
import {
  tcbSigningPlan,
  type IntelPlatform,
  pckCaPlan,
  type PckIssuer,
  pckPlan,
  intelNames,
} from './intel-certificates.ts'
import {
  type CollateralPlan,
  isoDate,
  type Level,
  type PlatformTcb,
  type QeIdentity,
  type TcbInfo,
} from './collateral.ts'
import { zeros } from './little-endian.ts'
import { intelRoot } from './public.ts'
import { measurement, quotePlan, type QuotePlan, type QuotingEnclave, type TrustDomain } from './tdx.ts'

const DAY = 86_400

/** One simulated processor, its trust domain and the collateral of its kind, all in order. */
export interface TdxPlan {
  platform: IntelPlatform
  quote: QuotePlan
  collateral: CollateralPlan
}

/** What a measured image leaves in the registers, on one shape of machine. */
export interface Measurements {
  readonly mrTd: Bytes
  readonly rtmr: readonly [Bytes, Bytes, Bytes]
}

/** Simulated reference values: MRTD is of the firmware, RTMR0 also of the shape, RTMR1 and 2 of kernel and image. */
export async function simulatedMeasurements(image: string, shape: string): Promise<Measurements> {
  return {
    mrTd: await measurement(`MRTD of ${image}`),
    rtmr: [
      await measurement(`RTMR0 of ${image} on ${shape}`),
      await measurement(`RTMR1 of ${image}`),
      await measurement(`RTMR2 of ${image}`),
    ],
  }
}

/** Numbers of a fourth-generation Xeon; what is in the name is worth as little as the keys. */
const FMSPC = 'dec06f000000'
const CPU_SVN = [5, 5, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]
const PCE_SVN = 13
/** TDX module 1.5: major version 1, minor security version 7. */
const TEE_TCB_SVN = [7, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
const QE_PRODUCT = 2
const QE_SVN = 4
export const TCB_EVALUATION_NUMBER = 20
export const TCB_AGE_DAYS = 60

/** `serial` names the machine: it alone decides the PPID. */
export async function intelPlatform(serial: string): Promise<IntelPlatform> {
  return {
    ppid: (await sha256(utf8(`simulated PPID of ${serial}`))).slice(0, 16),
    cpuSvn: Uint8Array.from(CPU_SVN),
    components: [...CPU_SVN],
    pceSvn: PCE_SVN,
    pceId: zeros(2),
    fmspc: fromHex(FMSPC),
  }
}

/** SEPT_VE_DISABLE and nothing else: no debugging, no migration. */
const TD_ATTRIBUTES = '0000001000000000'
/** x87, SSE, AVX, AVX-512, PKRU and AMX. */
const XFAM = 'e702060000000000'

async function trustDomain(measured: Measurements, rtmr3: Bytes, reportData: Bytes): Promise<TrustDomain> {
  const [rtmr0, rtmr1, rtmr2] = measured.rtmr
  return {
    teeTcbSvn: Uint8Array.from(TEE_TCB_SVN),
    mrSeam: await measurement('MRSEAM'),
    mrSignerSeam: zeros(48),
    seamAttributes: zeros(8),
    attributes: fromHex(TD_ATTRIBUTES),
    xfam: fromHex(XFAM),
    mrTd: measured.mrTd,
    mrConfigId: zeros(48),
    mrOwner: zeros(48),
    mrOwnerConfig: zeros(48),
    rtmr: [rtmr0, rtmr1, rtmr2, rtmr3],
    reportData,
    teeTcbSvn2: Uint8Array.from(TEE_TCB_SVN),
    mrServiceTd: zeros(48),
  }
}

/** INIT, MODE64BIT and PROVISION_KEY, as Intel's quoting enclave has. */
const QE_ATTRIBUTES = '1100000000000000e700000000000000'

async function quotingEnclave(platform: IntelPlatform): Promise<QuotingEnclave> {
  return {
    cpuSvn: Uint8Array.from(platform.cpuSvn),
    miscSelect: zeros(4),
    attributes: fromHex(QE_ATTRIBUTES),
    mrEnclave: await sha256(utf8('simulated quoting enclave')),
    mrSigner: await sha256(utf8('simulated signer of quoting enclaves')),
    productId: QE_PRODUCT,
    svn: QE_SVN,
    bound: 'attestation',
    afterBinding: zeros(32),
  }
}

const components = (svns: readonly number[]) => svns.map((svn) => ({ svn }))

function platformLevel(now: number, days: number, tcbStatus: string, below = 0): Level<PlatformTcb> {
  return {
    tcb: {
      sgxtcbcomponents: components(CPU_SVN.map((svn) => Math.max(0, svn - below))),
      pcesvn: PCE_SVN - below,
      tdxtcbcomponents: components([5, 0, 3 - below, ...Array.from({ length: 13 }, () => 0)]),
    },
    tcbDate: isoDate(now - days * DAY),
    tcbStatus,
  }
}

const ANY = '0'.repeat(16)
const EVERY_BIT = 'F'.repeat(16)

function tcbInfo(platform: IntelPlatform, now: number): TcbInfo {
  const module = { mrsigner: '0'.repeat(96), attributes: ANY, attributesMask: EVERY_BIT }
  const level = (isvsvn: number, days: number, tcbStatus: string) => ({
    tcb: { isvsvn },
    tcbDate: isoDate(now - days * DAY),
    tcbStatus,
  })
  return {
    id: 'TDX',
    version: 3,
    issueDate: isoDate(now - DAY),
    nextUpdate: isoDate(now + 29 * DAY),
    fmspc: hex(platform.fmspc).toUpperCase(),
    pceId: hex(platform.pceId),
    tcbType: 0,
    tcbEvaluationDataNumber: TCB_EVALUATION_NUMBER,
    tdxModule: module,
    tdxModuleIdentities: [
      { id: 'TDX_01', ...module, tcbLevels: [level(6, TCB_AGE_DAYS, 'UpToDate'), level(4, 400, 'OutOfDate')] },
    ],
    tcbLevels: [platformLevel(now, TCB_AGE_DAYS, 'UpToDate'), platformLevel(now, 400, 'OutOfDate', 1)],
  }
}

function qeIdentity(qe: QuotingEnclave, now: number): QeIdentity {
  return {
    id: 'TD_QE',
    version: 2,
    issueDate: isoDate(now - DAY),
    nextUpdate: isoDate(now + 29 * DAY),
    tcbEvaluationDataNumber: TCB_EVALUATION_NUMBER,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: hex(qe.mrSigner).toUpperCase(),
    isvprodid: QE_PRODUCT,
    tcbLevels: [
      { tcb: { isvsvn: QE_SVN }, tcbDate: isoDate(now - TCB_AGE_DAYS * DAY), tcbStatus: 'UpToDate' },
      { tcb: { isvsvn: QE_SVN - 2 }, tcbDate: isoDate(now - 400 * DAY), tcbStatus: 'OutOfDate' },
    ],
  }
}

function collateralPlan(platform: IntelPlatform, qe: QuotingEnclave, issuer: PckIssuer, now: number): CollateralPlan {
  const list = { thisUpdate: now - DAY, nextUpdate: now + 29 * DAY, revoked: [], number: 1, extensions: [] }
  const signing = () => ({ signedBy: 'tcbSigning' as const, chain: [tcbSigningPlan(), intelRoot], tamper: null })
  const pckCa = pckCaPlan(issuer)
  return {
    tcbInfo: { content: tcbInfo(platform, now), ...signing() },
    qeIdentity: { content: qeIdentity(qe, now), ...signing() },
    rootCrl: { ...list, issuer: intelNames.root, signedBy: 'intelRoot' },
    pckCrl: { ...list, revoked: [], issuer: intelNames[issuer], signedBy: pckCa.key },
    pckCrlChain: [pckCa, intelRoot],
  }
}

/** `now` in Unix seconds: collateral is a day old then, and good for 29 more. */
export async function tdxPlan(options: {
  readonly serial: string
  readonly now: number
  readonly measured: Measurements
  readonly rtmr3: Bytes
  readonly reportData: Bytes
  readonly issuer?: PckIssuer
}): Promise<TdxPlan> {
  const issuer = options.issuer ?? 'platform'
  const platform = await intelPlatform(options.serial)
  const qe = await quotingEnclave(platform)
  const td = await trustDomain(options.measured, options.rtmr3, options.reportData)
  const chain = [pckPlan(issuer, platform), pckCaPlan(issuer), intelRoot]
  return { platform, quote: quotePlan(td, qe, chain), collateral: collateralPlan(platform, qe, issuer, options.now) }
}
