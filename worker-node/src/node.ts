import {
  type Bytes,
  cancelToken,
  createSigner,
  equal,
  type Exporter,
  hex,
  MAX_NODE_JOBS,
  type Message,
  type MessageOf,
  nodeIdOf,
  type Random,
  ResponseSealer,
  responseSecret,
  secureRandom,
  type Signer,
  signRefusal,
} from '@cocoon/protocol'
import { admit, type ArrivedJob } from './admission.ts'
import { type Interruption, streamAnswer } from './answer.ts'
import { type ChatRequest, parseChatRequest } from './engine/chat-request.ts'
import { type Engine, EngineError } from './engine/engine.ts'
import { Link } from './link.ts'
import type { Log } from './log.ts'
import { Outbox } from './outbox.ts'
import { type Clock, PREKEY_LIFETIME, PREKEY_ROTATION, PrekeyRing, systemClock, type Terms } from './prekeys.ts'
import { SeenJobs } from './seen-jobs.ts'

/** Frames without an acknowledgement for this long are asked about. Milliseconds. */
const NUDGE = 2_000
/** How long a stopping node waits for its running jobs, then for their frames to be stored. Milliseconds. */
const DRAIN = 20_000
const DRAIN_FRAMES = 3_000

export interface NodeOptions {
  readonly broker: string
  readonly terms: Terms
  readonly engine: Engine
  /** The engine's own name for each model offered. */
  readonly engineModels: ReadonlyMap<string, string>
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
}

interface RunningJob {
  readonly outbox: Outbox
  readonly cancelToken: Bytes
  readonly abort: AbortController
  interruption: Interruption | undefined
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
  /** Bodies still arriving, by job. */
  readonly #arriving = new Map<string, { job: MessageOf<'job'>; chunks: Bytes[]; missing: number }>()
  /** One job is admitted after another with the same id, so that a copy cannot slip in while the first is opened. */
  readonly #admitting = new Map<string, Promise<void>>()
  readonly #jobs = new Map<string, RunningJob>()
  readonly #timers: NodeJS.Timeout[] = []
  #running = 0
  #draining = false
  #idle: PromiseWithResolvers<void> | undefined

