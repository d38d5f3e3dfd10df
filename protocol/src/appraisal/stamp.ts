import * as v from 'valibot'
import { type Bytes, equal, hex, sha256 } from '../bytes.ts'
import { bytesOf, bytesUpTo, decodeCbor, uint } from '../cbor.ts'
import { CocoonError } from '../errors.ts'
import { PROTOCOL_VERSION } from '../network.ts'
import { purposed, verifySignature } from '../signing.ts'
import { networkId, unixSeconds } from './claims.ts'
import { AppraisalError, type Check, ensure, type Steps } from './failure.ts'
import { CLOCK_TOLERANCE_SECONDS } from './policy.ts'
import type { KnownRegistry } from './registry.ts'
import { checkForward, type Seen } from './sequence.ts'
import { MEASUREMENT_BYTES } from './workload.ts'
import { iso } from './x509.ts'

/** What can be taken back, and how many bytes name it (SPEC.md, Stamp). */
export const revocable = {
  /** SHA-256 of encoded evidence. */
  evidence: 32,
  /** Node id. */
  node: 32,
  /** SHA-256 of a processor's PPID (Intel) or CHIP_ID (AMD). */
  platform: 32,
  /** SHA-256 of a GPU's device key. */
  gpu: 32,
  /** A register as measured: MRTD, any RTMR, MRSEAM, an SNP launch measurement. */
  measurement: MEASUREMENT_BYTES,
  /** SHA-384 of an encoded workload. */
  workload: MEASUREMENT_BYTES,
  /** Digest of an engine's image. */
  engine: 32,
  /** Root of a model's dm-verity tree. */
  model: 32,
} as const
export type RevocableKind = keyof typeof revocable

export const Revocable = v.pipe(
  v.strictObject({
    kind: v.picklist(Object.keys(revocable) as RevocableKind[]),
    value: bytesUpTo(MEASUREMENT_BYTES),
  }),
  v.check(({ kind, value }) => value.length === revocable[kind], 'as long as its kind'),
)
export type Revocable = v.InferOutput<typeof Revocable>

/** Stamps are issued hourly; one older than this proves no life. */
export const MAX_STAMP_SECONDS = 48 * 60 * 60
export const MAX_STAMP_BYTES = 256 * 1024

/** The stamp service's word (SPEC.md, Stamp). It can only subtract from the registry statement it names. Unix seconds. */
export const Stamp = v.pipe(
  v.strictObject({
    version: v.literal(PROTOCOL_VERSION),
    network: networkId,
    /** Digest of the registry statement. */
    registry: bytesOf(32),
    /** Counts up with every stamp under one registry statement. */
    sequence: uint,
    issued: unixSeconds,
    expires: unixSeconds,
    revoked: v.pipe(v.array(Revocable), v.maxLength(2048)),
  }),
  v.check((s) => s.issued < s.expires && s.expires - s.issued <= MAX_STAMP_SECONDS, '48 hours at most'),
)
export type Stamp = v.InferOutput<typeof Stamp>

export const SignedStamp = v.strictObject({ body: bytesUpTo(MAX_STAMP_BYTES), signature: bytesOf(64) })
export type SignedStamp = v.InferOutput<typeof SignedStamp>

export function stampDigest(body: Uint8Array): Promise<Bytes> {
  return sha256(purposed('cocoon/1 stamp', body))
}

/** The first of `subjects` that the stamp takes back, or null. */
export function findRevoked(stamp: Stamp, subjects: readonly Revocable[]): Revocable | null {
  const revoked = new Set(stamp.revoked.map(nameOf))
  return subjects.find((subject) => revoked.has(nameOf(subject))) ?? null
}

/** For messages: `kind digest`. */
export function nameOf({ kind, value }: Revocable): string {
  return `${kind} ${hex(value)}`
}

