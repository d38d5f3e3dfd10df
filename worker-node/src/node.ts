import {
  type Attested,
  type Bytes,
  createSigner,
  equal,
  type Message,
  type MessageOf,
  nodeIdOf,
  type Random,
  secureRandom,
  type Signer,
} from '@cocoon/protocol'
import { Link } from './link.ts'
import { NodeJobs, type NodeJobsOptions } from './node-jobs.ts'
import { type BindStatement, type Clock, PREKEY_ROTATION, PrekeyRing, systemClock, type Terms } from './prekeys.ts'

/** Frames without an acknowledgement for this long are asked about. Milliseconds. */
const NUDGE = 2_000
/** How long a stopping node waits for its running jobs, then for their frames to be stored. Milliseconds. */
const DRAIN = 20_000
const DRAIN_FRAMES = 3_000

export interface NodeOptions extends NodeJobsOptions {
  readonly broker: string
  readonly clock?: Clock
  readonly random?: Random
  /** The identity key, where evidence was made for one; a fresh one otherwise. */
  readonly signer?: Signer
  /** Binds statements to evidence that changes; those of `terms` are bound to what they say otherwise. */
  readonly bind?: BindStatement
  /** What the relay is shown of the evidence that a statement names; undefined for what is not kept any more. */
  readonly attested?: (evidence: Bytes) => Attested | undefined
}

/** A provider's node: takes jobs from its relay, opens them, has the engine answer, seals the answer. */
export class WorkerNode {
  readonly nodeId: string
  readonly #options: NodeOptions
  readonly #prekeys: PrekeyRing
  readonly #link: Link
  readonly #jobs: NodeJobs
  readonly #timers: NodeJS.Timeout[] = []

  private constructor(options: NodeOptions, signer: Signer, nodeId: string) {
    const { clock = systemClock, random = secureRandom, terms } = options
    this.#options = options
    this.nodeId = nodeId
    this.#prekeys = new PrekeyRing(signer, terms, clock, options.bind)
    this.#link = new Link({
      ...options,
      nodeId,
      signer,
      network: terms.network,
      chance: () => new DataView(random(4).buffer).getUint32(0) / 2 ** 32,
      monotonic: () => clock.monotonic(),
      hello: () => this.#hello(),
      receive: (message) => this.#receive(message),
      joined: () => this.#joined(),
    })
    const house = { signer, prekeys: this.#prekeys, clock, random, link: this.#link }
    this.#jobs = new NodeJobs(options, { ...house, loadChanged: () => this.#pushLoad() })
  }

  /** Starts a node under a fresh identity, which lives in memory only: after a restart it is another node. */
  static async start(options: NodeOptions): Promise<WorkerNode> {
    const signer = options.signer ?? (await createSigner())
    const node = new WorkerNode(options, signer, await nodeIdOf(signer.publicKey))
    await node.#prekeys.rotate()
    node.#timers.push(
      setInterval(() => void node.#rotate(), PREKEY_ROTATION),
      setInterval(() => node.#tick(), NUDGE),
    )
    node.#link.open()
    return node
  }

  /** The relay took this node's statement, and the link stands. */
  get up(): boolean {
    return this.#link.up
  }

  get draining(): boolean {
    return this.#jobs.draining
  }

  get offers(): Terms['offers'] {
    return this.#prekeys.offers
  }

  /** States other offers from now on: prices, say. */
  async offer(offers: Terms['offers']): Promise<void> {
    this.#prekeys.offer(offers)
    await this.#rotate()
  }

  /** Takes no new job, lets the running ones end, for so many milliseconds at most, and leaves. */
  async stop(patience = DRAIN): Promise<void> {
    const idle = this.#jobs.drain()
    this.#pushLoad()
    await Promise.race([idle, delay(patience)])
    this.#jobs.interruptAll()
    await Promise.race([this.#jobs.stored(), delay(DRAIN_FRAMES)])
    for (const timer of this.#timers) clearInterval(timer)
    this.#link.close()
  }

  get load(): Pick<MessageOf<'load'>, 'slots' | 'free'> {
    return { slots: this.#options.engine.slots, free: this.#jobs.free }
  }

  #hello(): Omit<MessageOf<'hello'>, 'kind' | 'signature'> {
    return { statement: this.#prekeys.current, ...this.load, jobs: this.#jobs.known, ...this.#attested() }
  }

  #attested(): { attested?: Attested } {
    const { evidence } = this.#prekeys
    const attested = evidence && this.#options.attested?.(evidence)
    return attested ? { attested } : {}
  }

  #joined(): void {
    this.#options.log('link.up', this.load)
    // The relay starts with what the hello said; a node that is leaving says so again.
    if (this.#jobs.draining) this.#pushLoad()
    this.#jobs.joined()
  }

  #pushLoad(): void {
    this.#link.send({ kind: 'load', ...this.load, draining: this.#jobs.draining })
  }

  async #rotate(): Promise<void> {
    try {
      const before = this.#prekeys.evidence
      const statement = await this.#prekeys.rotate()
      const { evidence } = this.#prekeys
      // The relay has what it was shown before.
      const renewed = evidence !== null && !(before && equal(before, evidence))
      this.#link.send({ kind: 'statement', statement, ...(renewed ? this.#attested() : {}) })
    } catch (error) {
      // The prekey before is good for as long again; the next turn tries once more.
      this.#options.log('node.fault', { why: error instanceof Error ? error.name : 'unknown' })
    }
  }

  #tick(): void {
    this.#prekeys.forgetExpired()
    this.#jobs.tick()
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'job':
        return this.#jobs.arrive(message)
      case 'chunk':
        return this.#jobs.chunk(message)
      case 'ack':
        return this.#jobs.acknowledge(message)
      case 'resend':
        return this.#jobs.resend(message)
      case 'cancel':
        return this.#jobs.cancel(message)
      case 'forget':
        return this.#jobs.forget(message)
      default:
        this.#options.log('link.ignored', { why: `a relay does not send ${message.kind}` })
    }
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
