import { type Attested, type Bytes, limits, type Random } from '@cocoon/protocol'
import { encodeCollateral } from '@cocoon/protocol/appraisal'
import type { Log } from '../log.ts'
import { type Clock, PREKEY_LIFETIME } from '../prekeys.ts'
import { openAttestation } from './attestation.ts'
import { AttestationError } from './attester.ts'
import type { KernelFiles } from './kernel-files.ts'
import { EvidenceRenewal } from './renewal.ts'
import type { AttestationSettings } from './settings.ts'
import { standingOf, type StandingSettings } from './standing.ts'

/** How often a running node looks whether its evidence wants renewal. Milliseconds. */
const LOOK = 60_000

export interface NodeEvidenceOptions {
  readonly settings: AttestationSettings
  /** The engine and models that the node is started with. */
  readonly engine: Omit<StandingSettings, 'workload'>
  readonly network: number
  readonly identity: Bytes
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly files?: KernelFiles
}

export interface NodeEvidence {
  readonly renewal: EvidenceRenewal
  /** What the relay is shown of evidence that is still kept. */
  readonly attested: (digest: Bytes) => Attested | undefined
  close(): void
}

/**
 * The evidence of a private node for as long as it runs; null for a node that shows none. An open node shows none: where
 * the engine is outside of the image, evidence would say of the machine what is not true of the answers.
 *
 * @throws AttestationError
 */
export async function startNodeEvidence(options: NodeEvidenceOptions): Promise<NodeEvidence | null> {
  const { settings, engine, network, identity, clock, random, log, files } = options
  const now = () => clock.now()
  const attestation = await openAttestation(settings, { network, identity, now, random, ...(files ? { files } : {}) })
  if (!attestation) return null
  const found = standingOf({ ...engine, workload: attestation.workload })
  if (found.standing === 'open') {
    const what = `this would be an open node: ${found.why}. Change that, or take --attester none`
    throw new AttestationError('setting-wrong', what)
  }
  const renewal = await EvidenceRenewal.start({
    make: attestation.make,
    clock,
    chance: () => new DataView(random(4).buffer).getUint32(0) / 2 ** 32,
    log,
    keep: PREKEY_LIFETIME,
  })
  const timer = setInterval(() => void renewal.tick(), LOOK)
  const attested = (digest: Bytes): Attested | undefined => {
    const made = renewal.find(digest)
    if (!made) return undefined
    const collateral = made.collateral && encodeCollateral(made.collateral)
    // What is too large to carry the broker fetches from the maker itself.
    const carried = collateral && collateral.length <= limits.carriedCollateral ? collateral : null
    return { evidence: made.bytes, collateral: carried }
  }
  return { renewal, attested, close: () => clearInterval(timer) }
}
