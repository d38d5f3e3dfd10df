import { sha256 } from '@cocoon/protocol'
import { nodeIdOf, fromHex } from '@cocoon/protocol'
import { MAX_CLAIMS_SECONDS, type Revocable, workloadDigest } from '@cocoon/protocol/appraisal'
import { publicKeyBits } from '../keys.ts'
import { extend, type MachinePlan, type SimulatedEvidence } from '../machine.ts'
import type { ScenePlan } from '../scene.ts'
import { developmentSigner } from '../keys.ts'
import { flip, type Switch, type Switches } from './switch.ts'

const HOUR = 3600
const TOLERANCE = 2 * HOUR

const machine = (
  rule: string,
  breaks: (plan: MachinePlan, scene: ScenePlan) => unknown,
  keeps?: (plan: MachinePlan, scene: ScenePlan) => unknown,
): Switch => ({
  rule,
  breaks: (scene) => breaks(scene.machine, scene),
  ...(keeps ? { keeps: (scene: ScenePlan) => keeps(scene.machine, scene) } : {}),
})

/** Evidence as a whole, and the claims in it. */
export const claims = {
  'network-refused': { rule: 'a network of this build', breaks: (scene) => (scene.network = -239) },
  'evidence-missing': { rule: 'a node that states evidence', breaks: (scene) => (scene.open = true) },
  'evidence-digest': {
    rule: 'the evidence that the statement names',
    breaks: (scene) => (scene.statement.evidence = new Uint8Array(32)),
  },
  'evidence-malformed': machine('evidence in one encoding', (plan) => {
    plan.rewrite = (bytes) => bytes.slice(0, -1)
  }),
  'evidence-collateral-kind': machine('collateral of its kind', (plan) => (plan.carried = 'sev-snp')),
  'claims-malformed': machine('claims that can be read', (plan) => Object.assign(plan.claims, { note: 'more' })),
  'claims-too-long': machine(
    'claims for a day at most',
    ({ claims: content }) => (content.notAfter = content.notBefore + MAX_CLAIMS_SECONDS + 1),
  ),
  'claims-other-network': machine('claims for this network', ({ claims: content }) => (content.network = -3)),
  'claims-expired': machine('claims of today', ({ claims: content }, { now }) =>
    Object.assign(content, { notBefore: now - 23 * HOUR, notAfter: now - 1 }),
  ),
  'claims-not-yet-valid': machine('claims of today', ({ claims: content }, { now }) =>
    Object.assign(content, { notBefore: now + TOLERANCE + 1, notAfter: now + TOLERANCE + HOUR }),
  ),
  'claims-changed': machine('the claims that the hardware signed', (plan) => {
    plan.tamper = (content) => flip(content.bootNonce)
  }),
  'report-data': machine('the digest of the claims', (plan) => (plan.reportData = new Uint8Array(64))),
} as const satisfies Switches

/** Changes what is claimed and listed, but not what was extended. */
const unmeasured = (change: (workload: MachinePlan['claims']['workload']) => unknown) => (scene: ScenePlan) => {
  const { workload } = scene.machine.claims
  change(workload)
  const { registry } = scene.registry
  registry.engines.push(workload.engine)
  registry.models.push(...workload.models)
  registry.policies.push(workload.policy)
}
/** The same, with the register that belongs to it. */
const measured = (change: (workload: MachinePlan['claims']['workload']) => unknown) => async (scene: ScenePlan) => {
  unmeasured(change)(scene)
  scene.machine.extensions = [await workloadDigest(scene.machine.claims.workload)]
}

const remote = ({ engine }: MachinePlan['claims']['workload']) => engine.arguments.push('--url', 'https://elsewhere')
const swapped = ({ models: [model] }: MachinePlan['claims']['workload']) => model && flip(model.root)
const loose = ({ policy }: MachinePlan['claims']['workload']) => flip(policy)

