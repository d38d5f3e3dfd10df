import {
  type BrokerCode,
  type Bytes,
  CocoonError,
  decodeMessage,
  encodeMessage,
  isBrokerCode,
  type MessageOf,
} from '@cocoon/protocol'
import { sendTo } from './client-link.ts'
import { leaseElsewhere } from './leasing.ts'
import { log, logFault, type Outcome } from './log.ts'
import { nodeOf } from './node-link.ts'
import { isWithin } from './rate-limits.ts'
import type { RelayJob } from './relay-job.ts'
import type { RelayParts } from './relay-jobs.ts'
import { regionsFrom } from './settings.ts'

/** Jobs sent to another node, remembered so that each is once. */
const REMEMBERED_MOVES = 1_024

interface Stop {
  readonly code: BrokerCode
  readonly retryAfterMs: number | null
}

/**
 * How jobs end here without a final frame: who is told, what is kept for a reader who is away, and that the question
 * comes back. What awaits something runs in the job's turn.
 */
export class Endings {
  readonly #parts: RelayParts
  readonly #moved = new Set<string>()

  constructor(parts: RelayParts) {
    this.#parts = parts
  }

  /** One line for each job that ends. */
  ended(job: RelayJob, outcome: Outcome, code?: BrokerCode): void {
    const { model, region, queued, created } = job.row
    const node = this.#parts.store.link()?.node
    log('job.ended', {
      job: job.id,
      model,
      ...(node === undefined ? {} : { node }),
      region,
      outcome,
      ...(code === undefined ? {} : { code }),
      ...(queued > 0 ? { queuedMs: queued } : {}),
      ...(job.firstFrameAt === undefined ? {} : { firstFrameMs: job.firstFrameAt - created }),
      milliseconds: (job.endedAt ?? Date.now()) - created,
    })
  }

  /** The node counts this job itself now, or it is over: its slot is not kept any more. */
  counted(job: RelayJob): void {
    const handed = this.#parts.room.counted(job.id)
    if (handed) this.#parts.listing.leaseUsed(handed)
  }

  /** The broker's no to a message, when no job of it was taken in. */
  turnBack(socket: WebSocket, jobId: Bytes, id: string, error: unknown): void {
    const stop = stopOf(error, id)
    log('job.stopped', { job: id, code: stop.code })
    sendTo(socket, { kind: 'stopped', jobId, ...stop })
  }

  /** The node cannot have a job that was not taken in: another node for its reader, or `code`. */
  async turnAway(job: RelayJob, code: BrokerCode): Promise<void> {
    const moved = await this.#moveReader(job, code)
    if (!moved) sendTo(job.reader, { kind: 'stopped', jobId: job.idBytes, code, retryAfterMs: null })
    this.ended(job, moved ? 'moved' : 'stopped', code)
  }

  /** The same for one that was: the node did not get it, or lost it before its first frame. */
  async move(job: RelayJob, code: BrokerCode): Promise<void> {
    this.#close(job, 'lost', { code, retryAfterMs: null })
    const moved = await this.#moveReader(job, code)
    this.ended(job, moved ? 'moved' : 'lost', code)
    await this.#settle(job, moved || this.#told(job))
  }

