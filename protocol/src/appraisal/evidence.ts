import * as v from 'valibot'
import { type Bytes, sha256 } from '../bytes.ts'
import { bytesUpTo, decodeCbor, encodeCbor } from '../cbor.ts'
import { limits, PROTOCOL_VERSION } from '../network.ts'
import { MAX_GPUS } from './claims.ts'

/** Kinds of trusted execution environment, and so of quotes. */
export const teeKinds = ['tdx', 'sev-snp'] as const
export type TeeKind = (typeof teeKinds)[number]

/** Bytes of encoded evidence. */
export const MAX_EVIDENCE_BYTES = limits.evidence
const MAX_QUOTE_BYTES = 64 * 1024
const MAX_REPORT_BYTES = 16 * 1024
const MAX_CERTIFICATE_BYTES = 4 * 1024

/** What NVIDIA's driver hands out for one GPU. */
export const GpuEvidence = v.strictObject({
  /** SPDM 1.1 GET_MEASUREMENTS request and its response, joined. */
  report: bytesUpTo(MAX_REPORT_BYTES),
  /** DER, from the attestation key's certificate up to the root. */
  chain: v.pipe(v.array(bytesUpTo(MAX_CERTIFICATE_BYTES)), v.minLength(1), v.maxLength(8)),
})
export type GpuEvidence = v.InferOutput<typeof GpuEvidence>

/** What one machine states about itself, content-addressed (SPEC.md, Evidence). */
export const Evidence = v.strictObject({
  version: v.literal(PROTOCOL_VERSION),
  tee: v.picklist(teeKinds),
  /** Encoded `Claims`: the bytes that the quote's report data is made of. */
  claims: bytesUpTo(limits.object),
  /** A TDX quote, or an SEV-SNP attestation report. */
  quote: bytesUpTo(MAX_QUOTE_BYTES),
  gpu: v.pipe(v.array(GpuEvidence), v.maxLength(MAX_GPUS)),
})
export type Evidence = v.InferOutput<typeof Evidence>

/** @throws CocoonError `broken-encoding` */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  return decodeCbor(Evidence, bytes, MAX_EVIDENCE_BYTES)
}

export function encodeEvidence(evidence: Evidence): Bytes {
  return encodeCbor(evidence)
}

/** The name of evidence, in statements and in stores: SHA-256 of its bytes. */
export function evidenceDigest(bytes: Uint8Array): Promise<Bytes> {
  return sha256(bytes)
}

/** What claims name a GPU's evidence by: SHA-256 of its encoding. */
export function gpuEvidenceDigest(evidence: GpuEvidence): Promise<Bytes> {
  return sha256(encodeCbor(evidence))
}
