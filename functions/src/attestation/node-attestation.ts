import {
  type Attested,
  type Bytes,
  CocoonError,
  equal,
  hex,
  networks,
  sha256,
  type VerifiedStatement,
} from '@cocoon/protocol'
import {
  appraise,
  type Appraisal,
  buildPolicy,
  checkStanding,
  type Collateral,
  decodeCollateral,
  decodeEvidence,
  decodeStanding,
  evidenceDigest,
  platformOf,
  recall,
  remember,
  type SignedStanding,
  type VerdictCache,
  verdictKey,
} from '@cocoon/protocol/appraisal'
import { log } from '../log.ts'
import type { Settings } from '../settings.ts'
import type { AttestedStore } from './attested-store.ts'
import { type Endorsement, platformName } from './endorsements.ts'

const CARRIER = 'standing'

/** The object that carries registry statement and stamp. */
export function standingCarrier(env: Env) {
  return env.STANDING.getByName(CARRIER)
}

/**
 * What a relay does about the evidence of its node: keeps it for devices, and appraises it as they do, so that people are
 * not sent to machines they would refuse. It decides for the broker alone; every device decides for itself.
 */
export class NodeAttestation {
  readonly #env: Env
  readonly #settings: Settings
  readonly #store: AttestedStore
  #verdicts: VerdictCache = new Map()

  constructor(env: Env, settings: Settings, store: AttestedStore) {
    this.#env = env
    this.#settings = settings
    this.#store = store
  }

  /** Content by digest, hex. */
  content(digest: string): Bytes | null {
    return this.#store.bytes(digest)
  }

  /** Digests of the collateral there is, hex; the broker's own first. */
  collateral(): string[] {
    const both = [this.#store.digest('broker'), this.#store.digest('node')]
    return [...new Set(both.flatMap((digest) => digest ?? []))]
  }

  /**
   * Takes what the node shows with a statement, and appraises it. A statement without evidence passes: whether such a node
   * is served at all is decided elsewhere.
   * @throws CocoonError `not-attested`, `bad-statement`, `broken-encoding`
   */
  async admit(verified: VerifiedStatement, attested: Attested | undefined): Promise<void> {
    const named = verified.statement.evidence
    if (!named) return
    if (attested) await this.#keep(named, attested)
    const evidence = this.#store.bytes(hex(named))
    if (!evidence) throw new CocoonError('not-attested', 'show the evidence that the statement names')
    const standing = await this.#standing()
    const refused = await this.#appraise(verified, evidence, standing)
    if (!refused) return
    const failed = refused.steps.find(({ status }) => status === 'failed')
    log('node.refused', { node: verified.nodeId, why: refused.code ?? '' })
    throw new CocoonError('not-attested', `evidence refused: ${refused.code} at ${failed?.name ?? 'appraisal'}`)
  }

  async #keep(named: Bytes, { evidence, collateral }: Attested): Promise<void> {
    if (!equal(await evidenceDigest(evidence), named)) {
      throw new CocoonError('bad-statement', 'the evidence is not the one that the statement names')
    }
    decodeEvidence(evidence)
    if (collateral) decodeCollateral(collateral)
    this.#store.renew(hex(named), evidence)
    if (collateral) this.#store.put('node', hex(await sha256(collateral)), collateral)
    else this.#store.remove('node')
  }

  async #standing(): Promise<SignedStanding> {
    const { bytes, fault } = await standingCarrier(this.#env).current()
    if (bytes) return decodeStanding(bytes)
    throw new CocoonError('not-attested', `this broker has no registry statement now (${fault ?? 'starting'})`)
  }

  /** Undefined when some collateral makes it private. */
  async #appraise(
    verified: VerifiedStatement,
    evidence: Bytes,
    standing: SignedStanding,
  ): Promise<Appraisal | undefined> {
    const platform = platformOf(decodeEvidence(evidence))
    const endorsements = platform && this.#env.ENDORSEMENTS.getByName(platformName(platform))
    let refused: Appraisal | undefined
    const tryWith = async (bytes: Bytes): Promise<boolean> => {
      const appraisal = await this.#appraiseWith(verified, evidence, standing, decodeCollateral(bytes))
      if (appraisal.verdict === 'private') return true
      refused = appraisal
      return false
    }
    let fetched: Endorsement | null = null
    if (platform && endorsements) fetched = await endorsements.current(platform)
    if (fetched) this.#store.put('broker', fetched.digest, fetched.bytes)
    if (fetched && (await tryWith(fetched.bytes))) return undefined
    // Only what somebody else vouches can be better from elsewhere.
    if (refused && refused.blame !== 'endorsement') return refused
    const own = this.#store.digest('node')
    const carried = own && own !== fetched?.digest ? this.#store.bytes(own) : null
    if (carried && (await tryWith(carried))) return undefined
    if (platform && endorsements && fetched) {
      const again = await endorsements.current(platform, fetched.digest)
      if (again && again.digest !== fetched.digest) {
        this.#store.put('broker', again.digest, again.bytes)
        if (await tryWith(again.bytes)) return undefined
      }
    }
    if (refused) return refused
    throw new CocoonError('not-attested', 'nobody vouches for this machine now: its maker does not answer')
  }

  async #appraiseWith(
    verified: VerifiedStatement,
    evidence: Bytes,
    standing: SignedStanding,
    collateral: Collateral,
  ): Promise<Appraisal> {
    const input = {
      network: networks[this.#settings.NETWORK],
      ...standing,
      seen: null,
      now: Math.floor(Date.now() / 1000),
    }
    const today = await checkStanding(input)
    if (!today.failure && verified.statement.evidence) {
      const [named, policy] = [verified.statement.evidence, await buildPolicy()]
      const key = await verdictKey({ evidence: named, collateral, registry: today.value.digest, policy })
      const known = await recall(this.#verdicts, key, today.value, verified)
      if (known) return known
      const appraisal = await appraise({ ...input, evidence, statement: verified, collateral })
      if (appraisal.verdict === 'private') this.#verdicts = remember(new Map(), key, appraisal)
      return appraisal
    }
    return appraise({ ...input, evidence, statement: verified, collateral })
  }
}