  /** The reader of a job that was lost while he was away is back. True when there was another node for him. */
  async moveLate(job: RelayJob): Promise<boolean> {
    if (job.begun || job.row.ending === null) return false
    const ending = decodeMessage(new Uint8Array(job.row.ending))
    if (ending.kind !== 'stopped' || !(await this.#moveReader(job, ending.code))) return false
    log('job.moved', { job: job.id, code: ending.code })
    this.#parts.jobs.forget(job.id)
    return true
  }

  /** The node will not finish this job. What it sent stays to be read. */
  async lose(job: RelayJob): Promise<void> {
    if (!job.running || !this.#parts.jobs.has(job)) return
    if (!job.begun) return this.move(job, 'node-lost')
    job.flush()
    this.#close(job, 'lost', { code: 'node-lost', retryAfterMs: null })
    this.#parts.store.setState(job.id, 'lost', job.row.ending)
    job.deliver()
    this.ended(job, 'lost', 'node-lost')
  }

  /** The node is not there for a job whose body is still on its way. */
  async loseUpload(job: RelayJob): Promise<void> {
    if (job.row.state === 'receiving' && this.#parts.jobs.has(job)) await this.move(job, 'node-gone')
  }

  /** The node's signed word, before its first frame. */
  async refused(job: RelayJob, refusal: MessageOf<'refusal'>): Promise<void> {
    job.row.state = 'refused'
    job.row.ending = encodeMessage(refusal).buffer
    this.counted(job)
    this.ended(job, 'refused')
    await this.#settle(job, this.#told(job))
  }

  /** The broker's no to a job that was taken in. */
  async stop(job: RelayJob, error: unknown): Promise<void> {
    const stop = stopOf(error, job.id)
    this.#close(job, 'refused', stop)
    this.ended(job, 'stopped', stop.code)
    await this.#settle(job, this.#told(job))
  }

  /** Its user left it before it was whole. */
  cancelled(job: RelayJob): void {
    this.#parts.jobs.forget(job.id)
    this.ended(job, 'cancelled before sent')
  }

  /** Its day is over. */
  async expire(job: RelayJob): Promise<void> {
    if (job.running) this.ended(job, 'lost')
    job.taken = job.running && !job.begun
    await this.#settle(job, true)
  }

  /** Tries again to give back what is owed. */
  async payOwed(): Promise<void> {
    const { store, jobs } = this.#parts
    for (const id of store.jobsIn('owed')) {
      const row = store.job(id)
      if (row && (await this.#giveBack(row.user, row.lease, id))) jobs.forget(id)
    }
  }

  /** From here on frames of this job are for nobody. */
  #close(job: RelayJob, state: 'lost' | 'refused', stop: Stop): void {
    job.row.state = state
    job.row.ending = encodeMessage({ kind: 'stopped', jobId: job.idBytes, ...stop }).buffer
    this.counted(job)
  }

  /** Tells the reader how the job ended; false when he is away. */
  #told(job: RelayJob): boolean {
    job.deliver()
    return job.reader !== undefined
  }

  /** Forgets a job whose reader knows its end, keeps the end for one who is away, and gives back the question it took. */
  async #settle(job: RelayJob, told: boolean): Promise<void> {
    const { jobs, store } = this.#parts
    const { row } = job
    if (!told) store.setState(job.id, row.state, row.ending)
    if (job.taken && !(await this.#giveBack(row.user, row.lease, job.id))) {
      row.state = 'owed'
      store.setState(job.id, 'owed')
    } else if (told) jobs.forget(job.id)
  }

  async #giveBack(user: string, lease: string, job: string): Promise<boolean> {
    try {
      await this.#parts.env.ACCOUNT.getByName(user).giveBack(lease)
      return true
    } catch (error) {
      logFault('account.fault', error, { job })
      return false
    }
  }

  /** Sends the reader to another node that has a slot for him. False when there is none, or none may be. */
  async #moveReader(job: RelayJob, code: BrokerCode): Promise<boolean> {
    const { env, settings, store, sockets, room } = this.#parts
    const { user, model, region, policy, movable, lease } = job.row
    const node = store.link()?.node ?? ''
    if (!job.reader || movable === 0 || this.#moved.has(job.id)) return false
    this.#moved.add(job.id)
    for (const oldest of this.#moved) if (this.#moved.size > REMEMBERED_MOVES) this.#moved.delete(oldest)
    const socket = sockets.node()
    const { slots, free } = socket ? nodeOf(socket) : { slots: 0, free: 0 }
    const report = { node, slots, free: room.left(free), ended: [lease] }
    try {
      if (!(await isWithin(env, 'LIMIT_MATCH_USER', user))) return false
      const wish = { user, model, policy, exclude: [node] }
      const { to, giveBack } = await leaseElsewhere(env, regionsFrom(settings, region), wish, report)
      if (sendTo(job.reader, { kind: 'moved', jobId: job.idBytes, code, to })) return true
      await giveBack()
    } catch (error) {
      if (!(error instanceof CocoonError)) logFault('job.fault', error, { job: job.id })
    }
    return false
  }
}

function stopOf(error: unknown, job: string): Stop {
  if (!(error instanceof CocoonError)) {
    logFault('job.fault', error, { job })
    return { code: 'broker-fault', retryAfterMs: null }
  }
  return { code: isBrokerCode(error.code) ? error.code : 'malformed', retryAfterMs: error.retryAfterMs ?? null }
}
