import { type Bytes, concat } from '../bytes.ts'
import { CocoonError } from '../errors.ts'
import type { Signer } from '../signing.ts'
import { BitWriter, ByteReader, cellHash, type FlatCell } from './cell.ts'
import { signHash, verifyHash } from './signature.ts'

/** One fixed width in a signed object. */
interface Field<T> {
  readonly bits: number
  write(to: BitWriter, value: T): void
  read(from: ByteReader): T
}

/** 256 bits: a basechain account id, a public key or a digest. */
export const bits256: Field<Bytes> = {
  bits: 256,
  write(to, value) {
    if (value.length !== 32) throw new RangeError('32 bytes belong here')
    to.bytes(value)
  },
  read: (from) => from.bytes(32),
}

/** Nanograms or a logical time. */
export const uint64: Field<bigint> = {
  bits: 64,
  write: (to, value) => void to.uint(value, 64),
  read: (from) => from.uint(64),
}

/** Unix seconds of the chain's clock. */
export const uint32: Field<number> = {
  bits: 32,
  write: (to, value) => void to.uint(value, 32),
  read: (from) => Number(from.uint(32)),
}

const TAG_BITS = 16
const SIGNATURE_BYTES = 64

/** An object and one signature over its hash: by its maker, or the broker's countersignature. */
export interface Signed<T> {
  readonly object: T
  readonly signature: Bytes
}

/** One kind of signed object: a tag of 16 bits, then its fields in the order in which they are written down. */
export interface FlatObject<T> {
  readonly tag: number
  readonly bits: number
  /** The cell that is hashed. @throws RangeError for a value outside its bounds: our own mistake. */
  cell(value: T): FlatCell
  /** The cell's bytes: what travels. */
  encode(value: T): Bytes
  /** @throws CocoonError `broken-encoding` for bytes that are not exactly one object of this kind */
  decode(bytes: Bytes): T
  hash(value: T): Promise<Bytes>
  sign(value: T, signer: Signer): Promise<Signed<T>>
  /** Malformed values, keys and signatures are false, never an exception. */
  verify(signed: Signed<T>, publicKey: Bytes): Promise<boolean>
  /** The object's bytes, then the 64 of the signature. */
  encodeSigned(signed: Signed<T>): Bytes
  /** Decodes; verifying is the caller's. @throws CocoonError `broken-encoding` */
  decodeSigned(bytes: Bytes): Signed<T>
}

/**
 * `flaw` says what is wrong with a value whose fields each fit; null when nothing is. It judges what is written as well
 * as what is read, so that nobody signs what others refuse.
 */
export function flatObject<T extends object>(
  name: string,
  tag: number,
  fields: { readonly [K in keyof T]-?: Field<T[K]> },
  flaw: (value: T) => string | null,
): FlatObject<T> {
  const entries = Object.entries(fields) as [keyof T, Field<T[keyof T]>][]
  const bits = entries.reduce((sum, [, field]) => sum + field.bits, TAG_BITS)
  const cell = (value: T): FlatCell => {
    const to = new BitWriter().uint(tag, TAG_BITS)
    for (const [key, field] of entries) field.write(to, value[key])
    const wrong = flaw(value)
    if (wrong !== null) throw new RangeError(`${name}: ${wrong}`)
    return to.cell()
  }
  const decode = (bytes: Bytes): T => {
    if (bytes.length * 8 !== bits) throw new CocoonError('broken-encoding', `a ${name} has ${bits / 8} bytes`)
    const from = new ByteReader(bytes)
    if (from.uint(TAG_BITS) !== BigInt(tag)) throw new CocoonError('broken-encoding', `not the tag of a ${name}`)
    const value = Object.fromEntries(entries.map(([key, field]) => [key, field.read(from)])) as T
    const wrong = flaw(value)
    if (wrong !== null) throw new CocoonError('broken-encoding', `${name}: ${wrong}`)
    return value
  }
  const hash = (value: T): Promise<Bytes> => cellHash(cell(value))
  return {
    tag,
    bits,
    cell,
    encode: (value) => cell(value).data,
    decode,
    hash,
    sign: async (object, signer) => ({ object, signature: await signHash(await hash(object), signer) }),
    async verify({ object, signature }, publicKey) {
      let digest: Bytes
      try {
        digest = await hash(object)
      } catch {
        return false
      }
      return verifyHash(digest, publicKey, signature)
    },
    encodeSigned({ object, signature }) {
      if (signature.length !== SIGNATURE_BYTES) throw new RangeError('a signature has 64 bytes')
      return concat(cell(object).data, signature)
    },
    decodeSigned(bytes) {
      const length = bits / 8 + SIGNATURE_BYTES
      if (bytes.length !== length) throw new CocoonError('broken-encoding', `a signed ${name} has ${length} bytes`)
      return { object: decode(bytes.slice(0, -SIGNATURE_BYTES)), signature: bytes.slice(-SIGNATURE_BYTES) }
    },
  }
}
