import { type Bytes, hex } from '../bytes.ts'
import {
  type Der,
  Fields,
  readDer,
  readEcdsaSignature,
  readOctetBits,
  readOid,
  readSmall,
  readUnsigned,
  tags,
} from './der.ts'
import { AppraisalError } from './failure.ts'

/**
 * The three ways that the vendors sign: ECDSA on P-256 with SHA-256 (Intel), ECDSA on P-384 with SHA-384 (NVIDIA, AMD
 * reports), RSASSA-PSS of 4096 bits with SHA-384 (AMD certificates). A key of one kind signs in that one way only.
 */
export type KeyKind = 'P-256' | 'P-384' | 'RSA-4096'

export interface PublicKey {
  readonly kind: KeyKind
  /** The uncompressed point, or the whole SubjectPublicKeyInfo of an RSA key. */
  readonly bytes: Bytes
}

const ecdsa = {
  'P-256': { size: 32, hash: 'SHA-256', curve: '1.2.840.10045.3.1.7', signature: '1.2.840.10045.4.3.2' },
  'P-384': { size: 48, hash: 'SHA-384', curve: '1.3.132.0.34', signature: '1.2.840.10045.4.3.3' },
} as const

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const RSASSA_PSS = '1.2.840.113549.1.1.10'
/**
 * RSASSA-PSS-params (RFC 4055 section 3.1) for SHA-384, MGF1 with SHA-384 and 48 bytes of salt. DER leaves the trailer
 * field out, for 1 is its default; AMD writes it. Nothing else is accepted.
 */
const PSS_SHA384_FIELDS =
  'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130'
const PSS_SHA384 = [`3034${PSS_SHA384_FIELDS}`, `3039${PSS_SHA384_FIELDS}a303020101`]

/** The only lengths a key of this kind and its signature have. */
const RSA_BYTES = 512

/**
 * The kind of key that an AlgorithmIdentifier of a signature calls for, or null for an algorithm that is not accepted.
 * @throws AppraisalError `malformed`
 */
export function readSignatureAlgorithm(value: Der): KeyKind | null {
  const fields = new Fields(value)
  const id = readOid(fields.next(tags.oid))
  const parameters = fields.empty ? null : fields.any()
  fields.end()
  if (id === RSASSA_PSS) return parameters && PSS_SHA384.includes(hex(parameters.encoding)) ? 'RSA-4096' : null
  if (parameters) return null
  if (id === ecdsa['P-256'].signature) return 'P-256'
  return id === ecdsa['P-384'].signature ? 'P-384' : null
}

/**
 * A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), or null for a key of another kind.
 * @throws AppraisalError `malformed`
 */
export function readPublicKey(value: Der): PublicKey | null {
  const outer = new Fields(value)
  const fields = new Fields(outer.next(tags.sequence))
  const key = readOctetBits(outer.next(tags.bitString))
  outer.end()
  const id = readOid(fields.next(tags.oid))
  if (id === RSA_ENCRYPTION) {
    fields.next(tags.null)
    fields.end()
    return isRsa4096(key) ? { kind: 'RSA-4096', bytes: value.encoding } : null
  }
  if (id !== EC_PUBLIC_KEY) return null
  const curve = readOid(fields.next(tags.oid))
  fields.end()
  for (const kind of ['P-256', 'P-384'] as const) {
    if (curve === ecdsa[kind].curve) return readPoint(kind, key)
  }
  return null
}

function isRsa4096(key: Bytes): boolean {
  const fields = new Fields(readDer(key, tags.sequence))
  const modulus = readUnsigned(fields.next(tags.integer))
  const exponent = readSmall(fields.next(tags.integer))
  fields.end()
  return modulus.length === RSA_BYTES + 1 && modulus[0] === 0 && exponent === 65537
}

/** An uncompressed point (SEC 1 section 2.3.3); that it lies on the curve is WebCrypto's to check. */
export function readPoint(kind: 'P-256' | 'P-384', bytes: Bytes): PublicKey {
  if (bytes.length !== 1 + 2 * ecdsa[kind].size || bytes[0] !== 4) {
    throw new AppraisalError('malformed', `not an uncompressed ${kind} point`)
  }
  return { kind, bytes }
}

/** A signature as certificates carry it, as WebCrypto takes it. */
export function readSignature(kind: KeyKind, bytes: Bytes): Bytes {
  return kind === 'RSA-4096' ? bytes : readEcdsaSignature(bytes, ecdsa[kind].size)
}

/**
 * True when `signature` over `data` is by `key`: r and s for ECDSA. A key or signature that WebCrypto cannot read is
 * false, never an exception.
 */
export async function isSignedBy(key: PublicKey, signature: Bytes, data: Bytes): Promise<boolean> {
  try {
    if (key.kind === 'RSA-4096') {
      const pss = { name: 'RSA-PSS', hash: 'SHA-384' }
      const imported = await crypto.subtle.importKey('spki', key.bytes, pss, false, ['verify'])
      return await crypto.subtle.verify({ name: 'RSA-PSS', saltLength: 48 }, imported, signature, data)
    }
    const { size, hash } = ecdsa[key.kind]
    if (signature.length !== 2 * size) return false
    const curve = { name: 'ECDSA', namedCurve: key.kind }
    const imported = await crypto.subtle.importKey('raw', key.bytes, curve, false, ['verify'])
    return await crypto.subtle.verify({ name: 'ECDSA', hash }, imported, signature, data)
  } catch {
    return false
  }
}
