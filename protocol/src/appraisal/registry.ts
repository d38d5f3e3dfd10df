import * as v from 'valibot'
import { type Bytes, equal, hex, sha256 } from '../bytes.ts'
import { bytesOf, bytesUpTo, decodeCbor, uint } from '../cbor.ts'
import { CocoonError } from '../errors.ts'
import { PROTOCOL_VERSION } from '../network.ts'
import { purposed, verifySignature } from '../signing.ts'
import { MAX_GPUS, networkId, unixSeconds } from './claims.ts'
import { teeKinds } from './evidence.ts'
import { AppraisalError, type Check, ensure, type Steps } from './failure.ts'
import type { Owners } from './policy.ts'
import { checkForward, type Seen } from './sequence.ts'
import { Engine, MEASUREMENT_BYTES, Model } from './workload.ts'

const label = v.pipe(v.string(), v.minLength(1), v.maxLength(80))
const measurement = bytesOf(MEASUREMENT_BYTES)
const measurements = v.pipe(v.array(measurement), v.maxLength(64))
/** A security version number, one byte. */
const svn = v.pipe(uint, v.maxValue(255))
const place = { image: label, shape: label, gpus: v.pipe(uint, v.maxValue(MAX_GPUS)) }

/** What one image measures as on one shape of machine. Registers are never skipped: RTMR0 differs with memory, CPUs, GPUs. */
export const Reference = v.variant('tee', [
  v.strictObject({
    tee: v.literal('tdx'),
    ...place,
    mrtd: measurement,
    rtmrs: v.tuple([measurement, measurement, measurement]),
  }),
  v.strictObject({ tee: v.literal('sev-snp'), ...place, measurement }),
])
export type Reference = v.InferOutput<typeof Reference>

/** Lets machines pass whose vendor published newer firmware, so that a TCB recovery does not drop a whole fleet. */
export const Grace = v.strictObject({
  /** Unix seconds. Bounds the verdict. */
  until: unixSeconds,
  /** A platform's TCB must be at least of this date, Unix seconds. */
  tcbDate: unixSeconds,
  /** Advisories that no platform may be open to. */
  denied: v.pipe(v.array(label), v.maxLength(64)),
})
export type Grace = v.InferOutput<typeof Grace>

/** The least that AMD firmware must be, for one product line. `fmc` exists from Turin on and is 0 before. */
export const SnpTcb = v.strictObject({ fmc: svn, bootloader: svn, tee: svn, snp: svn, microcode: svn })
export type SnpTcb = v.InferOutput<typeof SnpTcb>

/** A registry statement must be renewed within this time, signed by owners who are still there. */
export const MAX_REGISTRY_SECONDS = 400 * 24 * 60 * 60
export const MAX_REGISTRY_BYTES = 256 * 1024

/** What the owners sign (SPEC.md, Registry statement). Times are Unix seconds. */
export const Registry = v.pipe(
  v.strictObject({
    version: v.literal(PROTOCOL_VERSION),
    network: networkId,
    /** Counts up with every statement; clients never go back. */
    sequence: uint,
    issued: unixSeconds,
    expires: unixSeconds,
    /** Who may sign stamps under this statement. */
    stampKey: bytesOf(32),
    tees: v.pipe(v.array(v.picklist(teeKinds)), v.maxLength(teeKinds.length)),
    references: v.pipe(v.array(Reference), v.maxLength(512)),
    engines: v.pipe(v.array(Engine), v.maxLength(64)),
    models: v.pipe(v.array(Model), v.maxLength(512)),
    /** Digests of the policies a workload may name. */
    policies: v.pipe(v.array(bytesOf(32)), v.maxLength(64)),
    /** Digests of the bundles that the web app is served as. */
    bundles: v.pipe(v.array(v.strictObject({ name: label, digest: bytesOf(32) })), v.maxLength(64)),
    tdx: v.strictObject({
      /** The least `tcbEvaluationDataNumber` of TCB info and QE identity. */
      evaluation: uint,
      grace: v.nullable(Grace),
      /** Values other than zero that MRCONFIGID, MROWNER and MROWNERCONFIG may have. */
      configIds: measurements,
      owners: measurements,
      ownerConfigs: measurements,
    }),
    snp: v.pipe(v.array(v.strictObject({ product: label, least: SnpTcb })), v.maxLength(8)),
  }),
  v.check((r) => r.issued < r.expires && r.expires - r.issued <= MAX_REGISTRY_SECONDS, 'dates in order'),
)
export type Registry = v.InferOutput<typeof Registry>

