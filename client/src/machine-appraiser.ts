import {
  type Bytes,
  CocoonError,
  decodeCbor,
  encodeCbor,
  hex,
  type SignedStatement,
  type VerifiedStatement,
} from '@cocoon/protocol'
import {
  appraise,
  type Appraisal,
  buildPolicy,
  checkStanding,
  decodeCollateral,
  decodeStanding,
  encodeStanding,
  evidenceDigest,
  MAX_COLLATERAL_BYTES,
  MAX_EVIDENCE_BYTES,
  MAX_STANDING_BYTES,
  type PrivateAppraisal,
  type Proof,
  prune,
  recall,
  type RefusedAppraisal,
  remember,
  Seen,
  type SignedStanding,
  type VerdictCache,
  verdictKey,
} from '@cocoon/protocol/appraisal'
import type { Broker } from './broker.ts'
import type { Environment } from './environment.ts'
import type { NodeView } from './events.ts'

/** The owners' word is asked for again after this time; a stamp is good for 48 hours. Milliseconds. */
const STANDING_AGE = 5 * 60_000
/** Evidence and collateral kept by digest, in memory. */
const MAX_CONTENT = 16
const MAX_SEEN_BYTES = 1024

/** Keeps, between runs, what this device saw last of registry and stamp, so that nobody can hand it older ones. */
export interface SeenMemory {
  load(): Promise<Bytes | null>
  save(seen: Bytes): Promise<void>
}

/** A machine whose evidence does not hold. Nothing was sealed to it. */
export class MachineRefused extends CocoonError {
  readonly nodeId: string
  readonly appraisal: RefusedAppraisal
  /** What was appraised, for whoever wants to look into it. */
  readonly proof: Proof

  constructor(nodeId: string, appraisal: RefusedAppraisal, proof: Proof) {
    super('not-attested', `the machine was refused: ${appraisal.code}: ${appraisal.message}`)
    this.nodeId = nodeId
    this.appraisal = appraisal
    this.proof = proof
  }

  /** Another machine would be refused for the same: it is not about this one. */
  get concernsAll(): boolean {
    return this.appraisal.blame === 'registry'
  }
}

interface Carried {
  readonly standing: SignedStanding
  /** Milliseconds of this device's clock. */
  readonly at: number
}

/** Appraises machines for one device: fetches what the broker carries, believes none of it, remembers verdicts. */
export class MachineAppraiser {
  readonly #broker: Broker
  readonly #environment: Environment
  readonly #network: number
  readonly #memory: SeenMemory | undefined
  readonly #content = new Map<string, Bytes>()
  #verdicts: VerdictCache = new Map()
  /** The key of the newest verdict on each evidence, and the collateral it was reached with, by evidence digest. */
  readonly #known = new Map<string, { readonly key: string; readonly collateral: Bytes }>()
  #carried: Promise<Carried> | undefined
  #seen: Promise<Seen | null> | undefined

  constructor(broker: Broker, environment: Environment, network: number, memory?: SeenMemory) {
    this.#broker = broker
    this.#environment = environment
    this.#network = network
    this.#memory = memory
  }

