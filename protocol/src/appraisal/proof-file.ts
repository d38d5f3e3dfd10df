import * as v from 'valibot'
import { base64url, type Bytes, fromBase64url } from '../bytes.ts'
import { decodeCbor, encodeCbor } from '../cbor.ts'
import { CocoonError } from '../errors.ts'
import { PROTOCOL_VERSION } from '../network.ts'
import type { SignedStatement } from '../statement.ts'
import { MAX_COLLATERAL_BYTES } from './collateral.ts'
import { MAX_EVIDENCE_BYTES } from './evidence.ts'
import { Seen } from './sequence.ts'
import { MAX_STANDING_BYTES } from './standing.ts'

/** Everything that one appraisal looked at, so that anyone can do it again, elsewhere and later. */
export interface Proof {
  /** Global id of the network. */
  readonly network: number
  /** Of the node: names the evidence, and the prekey that was sealed to. */
  readonly statement: SignedStatement
  readonly evidence: Bytes
  /** Encoded; null where whoever made the file had none. */
  readonly collateral: Bytes | null
  /** Encoded registry statement and stamp; null where whoever made the file had none. */
  readonly standing: Bytes | null
  /** What the device had seen of registry and stamp before; null for one that never saw any. */
  readonly seen: Seen | null
  /** Unix seconds of the device that appraised, or of the machine that made the evidence. */
  readonly at: number
}

const MAX_SEEN_BYTES = 512
const text = (bytes: number) => v.pipe(v.string(), v.maxLength(Math.ceil((bytes * 4) / 3)), v.regex(/^[\w-]*$/))
const ProofText = v.strictObject({
  cocoon: v.literal('proof'),
  version: v.literal(PROTOCOL_VERSION),
  network: v.pipe(v.number(), v.safeInteger()),
  at: v.pipe(v.string(), v.isoTimestamp()),
  statement: v.strictObject({ body: text(16 * 1024), signature: text(64) }),
  evidence: text(MAX_EVIDENCE_BYTES),
  collateral: v.nullable(text(MAX_COLLATERAL_BYTES)),
  standing: v.nullable(text(MAX_STANDING_BYTES)),
  seen: v.nullable(text(MAX_SEEN_BYTES)),
})

/** A proof as a file: JSON, bytes in base64url (RFC 4648 section 5). */
export function writeProof({ network, statement, evidence, collateral, standing, seen, at }: Proof): string {
  const file: v.InferOutput<typeof ProofText> = {
    cocoon: 'proof',
    version: PROTOCOL_VERSION,
    network,
    at: new Date(at * 1000).toISOString(),
    statement: { body: base64url(statement.body), signature: base64url(statement.signature) },
    evidence: base64url(evidence),
    collateral: collateral && base64url(collateral),
    standing: standing && base64url(standing),
    seen: seen && base64url(encodeCbor(seen)),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** @throws CocoonError `broken-encoding` saying what of the file cannot be read */
export function readProof(json: string): Proof {
  let content: unknown
  try {
    content = JSON.parse(json)
  } catch (cause) {
    throw new CocoonError('broken-encoding', 'the file is not JSON', { cause })
  }
  const parsed = v.safeParse(ProofText, content)
  if (!parsed.success) {
    const field = v.getDotPath(parsed.issues[0]) ?? 'the whole'
    throw new CocoonError('broken-encoding', `the file is no proof of this version: ${field} is wrong`)
  }
  const { network, at, statement, evidence, collateral, standing, seen } = parsed.output
  try {
    return {
      network,
      at: Math.floor(Date.parse(at) / 1000),
      statement: { body: fromBase64url(statement.body), signature: fromBase64url(statement.signature) },
      evidence: fromBase64url(evidence),
      collateral: collateral === null ? null : fromBase64url(collateral),
      standing: standing === null ? null : fromBase64url(standing),
      seen: seen === null ? null : decodeCbor(Seen, fromBase64url(seen), MAX_SEEN_BYTES),
    }
  } catch (cause) {
    if (cause instanceof CocoonError) throw cause
    throw new CocoonError('broken-encoding', 'the file holds bytes that are not base64url', { cause })
  }
}
