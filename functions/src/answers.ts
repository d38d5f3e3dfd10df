import { type BrokerCode, type Bytes, CocoonError, frameHead, fromHex, hex, type MessageOf } from '@cocoon/protocol'
import { sendTo } from './client-link.ts'
import type { Endings } from './endings.ts'
import type { RelayJob } from './relay-job.ts'
import type { RelayParts } from './relay-jobs.ts'
import type { Uploads } from './uploads.ts'

/** Jobs the node has: its frames on their way to their readers, and what readers and node say about them. */
export class Answers {
  readonly #parts: RelayParts
  readonly #uploads: Uploads
  readonly #endings: Endings

  constructor(parts: RelayParts, uploads: Uploads, endings: Endings) {
    this.#parts = parts
    this.#uploads = uploads
    this.#endings = endings
  }

  async resume(socket: WebSocket, user: string, jobId: Bytes, from: number): Promise<void> {
    const job = this.#parts.jobs.find(hex(jobId), user)
    if (!job || from < job.acknowledged) return this.#stop(socket, jobId, 'unknown-job')
    if (job.row.state === 'receiving') {
      // The rest of its body was lost with the socket that carried it. No question was taken: match again.
      this.#uploads.abandon(job)
      return this.#stop(socket, jobId, 'lease-expired')
    }
    job.attach(socket, from)
    if (job.row.state === 'lost' && (await this.#endings.moveLate(job))) return
    job.deliver()
    // Frames that this object forgot while it slept are still with the node.
    if (job.running && from >= job.received) this.#askAgain(job)
  }

  /** The reader goes on: more of the answer may be sent. */
  read(user: string, { jobId, next }: MessageOf<'read'>): void {
    const job = this.#parts.jobs.find(hex(jobId), user)
    job?.read(next)
    job?.deliver()
  }

  acknowledged(user: string, { jobId, next }: MessageOf<'ack'>): void {
    const job = this.#parts.jobs.find(hex(jobId), user)
    if (!job || job.row.state === 'receiving') return
    const over = job.final || (job.row.ending !== null && job.row.state !== 'sent')
    // Its reader has all of it: nothing is left to wait for.
    if (over && next >= job.received) return this.#finished(job)
    job.acknowledge(next)
    job.deliver()
  }

  cancel(user: string, message: MessageOf<'cancel'>): void {
    const job = this.#parts.jobs.find(hex(message.jobId), user)
    // The node has not heard of it, and never will.
    if (job?.row.state === 'receiving') return this.#uploads.abandon(job)
    if (job?.running) sendTo(this.#parts.sockets.node(), message)
  }

  /** `message`: as it came. False when the frame belongs to nothing: the node is told to forget its job. */
  async frame(node: WebSocket, { jobId, frame }: MessageOf<'frame'>, message: Bytes): Promise<boolean> {
    const { sequence, final } = frameHead(frame)
    const job = this.#parts.jobs.named(jobId)
    if (job?.row.state !== 'sent' || job.handing) {
      sendTo(node, { kind: 'forget', jobId })
      return false
    }
    const now = Date.now()
    const { woken } = job
    job.woken = false
    this.#endings.counted(job)
    if (job.final || sequence < job.received) {
      // Sent again because no acknowledgement came.
      if (job.overdue(now)) this.#store(job)
      else if (sequence < job.stored || job.stored === job.received) this.#acknowledge(job, job.stored)
    } else if (sequence === job.received) {
      if (sequence === 0) job.firstFrameAt = now
      if (!job.hasRoom(message)) {
        sendTo(node, { kind: 'forget', jobId })
        await this.#parts.jobs.inTurn(jobId, () => this.#endings.lose(job))
        return true
      }
      job.take(message, final, now)
      job.deliver()
      if (final && job.acknowledged >= job.received) this.#finished(job)
      else if (job.full) this.#store(job)
    }
    // A gap, or nobody knows what came before this object slept: the node has it.
    const missing = !job.final && (woken || sequence > job.received)
    if (missing && job.asked !== job.received) this.#askAgain(job)
    return true
  }

  async refusal(message: MessageOf<'refusal'>): Promise<void> {
    await this.#parts.jobs.inTurn(message.jobId, async () => {
      const job = this.#parts.jobs.find(hex(message.jobId))
      if (job?.running && !job.handing && !job.begun) await this.#endings.refused(job, message)
    })
  }

  /** This socket is gone. Answers wait for its user's return; a body it had not sent whole is not waited for. */
  async leave(socket: WebSocket, jobs: readonly string[]): Promise<void> {
    for (const id of jobs) {
      await this.#parts.jobs.inTurn(fromHex(id), () => {
        const job = this.#parts.jobs.find(id)
        if (!job?.detach(socket)) return
        if (job.row.state === 'receiving') this.#uploads.abandon(job)
        else if (job.final) this.#store(job)
      })
    }
  }

  /** The node is gone, and with it perhaps the only other place where these frames are. */
  storeAll(): void {
    for (const job of this.#parts.jobs.inMemory()) if (job.stored < job.received) this.#store(job)
  }

  /** Stores what is pending of a job, so that the node may forget it. */
  #store(job: RelayJob): void {
    const ends = job.final && job.stored < job.received
    job.flush()
    this.#acknowledge(job, job.stored)
    if (ends) this.#endings.ended(job, 'answered')
  }

  /** The reader has all of a job that is over: it is forgotten, here and at the node. */
  #finished(job: RelayJob): void {
    if (job.final && job.stored < job.received) {
      this.#acknowledge(job, job.received)
      this.#endings.ended(job, 'answered')
    }
    this.#parts.jobs.forget(job.id)
  }

  /** The node may forget the frames before `next`. */
  #acknowledge(job: RelayJob, next: number): void {
    sendTo(this.#parts.sockets.node(), { kind: 'ack', jobId: job.idBytes, next })
  }

  #askAgain(job: RelayJob): void {
    job.asked = job.received
    sendTo(this.#parts.sockets.node(), { kind: 'resend', jobId: job.idBytes, next: job.received })
  }

  #stop(socket: WebSocket, jobId: Bytes, code: BrokerCode): void {
    this.#endings.turnBack(socket, jobId, hex(jobId), new CocoonError(code, 'nothing of this job is here'))
  }
}
