import { type Bytes, copy, hex } from '../bytes.ts'
import type { Signer } from '../signing.ts'

/**
 * Ed25519 (RFC 8032) over the 32 bytes of a cell hash, with nothing in front, because CHKSIGNU on chain checks exactly
 * these. The object's tag takes the part of the purpose; no purposed message of signing.ts has 32 bytes that could be
 * a chosen object's hash.
 */
export function signHash(hash: Bytes, signer: Signer): Promise<Bytes> {
  if (hash.length !== 32) throw new RangeError('a cell hash has 32 bytes')
  return signer.sign(hash)
}

const noble = () => import('@noble/curves/ed25519.js')

/** The y coordinates of points of small order, for which anyone can sign: as in signing.ts. */
const SMALL_ORDER = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
])

function hasSmallOrder(publicKey: Bytes): boolean {
  const y = copy(publicKey)
  y[31] = (y[31] ?? 0) & 0x7f
  return SMALL_ORDER.has(hex(y))
}

let native: Promise<boolean> | undefined
function hasEd25519(): Promise<boolean> {
  native ??= crypto.subtle
    .importKey('raw', new Uint8Array(32), 'Ed25519', false, ['verify'])
    .then(() => true)
    .catch(() => false)
  return native
}

/** True when `publicKey` signed `hash`. Malformed keys and signatures are false, never an exception. */
export async function verifyHash(hash: Bytes, publicKey: Bytes, signature: Bytes): Promise<boolean> {
  if (hash.length !== 32 || publicKey.length !== 32 || signature.length !== 64) return false
  if (hasSmallOrder(publicKey)) return false
  try {
    if (!(await hasEd25519())) return (await noble()).ed25519.verify(signature, hash, publicKey, { zip215: false })
    const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, signature, hash)
  } catch {
    return false
  }
}
