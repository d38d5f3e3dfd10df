import { type Bytes, uint32 } from './bytes.ts'
import { CocoonError } from './errors.ts'

const BUCKETS_END = 64 * 1024
const SMALLEST_BUCKET = 256

/** Padmé (Nikitin et al., PoPETs 2019, section 4): leaks O(log log n) bits of a length for at most 12 % overhead. */
export function padme(length: number): number {
  if (length < 2) return length
  // Whole numbers only: engines may differ in the last digit of a logarithm, and both ends must find the same bucket.
  const exponent = floorLog2(length)
  const keptBits = floorLog2(exponent) + 1
  const unit = 2 ** Math.max(0, exponent - keptBits)
  return Math.ceil(length / unit) * unit
}

const floorLog2 = (value: number): number => 31 - Math.clz32(value)

/** Length of a request's padded plaintext: powers of two from 256 bytes up to 64 KiB, Padmé above. */
export function requestBucket(length: number): number {
  if (length > BUCKETS_END) return padme(length)
  let bucket = SMALLEST_BUCKET
  while (bucket < length) bucket *= 2
  return bucket
}

/** `uint32 length | content | zeros`, filled up to `bucket(4 + content length)` bytes. */
export function pad(content: Uint8Array, bucket: (length: number) => number): Bytes {
  const out = new Uint8Array(bucket(4 + content.length))
  out.set(uint32(content.length))
  out.set(content, 4)
  return out
}

/**
 * Undoes `pad`. Zero padding and the right bucket are required: padding is no place to smuggle or vary bytes.
 * @throws CocoonError `bad-padding`
 */
export function unpad(padded: Bytes, bucket: (length: number) => number): Bytes {
  const length = padded.length < 4 ? -1 : new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  if (length < 0 || 4 + length > padded.length || bucket(4 + length) !== padded.length) {
    throw new CocoonError('bad-padding', 'padded length does not fit its content')
  }
  if (padded.subarray(4 + length).some((byte) => byte !== 0)) {
    throw new CocoonError('bad-padding', 'padding is not zero')
  }
  return padded.slice(4, 4 + length)
}
