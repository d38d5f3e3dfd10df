import {
  type Bytes,
  fromHex,
  hex,
  limits,
  MAX_NODE_JOBS,
  type MessageOf,
  type Random,
  type RefusalCode,
  type Signer,
  signRefusal,
} from '@cocoon/protocol'
import { admit, type Admission, type ArrivedJob, bindingOf } from './admission.ts'
import { Admitting, type Meanwhile } from './admitting.ts'
import { streamAnswer } from './answer.ts'
import { Arrivals } from './arrivals.ts'
import type { Engine } from './engine/engine.ts'
import { JunkAllowance } from './junk-allowance.ts'
import type { Link } from './link.ts'
import type { Log } from './log.ts'
import { type Clock, PREKEY_LIFETIME, type PrekeyRing, type Terms } from './prekeys.ts'
import { RefusalLog } from './refusal-log.ts'
import { readRequest, RunningJob } from './running-job.ts'
import { SeenJobs } from './seen-jobs.ts'

/** Jobs whose bodies are here and are not open yet, beyond twice the slots; bytes of all such bodies, and of those arriving. */
const ADMITTING = 16
const BODY_BYTES = 8 * limits.request
/** An answer that nobody fetched is kept as long as a broker would keep it. Milliseconds. */
const KEPT = 24 * 60 * 60 * 1000

export interface NodeJobsOptions {
  readonly terms: Terms
  readonly engine: Engine
  /** The engine's own name for each model offered. */
  readonly engineModels: ReadonlyMap<string, string>
  /** For requests that bring none. */
  readonly temperature?: number | undefined
  /** How long the engine may be silent; see `ENGINE_SILENCE`. Milliseconds. */
  readonly engineSilence?: number | undefined
  readonly log: Log
}

/** What a node's jobs need of the node itself. */
export interface Household {
  readonly signer: Signer
  readonly prekeys: PrekeyRing
  readonly clock: Clock
  readonly random: Random
  readonly link: Pick<Link, 'send' | 'sendBytes' | 'rejoin'>
  /** The number of free slots changed. */
  readonly loadChanged: () => void
}

/** A node's jobs, from the first piece of a body to the acknowledgement of the last frame. */
export class NodeJobs {
  readonly #options: NodeJobsOptions
  readonly #house: Household
  readonly #seen: SeenJobs
  readonly #arrivals: Arrivals
  readonly #admitting: Admitting
  readonly #junk: JunkAllowance
  readonly #refusals: RefusalLog
  /** Open, and running or with frames that are not acknowledged. */
  readonly #jobs = new Map<string, RunningJob>()
  /** Slots that are taken; of them, by jobs that are not open yet. */
  #running = 0
  #opening = 0
  #draining = false
  #idle: PromiseWithResolvers<void> | undefined

  constructor(options: NodeJobsOptions, house: Household) {
    const { slots } = options.engine
    this.#options = options
    this.#house = house
    this.#seen = new SeenJobs(house.clock, PREKEY_LIFETIME)
    this.#arrivals = new Arrivals(slots, BODY_BYTES)
    this.#admitting = new Admitting(2 * slots + ADMITTING, BODY_BYTES)
    const monotonic = (): number => house.clock.monotonic()
    this.#junk = new JunkAllowance(monotonic)
    this.#refusals = new RefusalLog(options.log, monotonic)
  }

  get draining(): boolean {
    return this.#draining
  }

  get free(): number {
    return this.#draining ? 0 : Math.max(0, this.#options.engine.slots - this.#running)
  }

