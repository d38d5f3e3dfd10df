import { type Bytes, concat, copy, fromBase64url, hex, utf8 } from './bytes.ts'

/** An Ed25519 key that signs (RFC 8032). Where it lives is its owner's affair. */
export interface Signer {
  readonly publicKey: Bytes
  sign(message: Bytes): Promise<Bytes>
}

/** What is signed or hashed carries its purpose in front, so that no signature can be read as another object's. */
export type Purpose =
  | 'cocoon/1 statement'
  | 'cocoon/1 refusal'
  | 'cocoon/1 link challenge'
  | 'cocoon/1 sign-in'
  | 'cocoon/1 session renewal'
  | 'cocoon/1 registry'
  | 'cocoon/1 stamp'

export function purposed(purpose: Purpose, message: Uint8Array): Bytes {
  return concat(utf8(`${purpose}\n`), message)
}

const noble = () => import('@noble/curves/ed25519.js')

/** WebCrypto's Ed25519 is missing in older webviews; the fallback is loaded only then. */
let native: Promise<boolean> | undefined
function hasEd25519(): Promise<boolean> {
  native ??= crypto.subtle
    .importKey('raw', new Uint8Array(32), 'Ed25519', false, ['verify'])
    .then(() => true)
    .catch(() => false)
  return native
}

/** The DER prefix of an Ed25519 PKCS #8 key (RFC 8410 section 7); the 32-byte seed follows. */
const PKCS8_PREFIX = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20])

/** Makes a signer from a 32-byte seed, or from fresh randomness. The key is not extractable where WebCrypto knows Ed25519. */
export async function createSigner(seed: Bytes = crypto.getRandomValues(new Uint8Array(32))): Promise<Signer> {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes')
  if (!(await hasEd25519())) {
    const { ed25519 } = await noble()
    const secret = copy(seed)
    return {
      publicKey: copy(ed25519.getPublicKey(secret)),
      sign: async (message) => copy(ed25519.sign(message, secret)),
    }
  }
  const pkcs8 = concat(PKCS8_PREFIX, seed)
  // WebCrypto has no way from a seed to its public key but an export; the key kept is the second, not extractable one.
  const readable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const { x } = (await crypto.subtle.exportKey('jwk', readable)) as JsonWebKey
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  return {
    publicKey: fromBase64url(x ?? ''),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', key, message)),
  }
}

/**
 * The y coordinates of points of small order, canonical or not (RFC 8032 section 5.1.7 leaves them to the application).
 * Anyone can sign for such a key. Runtimes differ in whether they refuse it, so it is refused here.
 */
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

/** True when `signature` over `purpose | message` is by `publicKey`. Malformed keys and signatures are false, never an exception. */
export async function verifySignature(
  purpose: Purpose,
  publicKey: Bytes,
  signature: Bytes,
  message: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64 || hasSmallOrder(publicKey)) return false
  const signed = purposed(purpose, message)
  try {
    if (!(await hasEd25519())) return (await noble()).ed25519.verify(signature, signed, publicKey, { zip215: false })
    const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, signature, signed)
  } catch {
    return false
  }
}

export function signFor(purpose: Purpose, signer: Signer, message: Uint8Array): Promise<Bytes> {
  return signer.sign(purposed(purpose, message))
}
