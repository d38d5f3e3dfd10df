import * as v from 'valibot'
import type { Bytes } from '../bytes.ts'
import { decodeCbor, encodeCbor } from '../cbor.ts'
import { MAX_REGISTRY_BYTES, SignedRegistry } from './registry.ts'
import { MAX_STAMP_BYTES, SignedStamp } from './stamp.ts'

/** What the owners say today, as it travels: the registry statement and the newest stamp under it. Anyone may carry it. */
export const SignedStanding = v.strictObject({ registry: SignedRegistry, stamp: SignedStamp })
export type SignedStanding = v.InferOutput<typeof SignedStanding>

/** Bytes of an encoded standing: both bodies at their largest, and the signatures. */
export const MAX_STANDING_BYTES = MAX_REGISTRY_BYTES + MAX_STAMP_BYTES + 8 * 1024

export function encodeStanding(standing: SignedStanding): Bytes {
  return encodeCbor(standing)
}

/** @throws CocoonError `broken-encoding` */
export function decodeStanding(bytes: Uint8Array): SignedStanding {
  return decodeCbor(SignedStanding, bytes, MAX_STANDING_BYTES)
}