  /** Jobs being opened count too: what a node does not name, its relay gives up. */
  get known(): Bytes[] {
    return [...new Set([...this.#jobs.keys(), ...this.#admitting.ids])].slice(0, MAX_NODE_JOBS).map(fromHex)
  }

  arrive(job: MessageOf<'job'>): void {
    const arrival = this.#arrivals.begin(job)
    // Silence would leave the person waiting for ever.
    if (arrival === 'full') this.#refuse(job, 'busy')
    else if (arrival !== 'arriving') this.#arrived(arrival)
  }

  /** @throws CocoonError `broken-encoding` for a piece that no honest relay sends */
  chunk(message: MessageOf<'chunk'>): void {
    this.#arrived(this.#arrivals.add(message))
  }

  acknowledge({ jobId, next }: MessageOf<'ack'>): void {
    const id = hex(jobId)
    const job = this.#jobs.get(id)
    job?.outbox.acknowledge(next)
    if (job?.outbox.empty) this.#jobs.delete(id)
  }

  resend({ jobId, next }: MessageOf<'resend'>): void {
    this.#jobs.get(hex(jobId))?.outbox.resend(next)
  }

  cancel({ jobId, token }: MessageOf<'cancel'>): void {
    const id = hex(jobId)
    const job = this.#jobs.get(id)
    if (job) return job.cancel(token)
    if (this.#admitting.has(id) || this.#arrivals.has(id)) this.#admitting.cancel(id, token)
  }

  /** The relay knows nothing of this job: nobody waits for it. */
  forget({ jobId }: MessageOf<'forget'>): void {
    const id = hex(jobId)
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    this.#arrivals.forget(id)
    this.#admitting.forget(id)
    job?.interrupt('cancelled')
    job?.outbox.drop()
  }

  /** The link is up again: what was on its way here is lost, what was on its way there is sent again. */
  joined(): void {
    this.#arrivals.clear()
    this.#admitting.dropStrayCancels()
    for (const job of this.#jobs.values()) job.outbox.resend()
  }

  /** Now and then: asks about frames without an acknowledgement, and gives up answers that nobody ever fetched. */
  tick(): void {
    const now = this.#house.clock.monotonic()
    this.#refusals.tell()
    for (const [id, job] of this.#jobs) {
      if (job.ended === undefined || now - job.ended < KEPT) {
        job.outbox.nudge()
        continue
      }
      this.#jobs.delete(id)
      job.outbox.drop()
      this.#options.log('job.expired', { job: id })
    }
  }

  /** Takes no new job from now on. Resolves when none runs any more. */
  drain(): Promise<void> {
    this.#draining = true
    if (this.#running === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  interruptAll(): void {
    for (const job of this.#jobs.values()) job.interrupt('node-stopping')
  }

  /** Resolves when every frame is stored at the relay. */
  async stored(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => job.outbox.emptied))
  }

  #arrived(arrived: ArrivedJob | undefined): void {
    if (!arrived) return
    const { job } = arrived
    const id = hex(job.jobId)
    const since = this.#house.clock.monotonic()
    const take = async (meanwhile: Meanwhile): Promise<void> => {
      try {
        await this.#take(id, arrived, meanwhile, since)
      } catch (error) {
        // A fault of our own. The job did not run; another node may take it.
        this.#options.log('job.fault', { job: id, why: nameOf(error) })
        this.#refuse(job, 'busy')
      }
    }
    if (!this.#admitting.add(id, job.bodyLength, take)) this.#refuse(job, 'busy')
  }

  async #take(id: string, arrived: ArrivedJob, meanwhile: Meanwhile, since: number): Promise<void> {
    if (meanwhile.forgotten) return
    const admission = await this.#admit(arrived)
    switch (admission.kind) {
      case 'again': {
        const job = this.#jobs.get(id)
        // Its frames were stored and forgotten: there is nothing left to send, and it does not run twice.
        return job ? job.outbox.resend() : this.#refuse(arrived.job, 'already-seen')
      }
      case 'refused':
        return this.#refuse(arrived.job, admission.code)
      case 'opened':
        return this.#begin(id, arrived.job, admission, meanwhile, since)
    }
  }

  #admit(arrived: ArrivedJob): Promise<Admission> {
    const { terms, engineModels } = this.#options
    return admit(arrived, {
      network: terms.network,
      prekeys: this.#house.prekeys,
      seen: this.#seen,
      private: terms.evidence !== null,
      serves: (model) => engineModels.has(model),
      takeSlot: () => {
        if (this.#draining) return 'draining'
        if (this.free === 0 || this.#jobs.size + this.#opening >= MAX_NODE_JOBS || this.#junk.spent) return 'busy'
        this.#running += 1
        this.#opening += 1
        return 'taken'
      },
      releaseSlot: () => {
        this.#junk.spend()
        this.#opening -= 1
        this.#release()
      },
    })
  }

  /** The job holds a slot from here on, which is given back whatever happens. */
  async #begin(
    id: string,
    message: MessageOf<'job'>,
    { header, content, exporter }: Extract<Admission, { kind: 'opened' }>,
    meanwhile: Meanwhile,
    since: number,
  ): Promise<void> {
    let job: RunningJob
    try {
      const { link, random } = this.#house
      job = await RunningJob.begin(message, exporter, (bytes) => link.sendBytes(bytes), random)
    } catch (error) {
      this.#seen.forget(message.jobId)
      this.#release()
      throw error
    } finally {
      this.#opening -= 1
    }
    if (meanwhile.forgotten) {
      this.#options.log('job.forgotten', { job: id })
      return this.#release()
    }
    this.#jobs.set(id, job)
    for (const token of meanwhile.cancels) job.cancel(token)
    // Not awaited: a copy of this job that arrives meanwhile is answered at once.
    void this.#run(id, job, header.model, content, since)
  }

  async #run(id: string, job: RunningJob, model: string, content: Bytes, since: number): Promise<void> {
    const { engine, engineModels, engineSilence: silence, log, temperature, terms } = this.#options
    const { signal, sealer, outbox } = job
    const monotonic = (): number => this.#house.clock.monotonic()
    const began = monotonic()
    const late = setTimeout(() => job.interrupt('time-limit'), terms.limits.seconds * 1000)
    try {
      this.#house.loadChanged()
      log('job.started', { job: id, model })
      const read = () => readRequest(content, model, engineModels.get(model) ?? model, temperature)
      const interrupt = job.interrupt.bind(job)
      const answerLimits = { signal, interruption: () => job.interruption, interrupt, monotonic, silence }
      const { final, firstTokenMs } = await streamAnswer(engine, read, sealer, outbox, answerLimits)
      log('job.ended', {
        job: id,
        model,
        status: final.status,
        ...(final.code ? { code: final.code } : {}),
        ...(firstTokenMs === undefined ? {} : { firstTokenMs: Math.round(firstTokenMs) }),
        milliseconds: Math.round(monotonic() - began),
        queued: Math.round(began - since),
      })
    } catch (error) {
      // No final frame could be sealed. The relay hears at the next join that this job is not here any more.
      this.#jobs.delete(id)
      outbox.drop()
      log('job.fault', { job: id, why: nameOf(error) })
      this.#house.link.rejoin()
    } finally {
      clearTimeout(late)
      job.ended = monotonic()
      this.#release()
      this.#house.loadChanged()
    }
  }

  #release(): void {
    this.#running -= 1
    if (this.#running === 0) this.#idle?.resolve()
  }

  #refuse(job: MessageOf<'job'>, code: RefusalCode): void {
    this.#refusals.refused(hex(job.jobId), code)
    void this.#sendRefusal(job, code)
  }

  async #sendRefusal(job: MessageOf<'job'>, code: RefusalCode): Promise<void> {
    try {
      const refusal = await signRefusal(await bindingOf(job), code, this.#house.signer)
      this.#house.link.send({ kind: 'refusal', ...refusal })
    } catch (error) {
      this.#options.log('job.fault', { job: hex(job.jobId), why: nameOf(error) })
    }
  }
}

/** An error's message may quote what a person wrote; its class does not. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}
