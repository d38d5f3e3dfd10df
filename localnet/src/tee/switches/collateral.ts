import type { CertificatePlan } from '../certificates.ts'
import type { CollateralPlan, QeIdentity, SignedJsonPlan, TcbInfo } from '../collateral.ts'
import { isoDate } from '../collateral.ts'
import type { CrlPlan } from '../crls.ts'
import { intelNames } from '../intel-certificates.ts'
import type { ScenePlan } from '../scene.ts'
import { certificate } from './pck.ts'
import { type Switch, type Switches, unknownExtension } from './switch.ts'

const collateralOf = (scene: ScenePlan): CollateralPlan => scene.machine.tdx.collateral
const collateral = (
  rule: string,
  breaks: (plan: CollateralPlan, scene: ScenePlan) => unknown,
  keeps?: (plan: CollateralPlan, scene: ScenePlan) => unknown,
): Switch => ({
  rule,
  breaks: (scene) => breaks(collateralOf(scene), scene),
  ...(keeps ? { keeps: (scene: ScenePlan) => keeps(collateralOf(scene), scene) } : {}),
})

/** Step 2: who signs TCB info and QE identity. */
export const signerChains = {
  'tcb-signer-name': collateral('signed by the TCB signer', ({ tcbInfo }) => {
    certificate(0, (plan) => (plan.subject = intelNames.pck))(tcbInfo.chain)
  }),
  'qe-identity-signer-name': collateral('signed by the TCB signer', ({ qeIdentity }) => {
    certificate(0, (plan) => (plan.subject = intelNames.pck))(qeIdentity.chain)
  }),
  'tcb-signer-chain-too-long': collateral('signer and root', ({ tcbInfo, pckCrlChain }) => {
    tcbInfo.chain.splice(1, 0, ...pckCrlChain.slice(0, 1))
  }),
  'tcb-signer-root': collateral('a chain to the pinned root', ({ tcbInfo }) => tcbInfo.chain.pop()),
  'tcb-signer-expired': collateral(
    'a signer of today',
    ({ tcbInfo }, { now }) => certificate(0, (plan) => (plan.notAfter = now - 1))(tcbInfo.chain),
    ({ tcbInfo }, { now }) => certificate(0, (plan) => (plan.notAfter = now))(tcbInfo.chain),
  ),
  'qe-identity-signer-signature': collateral('a signer that the root signed', ({ qeIdentity }) => {
    certificate(0, (plan) => (plan.signedBy = 'strangerP256'))(qeIdentity.chain)
  }),
} as const satisfies Switches

const rootList = (rule: string, breaks: (plan: CrlPlan, scene: ScenePlan) => unknown): Switch =>
  collateral(rule, (plan, scene) => plan.rootCrl && breaks(plan.rootCrl, scene))
const pckList = (
  rule: string,
  breaks: (plan: CrlPlan, scene: ScenePlan) => unknown,
  keeps?: (plan: CrlPlan, scene: ScenePlan) => unknown,
): Switch =>
  collateral(
    rule,
    (plan, scene) => plan.pckCrl && breaks(plan.pckCrl, scene),
    keeps && ((plan, scene) => plan.pckCrl && keeps(plan.pckCrl, scene)),
  )

const revoke = (list: CrlPlan | null, item: CertificatePlan | Uint8Array | undefined, at: number) => {
  if (list && item && !(item instanceof Uint8Array)) list.revoked.push({ serial: item.serial, at })
}

/** A critical reason, which RFC 5280 section 5.3.1 forbids. */
const criticalReason = { id: '2.5.29.21', critical: true, value: Uint8Array.of(10, 1, 1) }