  /** @throws MachineRefused; CocoonError `unreachable` or `not-attested` where what is needed cannot be had */
  async appraise(
    verified: VerifiedStatement,
    signed: SignedStatement,
    digest: Bytes,
  ): Promise<{ view: NodeView; proof: Proof }> {
    const { nodeId } = verified
    const evidence = hex(digest)
    const { standing } = await this.#standing()
    const now = Math.floor(this.#environment.now() / 1000)
    const input = { network: this.#network, ...standing, seen: await this.#lastSeen(), now }
    const today = await checkStanding(input)
    if (!today.failure) this.#verdicts = prune(this.#verdicts, today.value)
    const known = this.#known.get(evidence)
    let appraisal = known && !today.failure ? await recall(this.#verdicts, known.key, today.value, verified) : null
    const proof = (bytes: Bytes, collateral: Bytes | null): Proof => ({
      network: this.#network,
      statement: signed,
      evidence: bytes,
      collateral,
      standing: encodeStanding(standing),
      seen: input.seen,
      at: now,
    })
    const bytes = await this.#evidence(nodeId, evidence)
    let used = known?.collateral ?? null
    if (!appraisal) {
      for (const collateral of await this.#collateral(nodeId)) {
        used = collateral
        appraisal = await this.#appraiseWith(collateral, { ...input, evidence: bytes, statement: verified })
        // Junk that somebody carries must not condemn an honest machine; whatever is not about it is final.
        if (appraisal.verdict === 'private' || appraisal.blame !== 'endorsement') break
      }
    }
    if (!appraisal) throw new CocoonError('not-attested', 'nobody vouches for this machine now')
    if (appraisal.verdict === 'refused') {
      if (appraisal.blame === 'registry') this.#carried = undefined
      throw new MachineRefused(nodeId, appraisal, proof(bytes, used))
    }
    await this.#remember(evidence, used, appraisal)
    const standingOf = appraisal.developmentMachine ? 'development' : 'private'
    return { view: { nodeId, evidence, standing: standingOf }, proof: proof(bytes, used) }
  }

  async #appraiseWith(
    collateral: Bytes,
    input: Omit<Parameters<typeof appraise>[0], 'collateral'>,
  ): Promise<Appraisal> {
    return appraise({ ...input, collateral: decodeCollateral(collateral) })
  }

  async #remember(evidence: string, collateral: Bytes | null, appraisal: PrivateAppraisal): Promise<void> {
    const { seen } = appraisal
    if (!seen) return
    if (collateral) {
      const decoded = decodeCollateral(collateral)
      const [registry, policy] = [seen.registry.digest, await buildPolicy()]
      const key = await verdictKey({ evidence: appraisal.evidence, collateral: decoded, registry, policy })
      this.#verdicts = remember(this.#verdicts, key, appraisal)
      this.#known.set(evidence, { key, collateral })
      if (this.#known.size > MAX_CONTENT) this.#known.delete([...this.#known.keys()][0] ?? '')
    }
    const before = await this.#lastSeen()
    const encoded = encodeCbor(seen)
    if (before && hex(encodeCbor(before)) === hex(encoded)) return
    this.#seen = Promise.resolve(seen)
    // Where nothing can be stored, the next run of this device trusts anew.
    await this.#memory?.save(encoded).catch(() => undefined)
  }

  #lastSeen(): Promise<Seen | null> {
    this.#seen ??= this.#load()
    return this.#seen
  }

  async #load(): Promise<Seen | null> {
    const bytes = await this.#memory?.load().catch(() => null)
    if (!bytes) return null
    try {
      return decodeCbor(Seen, bytes, MAX_SEEN_BYTES)
    } catch {
      return null
    }
  }

  #standing(): Promise<Carried> {
    const carried = this.#carried
    if (!carried) return this.#fetchStanding()
    return carried.then((known) => {
      return this.#environment.now() - known.at < STANDING_AGE ? known : this.#fetchStanding()
    })
  }

  #fetchStanding(): Promise<Carried> {
    const fetching = this.#broker
      .bytes('/standing', MAX_STANDING_BYTES)
      .then((bytes) => ({ standing: decodeStanding(bytes), at: this.#environment.now() }))
    this.#carried = fetching
    fetching.catch(() => {
      if (this.#carried === fetching) this.#carried = undefined
    })
    return fetching
  }

  async #evidence(nodeId: string, digest: string): Promise<Bytes> {
    const bytes = await this.#fetchContent(nodeId, digest, MAX_EVIDENCE_BYTES)
    if (!bytes) throw new CocoonError('not-attested', 'the evidence that the node states cannot be had')
    return bytes
  }

  /** What can be decoded of all collateral that is carried for this node. */
  async #collateral(nodeId: string): Promise<Bytes[]> {
    const digests = await this.#broker.collateral(nodeId)
    const all = await Promise.all(digests.map((digest) => this.#fetchContent(nodeId, digest, MAX_COLLATERAL_BYTES)))
    return all.filter((bytes) => bytes !== null && isCollateral(bytes)).flatMap((bytes) => bytes ?? [])
  }

  /** Null for what is not there, or is not what its name says. */
  async #fetchContent(nodeId: string, digest: string, most: number): Promise<Bytes | null> {
    const known = this.#content.get(digest)
    if (known) return known
    let bytes
    try {
      bytes = await this.#broker.bytes(`/nodes/${nodeId}/content/${digest}`, most)
    } catch (error) {
      if (error instanceof CocoonError && error.code === 'not-found') return null
      throw error
    }
    if (hex(await evidenceDigest(bytes)) !== digest) return null
    this.#content.set(digest, bytes)
    if (this.#content.size > MAX_CONTENT) this.#content.delete([...this.#content.keys()][0] ?? '')
    return bytes
  }
}

function isCollateral(bytes: Bytes): boolean {
  try {
    decodeCollateral(bytes)
    return true
  } catch {
    return false
  }
}
