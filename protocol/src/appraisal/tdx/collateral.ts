import { type Bytes, fromHex, fromUtf8, utf8 } from '../../bytes.ts'
import { AppraisalError, ensure } from '../failure.ts'
import { isSignedBy } from '../public-key.ts'
import { type Certificate, iso } from '../x509.ts'
import { Json } from './json.ts'
import { componentStatuses, moduleStatuses, platformStatuses, type TcbStatus } from './tcb.ts'

/** What Intel vouches for a platform (PCS API v4), as a node or the broker carries it. */
export interface TdxCollateral {
  /** The exact text that was signed: the object inside the service's answer, never parsed and written again. */
  readonly tcbInfo: string
  /** r and s, hex. */
  readonly tcbInfoSignature: string
  /** PEM, signer to root. */
  readonly tcbInfoChain: string
  readonly qeIdentity: string
  readonly qeIdentitySignature: string
  readonly qeIdentityChain: string
  /** DER; empty when missing. By the root. */
  readonly rootCrl: Bytes
  /** By the authority that issued the PCK certificate. */
  readonly pckCrl: Bytes
}

/** One level of a list that is ordered best first. */
export interface Level {
  readonly status: TcbStatus
  /** Unix seconds: what was known by then is fixed. */
  readonly date: number
  readonly advisories: readonly string[]
}
export interface SvnLevel extends Level {
  readonly isvSvn: number
}
export interface PlatformLevel extends Level {
  readonly sgx: readonly number[]
  readonly tdx: readonly number[]
  readonly pceSvn: number
}

export interface ModuleIdentity {
  readonly mrSigner: Bytes
  readonly attributes: Bytes
  readonly attributesMask: Bytes
}
export interface VersionedModule extends ModuleIdentity {
  /** `TDX_` and the major version in two hex digits, upper case. */
  readonly id: string
  readonly levels: readonly SvnLevel[]
}

interface Dated {
  readonly issued: number
  readonly nextUpdate: number
  readonly evaluationNumber: number
}

/** TCB info for TDX, version 3. */
export interface TcbInfo extends Dated {
  readonly fmspc: Bytes
  readonly pceId: Bytes
  /** Of TDX modules with major version 0, which state no level of their own. */
  readonly module: ModuleIdentity
  readonly modules: readonly VersionedModule[]
  readonly levels: readonly PlatformLevel[]
}

/** Identity of the quoting enclave, version 2. */
export interface QeIdentity extends Dated {
  readonly miscSelect: Bytes
  readonly miscSelectMask: Bytes
  readonly attributes: Bytes
  readonly attributesMask: Bytes
  readonly mrSigner: Bytes
  readonly isvProdId: number
  readonly levels: readonly SvnLevel[]
}

const MAX_TEXT = 256 * 1024
const MAX_LEVELS = 128
const MAX_MODULES = 64
const MAX_ADVISORIES = 256
const COMPONENTS = 16
const TCB_INFO_VERSION = 3
const QE_IDENTITY_VERSION = 2
const TCB_TYPE = 0

/** What Intel's two objects share; codes are spelled out so that each rule has its own. */
const kinds = {
  tcbInfo: {
    name: 'TCB info',
    format: 'tcb-info-format',
    signature: 'tcb-info-signature',
    id: 'tcb-info-id',
    early: 'tcb-info-not-yet-valid',
    late: 'tcb-info-expired',
  },
  qeIdentity: {
    name: 'QE identity',
    format: 'qe-identity-format',
    signature: 'qe-identity-signature',
    id: 'qe-identity-id',
    early: 'qe-identity-not-yet-valid',
    late: 'qe-identity-expired',
  },
} as const
type Kind = (typeof kinds)[keyof typeof kinds]

/** Verifies before it parses, and parses exactly the bytes that were verified. */
async function openSigned(kind: Kind, text: string, signature: string, signer: Certificate): Promise<Json> {
  ensure(text.length <= MAX_TEXT, kind.format, `${kind.name} too large`)
  const bytes = utf8(text)
  const readable = /^[0-9a-fA-F]{128}$/.test(signature)
  const genuine = readable && (await isSignedBy(signer.key, fromHex(signature.toLowerCase()), bytes))
  ensure(genuine, kind.signature, `${kind.name} is not signed by its signer`)
  try {
    return new Json(JSON.parse(fromUtf8(bytes)), kind.name, kind.format)
  } catch (cause) {
    throw new AppraisalError(kind.format, `${kind.name} is not JSON`, { cause })
  }
}

function readDates(json: Json): Dated {
  return {
    issued: json.field('issueDate').date(),
    nextUpdate: json.field('nextUpdate').date(),
    evaluationNumber: json.field('tcbEvaluationDataNumber').number(0xffff_ffff),
  }
}

