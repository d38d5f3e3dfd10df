import { type Bytes, concat, hex } from '../../bytes.ts'
import { ensure } from '../failure.ts'
import { LittleEndian } from '../little-endian.ts'

/** An AMD SEV-SNP attestation report (SEV Secure Nested Paging firmware ABI, 56860, table "ATTESTATION_REPORT"). */
export interface SnpReport {
  readonly version: number
  readonly policy: bigint
  /** Privilege level of who asked for the report; 0 is the highest. */
  readonly vmpl: number
  readonly platformInfo: bigint
  /** Bit 1: the chip id is masked. Bits 2 to 4: which key signed. */
  readonly keyInfo: number
  readonly reportData: Bytes
  readonly measurement: Bytes
  /** Chosen by the host at launch. */
  readonly hostData: Bytes
  /** Id of the migration agent's report; all ones for none. */
  readonly migrationAgent: Bytes
  /** Eight bytes, laid out by product line. */
  readonly reportedTcb: Bytes
  /** Of the firmware that launched the machine, laid out alike. */
  readonly launchTcb: Bytes
  readonly chipId: Bytes
  /** CPUID family and model of the processor; null in reports of version 2, which do not say. */
  readonly cpu: { readonly family: number; readonly model: number } | null
  /** What the chip signed. */
  readonly signed: Bytes
  /** r and s, 48 bytes each, most significant first. */
  readonly signature: Bytes
}

const REPORT_BYTES = 0x4a0
const SIGNED_BYTES = 0x2a0
const VERSIONS = [2, 3, 4, 5]
const ECDSA_P384_SHA384 = 1
/** r and s stand in 72 bytes each, least significant first; P-384 needs 48 of them. */
const NUMBER_BYTES = 72
const P384_BYTES = 48

/**
 * A report of exactly 1184 bytes.
 * @throws AppraisalError `snp-format`, `snp-version`, `snp-algorithm`
 */
export function readSnpReport(bytes: Bytes): SnpReport {
  ensure(bytes.length === REPORT_BYTES, 'snp-format', `${bytes.length} bytes are no SEV-SNP report`)
  const reader = new LittleEndian(bytes, 'snp-format')
  const version = reader.uint32()
  ensure(VERSIONS.includes(version), 'snp-version', `report version ${version}`)
  reader.take(4)
  const policy = uint64(reader)
  reader.take(32)
  const vmpl = reader.uint32()
  const algorithm = reader.uint32()
  ensure(algorithm === ECDSA_P384_SHA384, 'snp-algorithm', `signature algorithm ${algorithm}`)
  reader.take(8)
  const platformInfo = uint64(reader)
  const keyInfo = reader.uint32()
  reader.take(4)
  const reportData = reader.take(64)
  const measurement = reader.take(48)
  const hostData = reader.take(32)
  reader.take(48 + 48 + 32)
  const migrationAgent = reader.take(32)
  const reportedTcb = reader.take(8)
  const [family = 0, model = 0] = reader.take(24)
  const chipId = reader.take(64)
  reader.take(16)
  const launchTcb = reader.take(8)
  reader.take(SIGNED_BYTES - reader.at)
  return {
    version,
    policy,
    vmpl,
    platformInfo,
    keyInfo,
    reportData,
    measurement,
    hostData,
    migrationAgent,
    reportedTcb,
    launchTcb,
    chipId,
    cpu: version >= 3 ? { family, model } : null,
    signed: bytes.subarray(0, SIGNED_BYTES),
    signature: readSignature(reader),
  }
}

/** Everything behind r and s is unsigned, and has to be zero: one report has one encoding. */
function readSignature(reader: LittleEndian): Bytes {
  const numbers = [reader.take(NUMBER_BYTES), reader.take(NUMBER_BYTES)]
  const rest = [...numbers.map((number) => number.subarray(P384_BYTES)), reader.take(reader.left)]
  const zero = rest.every((part) => part.every((byte) => byte === 0))
  ensure(zero, 'snp-format', 'bytes beside the signature are not zero')
  return concat(...numbers.map((number) => number.subarray(0, P384_BYTES).toReversed()))
}

function uint64(reader: LittleEndian): bigint {
  return BigInt(`0x${hex(reader.take(8).toReversed())}`)
}