export const stampChecks: readonly Check[] = [
  { name: 'stamp.form', source: 'SPEC.md A5', blame: 'registry' },
  { name: 'stamp.signature', source: 'SPEC.md A5', blame: 'registry' },
  { name: 'stamp.sequence', source: 'SPEC.md A5', blame: 'registry' },
  { name: 'clock', source: 'SPEC.md A5', blame: 'registry' },
  { name: 'registry.dates', source: 'SPEC.md A4', blame: 'registry' },
  { name: 'stamp.dates', source: 'SPEC.md A5', blame: 'registry' },
]

export interface Standing {
  readonly registry: KnownRegistry['registry']
  readonly stamp: Stamp
  /** Digest of the registry statement. */
  readonly digest: Bytes
  /** Unix seconds: the device's clock, or the stamp's date where the clock is behind it. */
  readonly time: number
  /** When registry or stamp ends, Unix seconds. */
  readonly expires: number
  /** What to keep for the next time. */
  readonly seen: Seen
}

/** Runs `stampChecks`. `now`: the device's clock, Unix seconds. */
export async function verifyStamp(
  steps: Steps,
  signed: SignedStamp,
  { registry, digest }: KnownRegistry,
  { now, seen }: { readonly now: number; readonly seen: Seen | null },
): Promise<Standing> {
  const stamp = await steps.run('stamp.form', (found) => {
    const decoded = decode(signed.body)
    const elsewhere = `signed for network ${decoded.network}, not ${registry.network}`
    ensure(decoded.network === registry.network, 'stamp-network', elsewhere)
    ensure(equal(decoded.registry, digest), 'stamp-registry', 'the stamp is for another registry statement')
    found(`number ${decoded.sequence}, ${decoded.revoked.length} revoked`)
    return decoded
  })
  await steps.run('stamp.signature', async () => {
    const signedByKey = await verifySignature('cocoon/1 stamp', registry.stampKey, signed.signature, signed.body)
    ensure(signedByKey, 'stamp-signature', 'not signed by the stamp key of the registry statement')
  })
  const mark = { sequence: stamp.sequence, digest: await stampDigest(signed.body) }
  await steps.run('stamp.sequence', () => {
    // A newer registry statement may name a new stamp key, and starts the count anew.
    const sameCount = seen !== null && seen.registry.sequence === registry.sequence
    if (sameCount) checkForward(seen.stamp, mark, { rollback: 'stamp-rollback', fork: 'stamp-fork' })
  })
  const time = await steps.run('clock', (found) => {
    const behind = stamp.issued - now
    ensure(behind <= CLOCK_TOLERANCE_SECONDS, 'clock-behind', `this clock is at least ${behind} seconds behind`)
    found(behind > 0 ? `this clock is at least ${behind} seconds behind; the stamp's date counts` : iso(now))
    return Math.max(now, stamp.issued)
  })
  await steps.run('registry.dates', (found) => {
    const { issued, expires } = registry
    ensure(time + CLOCK_TOLERANCE_SECONDS >= issued, 'registry-not-yet-valid', `issued ${iso(issued)}`)
    ensure(time <= expires, 'registry-expired', `expired ${iso(expires)}`)
    found(`until ${iso(expires)}`)
  })
  await steps.run('stamp.dates', (found) => {
    ensure(time <= stamp.expires, 'stamp-expired', `expired ${iso(stamp.expires)}, and it is ${iso(time)} here`)
    found(`from ${iso(stamp.issued)} until ${iso(stamp.expires)}`)
  })
  const expires = Math.min(registry.expires, stamp.expires)
  return {
    registry,
    stamp,
    digest,
    time,
    expires,
    seen: { registry: { sequence: registry.sequence, digest }, stamp: mark },
  }
}

function decode(body: Bytes): Stamp {
  try {
    return decodeCbor(Stamp, body, MAX_STAMP_BYTES)
  } catch (cause) {
    const message = cause instanceof CocoonError ? cause.message : 'cannot be read'
    throw new AppraisalError('stamp-format', message, { cause })
  }
}