/** One owner's signature, beside others over the same bytes. */
export const OwnerSignature = v.strictObject({ key: bytesOf(32), signature: bytesOf(64) })
export type OwnerSignature = v.InferOutput<typeof OwnerSignature>

/** A registry statement as it travels: the exact bytes that were signed, and the signatures. */
export const SignedRegistry = v.strictObject({
  body: bytesUpTo(MAX_REGISTRY_BYTES),
  signatures: v.pipe(v.array(OwnerSignature), v.maxLength(32)),
})
export type SignedRegistry = v.InferOutput<typeof SignedRegistry>

/** Names the statement, in stamps and on chain. Leaves the signatures out, so that one more changes nothing. */
export function registryDigest(body: Uint8Array): Promise<Bytes> {
  return sha256(purposed('cocoon/1 registry', body))
}

export const registryChecks: readonly Check[] = [
  { name: 'registry.form', source: 'SPEC.md A4', blame: 'registry' },
  { name: 'registry.signatures', source: 'SPEC.md A4', blame: 'registry' },
  { name: 'registry.sequence', source: 'SPEC.md A4', blame: 'registry' },
]

export interface KnownRegistry {
  readonly registry: Registry
  readonly digest: Bytes
}

/** Runs `registryChecks`. Dates are checked once the stamp has shown what time it is at least. */
export async function verifyRegistry(
  steps: Steps,
  signed: SignedRegistry,
  trust: { readonly owners: Owners; readonly network: number; readonly seen: Seen | null },
): Promise<KnownRegistry> {
  const registry = await steps.run('registry.form', (found) => {
    const decoded = decode(signed.body)
    const elsewhere = `signed for network ${decoded.network}, not ${trust.network}`
    ensure(decoded.network === trust.network, 'registry-network', elsewhere)
    found(`number ${decoded.sequence}, ${decoded.references.length} reference values`)
    return decoded
  })
  const digest = await registryDigest(signed.body)
  await steps.run('registry.signatures', async (found) => {
    found(await countOwners(signed.signatures, digest, trust.owners))
  })
  await steps.run('registry.sequence', (found) => {
    const codes = { rollback: 'registry-rollback', fork: 'registry-fork' } as const
    if (trust.seen) checkForward(trust.seen.registry, { sequence: registry.sequence, digest }, codes)
    found(`number ${registry.sequence}, digest ${hex(digest)}`)
  })
  return { registry, digest }
}

function decode(body: Bytes): Registry {
  try {
    return decodeCbor(Registry, body, MAX_REGISTRY_BYTES)
  } catch (cause) {
    const message = cause instanceof CocoonError ? cause.message : 'cannot be read'
    throw new AppraisalError('registry-format', message, { cause })
  }
}

/** Owners count once however often they sign; signatures of others count for nothing and harm nothing. */
async function countOwners(
  signatures: readonly OwnerSignature[],
  digest: Bytes,
  { keys, threshold }: Owners,
): Promise<string> {
  ensure(threshold > 0 && keys.length >= threshold, 'registry-unpublished', 'this build knows no registry owners')
  const signers = new Set<string>()
  for (const { key, signature } of signatures) {
    if (!keys.some((owner) => equal(owner, key))) continue
    if (await verifySignature('cocoon/1 registry', key, signature, digest)) signers.add(hex(key))
  }
  ensure(signers.size > 0, 'registry-signer', 'not signed by any owner that this build knows')
  const count = `signed by ${signers.size} of ${keys.length} owners, ${threshold} needed`
  ensure(signers.size >= threshold, 'registry-threshold', count)
  return count
}
