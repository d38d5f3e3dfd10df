import {
  type BrokerCode,
  type Bytes,
  CocoonError,
  decodeMessage,
  encodeMessage,
  frameHead,
  fromHex,
  hex,
  isBrokerCode,
  type MessageOf,
} from '@cocoon/protocol'
import { changeReader, CLIENT_JOBS, clientOf, readerOf, sendTo } from './client-link.ts'
import type { Listing } from './listing.ts'
import { log, logFault } from './log.ts'
import { RelayJob } from './relay-job.ts'
import type { RelayStore } from './relay-store.ts'
import type { Settings } from './settings.ts'
import { checkOpen, isComplete, type Upload } from './upload.ts'

/** The sockets a relay has now. */
interface RelaySockets {
  node(): WebSocket | undefined
  clients(): readonly WebSocket[]
}

/** The jobs of one node, from the first message of a client to the acknowledgement of the last frame. */
export class RelayJobs {
  readonly #store: RelayStore
  readonly #settings: Settings
  readonly #listing: Listing
  readonly #accounts: Env['ACCOUNT']
  readonly #sockets: RelaySockets
  readonly #jobs = new Map<string, RelayJob>()
  /** The last of the messages about each job that are being handled. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(
    store: RelayStore,
    settings: Settings,
    listing: Listing,
    accounts: Env['ACCOUNT'],
    sockets: RelaySockets,
  ) {
    this.#store = store
    this.#settings = settings
    this.#listing = listing
    this.#accounts = accounts
    this.#sockets = sockets
  }

  /** One after another what concerns a job: handling it awaits, and a cancel must not overtake the job it cancels. */
  async inTurn(jobId: Bytes, handle: () => void | Promise<void>): Promise<void> {
    const id = hex(jobId)
    const before = this.#turns.get(id)
    const { promise: turn, resolve: done } = Promise.withResolvers<void>()
    this.#turns.set(id, turn)
    await before
    try {
      await handle()
    } finally {
      done()
      if (this.#turns.get(id) === turn) this.#turns.delete(id)
    }
  }

  async open(socket: WebSocket, user: string, open: MessageOf<'open'>): Promise<void> {
    const { kind: _, lease: _lease, ...fields } = open
    const upload: Upload = { job: { kind: 'job', ...fields }, chunks: [] }
    const id = hex(open.jobId)
    try {
      const lease = await checkOpen(open, user, this.#store.link()?.node, this.#settings)
      const known = this.#store.job(id)
      // The same job again: nothing runs twice, what there is of its answer is sent again.
      if (known && (known.state !== 'receiving' || known.user !== user)) return this.resume(socket, user, open.jobId, 0)
      // Its body broke off: it comes again from the start.
      if (known) this.#forget(id)
      if (this.#store.leaseUsed(lease.id)) throw new CocoonError('lease-expired', 'a lease is good for one job')
      if (clientOf(socket).jobs.length >= CLIENT_JOBS) throw new CocoonError('rate-limited', 'open another socket')
      const row = { job: id, user, lease: lease.id, model: lease.model, stored: 0, bytes: 0, created: Date.now() }
      const job = new RelayJob({ ...row, state: 'receiving' }, this.#store)
      this.#store.addJob(job.row)
      this.#jobs.set(id, job)
      this.#attach(job, socket)
      if (await isComplete(upload)) await this.#submit(job, upload)
      else this.#store.addChunk(id, 0, encodeMessage(upload.job))
    } catch (error) {
      this.#refuse(socket, user, open.jobId, error)
    }
  }

  async chunk(socket: WebSocket, user: string, chunk: MessageOf<'chunk'>): Promise<void> {
    const job = this.#job(hex(chunk.jobId), user)
    if (!job) return this.#stop(socket, chunk.jobId, 'unknown-job')
    try {
      const [first, ...before] = job.row.state === 'receiving' ? this.#store.chunks(job.id) : []
      const opened = first && decodeMessage(first)
      if (opened?.kind !== 'job') throw new CocoonError('wrong-order', 'no body is expected for this job')
      this.#store.addChunk(job.id, before.length + 1, chunk.body)
      const upload = { job: opened, chunks: [...before, chunk.body] }
      if (await isComplete(upload)) await this.#submit(job, upload)
    } catch (error) {
      this.#refuse(socket, user, chunk.jobId, error)
    }
  }

  /** The body is here, whole and checked: take the question, hand it to the node. */
  async #submit(job: RelayJob, { job: message, chunks }: Upload): Promise<void> {
    const { user, model, lease } = job.row
    const questions = user.startsWith('telegram:') ? this.#settings.TRIAL_QUESTIONS : this.#settings.TRIAL_FOR_KEYS
    const spent = await this.#accounts.getByName(user).hold(this.#attempt(job), questions)
    if (spent) {
      const retryAfterMs = Math.max(0, spent.renews * 1000 - Date.now())
      throw new CocoonError('trial-spent', 'no free question is left', { retryAfterMs })
    }
    const node = this.#sockets.node()
    // An alarm may have given the job up meanwhile.
    if (!node || this.#jobs.get(job.id) !== job) {
      if (!node) await this.#listing.withdraw()
      await this.#settle(job, 'returned')
      throw new CocoonError('node-gone', 'the node is not connected')
    }
    this.#store.dropChunks(job.id)
    this.#store.setState(job.id, 'sent')
    job.row.state = 'sent'
    this.#listing.leaseUsed(lease, model)
    sendTo(node, message)
    for (const body of chunks) sendTo(node, { kind: 'chunk', jobId: message.jobId, body })
    log('job.sent', { job: job.id, model })
  }

  resume(socket: WebSocket, user: string, jobId: Bytes, from: number): void {
    const job = this.#job(hex(jobId), user)
    if (!job) return this.#stop(socket, jobId, 'unknown-job')
    if (job.row.state === 'receiving') {
      // The rest of its body was lost with the socket that carried it. No question was taken: match again.
      this.#forget(job.id)
      return this.#stop(socket, jobId, 'lease-expired')
    }
    this.#attach(job, socket)
    job.replay(socket, from)
    if (job.row.state === 'lost') this.#stop(socket, jobId, 'node-lost')
    // Frames that this object forgot while it slept are still with the node.
    if (job.row.state === 'sent' && from >= job.received) this.#askAgain(job)
  }

  acknowledged(user: string, { jobId, next }: MessageOf<'ack'>): void {
    const job = this.#job(hex(jobId), user)
    // Its reader has all of it, stored: nothing is left to wait for.
    if (job?.row.state === 'ended' && next >= job.row.stored) this.#forget(job.id)
  }

  cancel(user: string, message: MessageOf<'cancel'>): void {
    const job = this.#job(hex(message.jobId), user)
    // The node has not heard of it, and never will.
    if (job?.row.state === 'receiving') return this.#forget(job.id)
    if (job?.row.state === 'sent') sendTo(this.#sockets.node(), message)
  }

  async frame(node: WebSocket, message: MessageOf<'frame'>): Promise<void> {
    const { jobId, frame } = message
    const { sequence, final } = frameHead(frame)
    const job = this.#job(hex(jobId))
    if (job?.row.state !== 'sent') {
      // Acknowledge what is stored already; let the node forget what nobody waits for.
      const ended = job?.row.state === 'ended'
      sendTo(node, ended ? { kind: 'ack', jobId, next: job.row.stored } : { kind: 'forget', jobId })
      return
    }
    if (sequence > job.received) {
      if (job.asked !== job.received) this.#askAgain(job)
      return
    }
    if (!job.hasRoom(frame)) {
      sendTo(node, { kind: 'forget', jobId })
      return this.lose(job.id)
    }
    let stored = true
    if (sequence === job.received) {
      sendTo(job.client, message)
      stored = job.take(frame, final)
    } else {
      // Sent again because no acknowledgement came: store what is pending, so that one can.
      job.flush()
    }
    if (stored) sendTo(node, { kind: 'ack', jobId, next: job.row.stored })
    if (job.row.state === 'sent') return
    log('job.ended', { job: job.id, model: job.row.model, milliseconds: Date.now() - job.row.created })
    await this.#settle(job, 'used')
  }

  async refusal(message: MessageOf<'refusal'>): Promise<void> {
    const job = this.#job(hex(message.jobId))
    if (job?.row.state !== 'sent' || job.received > 0) return
    sendTo(job.client, message)
    log('job.refused', { job: job.id, code: message.code })
    this.#forget(job.id)
    await this.#settle(job, 'returned')
  }

  /** This socket is gone. Answers wait for its user's return; a body it had not sent whole is not waited for. */
  async leave(socket: WebSocket, jobs: readonly string[]): Promise<void> {
    for (const id of jobs) {
      await this.inTurn(fromHex(id), () => {
        const job = this.#job(id)
        if (!job || (job.client !== undefined && job.client !== socket)) return
        job.client = undefined
        if (job.row.state === 'receiving') this.#forget(id)
      })
    }
  }

  /** The node stays away. */
  async giveUp(): Promise<void> {
    for (const { job } of this.#store.jobsIn('sent')) await this.lose(job)
    for (const { job } of this.#store.jobsIn('receiving')) {
      this.#stop(this.#job(job)?.client, fromHex(job), 'node-gone')
      this.#forget(job)
    }
  }

  expire(now: number): void {
    for (const { job } of this.#store.expired(now)) this.#forget(job)
  }

  /** The job, if it is here (and this user's, when one is named). */
  #job(id: string, user?: string): RelayJob | undefined {
    let job = this.#jobs.get(id)
    if (!job) {
      const row = this.#store.job(id)
      if (!row) return undefined
      job = new RelayJob(row, this.#store)
      job.client = readerOf(this.#sockets.clients(), id)
      this.#jobs.set(id, job)
    }
    return user === undefined || job.row.user === user ? job : undefined
  }

  /** From now on this socket reads the job's answer. */
  #attach(job: RelayJob, socket: WebSocket): void {
    changeReader(job.client, socket, job.id)
    job.client = socket
  }

  #askAgain(job: RelayJob): void {
    job.asked = job.received
    sendTo(this.#sockets.node(), { kind: 'resend', jobId: job.idBytes, next: job.received })
  }

  #stop(socket: WebSocket | undefined, jobId: Bytes, code: BrokerCode, retryAfterMs: number | null = null): void {
    sendTo(socket, { kind: 'stopped', jobId, code, retryAfterMs })
  }

  /** A job that never reached the node: say why, keep nothing. */
  #refuse(socket: WebSocket, user: string, jobId: Bytes, error: unknown): void {
    const id = hex(jobId)
    const known = error instanceof CocoonError
    if (!known) logFault('job.fault', error, { job: id })
    const code = known ? (isBrokerCode(error.code) ? error.code : 'malformed') : 'broker-fault'
    log('job.stopped', { job: id, code })
    if (this.#job(id, user)?.row.state === 'receiving') this.#forget(id)
    this.#stop(socket, jobId, code, (known ? error.retryAfterMs : null) ?? null)
  }

  /** The node will not finish this job. What it sent stays to be read. */
  async lose(id: string): Promise<void> {
    const job = this.#job(id)
    if (job?.row.state !== 'sent') return
    job.flush()
    job.row.state = 'lost'
    this.#store.setState(id, 'lost')
    log('job.lost', { job: id, model: job.row.model })
    this.#stop(job.client, job.idBytes, 'node-lost')
    await this.#settle(job, job.row.stored > 0 ? 'used' : 'returned')
  }

  #forget(id: string): void {
    this.#jobs.delete(id)
    this.#store.removeJob(id)
  }

  #attempt(job: RelayJob): string {
    return `${job.id}:${this.#store.link()?.node ?? ''}`
  }

  async #settle(job: RelayJob, outcome: 'used' | 'returned'): Promise<void> {
    await this.#accounts.getByName(job.row.user).settle(this.#attempt(job), outcome)
  }
}