/** Step 3: revocation lists. */
export const revocationLists = {
  'crl-missing-root': collateral("the root's list", (plan) => (plan.rootCrl = null)),
  'crl-missing-pck': collateral("the PCK issuer's list", (plan) => (plan.pckCrl = null)),
  'crl-forged': pckList('a list that its issuer signed', (list) => (list.signedBy = 'strangerP256')),
  'crl-forged-root': rootList('a list that the root signed', (list) => (list.signedBy = 'strangerP256')),
  'crl-by-another': pckList('the list of the issuer', (list) => {
    list.issuer = intelNames.processor
    list.signedBy = 'pckProcessorCa'
  }),
  'crl-algorithm': pckList('signed in the way of its issuer', (list) => (list.signedBy = 'strangerP384')),
  'crl-expired': pckList(
    'a list of today',
    (list, { now }) => (list.nextUpdate = now - 1),
    (list, { now }) => (list.nextUpdate = now),
  ),
  'crl-expired-root': rootList('a list of today', (list, { now }) => (list.nextUpdate = now - 1)),
  'crl-not-yet-valid': pckList(
    'a list of today',
    (list, { now }) => (list.thisUpdate = now + 1),
    (list, { now }) => (list.thisUpdate = now),
  ),
  'crl-no-next-update': pckList('a list that ends', (list) => (list.nextUpdate = null)),
  'crl-partial': pckList(
    'a whole list',
    (list) => list.extensions.push({ id: '2.5.29.28', critical: true, value: Uint8Array.of(0x30, 3, 0x81, 1, 0xff) }),
    (list) => list.extensions.push(unknownExtension(false)),
  ),
  'crl-entry-critical': pckList(
    'entries that say all they mean',
    (list, { now }) => list.revoked.push({ serial: Uint8Array.of(9), at: now, extensions: [criticalReason] }),
    (list, { now }) => list.revoked.push({ serial: Uint8Array.of(9), at: now }),
  ),
  'crl-signer-usage': {
    rule: 'an issuer that may sign lists',
    breaks: (scene) => certificate(1, (plan) => (plan.usages = ['keyCertSign']))(scene.machine.tdx.quote.chain),
  },
  'pck-revoked': collateral(
    'a PCK certificate that nobody revoked',
    ({ pckCrl }, { now, machine }) => revoke(pckCrl, machine.tdx.quote.chain[0], now),
    ({ rootCrl }, { now, machine }) => revoke(rootCrl, machine.tdx.quote.chain[0], now),
  ),
  'pck-authority-revoked': collateral(
    'an authority that nobody revoked',
    ({ rootCrl }, { now, machine }) => revoke(rootCrl, machine.tdx.quote.chain[1], now),
    ({ pckCrl }, { now, machine }) => revoke(pckCrl, machine.tdx.quote.chain[1], now),
  ),
  'tcb-signer-revoked': collateral('a signer that nobody revoked', ({ rootCrl, tcbInfo, qeIdentity }, { now }) => {
    certificate(0, (plan) => (plan.serial = Uint8Array.of(0x66)))(qeIdentity.chain)
    revoke(rootCrl, tcbInfo.chain[0], now)
  }),
  'qe-identity-signer-revoked': collateral('a signer that nobody revoked', ({ rootCrl, qeIdentity }, { now }) => {
    certificate(0, (plan) => (plan.serial = Uint8Array.of(0x66)))(qeIdentity.chain)
    revoke(rootCrl, qeIdentity.chain[0], now)
  }),
} as const satisfies Switches

const tcbInfo = (
  rule: string,
  breaks: (plan: TcbInfo, scene: ScenePlan) => unknown,
  keeps?: (plan: TcbInfo, scene: ScenePlan) => unknown,
): Switch =>
  collateral(
    rule,
    (plan, scene) => breaks(plan.tcbInfo.content, scene),
    keeps && ((plan, scene) => keeps(plan.tcbInfo.content, scene)),
  )
const qeIdentity = (
  rule: string,
  breaks: (plan: QeIdentity, scene: ScenePlan) => unknown,
  keeps?: (plan: QeIdentity, scene: ScenePlan) => unknown,
): Switch =>
  collateral(
    rule,
    (plan, scene) => breaks(plan.qeIdentity.content, scene),
    keeps && ((plan, scene) => keeps(plan.qeIdentity.content, scene)),
  )