/** @throws AppraisalError with a code that starts with `tcb-info-` */
export async function openTcbInfo(collateral: TdxCollateral, signer: Certificate): Promise<TcbInfo> {
  const json = await openSigned(kinds.tcbInfo, collateral.tcbInfo, collateral.tcbInfoSignature, signer)
  const [id, version] = [json.field('id').text(), json.field('version').number(0xffff)]
  const known = id === 'TDX' && version === TCB_INFO_VERSION
  ensure(known, 'tcb-info-id', `TCB info of ${id}, version ${version}`)
  const type = json.field('tcbType').number(0xffff)
  ensure(type === TCB_TYPE, 'tcb-info-id', `TCB info compares in way ${type}`)
  return {
    ...readDates(json),
    fmspc: json.field('fmspc').bytes(6),
    pceId: json.field('pceId').bytes(2),
    module: readModule(json.field('tdxModule')),
    modules: (json.optional('tdxModuleIdentities')?.list(MAX_MODULES) ?? []).map((identity) => ({
      ...readModule(identity),
      id: identity.field('id').text().toUpperCase(),
      levels: readSvnLevels(identity.field('tcbLevels'), moduleStatuses),
    })),
    levels: json
      .field('tcbLevels')
      .list(MAX_LEVELS)
      .map((level) => ({ ...readLevel(level, platformStatuses), ...readPlatform(level.field('tcb')) })),
  }
}

/** @throws AppraisalError with a code that starts with `qe-identity-` */
export async function openQeIdentity(collateral: TdxCollateral, signer: Certificate): Promise<QeIdentity> {
  const json = await openSigned(kinds.qeIdentity, collateral.qeIdentity, collateral.qeIdentitySignature, signer)
  const [id, version] = [json.field('id').text(), json.field('version').number(0xffff)]
  const known = id === 'TD_QE' && version === QE_IDENTITY_VERSION
  ensure(known, 'qe-identity-id', `identity of ${id}, version ${version}`)
  return {
    ...readDates(json),
    miscSelect: json.field('miscselect').bytes(4),
    miscSelectMask: json.field('miscselectMask').bytes(4),
    attributes: json.field('attributes').bytes(16),
    attributesMask: json.field('attributesMask').bytes(16),
    mrSigner: json.field('mrsigner').bytes(32),
    isvProdId: json.field('isvprodid').number(0xffff),
    levels: readSvnLevels(json.field('tcbLevels'), componentStatuses),
  }
}

function readModule(json: Json): ModuleIdentity {
  return {
    mrSigner: json.field('mrsigner').bytes(48),
    attributes: json.field('attributes').bytes(8),
    attributesMask: json.field('attributesMask').bytes(8),
  }
}

function readLevel(json: Json, statuses: readonly TcbStatus[]): Level {
  return {
    status: json.field('tcbStatus').oneOf(statuses),
    date: json.field('tcbDate').date(),
    advisories: (json.optional('advisoryIDs')?.list(MAX_ADVISORIES) ?? []).map((id) => id.text()),
  }
}

function readSvnLevels(json: Json, statuses: readonly TcbStatus[]): SvnLevel[] {
  return json.list(MAX_LEVELS).map((level) => ({
    ...readLevel(level, statuses),
    isvSvn: level.field('tcb').field('isvsvn').number(0xffff),
  }))
}

function readPlatform(tcb: Json): Omit<PlatformLevel, keyof Level> {
  const read = (name: string): number[] => {
    const list = tcb.field(name).list(COMPONENTS)
    ensure(list.length === COMPONENTS, 'tcb-info-format', `TCB info has ${list.length} ${name}`)
    return list.map((component) => component.field('svn').number(0xff))
  }
  return { sgx: read('sgxtcbcomponents'), tdx: read('tdxtcbcomponents'), pceSvn: tcb.field('pcesvn').number(0xffff) }
}

/**
 * That the object is of today, and not older than the registry accepts. Times are Unix seconds.
 * @throws AppraisalError `tcb-info-…` or `qe-identity-…` for a date, `tcb-evaluation-too-old`
 */
export function checkDates(
  of: keyof typeof kinds,
  dated: Dated,
  now: number,
  minimumEvaluation: number | undefined,
): void {
  const { name, early, late } = kinds[of]
  ensure(now >= dated.issued, early, `${name} is from ${iso(dated.issued)}`)
  ensure(now <= dated.nextUpdate, late, `${name} expired ${iso(dated.nextUpdate)}`)
  const { evaluationNumber } = dated
  const recent = minimumEvaluation === undefined || evaluationNumber >= minimumEvaluation
  ensure(
    recent,
    'tcb-evaluation-too-old',
    `${name} is evaluation ${evaluationNumber}, ${minimumEvaluation} is the least`,
  )
}

/**
 * Takes the signed text and its signature out of an answer of Intel's service, `{"tcbInfo":{…},"signature":"…"}`, without
 * parsing it: written again it would be other bytes. For whoever fetches collateral; nothing is verified here.
 * @throws AppraisalError `tcb-info-format` or `qe-identity-format`
 */
export function readAnswer(of: keyof typeof kinds, answer: string): { text: string; signature: string } {
  const field = of === 'tcbInfo' ? 'tcbInfo' : 'enclaveIdentity'
  const { name, format } = kinds[of]
  ensure(answer.length <= MAX_TEXT, format, `answer with ${name} too large`)
  const [start, end] = [`{"${field}":`, ',"signature":"']
  const at = answer.lastIndexOf(end)
  const signature = /^([0-9a-fA-F]{128})"\}\s*$/.exec(answer.slice(at + end.length))?.[1]
  ensure(answer.startsWith(start) && at > 0 && signature !== undefined, format, `no signed ${name} in this answer`)
  return { text: answer.slice(start.length, at), signature }
}
