import type { CertificatePlan } from '../certificates.ts'
import { intelRootPlan, type IntelPlatform, sgxExtension } from '../intel-certificates.ts'
import type { ScenePlan } from '../scene.ts'
import type { QuotePlan } from '../tdx.ts'
import { unknownExtension, type Switch, type Switches } from './switch.ts'

type Change = (plan: CertificatePlan) => unknown
type ChainChange = (chain: QuotePlan['chain']) => unknown

const chainOf = (scene: ScenePlan) => scene.machine.tdx.quote.chain
const chain = (rule: string, breaks: ChainChange): Switch => ({ rule, breaks: (scene) => breaks(chainOf(scene)) })

/** Changes certificate `index` of a chain, from the leaf. */
export const certificate = (index: number, change: Change) => (plans: QuotePlan['chain']) => {
  const item = plans[index]
  if (item && !(item instanceof Uint8Array)) change(item)
}
const at =
  (index: number) =>
  (rule: string, breaks: Change, keeps?: Change): Switch => ({
    rule,
    breaks: (scene) => certificate(index, breaks)(chainOf(scene)),
    ...(keeps ? { keeps: (scene: ScenePlan) => certificate(index, keeps)(chainOf(scene)) } : {}),
  })
const pck = at(0)
const authority = at(1)

const sameRoot = () => intelRootPlan()
const otherRoot = (): CertificatePlan => ({ ...intelRootPlan(), key: 'strangerP256', signedBy: 'strangerP256' })

/** Writes the SGX extension anew, of a platform changed. */
export function platform(scene: ScenePlan, change: (known: IntelPlatform) => unknown): void {
  const known = structuredClone(scene.machine.tdx.platform)
  change(known)
  certificate(0, (plan) => (plan.extensions = [sgxExtension(known)]))(chainOf(scene))
}
const members = (rearrange: (members: Uint8Array[]) => Uint8Array[]) => (scene: ScenePlan) =>
  certificate(0, (plan) => (plan.extensions = [sgxExtension(scene.machine.tdx.platform, rearrange)]))(chainOf(scene))

/** Steps 2 and 7: the chain of the PCK certificate, and what it says of its platform. */
export const pckChain = {
  'pck-chain-too-long': chain('three certificates', (plans) => plans.splice(1, 0, ...plans.slice(1, 2))),
  'pck-chain-too-short': chain('three certificates', (plans) => plans.splice(1, 1)),
  'pck-chain-not-our-root': chain('a chain to the pinned root', (plans) => plans.splice(2, 1, otherRoot())),
  'pck-chain-root-issued-again': chain('the root byte for byte', (plans) => plans.splice(2, 1, sameRoot())),
  'pck-by-a-leaf': chain('a certificate from an authority of Intel', (plans) => {
    const name = [['CN', 'Intel SGX PCK Certificate of another']] as const
    const [leaf] = plans
    if (!leaf || leaf instanceof Uint8Array) return
    plans.splice(1, 0, { ...leaf, subject: name, key: 'strangerP256', serial: Uint8Array.of(0x77) })
    Object.assign(leaf, { issuer: name, signedBy: 'strangerP256' })
  }),
  'pck-by-no-authority': authority('an authority issues', (plan) => (plan.authority = false)),
  'pck-by-unconstrained': authority('an authority says so', (plan) => (plan.authority = null)),
  'pck-by-key-usage': authority('a key for signing certificates', (plan) => (plan.usages = ['crlSign'])),
  'pck-by-no-key-usage': authority('a key for signing certificates', (plan) => (plan.usages = null)),
  'pck-key-usage': pck('a key for signing', (plan) => (plan.usages = ['nonRepudiation'])),
  'pck-no-key-usage': pck('a key for signing', (plan) => (plan.usages = null)),
  'pck-is-authority': pck('no authority', (plan) => (plan.authority = {})),
  'pck-issuer-name': pck('the name of its issuer', (plan) => (plan.issuer = [['CN', 'Intel SGX PCK Processor CA']])),
  'pck-signature': pck('signed by its issuer', (plan) => (plan.signedBy = 'strangerP256')),
  'pck-authority-signature': authority('signed by the root', (plan) => (plan.signedBy = 'strangerP256')),
  'pck-algorithm': pck('signed in the way of its issuer', (plan) => (plan.signedBy = 'strangerP384')),
  'pck-expired': {
    rule: 'a certificate of today',
    breaks: (scene) => certificate(0, (plan) => (plan.notAfter = scene.now - 1))(chainOf(scene)),
    keeps: (scene) => certificate(0, (plan) => (plan.notAfter = scene.now))(chainOf(scene)),
  },
  'pck-not-yet-valid': {
    rule: 'a certificate of today',
    breaks: (scene) => certificate(0, (plan) => (plan.notBefore = scene.now + 1))(chainOf(scene)),
    keeps: (scene) => certificate(0, (plan) => (plan.notBefore = scene.now))(chainOf(scene)),
  },
  'pck-authority-expired': {
    rule: 'an authority of today',
    breaks: (scene) => certificate(1, (plan) => (plan.notAfter = scene.now - 1))(chainOf(scene)),
  },
  'pck-critical-extension': pck(
    'no critical extension that nobody reads',
    (plan) => plan.extensions.push(unknownExtension(true)),
    (plan) => plan.extensions.push(unknownExtension(false)),
  ),
  'pck-extension-twice': pck('each extension once', (plan) =>
    plan.extensions.push(unknownExtension(false), unknownExtension(false)),
  ),
  'pck-version-1': pck('version 3', (plan) => (plan.version = 1)),
  'pck-name': pck('the name of a PCK certificate', (plan) => (plan.subject = [['CN', 'Intel SGX TCB Signing']])),
  'pck-issuer-kind': chain('one of the two authorities', (plans) => {
    const name = [['CN', 'Intel SGX PCK Other CA']] as const
    certificate(0, (leaf) => (leaf.issuer = name))(plans)
    certificate(1, (ca) => (ca.subject = name))(plans)
  }),
  'pck-no-sgx-extension': pck('an SGX extension', (plan) => (plan.extensions = [])),
  'pck-components': {
    rule: 'components that are what CPUSVN says',
    breaks: (scene) => platform(scene, (known) => (known.components[3] = 9)),
  },
  'pck-fmspc-length': {
    rule: 'an FMSPC of six bytes',
    breaks: (scene) => platform(scene, (known) => (known.fmspc = known.fmspc.slice(0, 5))),
  },
  'pck-member-missing': { rule: 'a PPID', breaks: members((all) => all.slice(1)) },
  'pck-member-twice': { rule: 'each member once', breaks: members((all) => [...all, ...all.slice(0, 1)]) },
} as const satisfies Switches
