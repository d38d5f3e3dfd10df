import { type Bytes, concat, copy, createSigner, fromBase64url, fromHex, type Signer } from '@cocoon/protocol'
import { bits, integer, nothing, objectId, sequence, tagged } from './der-writer.ts'
import { type EcKeyName, ed25519Seeds, ecKeys, type KeyName, type RsaKeyName, rsaKeys } from './development-keys.ts'

const PSS_SALT_BYTES = 48

const isEc = (name: KeyName): name is EcKeyName => Object.hasOwn(ecKeys, name)
export const curveOf = (name: EcKeyName) => ecKeys[name].crv

const imported = new Map<KeyName, Promise<CryptoKey>>()

function privateKey(name: KeyName): Promise<CryptoKey> {
  let key = imported.get(name)
  if (!key) {
    key = isEc(name) ? importEc(name) : importRsa(name)
    imported.set(name, key)
  }
  return key
}

const importEc = (name: EcKeyName) =>
  crypto.subtle.importKey('jwk', { kty: 'EC', ...ecKeys[name] }, { name: 'ECDSA', namedCurve: curveOf(name) }, false, [
    'sign',
  ])
const importRsa = (name: RsaKeyName) =>
  crypto.subtle.importKey('jwk', { kty: 'RSA', ...rsaKeys[name] }, { name: 'RSA-PSS', hash: 'SHA-384' }, false, [
    'sign',
  ])

/**
 * ECDSA with the hash of the curve's strength, r and s in equal halves; or RSASSA-PSS with SHA-384 and 48 bytes of salt,
 * as AMD signs. Runtimes choose ECDSA's nonce themselves, so two signatures of the same bytes differ.
 */
export async function sign(name: KeyName, message: Uint8Array): Promise<Bytes> {
  const algorithm = isEc(name)
    ? { name: 'ECDSA', hash: curveOf(name) === 'P-256' ? 'SHA-256' : 'SHA-384' }
    : { name: 'RSA-PSS', saltLength: PSS_SALT_BYTES }
  return new Uint8Array(await crypto.subtle.sign(algorithm, await privateKey(name), copy(message)))
}

/** x and y of an elliptic key, as quotes carry it. */
export function point(name: EcKeyName): Bytes {
  const { x, y } = ecKeys[name]
  return concat(fromBase64url(x), fromBase64url(y))
}

/** SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
export function publicKeyInfo(name: KeyName): Bytes {
  if (isEc(name)) {
    const curve = curveOf(name) === 'P-256' ? '1.2.840.10045.3.1.7' : '1.3.132.0.34'
    return sequence(sequence(objectId('1.2.840.10045.2.1'), objectId(curve)), bits(publicKeyBits(name)))
  }
  return sequence(sequence(objectId('1.2.840.113549.1.1.1'), nothing()), bits(publicKeyBits(name)))
}

/** What the key identifiers of certificates are digests of (RFC 5280 section 4.2.1.2). */
export function publicKeyBits(name: KeyName): Bytes {
  if (isEc(name)) return concat(Uint8Array.of(4), point(name))
  const { n, e } = rsaKeys[name]
  return sequence(integer(fromBase64url(n)), integer(fromBase64url(e)))
}

const sha384 = () => sequence(objectId('2.16.840.1.101.3.4.2.2'), nothing())
/** The parameters as AMD writes them, the default trailer field spelled out. */
const pssSha384 = sequence(
  objectId('1.2.840.113549.1.1.10'),
  sequence(
    tagged(0, sha384()),
    tagged(1, sequence(objectId('1.2.840.113549.1.1.8'), sha384())),
    tagged(2, integer(PSS_SALT_BYTES)),
    tagged(3, integer(1)),
  ),
)

/** AlgorithmIdentifier of what `sign` makes (RFC 5758 section 3.2; RFC 4055 section 3.1). */
export function signatureAlgorithm(name: KeyName): Bytes {
  if (isEc(name)) return sequence(objectId(curveOf(name) === 'P-256' ? '1.2.840.10045.4.3.2' : '1.2.840.10045.4.3.3'))
  return pssSha384
}

export type SeedName = keyof typeof ed25519Seeds
const signers = new Map<SeedName, Promise<Signer>>()

export function developmentSigner(name: SeedName): Promise<Signer> {
  const signer = signers.get(name) ?? createSigner(fromHex(ed25519Seeds[name]))
  signers.set(name, signer)
  return signer
}
