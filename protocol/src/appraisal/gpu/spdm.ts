import type { Bytes } from '../../bytes.ts'
import { ensure } from '../failure.ts'
import { LittleEndian } from '../little-endian.ts'

/**
 * What NVIDIA's driver hands out as an attestation report: an SPDM 1.1 GET_MEASUREMENTS request and its MEASUREMENTS
 * response, joined (DMTF DSP0274 1.1.0, sections 10.11.1 and 10.11.2; layout as NVIDIA's published verifier reads it).
 */
export interface SpdmReport {
  /** Of the request: chosen by who asked. */
  readonly nonce: Bytes
  /** By index, as the GPU sent them. */
  readonly measurements: ReadonlyMap<number, Bytes>
  /** NVIDIA's own fields, by number. */
  readonly opaque: ReadonlyMap<number, Bytes>
  /** Request and response up to the signature: the transcript that is signed. */
  readonly signed: Bytes
  /** r and s, 48 bytes each. */
  readonly signature: Bytes
}

const SPDM_1_1 = 0x11
const GET_MEASUREMENTS = 0xe0
const MEASUREMENTS = 0x60
const SIGNATURE_REQUESTED = 1
const ALL_MEASUREMENTS = 0xff
const DMTF = 1
const NONCE_BYTES = 32
const SIGNATURE_BYTES = 96
/** DMTFSpecMeasurementValueType and DMTFSpecMeasurementValueSize, in front of each value. */
const VALUE_HEADER_BYTES = 3

/**
 * A report complete to its last byte.
 * @throws AppraisalError `gpu-format`, or `gpu-version` for another version or another message of SPDM
 */
export function readSpdmReport(bytes: Bytes): SpdmReport {
  const reader = new LittleEndian(bytes, 'gpu-format')
  readHead(reader, GET_MEASUREMENTS)
  const attributes = byte(reader)
  ensure(attributes === SIGNATURE_REQUESTED, 'gpu-format', 'no signature was asked for')
  ensure(byte(reader) === ALL_MEASUREMENTS, 'gpu-format', 'not all measurements were asked for')
  const nonce = reader.take(NONCE_BYTES)
  const slot = byte(reader)
  readHead(reader, MEASUREMENTS)
  reader.take(1)
  ensure((byte(reader) & 0x0f) === slot, 'gpu-format', 'answered with the key of another slot')
  const blocks = byte(reader)
  const record = reader.take(reader.uint16() + byte(reader) * 65536)
  const measurements = readMeasurements(record, blocks)
  reader.take(NONCE_BYTES)
  const opaque = readOpaque(reader.take(reader.uint16()))
  const signed = bytes.subarray(0, reader.at)
  const { left } = reader
  ensure(left === SIGNATURE_BYTES, 'gpu-format', `${left} bytes where a signature of ${SIGNATURE_BYTES} belongs`)
  return { nonce, measurements, opaque, signed, signature: reader.take(SIGNATURE_BYTES) }
}

function readHead(reader: LittleEndian, code: number): void {
  const [version, message] = [byte(reader), byte(reader)]
  const right = version === SPDM_1_1 && message === code
  const expected = `${SPDM_1_1.toString(16)} ${code.toString(16)}`
  ensure(right, 'gpu-version', `SPDM message ${version.toString(16)} ${message.toString(16)}, not ${expected}`)
}

function readMeasurements(record: Bytes, blocks: number): Map<number, Bytes> {
  const reader = new LittleEndian(record, 'gpu-format')
  const measurements = new Map<number, Bytes>()
  for (let i = 0; i < blocks; i++) {
    const index = byte(reader)
    ensure(byte(reader) === DMTF, 'gpu-format', `measurement ${index} is not in DMTF's form`)
    const size = reader.uint16()
    byte(reader)
    const length = reader.uint16()
    ensure(size === VALUE_HEADER_BYTES + length, 'gpu-format', `measurement ${index} states two lengths`)
    add(measurements, index, reader.take(length), 'measurement')
  }
  ensure(reader.left === 0 && blocks > 0, 'gpu-format', `${blocks} measurements, and ${reader.left} bytes more`)
  return measurements
}

function readOpaque(bytes: Bytes): Map<number, Bytes> {
  const reader = new LittleEndian(bytes, 'gpu-format')
  const fields = new Map<number, Bytes>()
  while (reader.left > 0) add(fields, reader.uint16(), reader.take(reader.uint16()), 'field')
  return fields
}

function add(values: Map<number, Bytes>, index: number, value: Bytes, what: string): void {
  ensure(!values.has(index), 'gpu-format', `${what} ${index} comes twice`)
  values.set(index, value)
}

function byte(reader: LittleEndian): number {
  return reader.take(1)[0] ?? 0
}