/** Step 11: what runs besides the image. */
export const workload = {
  'workload-extended-twice': machine('one extension of RTMR3', ({ extensions }) => extensions.push(new Uint8Array(48))),
  'workload-extended-before': machine('one extension of RTMR3', ({ extensions }) =>
    extensions.unshift(new Uint8Array(48)),
  ),
  'workload-not-extended': machine('an extension of RTMR3', ({ extensions }) => extensions.pop()),
  'workload-other': machine('the workload that was measured', async (plan) => {
    plan.extensions = [await extend(plan.extensions)]
  }),
  'workload-remote-engine': {
    rule: 'the engine that was measured',
    breaks: unmeasured(remote),
    keeps: measured(remote),
  },
  'workload-swapped-model': {
    rule: 'the model that was measured',
    breaks: unmeasured(swapped),
    keeps: measured(swapped),
  },
  'workload-policy': { rule: 'the policy that was measured', breaks: unmeasured(loose), keeps: measured(loose) },
} as const satisfies Switches

const revoked = (
  kind: Revocable['kind'],
  value: (scene: ScenePlan, evidence: SimulatedEvidence) => unknown,
): Switch => ({
  rule: `no revoked ${kind}`,
  breaks: (scene) => {
    scene.revoke = async (evidence) => [{ kind, value: (await value(scene, evidence)) as Uint8Array<ArrayBuffer> }]
  },
  keeps: (scene) => {
    scene.revoke = async (evidence) => {
      const other = new Uint8Array((await value(scene, evidence)) as Uint8Array)
      flip(other)
      return [{ kind, value: other }]
    }
  },
})
const measurements = {
  MRTD: (scene: ScenePlan) => scene.machine.tdx.quote.td.mrTd,
  RTMR2: (scene: ScenePlan) => scene.machine.tdx.quote.td.rtmr[2],
  MRSEAM: (scene: ScenePlan) => scene.machine.tdx.quote.td.mrSeam,
}

/** What a stamp takes back. */
export const revocation = {
  'revoked-evidence': revoked('evidence', (_, { digest }) => digest),
  'revoked-node': revoked('node', async ({ machine: { claims: content } }) =>
    fromHex(await nodeIdOf(content.identity)),
  ),
  'revoked-platform': revoked('platform', ({ machine: { tdx } }) => sha256(tdx.platform.ppid)),
  'revoked-chip': { ...revoked('platform', ({ machine: { snp } }) => sha256(snp.report.chipId)), base: 'snp' },
  'revoked-gpu': revoked('gpu', () => sha256(publicKeyBits('gpuDevice0'))),
  'revoked-mrtd': revoked('measurement', measurements.MRTD),
  'revoked-rtmr2': revoked('measurement', measurements.RTMR2),
  'revoked-mrseam': revoked('measurement', measurements.MRSEAM),
  'revoked-snp-measurement': {
    ...revoked('measurement', ({ machine: { snp } }) => snp.report.measurement),
    base: 'snp',
  },
  'revoked-workload': revoked('workload', ({ machine: { claims: content } }) => workloadDigest(content.workload)),
  'revoked-engine': revoked('engine', ({ machine: { claims: content } }) => content.workload.engine.image),
  'revoked-model': revoked('model', ({ machine: { claims: content } }) => content.workload.models[0]?.root),
} as const satisfies Switches

/** Step 13: the statement that the evidence stands for. */
export const statements = {
  'statement-signature': {
    rule: 'signed by the key it names',
    breaks: (scene) => (scene.statementSignedBy = 'strangerEd25519'),
  },
  'statement-other-network': {
    rule: 'a statement for this network',
    breaks: (scene) => (scene.statement.network = -3),
  },
  'statement-other-identity': {
    rule: "this node's evidence, not another's",
    breaks: async (scene) => {
      scene.statementSignedBy = 'strangerEd25519'
      scene.statement.identity = (await developmentSigner('strangerEd25519')).publicKey
    },
  },
  'statement-before-evidence': {
    rule: 'a statement for a time that evidence covers',
    breaks: (scene) => (scene.statement.notBefore = scene.machine.claims.notBefore - 1),
  },
  'statement-after-evidence': {
    rule: 'a statement for a time that evidence covers',
    breaks: ({ statement, machine: { claims: content } }) =>
      Object.assign(statement, { notBefore: content.notAfter - 59, useBy: content.notAfter + 1 }),
    keeps: ({ statement, machine: { claims: content } }) =>
      Object.assign(statement, { notBefore: content.notAfter - 60, useBy: content.notAfter }),
  },
  'statement-model': {
    rule: 'models of the workload',
    breaks: ({ statement: { offers } }) => offers.push(...offers.map((offer) => ({ ...offer, model: 'other' }))),
  },
} as const satisfies Switches
