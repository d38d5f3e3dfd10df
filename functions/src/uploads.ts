import {
  type BrokerCode,
  type Bytes,
  CocoonError,
  concat,
  decodeMessage,
  encodeMessage,
  equal,
  hex,
  jobIdOf,
  limits,
  type MessageOf,
  networks,
  type Policy,
  readHeader,
} from '@cocoon/protocol'
import { CLIENT_JOBS, clientOf, sendTo } from './client-link.ts'
import type { Endings } from './endings.ts'
import { nodeOf } from './node-link.ts'
import { RelayJob } from './relay-job.ts'
import type { RelayParts } from './relay-jobs.ts'
import type { JobRow } from './relay-store.ts'
import { type Lease, readLease } from './token.ts'

/** Pieces a body may come in: twice as many as full ones make, so that nobody stores millions of tiny ones. */
const MAX_CHUNKS = (2 * limits.request) / limits.chunk
/** A body that does not grow for so long is not waited for. Milliseconds. */
export const UPLOAD_PATIENCE = 60_000
/** A question that is being given back is in nobody's way for longer. Milliseconds. */
const OWED_PATIENCE = 60_000

/** What a first message was found to be. */
interface Checked {
  readonly lease: Lease
  readonly policy: Policy
}

/** The pieces of a body that came behind its first message. */
interface Counted {
  pieces: number
  bytes: number
}

/** Jobs on their way in: from a client's first message until the node has the whole body. */
export class Uploads {
  readonly #parts: RelayParts
  readonly #endings: Endings
  readonly #counted = new Map<string, Counted>()

  constructor(parts: RelayParts, endings: Endings) {
    this.#parts = parts
    this.#endings = endings
  }

  /** False when the job is here already: what there is of its answer can be read. */
  async open(socket: WebSocket, user: string, open: MessageOf<'open'>): Promise<boolean> {
    const id = hex(open.jobId)
    let job: RelayJob | undefined
    try {
      const checked = await this.#check(open, user)
      if (this.#isKnown(id, user, checked.lease)) return false
      if (clientOf(socket).jobs.length >= CLIENT_JOBS) throw new CocoonError('rate-limited', 'open another socket')
      const row = rowOf(id, user, checked, open)
      const away = this.#away(row)
      if (away) {
        const stranger = new RelayJob(row, this.#parts.store)
        stranger.adopt(socket, 0)
        await this.#endings.turnAway(stranger, away)
        return true
      }
      const { kind: _, lease: _lease, ...fields } = open
      const message: MessageOf<'job'> = { kind: 'job', ...fields }
      const whole = row.expected === 0
      if (whole) await checkDigest(message, [])
      job = this.#parts.jobs.add({ ...row, state: whole ? 'sent' : 'receiving' })
      job.handing = whole
      job.attach(socket, 0)
      if (whole) await this.#handOver(job, message, [])
      else this.#parts.store.addChunk(id, 0, Date.now(), encodeMessage(message))
    } catch (error) {
      if (job) await this.#endings.stop(job, error)
      else this.#endings.turnBack(socket, open.jobId, id, error)
    }
    return true
  }

  async chunk(socket: WebSocket, user: string, { jobId, body }: MessageOf<'chunk'>): Promise<void> {
    const { jobs, store } = this.#parts
    const id = hex(jobId)
    const job = jobs.find(id, user)
    if (job?.row.state !== 'receiving') {
      const code = job ? 'wrong-order' : 'unknown-job'
      return this.#endings.turnBack(socket, jobId, id, new CocoonError(code, 'no body is expected for this job'))
    }
    try {
      const counted = this.#countedOf(id)
      counted.pieces += 1
      counted.bytes += body.length
      if (counted.pieces > MAX_CHUNKS) throw new CocoonError('malformed', 'the body comes in too many pieces')
      if (counted.bytes > job.row.expected) throw new CocoonError('malformed', 'the body is longer than announced')
      store.addChunk(id, counted.pieces, Date.now(), body)
      if (counted.bytes < job.row.expected) return
      this.#counted.delete(id)
      const [first, ...chunks] = store.chunks(id)
      const message = first && decodeMessage(first)
      if (message?.kind !== 'job') throw new CocoonError('wrong-order', 'the beginning of this body is not here')
      await checkDigest(message, chunks)
      job.handing = true
      store.setState(id, 'sent')
      job.row.state = 'sent'
      await this.#handOver(job, message, chunks)
    } catch (error) {
      this.#counted.delete(id)
      await this.#endings.stop(job, error)
    }
  }

  /** Its reader is gone, or goes on without it: the rest of the body will not come. */
  abandon(job: RelayJob): void {
    this.#counted.delete(job.id)
    this.#endings.cancelled(job)
  }

  /** Ends the bodies that stopped arriving. */
  async expire(now: number): Promise<void> {
    const { jobs, store } = this.#parts
    for (const { job: id, at } of store.uploads()) {
      const job = jobs.find(id)
      if (job?.row.state !== 'receiving' || now - at < UPLOAD_PATIENCE) continue
      await jobs.inTurn(job.idBytes, () => this.#stalled(job, id))
    }
  }

  async #stalled(job: RelayJob, id: string): Promise<void> {
    const since = this.#parts.store.uploads().find((upload) => upload.job === id)
    if (job.row.state !== 'receiving' || !since || Date.now() - since.at < UPLOAD_PATIENCE) return
    this.#counted.delete(id)
    await this.#endings.stop(job, new CocoonError('lease-expired', 'the rest of the body did not come'))
  }

  /** The cheap checks of a first message: the lease is ours, of this user, for this node and for the model the header names. */
  async #check(open: MessageOf<'open'>, user: string): Promise<Checked> {
    const { settings, store } = this.#parts
    const lease = await readLease(settings.SESSION_SECRET, open.lease, Math.floor(Date.now() / 1000))
    if (lease.user !== user || lease.node !== store.link()?.node) {
      throw new CocoonError('lease-expired', 'the lease is for another user or node')
    }
    const { model, policy } = readHeader(open.header, networks[settings.NETWORK])
    if (model !== lease.model) throw new CocoonError('malformed', 'the header names another model than the lease')
    return { lease, policy }
  }

  /** True when the job is here. One that came to nothing, or whose body broke off, makes room for itself. */
  #isKnown(id: string, user: string, lease: Lease): boolean {
    const { jobs, store } = this.#parts
    const job = jobs.find(id)
    if (!job) {
      if (!store.job(id)) return false
      throw new CocoonError('rate-limited', 'its last attempt is still settled', { retryAfterMs: OWED_PATIENCE })
    }
    if (job.row.user !== user) return true
    const { state } = job.row
    const nothing = (state === 'refused' || state === 'lost') && !job.begun && job.row.lease !== lease.id
    if (state !== 'receiving' && !nothing) return true
    this.#counted.delete(id)
    jobs.forget(id)
    return false
  }

