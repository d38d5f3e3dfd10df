import {
  type Bytes,
  createSigner,
  fromHex,
  hex,
  MAX_NODE_JOBS,
  type Message,
  type MessageOf,
  nodeIdOf,
  type Random,
  type RefusalCode,
  secureRandom,
  type Signer,
  signRefusal,
} from '@cocoon/protocol'
import { admit, type ArrivedJob, bindingOf } from './admission.ts'
import { streamAnswer } from './answer.ts'
import { Arrivals } from './arrivals.ts'
import type { Engine } from './engine/engine.ts'
import { Link } from './link.ts'
import type { Log } from './log.ts'
import { type Clock, PREKEY_LIFETIME, PREKEY_ROTATION, PrekeyRing, systemClock, type Terms } from './prekeys.ts'
import { readRequest, RunningJob } from './running-job.ts'
import { SeenJobs } from './seen-jobs.ts'

/** Frames without an acknowledgement for this long are asked about. Milliseconds. */
const NUDGE = 2_000
/** How long a stopping node waits for its running jobs, then for their frames to be stored. Milliseconds. */
const DRAIN = 20_000
const DRAIN_FRAMES = 3_000
/** Cancel tokens kept for a job that is not open yet, so that none can be checked. */
const EARLY_CANCELS = 4

export interface NodeOptions {
  readonly broker: string
  readonly terms: Terms
  readonly engine: Engine
  /** The engine's own name for each model offered. */
  readonly engineModels: ReadonlyMap<string, string>
  /** For requests that bring none. */
  readonly temperature?: number | undefined
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
}

/** A provider's node: takes jobs from its relay, opens them, has the engine answer, seals the answer. */
export class WorkerNode {
  readonly nodeId: string
  readonly #options: NodeOptions
  readonly #signer: Signer
  readonly #prekeys: PrekeyRing
  readonly #seen: SeenJobs
  readonly #clock: Clock
  readonly #link: Link
  readonly #random: Random
  readonly #arrivals: Arrivals
  /** One job is admitted after another with the same id, so that a copy cannot slip in while the first is opened. */
  readonly #admitting = new Map<string, Promise<void>>()
  readonly #jobs = new Map<string, RunningJob>()
  /** Cancelled before they could be opened. */
  readonly #cancels = new Map<string, Bytes[]>()
  readonly #timers: NodeJS.Timeout[] = []
  #running = 0
  #draining = false
  #idle: PromiseWithResolvers<void> | undefined

