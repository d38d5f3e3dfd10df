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
/** Seconds. */
const CHECK_AGE = 60
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
  readonly bytes: Bytes
  /** What checking it said, and when: signatures do not change, and dates not within a minute. */
  checked?: { readonly at: number; readonly outcome: Awaited<ReturnType<typeof checkStanding>> }
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
    const known = this.#known.get(evidence)
    // Everything that could be needed is fetched at once; what was fetched before is not again.
    const [fetchingBytes, fetchingCollateral] = [
      this.#evidence(nodeId, evidence),
      known ? null : this.#collateral(nodeId),
    ]
    for (const fetching of [fetchingBytes, fetchingCollateral]) fetching?.catch(() => undefined)
    const carried = await this.#standing()
    const { standing } = carried
    const now = Math.floor(this.#environment.now() / 1000)
    const input = { network: this.#network, ...standing, seen: await this.#lastSeen(), now }
    const today = await this.#today(carried, input)
    if (!today.failure) this.#verdicts = prune(this.#verdicts, today.value)
    const recalled = known && !today.failure ? await recall(this.#verdicts, known.key, today.value, verified) : null
    const proof = (bytes: Bytes, collateral: Bytes | null): Proof => ({
      network: this.#network,
      statement: signed,
      evidence: bytes,
      collateral,
      standing: carried.bytes,
      seen: input.seen,
      at: now,
    })
    let appraisal = recalled
    const bytes = await fetchingBytes
    let used = known?.collateral ?? null
    if (!appraisal) {
      for (const collateral of await (fetchingCollateral ?? this.#collateral(nodeId))) {
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
    if (appraisal !== recalled) await this.#keepVerdict(evidence, used, appraisal)
    await this.#keepSeen(appraisal)
    const standingOf = appraisal.developmentMachine ? 'development' : 'private'
    return { view: { nodeId, evidence, standing: standingOf }, proof: proof(bytes, used) }
  }

  async #today(carried: Carried, input: Parameters<typeof checkStanding>[0]) {
    const before = carried.checked
    if (before && Math.abs(input.now - before.at) < CHECK_AGE) return before.outcome
    const outcome = await checkStanding(input)
    carried.checked = { at: input.now, outcome }
    return outcome
  }

  async #appraiseWith(
    collateral: Bytes,
    input: Omit<Parameters<typeof appraise>[0], 'collateral'>,
  ): Promise<Appraisal> {
    return appraise({ ...input, collateral: decodeCollateral(collateral) })
  }

  async #keepVerdict(evidence: string, collateral: Bytes | null, appraisal: PrivateAppraisal): Promise<void> {
    if (!appraisal.seen || !collateral) return
    const decoded = decodeCollateral(collateral)
    const [registry, policy] = [appraisal.seen.registry.digest, await buildPolicy()]
    const key = await verdictKey({ evidence: appraisal.evidence, collateral: decoded, registry, policy })
    this.#verdicts = remember(this.#verdicts, key, appraisal)
    this.#known.set(evidence, { key, collateral })
    if (this.#known.size > MAX_CONTENT) this.#known.delete([...this.#known.keys()][0] ?? '')
  }

  async #keepSeen({ seen }: PrivateAppraisal): Promise<void> {
    if (!seen) return
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
      .then((bytes): Carried => ({ standing: decodeStanding(bytes), bytes, at: this.#environment.now() }))
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
