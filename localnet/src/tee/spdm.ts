import { type Bytes, concat, utf8 } from '@cocoon/protocol'
import { type CertificatePlan, issueChain } from './certificates.ts'
import type { EcKeyName } from './development-keys.ts'
import { sign } from './keys.ts'
import { uint16, uint24, uint64, zeros } from './little-endian.ts'
import { chipOf, gpuChain, type GpuGeneration, type GpuNumber } from './nvidia-certificates.ts'
import { nvidiaRoot } from './public.ts'
import { measurement } from './tdx.ts'

/** Opaque fields of NVIDIA's measurements response, by number (NVIDIA nvtrust, local GPU verifier). */
export const opaqueFields = {
  driverVersion: 3,
  gpuInfo: 4,
  vbiosVersion: 6,
  videoDecoder: 11,
  measurementCounts: 12,
  cprInfo: 13,
  boardId: 14,
  chipSku: 15,
  chipSkuMod: 16,
  project: 17,
  projectSku: 18,
  projectSkuMod: 19,
  firmwareId: 20,
  protectedPcie: 21,
  opaqueVersion: 34,
  chipInfo: 35,
  featureFlag: 36,
} as const

/** NVIDIA's words for off and on, far apart in bits. */
export const DISABLED = 0x55
export const ENABLED = 0xaa
/** What the feature flag says: one confidential GPU, several of them, protected PCIe without encryption of its own. */
export const featureFlags = { singlePassthrough: 0, multiPassthrough: 1, protectedPcie: 2 } as const

export interface OpaqueField {
  id: number
  value: Bytes
}

/** One GPU's evidence before it is signed: an SPDM 1.1 request, the response, and the chain (DSP0274 1.1, section 10.11). */
export interface GpuPlan {
  /** Chosen by who asks: 32 bytes. */
  nonce: Bytes
  requestVersion: number
  requestCode: number
  /** Operation 0xff: all measurements. */
  operation: number
  /** Bit 0 asks for a signature. */
  requestAttributes: number
  slot: number
  responseSlot: number
  responseVersion: number
  responseCode: number
  /** `length`: what the block states of its value; null for the truth. */
  measurements: { index: number; specification: number; type: number; value: Bytes; length: number | null }[]
  /** What the response says of its number of measurements; null for the truth. */
  stated: number | null
  /** Chosen by the GPU. */
  responseNonce: Bytes
  opaque: OpaqueField[]
  signedBy: EcKeyName
  trailing: Bytes
  /** How many bytes are left of the report; null for all. */
  keep: number | null
  /** Leaf first, root last. */
  chain: (CertificatePlan | Bytes)[]
}

/** As NVIDIA's library hands it out. */
export interface GpuReport {
  /** Request, response, signature. */
  readonly report: Bytes
  /** DER, leaf first. NVIDIA's library hands out PEM; `pem` makes it. */
  readonly chain: Bytes[]
}

function encodeRequest(plan: GpuPlan): Bytes {
  const head = Uint8Array.of(plan.requestVersion, plan.requestCode, plan.requestAttributes, plan.operation)
  return concat(head, plan.nonce, Uint8Array.of(plan.slot))
}

/** A DMTF measurement block (DSP0274 1.1, table 45). */
function encodeMeasurement({ index, specification, type, value, length }: GpuPlan['measurements'][number]): Bytes {
  const block = concat(Uint8Array.of(type), uint16(length ?? value.length), value)
  return concat(Uint8Array.of(index, specification), uint16(block.length), block)
}

function encodeResponse(plan: GpuPlan): Bytes {
  const record = concat(...plan.measurements.map(encodeMeasurement))
  const opaque = concat(...plan.opaque.map(({ id, value }) => concat(uint16(id), uint16(value.length), value)))
  return concat(
    Uint8Array.of(
      plan.responseVersion,
      plan.responseCode,
      0,
      plan.responseSlot,
      plan.stated ?? plan.measurements.length,
    ),
    uint24(record.length),
    record,
    plan.responseNonce,
    uint16(opaque.length),
    opaque,
  )
}