  /** Why the node cannot have one more job now. */
  #away({ lease, reserved }: JobRow): BrokerCode | undefined {
    const node = this.#parts.sockets.node()
    if (!node) return 'node-gone'
    const fits = this.#parts.room.fits(nodeOf(node).free, Date.now(), reserved === 1 ? lease : undefined)
    return fits ? undefined : 'all-busy'
  }

  #countedOf(id: string): Counted {
    let counted = this.#counted.get(id)
    if (!counted) {
      const { pieces, bytes } = this.#parts.store.storedChunks(id)
      counted = { pieces, bytes: bytes ?? 0 }
      this.#counted.set(id, counted)
    }
    return counted
  }

  /** The body is here, whole and checked: take the question, hand it to the node. */
  async #handOver(job: RelayJob, message: MessageOf<'job'>, chunks: readonly Bytes[]): Promise<void> {
    const { env, settings, store, room, sockets } = this.#parts
    const { user, model, lease } = job.row
    job.taken = true
    const questions = user.startsWith('telegram:') ? settings.TRIAL_QUESTIONS : settings.TRIAL_FOR_KEYS
    const taken = await env.ACCOUNT.getByName(user).hold(lease, questions)
    job.handing = false
    job.taken = taken === 'held'
    if (taken === 'again') throw new CocoonError('lease-expired', 'this lease brought its job before')
    if (taken !== 'held') {
      const retryAfterMs = Math.max(0, taken.renews * 1000 - Date.now())
      throw new CocoonError('trial-spent', 'no free question is left', { retryAfterMs })
    }
    const away = this.#away(job.row)
    const node = sockets.node()
    if (away || !node) return this.#endings.move(job, away ?? 'node-gone')
    if (chunks.length > 0) store.dropChunks(job.id)
    room.handed(job.id, { lease, model })
    sendTo(node, message)
    for (const body of chunks) sendTo(node, { kind: 'chunk', jobId: message.jobId, body })
  }
}

function rowOf(id: string, user: string, { lease, policy }: Checked, open: MessageOf<'open'>): JobRow {
  return {
    job: id,
    user,
    lease: lease.id,
    reserved: lease.reserved ? 1 : 0,
    model: lease.model,
    region: lease.region,
    policy,
    movable: lease.moved ? 0 : 1,
    queued: lease.queued,
    state: 'receiving',
    expected: open.bodyLength - open.body.length,
    acknowledged: 0,
    ending: null,
    created: Date.now(),
  }
}

/**
 * Nothing else is passed on to a node.
 * @throws CocoonError `malformed` when the job id is not the digest of header and body
 */
async function checkDigest({ jobId, header, body }: MessageOf<'job'>, chunks: readonly Bytes[]): Promise<void> {
  if (equal(await jobIdOf(header, concat(body, ...chunks)), jobId)) return
  throw new CocoonError('malformed', 'the job id is not the digest of this request')
}
