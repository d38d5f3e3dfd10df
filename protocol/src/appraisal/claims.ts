import * as v from 'valibot'
import { type Bytes, concat, sha256, uint32, utf8 } from '../bytes.ts'
import { bytesOf, decodeCbor, encodeCbor, uint } from '../cbor.ts'
import { limits, PROTOCOL_VERSION } from '../network.ts'
import { Workload } from './workload.ts'

/** Evidence is renewed daily, under the same identity key. */
export const MAX_CLAIMS_SECONDS = 24 * 60 * 60
/** GPUs of one machine. */
export const MAX_GPUS = 16

/** A TON global id: 32 bits with a sign. */
export const networkId = v.pipe(v.number(), v.safeInteger(), v.minValue(-(2 ** 31)), v.maxValue(2 ** 31 - 1))

/** Seconds since 1970, until the year 9999. */
export const unixSeconds = v.pipe(uint, v.maxValue(253_402_300_799))

/** What a node says of itself; the hardware signs their digest (SPEC.md, Claims). Times are Unix seconds of the node's clock. */
export const Claims = v.pipe(
  v.strictObject({
    version: v.literal(PROTOCOL_VERSION),
    network: networkId,
    /** The Ed25519 key that was born inside and signs statements. */
    identity: bytesOf(32),
    workload: Workload,
    /** Digests of the GPUs' evidence, in the order of their nonces. */
    gpu: v.pipe(v.array(bytesOf(32)), v.maxLength(MAX_GPUS)),
    /** Drawn when the node started; keeps nonces of two runs apart. */
    bootNonce: bytesOf(32),
    notBefore: unixSeconds,
    notAfter: unixSeconds,
  }),
  v.check(
    (claims) => claims.notBefore < claims.notAfter && claims.notAfter - claims.notBefore <= MAX_CLAIMS_SECONDS,
    'dates in order, a day apart at most',
  ),
)
export type Claims = v.InferOutput<typeof Claims>

/** @throws CocoonError `broken-encoding` */
export function decodeClaims(bytes: Uint8Array): Claims {
  return decodeCbor(Claims, bytes, limits.object)
}

export function encodeClaims(claims: Claims): Bytes {
  return encodeCbor(claims)
}

/**
 * The nonce that GPU number `index` (from 0) is asked with, 32 bytes. It is of the node's own choice: it binds GPU
 * evidence to a key and a run, and proves neither freshness against a compromised TEE nor that the GPU is in the box.
 */
export function gpuNonce(network: number, identity: Bytes, bootNonce: Bytes, index: number): Promise<Bytes> {
  return sha256(concat(utf8('cocoon/1 gpu'), int32(network), identity, bootNonce, uint32(index)))
}

/**
 * What the quote carries in its 64 bytes of report data: SHA-512("cocoon/1 claims" | claims). Takes the encoded claims,
 * since the hardware vouches for bytes.
 */
export async function reportData(claims: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-512', concat(utf8('cocoon/1 claims'), claims)))
}

/** Two's complement, most significant byte first. */
function int32(value: number): Bytes {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setInt32(0, value)
  return out
}