export async function encodeGpu(plan: GpuPlan): Promise<GpuReport> {
  const signed = concat(encodeRequest(plan), encodeResponse(plan))
  const signature = await sign(plan.signedBy, signed)
  const report = concat(signed, signature, plan.trailing)
  return { report: report.slice(0, plan.keep ?? report.length), chain: await issueChain(plan.chain) }
}

const MEASUREMENTS = 64
const nulTerminated = (text: string) => concat(utf8(text), Uint8Array.of(0))

/** The fields of a Hopper report, in its order. */
function hopperFields(firmware: Bytes): OpaqueField[] {
  const { vbiosVersion, boardId, chipSku, chipSkuMod, project, projectSku, projectSkuMod } = opaqueFields
  const { driverVersion, gpuInfo, measurementCounts, cprInfo, videoDecoder, firmwareId, protectedPcie } = opaqueFields
  return [
    { id: vbiosVersion, value: Uint8Array.of(0, 0x9f, 0, 0x96, 1, 0, 0, 0) },
    { id: boardId, value: Uint8Array.of(0xb1, 3, 0, 0) },
    { id: chipSku, value: concat(nulTerminated('882'), zeros(5)) },
    { id: chipSkuMod, value: concat(nulTerminated('0'), zeros(3)) },
    { id: project, value: nulTerminated('1010') },
    { id: projectSku, value: nulTerminated('0200') },
    { id: projectSkuMod, value: zeros(2) },
    { id: driverVersion, value: nulTerminated('550.90.07') },
    { id: gpuInfo, value: uint64(0x180n) },
    { id: measurementCounts, value: concat(...Array.from({ length: 64 }, (_, i) => Uint8Array.of(i % 3, 0, 0, 0))) },
    { id: cprInfo, value: Uint8Array.of(0, 0xc0, 1, 0) },
    { id: videoDecoder, value: Uint8Array.of(DISABLED) },
    { id: firmwareId, value: firmware },
    { id: protectedPcie, value: Uint8Array.of(DISABLED) },
  ]
}

/**
 * Blackwell's further fields: version of the fields, name of the chip, feature flag. UNPROVEN: written from NVIDIA's
 * published verifier, since no recorded Blackwell evidence is public.
 */
function blackwellFields(firmware: Bytes): OpaqueField[] {
  return [
    { id: opaqueFields.opaqueVersion, value: uint16(1) },
    ...hopperFields(firmware),
    { id: opaqueFields.chipInfo, value: nulTerminated(chipOf('blackwell')) },
    { id: opaqueFields.featureFlag, value: Uint8Array.of(featureFlags.singlePassthrough) },
  ]
}

/** `deviceId`: 16 hex digits that name the GPU. `responseNonce`: 32 bytes of the GPU's choice. */
export async function gpuPlan(options: {
  readonly generation: GpuGeneration
  readonly gpu: GpuNumber
  readonly deviceId: string
  readonly nonce: Bytes
  readonly responseNonce: Bytes
}): Promise<GpuPlan> {
  const { generation, gpu, deviceId } = options
  const firmware = await measurement(`firmware of ${chipOf(generation)}`)
  const chain = gpuChain(generation, gpu, deviceId, firmware)
  const values = Array.from({ length: MEASUREMENTS }, (_, i) => measurement(`${chipOf(generation)} ${i + 1}`))
  const measurements = (await Promise.all(values)).map((value, i) => ({
    index: i + 1,
    specification: 1,
    type: 1,
    value,
    length: null,
  }))
  return {
    nonce: options.nonce,
    requestVersion: 0x11,
    requestCode: 0xe0,
    operation: 0xff,
    requestAttributes: 1,
    slot: 0,
    responseSlot: 0,
    responseVersion: 0x11,
    responseCode: 0x60,
    measurements,
    stated: null,
    responseNonce: options.responseNonce,
    opaque: generation === 'hopper' ? hopperFields(firmware) : blackwellFields(firmware),
    signedBy: `gpuAttestation${gpu}`,
    trailing: zeros(0),
    keep: null,
    chain: [chain.attestation, chain.device, chain.provisioner, chain.identity, nvidiaRoot],
  }
}