  private constructor(options: NodeOptions, signer: Signer, nodeId: string, clock: Clock) {
    this.#options = options
    this.#signer = signer
    this.nodeId = nodeId
    this.#clock = clock
    this.#random = options.random ?? secureRandom
    this.#arrivals = new Arrivals(options.engine.slots)
    this.#prekeys = new PrekeyRing(signer, options.terms, clock)
    this.#seen = new SeenJobs(clock, PREKEY_LIFETIME)
    this.#link = new Link({
      ...options,
      nodeId,
      signer,
      network: options.terms.network,
      chance: () => new DataView(this.#random(4).buffer).getUint32(0) / 2 ** 32,
      monotonic: () => clock.monotonic(),
      hello: () => this.#hello(),
      receive: (message) => this.#receive(message),
      joined: () => this.#joined(),
    })
  }

  /** Starts a node under a fresh identity, which lives in memory only: after a restart it is another node. */
  static async start(options: NodeOptions): Promise<WorkerNode> {
    const signer = await createSigner()
    const node = new WorkerNode(options, signer, await nodeIdOf(signer.publicKey), options.clock ?? systemClock)
    await node.#prekeys.rotate()
    node.#timers.push(
      setInterval(() => void node.#rotate(), PREKEY_ROTATION),
      setInterval(() => node.#tick(), NUDGE),
    )
    node.#link.open()
    return node
  }

  get up(): boolean {
    return this.#link.up
  }

  /** Takes no new job, lets the running ones end, and leaves. */
  async stop(): Promise<void> {
    this.#draining = true
    this.#pushLoad()
    if (this.#running > 0) {
      this.#idle ??= Promise.withResolvers()
      await Promise.race([this.#idle.promise, delay(DRAIN)])
      for (const job of this.#jobs.values()) job.interrupt('node-stopping')
    }
    const unsent = [...this.#jobs.values()].map((job) => job.outbox.emptied)
    await Promise.race([Promise.all(unsent), delay(DRAIN_FRAMES)])
    for (const timer of this.#timers) clearInterval(timer)
    this.#link.close()
  }

  get #free(): number {
    return this.#draining ? 0 : Math.max(0, this.#options.engine.slots - this.#running)
  }

  #hello(): Omit<MessageOf<'hello'>, 'kind' | 'signature'> {
    // Jobs being opened count too: what a node does not name, its relay gives up.
    const ids = new Set([...this.#jobs.keys(), ...this.#admitting.keys()])
    const jobs = [...ids].slice(0, MAX_NODE_JOBS).map(fromHex)
    return { statement: this.#prekeys.current, slots: this.#options.engine.slots, free: this.#free, jobs }
  }

  #joined(): void {
    this.#options.log('link.up', { slots: this.#options.engine.slots, free: this.#free })
    this.#arrivals.clear()
    for (const id of this.#cancels.keys()) if (!this.#admitting.has(id)) this.#cancels.delete(id)
    for (const job of this.#jobs.values()) job.outbox.resend()
  }

  #pushLoad(): void {
    const slots = this.#options.engine.slots
    this.#link.send({ kind: 'load', slots, free: this.#free, draining: this.#draining })
  }

  async #rotate(): Promise<void> {
    const statement = await this.#prekeys.rotate()
    this.#link.send({ kind: 'statement', statement })
  }

  #tick(): void {
    this.#prekeys.forgetExpired()
    for (const job of this.#jobs.values()) job.outbox.nudge()
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'job':
        return this.#arrive(message)
      case 'chunk':
        return this.#arrived(this.#arrivals.add(message))
      case 'ack': {
        const job = this.#jobs.get(hex(message.jobId))
        job?.outbox.acknowledge(message.next)
        if (job?.outbox.empty) this.#jobs.delete(hex(message.jobId))
        return
      }
      case 'resend':
        return this.#jobs.get(hex(message.jobId))?.outbox.resend(message.next)
      case 'cancel':
        return this.#cancel(hex(message.jobId), message.token)
      case 'forget': {
        const id = hex(message.jobId)
        const job = this.#jobs.get(id)
        this.#jobs.delete(id)
        this.#arrivals.forget(id)
        this.#cancels.delete(id)
        job?.interrupt('cancelled')
        return job?.outbox.drop()
      }
      default:
        this.#options.log('link.ignored', { why: `a relay does not send ${message.kind}` })
    }
  }

  #arrive(job: MessageOf<'job'>): void {
    const arrival = this.#arrivals.begin(job)
    // Silence would leave the person waiting for ever.
    if (arrival === 'full') void this.#refuse(job, 'busy')
    else if (arrival !== 'arriving') this.#arrived(arrival)
  }

  #cancel(id: string, token: Bytes): void {
    const job = this.#jobs.get(id)
    if (job) return job.cancel(token)
    if (!this.#admitting.has(id) && !this.#arrivals.has(id)) return
    this.#cancels.set(id, [...(this.#cancels.get(id) ?? []), token].slice(-EARLY_CANCELS))
  }

  #arrived(arrived: ArrivedJob | undefined): void {
    if (!arrived) return
    const id = hex(arrived.job.jobId)
    const before = this.#admitting.get(id) ?? Promise.resolve()
    const mine = before
      .then(() => this.#take(id, arrived))
      .catch(() => this.#options.log('job.fault', { job: id, why: 'admission failed' }))
      .finally(() => {
        if (this.#admitting.get(id) !== mine) return
        this.#admitting.delete(id)
        this.#cancels.delete(id)
      })
    this.#admitting.set(id, mine)
  }

  async #take(id: string, arrived: ArrivedJob): Promise<void> {
    const { terms, engineModels } = this.#options
    const admission = await admit(arrived, {
      network: terms.network,
      prekeys: this.#prekeys,
      seen: this.#seen,
      private: terms.evidence !== null,
      serves: (model) => engineModels.has(model),
      takeSlot: () => {
        if (this.#draining) return 'draining'
        if (this.#free === 0 || this.#jobs.size >= MAX_NODE_JOBS) return 'busy'
        this.#running += 1
        return 'taken'
      },
      releaseSlot: () => this.#release(),
    })
    switch (admission.kind) {
      case 'again': {
        const job = this.#jobs.get(id)
        // Its frames were stored and forgotten: there is nothing left to send, and it does not run twice.
        return job ? job.outbox.resend() : this.#refuse(arrived.job, 'already-seen')
      }
      case 'refused':
        return this.#refuse(arrived.job, admission.code)
      case 'opened': {
        const { header, content, exporter } = admission
        this.#pushLoad()
        const send = (message: Bytes): boolean => this.#link.sendBytes(message)
        const job = await RunningJob.begin(arrived.job, exporter, send, this.#random)
        this.#jobs.set(id, job)
        for (const token of this.#cancels.get(id) ?? []) job.cancel(token)
        // Not awaited: a copy of this job that arrives meanwhile is answered at once.
        void this.#run(id, job, header.model, content)
      }
    }
  }

  async #refuse(job: MessageOf<'job'>, code: RefusalCode): Promise<void> {
    this.#options.log('job.refused', { job: hex(job.jobId), code })
    const refusal = await signRefusal(await bindingOf(job), code, this.#signer)
    this.#link.send({ kind: 'refusal', ...refusal })
  }

  #release(): void {
    this.#running -= 1
    if (this.#running === 0) this.#idle?.resolve()
  }

  async #run(id: string, job: RunningJob, model: string, content: Bytes): Promise<void> {
    const { engine, engineModels, log, temperature, terms } = this.#options
    const { signal, sealer, outbox } = job
    const monotonic = (): number => this.#clock.monotonic()
    const began = monotonic()
    const late = setTimeout(() => job.interrupt('time-limit'), terms.limits.seconds * 1000)
    log('job.started', { job: id, model })
    try {
      const read = () => readRequest(content, model, engineModels.get(model) ?? model, temperature)
      const options = { signal, interruption: () => job.interruption, monotonic }
      const { final, firstTokenMs } = await streamAnswer(engine, read, sealer, outbox, options)
      log('job.ended', {
        job: id,
        model,
        status: final.status,
        ...(final.code ? { code: final.code } : {}),
        ...(firstTokenMs === undefined ? {} : { firstTokenMs: Math.round(firstTokenMs) }),
        milliseconds: Math.round(monotonic() - began),
      })
    } catch (error) {
      // No final frame could be sealed. The relay hears at the next join that this job is not here any more.
      this.#jobs.delete(id)
      outbox.drop()
      log('job.fault', { job: id, why: error instanceof Error ? error.name : 'unknown' })
    } finally {
      clearTimeout(late)
      this.#release()
      this.#pushLoad()
    }
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
