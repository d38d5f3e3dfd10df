import { vcekExtensions } from '../amd-certificates.ts'
import type { CertificatePlan } from '../certificates.ts'
import { octets } from '../der-writer.ts'
import type { ScenePlan } from '../scene.ts'
import { type SnpPlan, snpPolicy, type SnpReport } from '../snp.ts'
import { certificate } from './pck.ts'
import { flip, type Switch, type Switches } from './switch.ts'

const snp = (
  rule: string,
  breaks: (plan: SnpPlan, scene: ScenePlan) => unknown,
  keeps?: (plan: SnpPlan, scene: ScenePlan) => unknown,
): Switch => ({
  rule,
  base: 'snp',
  breaks: (scene) => breaks(scene.machine.snp, scene),
  ...(keeps ? { keeps: (scene: ScenePlan) => keeps(scene.machine.snp, scene) } : {}),
})
const report = (rule: string, breaks: (plan: SnpReport) => unknown, keeps?: (plan: SnpReport) => unknown): Switch =>
  snp(rule, (plan) => breaks(plan.report), keeps && ((plan) => keeps(plan.report)))
const vcek = (rule: string, breaks: (plan: CertificatePlan) => unknown, keeps?: (plan: CertificatePlan) => unknown) =>
  snp(rule, (plan) => breaks(plan.vcek), keeps && ((plan) => keeps(plan.vcek)))

/** Writes the VCEK for other levels than the report states. */
const certified = (level: 'bootLoader' | 'tee' | 'snp' | 'microcode') => (plan: SnpPlan) => {
  const tcb = plan.report.reportedTcb
  plan.vcek.extensions = vcekExtensions({ ...tcb, [level]: tcb[level] + 1 }, plan.report.chipId)
}
/** Certificate and report agree on a level that is below the registry's. */
const older = (level: 'bootLoader' | 'snp' | 'microcode', by: number) => (plan: SnpPlan) => {
  const tcb = { ...plan.report.reportedTcb, [level]: plan.report.reportedTcb[level] + by }
  plan.report.reportedTcb = tcb
  plan.vcek.extensions = vcekExtensions(tcb, plan.report.chipId)
}
const withoutExtension = (id: string) => (plan: CertificatePlan) => {
  plan.extensions = plan.extensions.filter((extension) => extension.id !== `1.3.6.1.4.1.3704.1.${id}`)
}

export const snpSwitches = {
  'snp-trailing-bytes': snp('exactly 1184 bytes', (plan) => (plan.trailing = new Uint8Array(1))),
  'snp-version': report(
    'a version that is known',
    (plan) => (plan.version = 1),
    (plan) => (plan.version = 2),
  ),
  'snp-algorithm': report('ECDSA on P-384', (plan) => (plan.signatureAlgorithm = 2)),
  'snp-beside-signature': snp('zeros after the signature', (plan) => flip(plan.afterSignature, 300)),
  'snp-signing-key': report("signed by the chip's own key", (plan) => (plan.flags = 0b100)),
  'snp-chip-masked': report('a chip that says which it is', (plan) => (plan.flags = 0b10)),
  'snp-signature': snp('signed by the chip', (plan) => (plan.signedBy = 'strangerP384')),
  'snp-chain-root': snp("AMD's root", ({ chain }) => chain.splice(1, 1, ...chain.slice(0, 1))),
  'snp-chain-short': snp('three certificates', ({ chain }) => chain.pop()),
  'snp-chain-long': snp('three certificates', ({ chain }) => chain.push(...chain.slice(0, 1))),
  'snp-chain-signature': snp('signed by the root', ({ chain }) =>
    certificate(0, (plan) => (plan.signedBy = 'amdSev'))(chain),
  ),
  'snp-vcek-signature': vcek('signed by the SEV key', (plan) => (plan.signedBy = 'amdRoot')),
  'snp-vcek-expired': snp(
    'a certificate of today',
    (plan, { now }) => (plan.vcek.notAfter = now - 1),
    (plan, { now }) => (plan.vcek.notAfter = now),
  ),
  'snp-vcek-name': snp('the name of a chip key', (plan) => (plan.vcek.subject = [['CN', 'SEV-VLEK']])),
  'snp-sev-name': snp('the SEV key of the product', (plan) => {
    const name = [['CN', 'SEV-Milan']] as const
    plan.vcek.issuer = name
    certificate(0, (sev) => (sev.subject = name))(plan.chain)
  }),
  'snp-crl-missing': snp("the root's list", (plan) => (plan.crl = null)),
  'snp-crl-forged': snp('a list that the root signed', (plan) => plan.crl && (plan.crl.signedBy = 'amdSev')),
  'snp-crl-expired': snp('a list of today', (plan, { now }) => plan.crl && (plan.crl.nextUpdate = now - 1)),
  'snp-sev-revoked': snp(
    'a SEV key that nobody revoked',
    ({ crl }, { now }) => crl?.revoked.push({ serial: Uint8Array.of(1, 0, 1), at: now }),
    ({ crl }, { now }) => crl?.revoked.push({ serial: Uint8Array.of(1, 0, 2), at: now }),
  ),
  'snp-product': vcek('a certificate of this product', (plan) => {
    const name = plan.extensions.find(({ id }) => id.endsWith('3704.1.2'))
    if (name) flip(name.value, 2)
  }),
  'snp-chip': report("this chip's certificate", ({ chipId }) => flip(chipId)),
  'snp-chip-extension': vcek('a certificate that names a chip', withoutExtension('4'), (plan) => {
    const hardware = plan.extensions.find(({ id }) => id.endsWith('3704.1.4'))
    if (hardware) Object.assign(hardware, { value: octets(hardware.value) })
  }),
  'snp-chip-length': vcek('a chip id of 64 bytes', (plan) => {
    const hardware = plan.extensions.find(({ id }) => id.endsWith('3704.1.4'))
    if (hardware) Object.assign(hardware, { value: octets(hardware.value.slice(1)) })
  }),
  'snp-tcb-boot-loader': snp('a certificate for these levels', certified('bootLoader')),
  'snp-tcb-tee': snp('a certificate for these levels', certified('tee')),
  'snp-tcb-snp': snp('a certificate for these levels', certified('snp')),
  'snp-tcb-microcode': snp('a certificate for these levels', certified('microcode')),
  'snp-old-boot-loader': snp('firmware as the registry asks', older('bootLoader', -1), older('bootLoader', 1)),
  'snp-old-snp': snp('firmware as the registry asks', older('snp', -1), older('snp', 1)),
  'snp-old-microcode': snp('firmware as the registry asks', older('microcode', -1), older('microcode', 1)),
  'snp-product-unlisted': snp('a product that the registry lists', (_, { registry }) => registry.registry.snp.pop()),
  'snp-debug': report('a machine nobody can look into', (plan) => (plan.policy |= snpPolicy.debug)),
  'snp-migratable': report('a machine that stays', (plan) => (plan.policy |= snpPolicy.migrationAgent)),
  'snp-migration-agent': report('no migration agent', ({ reportIdMa }) => flip(reportIdMa)),
  'snp-reserved': report('no reserved bit', (plan) => (plan.policy |= 1n << 26n)),
  'snp-reserved-one': report('the bit that is one', (plan) => (plan.policy &= ~(1n << 17n))),
  'snp-privilege': report('the highest privilege level', (plan) => (plan.vmpl = 1)),
  'snp-host-data': report('no data of the host', ({ hostData }) => flip(hostData)),
  'snp-measurement': report('a listed image', ({ measurement }) => flip(measurement)),
} as const satisfies Switches
