import { type Bytes, hex, utf8 } from '@cocoon/protocol'
import type { TdxCollateral } from '@cocoon/protocol/appraisal'
import { type CertificatePlan, issueChain, pem } from './certificates.ts'
import { type CrlPlan, issueCrl } from './crls.ts'
import type { EcKeyName } from './development-keys.ts'
import { sign } from './keys.ts'

export type TcbStatus =
  | 'UpToDate'
  | 'SWHardeningNeeded'
  | 'ConfigurationNeeded'
  | 'ConfigurationAndSWHardeningNeeded'
  | 'OutOfDate'
  | 'OutOfDateConfigurationNeeded'
  | 'Revoked'

/** One level of a ladder, best first: the first one whose numbers are all reached is the one that counts. */
export interface Level<Tcb> {
  tcb: Tcb
  tcbDate: string
  /** One of TcbStatus; any text, so that a word nobody knows can be written. */
  tcbStatus: string
  advisoryIDs?: string[]
}
export interface PlatformTcb {
  sgxtcbcomponents: { svn: number }[]
  pcesvn: number
  tdxtcbcomponents: { svn: number }[]
}
interface SeamIdentity {
  mrsigner: string
  attributes: string
  attributesMask: string
}

/** TCB info of TDX, version 3 (Intel PCS API v4, "Get TDX TCB Info"). Field names are Intel's. */
export interface TcbInfo {
  id: string
  version: number
  issueDate: string
  nextUpdate: string
  fmspc: string
  pceId: string
  tcbType: number
  tcbEvaluationDataNumber: number
  tdxModule: SeamIdentity
  tdxModuleIdentities: (SeamIdentity & { id: string; tcbLevels: Level<{ isvsvn: number }>[] })[]
  tcbLevels: Level<PlatformTcb>[]
}

/** Identity of the quoting enclave, version 2 (Intel PCS API v4, "Get TDX QE Identity"). */
export interface QeIdentity {
  id: string
  version: number
  issueDate: string
  nextUpdate: string
  tcbEvaluationDataNumber: number
  miscselect: string
  miscselectMask: string
  attributes: string
  attributesMask: string
  mrsigner: string
  isvprodid: number
  tcbLevels: Level<{ isvsvn: number }>[]
}

/** JSON and who signs it. `tamper` changes the text after it was signed. */
export interface SignedJsonPlan<Content> {
  content: Content
  signedBy: EcKeyName
  chain: (CertificatePlan | Bytes)[]
  tamper: ((json: string) => string) | null
}

/** Null revocation lists are missing ones. */
export interface CollateralPlan {
  tcbInfo: SignedJsonPlan<TcbInfo>
  qeIdentity: SignedJsonPlan<QeIdentity>
  rootCrl: CrlPlan | null
  pckCrl: CrlPlan | null
  pckCrlChain: (CertificatePlan | Bytes)[]
}

/** Seconds since 1970 as Intel writes dates. */
export const isoDate = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000', '')

async function signJson<Content>(plan: SignedJsonPlan<Content>) {
  const json = JSON.stringify(plan.content)
  const signature = hex(await sign(plan.signedBy, utf8(json)))
  return { json: plan.tamper?.(json) ?? json, signature, chain: pem(...(await issueChain(plan.chain))) }
}

/** In the encodings in which Intel serves it; missing lists are empty. */
export async function encodeTdxCollateral(plan: CollateralPlan): Promise<TdxCollateral> {
  const [tcbInfo, qeIdentity] = [await signJson(plan.tcbInfo), await signJson(plan.qeIdentity)]
  return {
    tcbInfo: tcbInfo.json,
    tcbInfoSignature: tcbInfo.signature,
    tcbInfoChain: tcbInfo.chain,
    qeIdentity: qeIdentity.json,
    qeIdentitySignature: qeIdentity.signature,
    qeIdentityChain: qeIdentity.chain,
    rootCrl: plan.rootCrl ? await issueCrl(plan.rootCrl) : new Uint8Array(),
    pckCrl: plan.pckCrl ? await issueCrl(plan.pckCrl) : new Uint8Array(),
  }
}
