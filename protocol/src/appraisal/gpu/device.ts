import { type Bytes, equal, hex } from '../../bytes.ts'
import { context, Fields, readDer, readOid, readSmall, tags } from '../der.ts'
import { AppraisalError, ensure } from '../failure.ts'
import type { Certificate } from '../x509.ts'
import type { SpdmReport } from './spdm.ts'

export type GpuArchitecture = 'hopper' | 'blackwell'

/** One GPU as its certificates and its report name it. */
export interface Gpu {
  readonly architecture: GpuArchitecture
  /** NVIDIA's name of the chip, such as `GH100`. */
  readonly chip: string
  /** Versions as the report states them; empty when it does not. */
  readonly driver: string
  readonly vbios: string
  /** SHA-256 of the public key that its ROM holds, 32 bytes: names this one GPU. */
  readonly device: Bytes
}

/** Opaque fields of NVIDIA's (nvtrust, local GPU verifier, `OPAQUE_DATA_TYPES`). */
const opaqueFields = {
  driverVersion: 3,
  vbiosVersion: 6,
  protectedRegion: 13,
  firmwareId: 20,
  protectedPcie: 21,
  featureFlag: 36,
} as const

/** NVIDIA's words for off and on, far apart in bits. */
const OFF = 0x55
const ENABLED_ELSEWHERE = 'protected PCIe: its switches are not attested here'
/** One confidential GPU, or several that encrypt what they tell each other. Two is protected PCIe. */
const CONFIDENTIAL_FLAGS = [0, 1]

/**
 * What the names in a chain say the device is. NVIDIA's root, and even the authority of a GPU generation, also stands
 * above switches, whose reports look alike. The names are those of recorded chains of GH100 and GB100; further chips of
 * the Blackwell generation are expected to follow the pattern, and are unproven.
 * @throws AppraisalError `gpu-architecture`
 */
export function readArchitecture(chain: readonly Certificate[]): Pick<Gpu, 'architecture' | 'chip'> {
  const [leaf = '', device = '', provisioner = '', identity = ''] = chain.map(({ commonName }) => commonName)
  const chip = /^NVIDIA (GH100|GB[0-9]{3}) Identity$/.exec(identity)?.[1]
  ensure(chip !== undefined, 'gpu-architecture', `${JSON.stringify(identity.slice(0, 64))} stands above no known GPU`)
  const consistent =
    provisioner.startsWith(`NVIDIA ${chip} Provisioner `) &&
    device.startsWith(`${chip} `) &&
    device.endsWith(' BROM') &&
    leaf.startsWith(`${chip} `) &&
    leaf.endsWith(' FMC LF')
  ensure(consistent, 'gpu-architecture', `${JSON.stringify(leaf.slice(0, 64))} is not the key of a ${chip}`)
  return { architecture: chip === 'GH100' ? 'hopper' : 'blackwell', chip }
}

/**
 * That the report is by the firmware the certificate was made for. Reports of the first drivers do not say.
 * @throws AppraisalError `gpu-firmware`, `malformed`
 */
export function checkFirmware({ opaque }: SpdmReport, leaf: Certificate): string {
  const stated = opaque.get(opaqueFields.firmwareId)
  if (!stated) return 'not stated'
  const certified = readFirmwareId(leaf)
  ensure(certified !== null, 'gpu-firmware', 'the certificate names no firmware')
  const same = equal(stated, certified)
  ensure(same, 'gpu-firmware', `report by firmware ${hex(stated)}, certificate for ${hex(certified)}`)
  return hex(stated).slice(0, 16)
}

/** `DiceTcbInfo`, and the older composite device id of RIoT that Hopper writes (TCG DICE attestation architecture 1.1). */
const DICE_TCB_INFO = '2.23.133.5.4.1.1'
const COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
const FWIDS = context(6)

/** Digest of the firmware that holds the certified key, or null when the certificate names none. */
function readFirmwareId({ extensions }: Certificate): Bytes | null {
  const composite = extensions.get(COMPOSITE_DEVICE_ID)
  if (composite) {
    const fields = new Fields(readDer(composite.value, tags.sequence))
    if (readSmall(fields.next(tags.integer)) !== 1) throw new AppraisalError('malformed', 'unknown device id')
    fields.next(tags.sequence)
    const digest = readDigest(new Fields(fields.next(tags.sequence)))
    fields.end()
    return digest
  }
  const dice = extensions.get(DICE_TCB_INFO)
  if (!dice) return null
  const fields = new Fields(readDer(dice.value, tags.sequence))
  while (!fields.empty) {
    const field = fields.any()
    // One firmware, one digest: the first of the list, as NVIDIA's verifier reads it.
    if (field.tag === FWIDS) return readDigest(new Fields(new Fields(field, FWIDS).next(tags.sequence)))
  }
  return null
}

function readDigest(fields: Fields): Bytes {
  readOid(fields.next(tags.oid))
  const { contents } = fields.next(tags.octetString)
  fields.end()
  return contents
}

/**
 * That the GPU runs in its confidential mode. The GPU's firmware answers SPDM in that mode alone, so a signed report
 * shows that it is on; the fields show which kind. Developer mode is told apart by measurements only, which the measured
 * driver compares with NVIDIA's reference values inside the trust domain before keys exist.
 * @throws AppraisalError `gpu-mode`
 */
export function checkMode({ opaque }: SpdmReport): string {
  const region = opaque.get(opaqueFields.protectedRegion)
  ensure(region?.some((byte) => byte !== 0) === true, 'gpu-mode', 'no memory of the GPU is protected')
  const pcie = opaque.get(opaqueFields.protectedPcie)
  ensure(!pcie || isByte(pcie, OFF), 'gpu-mode', ENABLED_ELSEWHERE)
  const flag = opaque.get(opaqueFields.featureFlag)
  const confidential = !flag || CONFIDENTIAL_FLAGS.some((value) => isNumber(flag, value))
  ensure(confidential, 'gpu-mode', `feature flag ${flag ? hex(flag.subarray(0, 8)) : ''}`)
  return flag && isNumber(flag, 1) ? 'several GPUs' : 'one GPU'
}

const isByte = (bytes: Bytes, value: number): boolean => bytes.length === 1 && bytes[0] === value
/** Little-endian of any width. */
const isNumber = (bytes: Bytes, value: number): boolean =>
  bytes.length > 0 && bytes[0] === value && bytes.subarray(1).every((byte) => byte === 0)

/** Versions, for people to read: they decide nothing. */
export function readVersions({ opaque }: SpdmReport): Pick<Gpu, 'driver' | 'vbios'> {
  const driver = opaque.get(opaqueFields.driverVersion) ?? new Uint8Array(0)
  const vbios = opaque.get(opaqueFields.vbiosVersion)
  const text = String.fromCharCode(...driver.subarray(0, 32)).split('\0')[0] ?? ''
  return { driver: /^[0-9.]*$/.test(text) ? text : '', vbios: vbios?.length === 8 ? formatVbios(vbios) : '' }
}

/** Two little-endian words: `009f0096 01000000` is 96.00.9F.00.01. */
function formatVbios(bytes: Bytes): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = bytes
  return [d, c, b, a, e].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('.')
}
