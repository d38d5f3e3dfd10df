import { concat } from '@cocoon/protocol'
import {
  type CertificatePlan,
  DEVELOPMENT,
  type Extension,
  FAR_AHEAD,
  LONG_AGO,
  type Name,
  serial,
} from './certificates.ts'
import { integer, objectId, octets, sequence, tagged, utf8Text } from './der-writer.ts'
import type { EcKeyName } from './development-keys.ts'
import { publicKeyInfo } from './keys.ts'

/**
 * NVIDIA's five tiers: device root, identity CA of the generation, provisioner, the GPU's device key, and the key that
 * signs its measurements (the chain of NVIDIA's published Hopper sample). Common names are NVIDIA's.
 */
export type GpuGeneration = 'hopper' | 'blackwell'

/** Blackwell's names are inferred from Hopper's; no sample of them is public. */
const chips = { hopper: 'GH100', blackwell: 'GB100' } as const
export const chipOf = (generation: GpuGeneration) => chips[generation]

/** Eight simulated GPUs have keys. */
export const MAX_GPUS = 8
export type GpuNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7

/** `9999-12-31T23:59:59Z`, "no well-defined expiration" (RFC 5280 section 4.1.2.5). */
const NEVER = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000

const rootName: Name = [
  ['CN', 'NVIDIA Device Identity CA'],
  ['O', DEVELOPMENT],
]
const identityName = (generation: GpuGeneration): Name => [
  ['CN', `NVIDIA ${chipOf(generation)} Identity`],
  ['O', DEVELOPMENT],
]
const provisionerName = (generation: GpuGeneration): Name => [
  ['CN', `NVIDIA ${chipOf(generation)} Provisioner ICA 1`],
  ['O', DEVELOPMENT],
  ['C', 'XX'],
]
const deviceName = (generation: GpuGeneration, number: string, commonName: string): Name => [
  ['serialNumber', number],
  ['C', 'XX'],
  ['O', DEVELOPMENT],
  ['CN', `${chipOf(generation)} A01 GSP ${commonName}`],
]

const CRL = 'http://crl.ndis.nvidia.com/crl'

function certificate(
  number: number,
  subject: Name,
  key: EcKeyName,
  rest: Pick<CertificatePlan, 'issuer' | 'signedBy'> & Partial<CertificatePlan>,
): CertificatePlan {
  return {
    serial: serial(number),
    subject,
    notBefore: LONG_AGO,
    notAfter: NEVER,
    key,
    authority: {},
    usages: ['keyCertSign', 'crlSign'],
    extensions: [],
    version: 2,
    revocationList: null,
    keyIdentifiers: true,
    ...rest,
  }
}

/** The plan the pinned bytes were made from; issuing it again gives the same content under another signature. */
export const nvidiaRootPlan = () =>
  certificate(0x90, rootName, 'nvidiaRoot', { issuer: rootName, signedBy: 'nvidiaRoot', notAfter: FAR_AHEAD })

/** Digest of the firmware that holds the key (TCG DICE attestation architecture, `DiceTcbInfo` 2.23.133.5.4.1). */
function firmwareId(key: EcKeyName, digest: Uint8Array): Extension {
  const sha384 = objectId('2.16.840.1.101.3.4.2.2')
  return {
    id: '2.23.133.5.4.1',
    value: sequence(integer(1), publicKeyInfo(key), sequence(sha384, octets(digest))),
  }
}

/** `NVIDIA:GH100:<id>` under DMTF's arc, as Hopper writes it (SPDM 1.1, `id-DMTF-device-info`). */
function deviceInformation(generation: GpuGeneration, id: string): Extension {
  const name = concat(objectId('1.3.6.1.4.1.412.274.1'), tagged(0, utf8Text(`NVIDIA:${chipOf(generation)}:${id}`)))
  return { id: '2.5.29.17', value: sequence(tagged(0, name)) }
}

/** The five plans of one GPU, leaf first. `deviceId` is 16 hex digits. */
export function gpuChain(generation: GpuGeneration, gpu: GpuNumber, deviceId: string, firmware: Uint8Array) {
  const device: EcKeyName = `gpuDevice${gpu}`
  const attestation: EcKeyName = `gpuAttestation${gpu}`
  const brom = deviceName(generation, deviceId, 'BROM')
  return {
    attestation: certificate(0xa0 + gpu, deviceName(generation, `${deviceId}00`, 'FMC LF'), attestation, {
      issuer: brom,
      signedBy: device,
      authority: null,
      usages: ['digitalSignature'],
      extensions: [deviceInformation(generation, deviceId), firmwareId(device, firmware)],
    }),
    device: certificate(0xb0 + gpu, brom, device, {
      issuer: provisionerName(generation),
      signedBy: 'nvidiaProvisioner',
      usages: ['keyCertSign'],
    }),
    provisioner: certificate(0x92, provisionerName(generation), 'nvidiaProvisioner', {
      issuer: identityName(generation),
      signedBy: 'nvidiaIdentity',
      revocationList: `${CRL}/l2-${chipOf(generation).toLowerCase()}.crl`,
    }),
    identity: certificate(0x91, identityName(generation), 'nvidiaIdentity', {
      issuer: rootName,
      signedBy: 'nvidiaRoot',
      revocationList: `${CRL}/l1-root.crl`,
    }),
  }
}
export type GpuChain = ReturnType<typeof gpuChain>
