import type { Bytes } from '@cocoon/protocol'
import type { CertificatePlan, Extension } from '../certificates.ts'
import type { ScenePlan } from '../scene.ts'
import { ENABLED, featureFlags, type GpuPlan, opaqueFields } from '../spdm.ts'
import { certificate } from './pck.ts'
import { type Base, flip, type Switch, type Switches } from './switch.ts'

const list = (rule: string, breaks: (machine: ScenePlan['machine']) => unknown, base: Base = 'two-gpus'): Switch => ({
  rule,
  base,
  breaks: ({ machine }) => breaks(machine),
})
const gpu = (rule: string, breaks: (plan: GpuPlan) => unknown, keeps?: (plan: GpuPlan) => unknown): Switch => ({
  rule,
  breaks: ({ machine }) => machine.gpus.slice(0, 1).forEach(breaks),
  ...(keeps ? { keeps: ({ machine }: ScenePlan) => machine.gpus.slice(0, 1).forEach(keeps) } : {}),
})
const blackwell = (rule: string, breaks: (plan: GpuPlan) => unknown, keeps?: (plan: GpuPlan) => unknown): Switch => ({
  ...gpu(rule, breaks, keeps),
  base: 'blackwell',
})

/** Gives an opaque field another value; without one, takes it out. */
const field = (id: number, value?: Bytes) => (plan: GpuPlan) => {
  plan.opaque = plan.opaque.flatMap((one) => (one.id === id ? (value ? [{ id, value }] : []) : [one]))
}
const chained = (index: number, change: (plan: CertificatePlan) => unknown) => (plan: GpuPlan) =>
  certificate(index, change)(plan.chain)

const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
/** The version is the first INTEGER of the sequence. */
const renumber = ({ value }: Extension) => flip(value, value.indexOf(2) + 2, 2)

/** Step 12: which GPUs there are. */
export const gpuList = {
  'gpu-missing': list('every GPU that is claimed', (machine) => (machine.present = (shown) => shown.slice(0, 1))),
  'gpu-reordered': list('GPUs in order', (machine) => (machine.present = (shown) => shown.toReversed())),
  'gpu-shown-twice': list('each GPU once', (machine) => (machine.present = ([first]) => (first ? [first, first] : []))),
  'gpu-claimed-twice': list(
    'each GPU claimed once',
    (machine) => (machine.claim = (digests) => [...digests, ...digests]),
    'tdx',
  ),
  'gpu-unclaimed': list('no GPU that is not claimed', (machine) => (machine.claim = (digests) => digests.slice(0, 1))),
  'gpu-one-for-two': list('one GPU for each', ({ gpus: [first, second] }) => {
    if (first && second) Object.assign(second, { chain: first.chain, signedBy: first.signedBy })
  }),
  'gpu-hidden': list('as many GPUs as the shape has', (machine) => machine.gpus.pop(), 'tdx'),
  'gpu-foreign-nonce': gpu("this node's nonce", ({ nonce }) => flip(nonce)),
  'gpu-nonces-swapped': list('each GPU its own nonce', ({ gpus: [first, second] }) => {
    if (!first || !second) return
    const { nonce } = first
    first.nonce = second.nonce
    second.nonce = nonce
  }),
  'gpu-modes-differ': {
    rule: 'GPUs in one mode',
    base: 'two-blackwells',
    breaks: ({ machine }) => machine.gpus.slice(0, 1).forEach(multi),
    keeps: ({ machine }) => machine.gpus.forEach(multi),
  },
} as const satisfies Switches

function multi(plan: GpuPlan): void {
  field(opaqueFields.featureFlag, Uint8Array.of(featureFlags.multiPassthrough))(plan)
}

