import { type Bytes, concat, equal, hex, sha256, utf8 } from '../bytes.ts'
import { encodeCbor } from '../cbor.ts'
import type { VerifiedStatement } from '../statement.ts'
import { confirm, type Appraisal, type PrivateAppraisal } from './appraise.ts'
import { type Collateral, collateralDigest } from './collateral.ts'
import type { Pins } from './policy.ts'
import { findRevoked, type Standing } from './stamp.ts'

/** Verdicts by key, oldest first. A value: every change makes another one. */
export type VerdictCache = ReadonlyMap<string, PrivateAppraisal>

const MAX_VERDICTS = 256

/** Digest of what a build pins, 32 bytes. */
export function policyDigest({ build, networks, intelRoot, nvidiaRoot, amdRoots, owners }: Pins): Promise<Bytes> {
  const roots = { intelRoot, nvidiaRoot, amdRoots: amdRoots.map(({ product, digest }) => [product, digest]) }
  return sha256(encodeCbor({ build, networks, ...roots, keys: owners.keys, threshold: owners.threshold }))
}

/** The name of a verdict: what it was made of. Lower-case hex. */
export async function verdictKey(of: {
  /** SHA-256 of the evidence. */
  readonly evidence: Bytes
  readonly collateral: Collateral
  /** Digest of the registry statement. */
  readonly registry: Bytes
  /** `policyDigest`. */
  readonly policy: Bytes
}): Promise<string> {
  const parts = concat(of.evidence, await collateralDigest(of.collateral), of.registry, of.policy)
  return hex(await sha256(utf8('cocoon/1 verdict'), parts))
}

/** Keeps a verdict. The oldest goes when there are too many. */
export function remember(cache: VerdictCache, key: string, appraisal: PrivateAppraisal): VerdictCache {
  const entries = [...cache].filter(([name]) => name !== key)
  return new Map([...entries.slice(1 - MAX_VERDICTS), [key, appraisal] as const])
}

/** Drops what ended, and what the stamp takes back. */
export function prune(cache: VerdictCache, standing: Standing): VerdictCache {
  return new Map([...cache].filter(([, appraisal]) => holds(appraisal, standing)))
}

/**
 * A verdict that still holds under today's registry and stamp, for this statement; null where the machine has to be
 * appraised anew. `standing` must be of the registry that the key names: an older stamp never gets here, since a
 * standing cannot go back.
 */
export async function recall(
  cache: VerdictCache,
  key: string,
  standing: Standing,
  statement: VerifiedStatement,
): Promise<Appraisal | null> {
  const appraisal = cache.get(key)
  if (!appraisal || !holds(appraisal, standing)) return null
  const named = statement.statement.evidence
  if (!named || !equal(named, appraisal.evidence)) return null
  return confirm({ ...appraisal, seen: standing.seen }, statement)
}

function holds(appraisal: PrivateAppraisal, { time, stamp }: Standing): boolean {
  return time <= appraisal.expires && findRevoked(stamp, appraisal.subjects) === null
}
