import { type Bytes, equal, hex } from '../../bytes.ts'
import { readDer, readSmall, tags } from '../der.ts'
import { AppraisalError, ensure } from '../failure.ts'
import type { SnpTcb } from '../registry.ts'
import type { Certificate } from '../x509.ts'
import type { SnpReport } from './report.ts'

/** Extensions of a VCEK certificate (AMD, VCEK certificate and KDS interface specification, 57230, table 9). */
const AMD = '1.3.6.1.4.1.3704.1'
const PRODUCT_NAME = `${AMD}.2`
const HARDWARE_ID = `${AMD}.4`
const levels = {
  bootloader: `${AMD}.3.1`,
  tee: `${AMD}.3.2`,
  snp: `${AMD}.3.3`,
  microcode: `${AMD}.3.8`,
  fmc: `${AMD}.3.9`,
} as const
const IA5_STRING = 0x16
/** From Turin on chips have short ids, and a first-stage firmware of its own. */
const CHIP_ID_BYTES = [64, 8]

/** Products whose TCB has the layout of Turin. */
const hasFmc = (product: string): boolean => product === 'Turin'

/** TCB_VERSION (56860, table "Structure of the TCB_VERSION"). */
export function readTcb(bytes: Bytes, product: string): SnpTcb {
  const [a = 0, b = 0, c = 0, d = 0, , , g = 0, microcode = 0] = bytes
  return hasFmc(product)
    ? { fmc: a, bootloader: b, tee: c, snp: d, microcode }
    : { fmc: 0, bootloader: a, tee: b, snp: g, microcode }
}

/** For messages. */
export function formatTcb({ fmc, bootloader, tee, snp, microcode }: SnpTcb): string {
  return `fmc ${fmc}, boot loader ${bootloader}, tee ${tee}, snp ${snp}, microcode ${microcode}`
}

/** The first level in which `tcb` is below `least`, or null. */
export function findOlder(tcb: SnpTcb, least: SnpTcb): string | null {
  for (const name of ['fmc', 'bootloader', 'tee', 'snp', 'microcode'] as const) {
    if (tcb[name] < least[name]) return `${name} ${tcb[name]}, ${least[name]} is the least`
  }
  return null
}

/**
 * That the certificate is for the chip, the product and the firmware levels that the report states. Returns the levels.
 * @throws AppraisalError `snp-product`, `snp-chip`, `snp-tcb`, `snp-extension`: all of them say that the certificate is
 * another one's, so that a fetched one can be right
 */
export function matchVcek(vcek: Certificate, product: string, report: SnpReport): SnpTcb {
  const name = readProduct(vcek)
  const sameProduct = name === product || name.startsWith(`${product}-`)
  ensure(sameProduct, 'snp-product', `certificate for ${JSON.stringify(name.slice(0, 32))}, chain of ${product}`)
  const chip = readHardwareId(vcek)
  const right = equal(report.chipId.subarray(0, chip.length), chip)
  const padded = report.chipId.subarray(chip.length).every((byte) => byte === 0)
  ensure(right && padded, 'snp-chip', `certificate for chip ${hex(chip).slice(0, 16)}, report by another`)
  const reported = readTcb(report.reportedTcb, product)
  const certified: SnpTcb = {
    fmc: hasFmc(product) ? readLevel(vcek, levels.fmc) : 0,
    bootloader: readLevel(vcek, levels.bootloader),
    tee: readLevel(vcek, levels.tee),
    snp: readLevel(vcek, levels.snp),
    microcode: readLevel(vcek, levels.microcode),
  }
  const [has, states] = [formatTcb(certified), formatTcb(reported)]
  ensure(has === states, 'snp-tcb', `certificate for ${has}; report states ${states}`)
  return reported
}

function extension({ extensions }: Certificate, id: string): Bytes {
  const found = extensions.get(id)
  ensure(found !== undefined, 'snp-extension', `certificate has no ${id}`)
  return found.value
}

function readLevel(vcek: Certificate, id: string): number {
  return readSmall(readDer(extension(vcek, id), tags.integer))
}

function readProduct(vcek: Certificate): string {
  const { contents } = readDer(extension(vcek, PRODUCT_NAME), IA5_STRING)
  return String.fromCharCode(...contents.subarray(0, 64))
}

/** AMD writes the bytes as they are, without the OCTET STRING around them that its specification calls for. */
function readHardwareId(vcek: Certificate): Bytes {
  const value = extension(vcek, HARDWARE_ID)
  if (CHIP_ID_BYTES.includes(value.length)) return value
  const { contents } = readDer(value, tags.octetString)
  if (!CHIP_ID_BYTES.includes(contents.length))
    throw new AppraisalError('snp-extension', 'hardware id of no known length')
  return contents
}
