import type { Bytes } from '../bytes.ts'
import { decodeCbor, encodeCbor } from '../cbor.ts'
import { signFor, type Signer } from '../signing.ts'
import { MAX_REGISTRY_BYTES, type OwnerSignature, Registry, registryDigest, type SignedRegistry } from './registry.ts'
import type { SignedStamp, Stamp } from './stamp.ts'

/** What is in a statement, unverified. @throws CocoonError `broken-encoding` */
export function decodeRegistry(body: Bytes): Registry {
  return decodeCbor(Registry, body, MAX_REGISTRY_BYTES)
}

/** The bytes that owners sign, each on a machine of their own. */
export function encodeRegistry(registry: Registry): Bytes {
  return encodeCbor(registry)
}

/** One owner's signature over the digest of an encoded registry statement. */
export async function signAsOwner(body: Bytes, owner: Signer): Promise<OwnerSignature> {
  return { key: owner.publicKey, signature: await signFor('cocoon/1 registry', owner, await registryDigest(body)) }
}

export async function signRegistry(registry: Registry, owners: readonly Signer[]): Promise<SignedRegistry> {
  const body = encodeRegistry(registry)
  return { body, signatures: await Promise.all(owners.map((owner) => signAsOwner(body, owner))) }
}

export async function signStamp(stamp: Stamp, stampKey: Signer): Promise<SignedStamp> {
  const body = encodeCbor(stamp)
  return { body, signature: await signFor('cocoon/1 stamp', stampKey, body) }
}