/** The form of a report. */
export const gpuReports = {
  'gpu-request-version': gpu('SPDM 1.1', (plan) => (plan.requestVersion = 0x12)),
  'gpu-response-version': gpu('SPDM 1.1', (plan) => (plan.responseVersion = 0x12)),
  'gpu-request-code': gpu('a request for measurements', (plan) => (plan.requestCode = 0xe1)),
  'gpu-response-code': gpu('measurements', (plan) => (plan.responseCode = 0x7f)),
  'gpu-unsigned': gpu('a signature asked for', (plan) => (plan.requestAttributes = 0)),
  'gpu-one-measurement': gpu('all measurements', (plan) => (plan.operation = 1)),
  'gpu-slot': gpu(
    'the key of the slot that was asked',
    (plan) => (plan.responseSlot = 1),
    (plan) => (plan.slot = plan.responseSlot = 1),
  ),
  'gpu-measurement-count': gpu('as many measurements as stated', (plan) => (plan.stated = 63)),
  'gpu-measurement-count-more': gpu('as many measurements as stated', (plan) => (plan.stated = 65)),
  'gpu-no-measurement': gpu('measurements', (plan) => (plan.measurements = [])),
  'gpu-measurement-form': gpu("DMTF's form", ({ measurements: [first] }) => first && (first.specification = 2)),
  'gpu-measurement-length': gpu('one length', ({ measurements: [first] }) => first && (first.length = 47)),
  'gpu-measurement-twice': gpu('each measurement once', ({ measurements: [first] }) => first && (first.index = 2)),
  'gpu-field-twice': gpu('each field once', (plan) => plan.opaque.push(...plan.opaque.slice(0, 1))),
  'gpu-trailing-bytes': gpu('no byte after the signature', (plan) => (plan.trailing = new Uint8Array(1))),
  'gpu-cut': gpu('a whole report', (plan) => (plan.keep = 100)),
  'gpu-empty': gpu('a report', (plan) => (plan.keep = 0)),
} as const satisfies Switches

/** Who signed it, and what the GPU says of itself. */
export const gpuDevices = {
  'gpu-signature': gpu('signed by the attestation key', (plan) => (plan.signedBy = 'strangerP384')),
  'gpu-chain-short': gpu('five certificates', ({ chain }) => chain.splice(3, 1)),
  'gpu-chain-root': gpu("NVIDIA's root", ({ chain }) => chain.splice(4, 1, ...chain.slice(3, 4))),
  'gpu-chain-signature': gpu(
    'each certificate by the next',
    chained(1, (plan) => (plan.signedBy = 'strangerP384')),
  ),
  'gpu-chain-not-authority': gpu(
    'authorities above the GPU',
    chained(2, (plan) => (plan.authority = false)),
  ),
  'gpu-chain-path-length': gpu(
    'no more authorities than allowed',
    chained(2, (plan) => (plan.authority = { pathLength: 0 })),
    chained(2, (plan) => (plan.authority = { pathLength: 1 })),
  ),
  'gpu-chain-leaf': gpu(
    'a key for signing',
    chained(0, (plan) => (plan.usages = ['keyCertSign'])),
  ),
  'gpu-chain-expired': {
    rule: 'certificates of today',
    breaks: (scene) => scene.machine.gpus.forEach(chained(0, (plan) => (plan.notAfter = scene.now - 1))),
    keeps: (scene) => scene.machine.gpus.forEach(chained(0, (plan) => (plan.notAfter = scene.now))),
  },
  'gpu-is-a-switch': gpu('a GPU of a known generation', (plan) => {
    const name = [['CN', 'NVIDIA LS10 Identity']] as const
    chained(3, (identity) => (identity.subject = name))(plan)
    chained(2, (provisioner) => (provisioner.issuer = name))(plan)
  }),
  'gpu-leaf-name': gpu(
    'the key of a GPU',
    chained(0, (plan) => (plan.subject = [['CN', 'GH100 A01 GSP']])),
  ),
  'gpu-firmware': gpu(
    'the firmware that was certified',
    field(opaqueFields.firmwareId, new Uint8Array(48)),
    field(opaqueFields.firmwareId),
  ),
  'gpu-firmware-not-certified': gpu(
    'a certificate for this firmware',
    chained(0, (plan) => plan.extensions.pop()),
  ),
  'gpu-device-id-version': gpu(
    'a device id of version 1',
    chained(0, (plan) => plan.extensions.filter(({ id }) => id === COMPOSITE_DEVICE_ID).forEach(renumber)),
  ),
  'gpu-memory-not-protected': gpu('protected memory', field(opaqueFields.cprInfo, new Uint8Array(4))),
  'gpu-memory-not-stated': gpu('protected memory', field(opaqueFields.cprInfo)),
  'gpu-protected-pcie': gpu(
    'confidential mode, not protected PCIe',
    field(opaqueFields.protectedPcie, Uint8Array.of(ENABLED)),
    field(opaqueFields.protectedPcie),
  ),
  'gpu-mode': blackwell(
    'confidential mode',
    field(opaqueFields.featureFlag, Uint8Array.of(featureFlags.protectedPcie)),
    multi,
  ),
} as const satisfies Switches