  private constructor(options: NodeOptions, signer: Signer, nodeId: string, clock: Clock) {
    this.#options = options
    this.#signer = signer
    this.nodeId = nodeId
    this.#clock = clock
    this.#prekeys = new PrekeyRing(signer, options.terms, clock)
    this.#seen = new SeenJobs(clock, PREKEY_LIFETIME)
    this.#link = new Link({
      ...options,
      nodeId,
      signer,
      network: options.terms.network,
      chance: Math.random,
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
      setInterval(() => node.#nudge(), NUDGE),
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
      this.#idle = Promise.withResolvers()
      await Promise.race([this.#idle.promise, delay(DRAIN)])
      for (const job of this.#jobs.values()) interrupt(job, 'node-stopping')
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
    const jobs = [...this.#jobs.values()].map((job) => job.outbox.jobId)
    return { statement: this.#prekeys.current, slots: this.#options.engine.slots, free: this.#free, jobs }
  }

  #joined(): void {
    this.#options.log('link.up', { slots: this.#options.engine.slots, free: this.#free })
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

  #nudge(): void {
    for (const job of this.#jobs.values()) job.outbox.nudge()
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'job':
        return this.#arrive(message)
      case 'chunk':
        return this.#continueArrival(message)
      case 'ack': {
        const job = this.#jobs.get(hex(message.jobId))
        job?.outbox.acknowledge(message.next)
        if (job?.outbox.empty) this.#jobs.delete(hex(message.jobId))
        return
      }
      case 'resend':
        return this.#jobs.get(hex(message.jobId))?.outbox.resend(message.next)
      case 'cancel': {
        const job = this.#jobs.get(hex(message.jobId))
        if (job && equal(job.cancelToken, message.token)) interrupt(job, 'cancelled')
        return
      }
      case 'forget': {
        const job = this.#jobs.get(hex(message.jobId))
        this.#jobs.delete(hex(message.jobId))
        if (job) interrupt(job, 'cancelled')
        return job?.outbox.drop()
      }
      default:
        this.#options.log('link.ignored', { why: `a relay does not send ${message.kind}` })
    }
  }

  #arrive(job: MessageOf<'job'>): void {
    const id = hex(job.jobId)
    const missing = job.bodyLength - job.body.length
    if (missing <= 0) return this.#queue(id, { job, chunks: [] })
    if (this.#arriving.size < this.#options.engine.slots) this.#arriving.set(id, { job, chunks: [], missing })
  }

  #continueArrival({ jobId, body }: MessageOf<'chunk'>): void {
    const id = hex(jobId)
    const arriving = this.#arriving.get(id)
    if (!arriving) return
    arriving.chunks.push(body)
    arriving.missing -= body.length
    if (arriving.missing > 0) return
    this.#arriving.delete(id)
    this.#queue(id, arriving)
  }

  #queue(id: string, arrived: ArrivedJob): void {
    const before = this.#admitting.get(id) ?? Promise.resolve()
    const mine = before
      .then(() => this.#take(id, arrived))
      .catch(() => this.#options.log('job.fault', { job: id, why: 'admission failed' }))
      .finally(() => {
        if (this.#admitting.get(id) === mine) this.#admitting.delete(id)
      })
    this.#admitting.set(id, mine)
  }

  async #take(id: string, arrived: ArrivedJob): Promise<void> {
    const { log, terms, engineModels } = this.#options
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
      case 'again':
        return this.#jobs.get(id)?.outbox.resend()
      case 'refused': {
        log('job.refused', { job: id, code: admission.code })
        const refusal = await signRefusal(admission.binding, admission.code, this.#signer)
        return this.#link.send({ kind: 'refusal', ...refusal })
      }
      case 'opened': {
        const { header, content, exporter } = admission
        this.#pushLoad()
        // Not awaited: a copy of this job that arrives meanwhile is answered at once.
        void this.#run(id, arrived.job, header.model, content, exporter)
          .catch((error: unknown) => log('job.fault', { job: id, why: error instanceof Error ? error.name : 'unknown' }))
          .finally(() => {
            this.#release()
            this.#pushLoad()
          })
      }
    }
  }

  #release(): void {
    this.#running -= 1
    if (this.#running === 0) this.#idle?.resolve()
  }

  async #run(id: string, job: MessageOf<'job'>, model: string, content: Bytes, exporter: Exporter): Promise<void> {
    const { engine, engineModels, log, terms, random = secureRandom } = this.#options
    const monotonic = (): number => this.#clock.monotonic()
    const began = monotonic()
    const secret = await responseSecret(exporter)
    const sealer = ResponseSealer.create(job.jobId, job.wrap.enc, secret, random)
    const outbox = new Outbox(job.jobId, (message) => this.#link.sendBytes(message))
    const running: RunningJob = {
      outbox,
      cancelToken: await cancelToken(exporter),
      abort: new AbortController(),
      interruption: undefined,
    }
    this.#jobs.set(id, running)
    const late = setTimeout(() => interrupt(running, 'time-limit'), terms.limits.seconds * 1000)
    const interruption = (): Interruption | undefined => running.interruption
    const options = { signal: running.abort.signal, interruption, monotonic }
    const read = (): ChatRequest => readRequest(content, model, engineModels.get(model) ?? model)
    log('job.started', { job: id, model })
    const { final, firstTokenMs } = await streamAnswer(engine, read, sealer, outbox, options)
    clearTimeout(late)
    log('job.ended', {
      job: id,
      model,
      status: final.status,
      ...(final.code ? { code: final.code } : {}),
      ...(firstTokenMs === undefined ? {} : { firstTokenMs: Math.round(firstTokenMs) }),
      milliseconds: Math.round(monotonic() - began),
    })
  }
}

/** @throws EngineError `bad-request` also when the sealed body names another model than the header that was priced. */
function readRequest(content: Bytes, model: string, engineModel: string): ChatRequest {
  const request = parseChatRequest(content)
  if (request.model !== model) throw new EngineError('bad-request', 'model is not the one in the header')
  return { ...request, model: engineModel }
}

function interrupt(job: RunningJob, why: Interruption): void {
  job.interruption ??= why
  job.abort.abort()
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