/** The same meaning in other bytes. */
const respell = (plan: SignedJsonPlan<unknown>) => (plan.tamper = (json) => json.replace('{', '{ '))
const without = (plan: object, field: string) => Reflect.deleteProperty(plan, field)

/** Step 4: what Intel signs about platforms and its quoting enclave. */
export const signedJson = {
  'tcb-info-signature': collateral('TCB info that its signer signed', (plan) => {
    plan.tcbInfo.signedBy = 'strangerP256'
  }),
  'tcb-info-respelled': collateral('the bytes that were signed', (plan) => respell(plan.tcbInfo)),
  'tcb-info-id': tcbInfo('TCB info of TDX', (info) => (info.id = 'SGX')),
  'tcb-info-version': tcbInfo('TCB info of version 3', (info) => (info.version = 2)),
  'tcb-info-type': tcbInfo('TCB type 0', (info) => (info.tcbType = 1)),
  'tcb-info-expired': tcbInfo(
    'TCB info of today',
    (info, { now }) => (info.nextUpdate = isoDate(now - 1)),
    (info, { now }) => (info.nextUpdate = isoDate(now)),
  ),
  'tcb-info-not-yet-valid': tcbInfo(
    'TCB info of today',
    (info, { now }) => (info.issueDate = isoDate(now + 1)),
    (info, { now }) => (info.issueDate = isoDate(now)),
  ),
  'tcb-info-fmspc': tcbInfo(
    'TCB info of this kind of platform',
    (info) => (info.fmspc = 'AABBCCDDEEFF'),
    (info) => (info.fmspc = info.fmspc.toLowerCase()),
  ),
  'tcb-info-pceid': tcbInfo('TCB info of this PCE', (info) => (info.pceId = '0001')),
  'tcb-info-evaluation': tcbInfo(
    'the evaluation that the registry asks for',
    (info, { registry }) => (info.tcbEvaluationDataNumber = registry.registry.tdx.evaluation - 1),
    (info, { registry }) => (info.tcbEvaluationDataNumber = registry.registry.tdx.evaluation + 1),
  ),
  'tcb-info-field-missing': tcbInfo('every field', (info) => without(info, 'tdxModule')),
  'tcb-info-component-missing': tcbInfo('sixteen components', (info) => info.tcbLevels[0]?.tcb.sgxtcbcomponents.pop()),
  'tcb-info-status-unknown': tcbInfo('a status that Intel defines', (info) => {
    for (const level of info.tcbLevels) level.tcbStatus = 'Fine'
  }),
  'qe-identity-signature': collateral('QE identity that its signer signed', (plan) => {
    plan.qeIdentity.signedBy = 'strangerP256'
  }),
  'qe-identity-respelled': collateral('the bytes that were signed', (plan) => respell(plan.qeIdentity)),
  'qe-identity-id': qeIdentity('the identity of TDX quoting enclaves', (identity) => (identity.id = 'QE')),
  'qe-identity-version': qeIdentity('QE identity of version 2', (identity) => (identity.version = 1)),
  'qe-identity-expired': qeIdentity(
    'QE identity of today',
    (identity, { now }) => (identity.nextUpdate = isoDate(now - 1)),
    (identity, { now }) => (identity.nextUpdate = isoDate(now)),
  ),
  'qe-identity-not-yet-valid': qeIdentity(
    'QE identity of today',
    (identity, { now }) => (identity.issueDate = isoDate(now + 1)),
    (identity, { now }) => (identity.issueDate = isoDate(now)),
  ),
  'qe-identity-evaluation': qeIdentity('the evaluation that the registry asks for', (identity, { registry }) => {
    identity.tcbEvaluationDataNumber = registry.registry.tdx.evaluation - 1
  }),
  'qe-identity-field-missing': qeIdentity('every field', (identity) => without(identity, 'mrsigner')),
} as const satisfies Switches
