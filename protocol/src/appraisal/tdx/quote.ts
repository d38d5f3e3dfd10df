import { type Bytes, copy, hex } from '../../bytes.ts'
import { ensure } from '../failure.ts'
import { LittleEndian } from '../little-endian.ts'
import { type PublicKey, readPoint } from '../public-key.ts'

/** What the TDX module states about a trust domain (TDX DCAP quoting library API, appendix A.3.2 and A.4). */
export interface TdReport {
  /** Security versions: byte 0 the TDX module's, byte 1 its major version, byte 2 the late microcode's. */
  readonly teeTcbSvn: Bytes
  readonly mrSeam: Bytes
  readonly mrSignerSeam: Bytes
  readonly seamAttributes: Bytes
  readonly tdAttributes: Bytes
  readonly xfam: Bytes
  readonly mrTd: Bytes
  readonly mrConfigId: Bytes
  readonly mrOwner: Bytes
  readonly mrOwnerConfig: Bytes
  readonly rtmr: readonly [Bytes, Bytes, Bytes, Bytes]
  readonly reportData: Bytes
  /** Security versions now, where `teeTcbSvn` is of the launch; null in a report of TDX 1.0. */
  readonly teeTcbSvn2: Bytes | null
  /** Hash of the service domains bound to this one; null in a report of TDX 1.0. */
  readonly mrServiceTd: Bytes | null
}

/** The report of the enclave that made the quote (SGX `sgx_report_body_t`, 384 bytes). */
export interface QeReport {
  readonly encoding: Bytes
  readonly miscSelect: Bytes
  readonly attributes: Bytes
  readonly mrSigner: Bytes
  readonly isvProdId: number
  readonly isvSvn: number
  readonly reportData: Bytes
}

export interface TdxQuote {
  readonly version: 4 | 5
  readonly report: TdReport
  /** Header and body: what the attestation key signed. */
  readonly signed: Bytes
  readonly signature: Bytes
  /** Raw x and y, as the quoting enclave hashes it. */
  readonly attestationKey: Bytes
  readonly qeReport: QeReport
  readonly qeSignature: Bytes
  readonly qeAuthData: Bytes
  /** PEM, leaf to root. */
  readonly pckChain: string
}

const ECDSA_P256 = 2
const TDX = 0x81
const INTEL_QE = '939a7233f79c4ca9940a0db3957f0607'
const BODY_TD10 = { type: 2, length: 584 }
const BODY_TD15 = { type: 3, length: 648 }
const QE_REPORT_CERTIFICATION = 6
const PCK_CHAIN = 5
const QE_REPORT_LENGTH = 384
/** Real quotes have 5 to 8 KB. */
const MAX_QUOTE_BYTES = 32 * 1024

/**
 * A quote of version 4 or 5, complete to its last byte. The result holds a copy.
 * @throws AppraisalError with a code of the quote group
 */
export function readQuote(given: Bytes): TdxQuote {
  ensure(given.length <= MAX_QUOTE_BYTES, 'tdx-quote-format', `${given.length} bytes are no quote`)
  const bytes = copy(given)
  const reader = new LittleEndian(bytes, 'tdx-quote-format')
  const version = readHeader(reader)
  const report = readBody(reader, version)
  const signed = bytes.subarray(0, reader.at)
  const length = reader.uint32()
  const { left } = reader
  ensure(length <= left, 'tdx-section-length', `signature data of ${length} bytes, ${left} are left`)
  ensure(length === left, 'tdx-trailing-bytes', `${left - length} bytes after the quote`)
  return { version, report, signed, ...readSignatureData(reader) }
}

function readHeader(reader: LittleEndian): 4 | 5 {
  const version = reader.uint16()
  if (version !== 4) ensure(version === 5, 'tdx-quote-version', `quote version ${version}`)
  const keyType = reader.uint16()
  ensure(keyType === ECDSA_P256, 'tdx-key-type', `attestation key type ${keyType}`)
  const tee = reader.uint32()
  ensure(tee === TDX, 'tdx-tee-type', `TEE type ${tee.toString(16)}`)
  reader.take(4)
  const vendor = hex(reader.take(16))
  ensure(vendor === INTEL_QE, 'tdx-qe-vendor', `quoting enclave vendor ${vendor}`)
  reader.take(20)
  return version
}

