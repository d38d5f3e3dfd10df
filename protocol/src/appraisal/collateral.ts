import * as v from 'valibot'
import { type Bytes, sha256 } from '../bytes.ts'
import { bytesUpTo, decodeCbor, encodeCbor } from '../cbor.ts'
import type { SnpCollateral } from './snp/verify.ts'
import type { TdxCollateral } from './tdx/collateral.ts'

const text = v.pipe(v.string(), v.maxLength(256 * 1024))
const list = bytesUpTo(1024 * 1024)
/** Bytes of encoded collateral: two revocation lists at their largest, and the rest. */
export const MAX_COLLATERAL_BYTES = 4 * 1024 * 1024

const Tdx = v.strictObject({
  tcbInfo: text,
  tcbInfoSignature: text,
  tcbInfoChain: text,
  qeIdentity: text,
  qeIdentitySignature: text,
  qeIdentityChain: text,
  rootCrl: list,
  pckCrl: list,
}) satisfies v.GenericSchema<unknown, TdxCollateral>
const Snp = v.strictObject({ vcek: list, chain: text, crl: list }) satisfies v.GenericSchema<unknown, SnpCollateral>

/** What a maker vouches for a machine of its own: endorsements in the words of RFC 9334. Anyone may carry it. */
export const Collateral = v.variant('tee', [
  v.strictObject({ tee: v.literal('tdx'), tdx: Tdx }),
  v.strictObject({ tee: v.literal('sev-snp'), snp: Snp }),
])
export type Collateral = v.InferOutput<typeof Collateral>

/** @throws CocoonError `broken-encoding` */
export function decodeCollateral(bytes: Uint8Array): Collateral {
  return decodeCbor(Collateral, bytes, MAX_COLLATERAL_BYTES)
}

export function encodeCollateral(collateral: Collateral): Bytes {
  return encodeCbor(v.parse(Collateral, collateral))
}

export async function collateralDigest(collateral: Collateral): Promise<Bytes> {
  return sha256(encodeCollateral(collateral))
}