function readBody(reader: LittleEndian, version: 4 | 5): TdReport {
  let newer = false
  if (version === 5) {
    const type = reader.uint16()
    const length = reader.uint32()
    const body = [BODY_TD10, BODY_TD15].find((known) => known.type === type)
    ensure(body !== undefined, 'tdx-body-type', `body type ${type}`)
    ensure(body.length === length, 'tdx-section-length', `body of type ${type} with ${length} bytes`)
    newer = body === BODY_TD15
  }
  return {
    teeTcbSvn: reader.take(16),
    mrSeam: reader.take(48),
    mrSignerSeam: reader.take(48),
    seamAttributes: reader.take(8),
    tdAttributes: reader.take(8),
    xfam: reader.take(8),
    mrTd: reader.take(48),
    mrConfigId: reader.take(48),
    mrOwner: reader.take(48),
    mrOwnerConfig: reader.take(48),
    rtmr: [reader.take(48), reader.take(48), reader.take(48), reader.take(48)],
    reportData: reader.take(64),
    teeTcbSvn2: newer ? reader.take(16) : null,
    mrServiceTd: newer ? reader.take(48) : null,
  }
}

function readSignatureData(reader: LittleEndian): Omit<TdxQuote, 'version' | 'report' | 'signed'> {
  const signature = reader.take(64)
  const attestationKey = reader.take(64)
  readCertificationHeader(reader, QE_REPORT_CERTIFICATION)
  const qeReport = readQeReport(reader.take(QE_REPORT_LENGTH))
  const qeSignature = reader.take(64)
  const qeAuthData = reader.take(reader.uint16())
  readCertificationHeader(reader, PCK_CHAIN)
  const pckChain = readPem(reader.take(reader.left))
  return { signature, attestationKey, qeReport, qeSignature, qeAuthData, pckChain }
}

/** Both kinds of certification data are the last field of what holds them, and so end with the quote. */
function readCertificationHeader(reader: LittleEndian, expected: number): void {
  const type = reader.uint16()
  ensure(type === expected, 'tdx-certification-type', `certification data of type ${type}`)
  const length = reader.uint32()
  const { left } = reader
  ensure(length === left, 'tdx-section-length', `certification data of ${length} bytes, ${left} are left`)
}

function readQeReport(encoding: Bytes): QeReport {
  const reader = new LittleEndian(encoding, 'tdx-quote-format')
  reader.take(16)
  const miscSelect = reader.take(4)
  reader.take(28)
  const attributes = reader.take(16)
  reader.take(64)
  const mrSigner = reader.take(32)
  reader.take(96)
  const [isvProdId, isvSvn] = [reader.uint16(), reader.uint16()]
  reader.take(60)
  return { encoding, miscSelect, attributes, mrSigner, isvProdId, isvSvn, reportData: reader.take(64) }
}

/** Some quoting enclaves write the terminating zero of a C string. */
function readPem(bytes: Bytes): string {
  const text = bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes
  ensure(text.every(isAscii), 'tdx-quote-format', 'PCK chain is no PEM')
  return String.fromCharCode(...text)
}

const isAscii = (byte: number): boolean => byte > 0 && byte < 0x80

/** The attestation key in the form that verifies. */
export function attestationKeyOf({ attestationKey }: TdxQuote): PublicKey {
  const point = new Uint8Array(1 + attestationKey.length)
  point[0] = 4
  point.set(attestationKey, 1)
  return readPoint('P-256', point)
}

/**
 * The quote at the front of what a quoting service returned: some of them hand out a buffer of fixed size. Evidence
 * holds the quote alone, so this is for whoever reads the service.
 * @throws AppraisalError with a code of the quote group
 */
export function trimQuote(bytes: Bytes): Bytes {
  const reader = new LittleEndian(bytes, 'tdx-quote-format')
  readBody(reader, readHeader(reader))
  const end = reader.uint32() + reader.at
  ensure(end <= bytes.length, 'tdx-section-length', 'signature data ends after the quote')
  return bytes.subarray(0, end)
}
