import type { Endings } from './endings.ts'
import { log, logFault } from './log.ts'
import { nodeOf } from './node-link.ts'
import { socketLimits } from './rate-limits.ts'
import type { RelayParts } from './relay-jobs.ts'
import { FRAME_LIFETIME } from './relay-store.ts'
import { UPLOAD_PATIENCE, type Uploads } from './uploads.ts'

/** How long a node may be away before its jobs are given up: those with frames, and those with none. Milliseconds. */
const NODE_AWAY = 60_000
const NODE_AWAY_UNBEGUN = 10_000
/** A relay whose node stays away for so long, with no job left, leaves nothing behind. Milliseconds. */
const RELAY_LIFETIME = 24 * 60 * 60 * 1000
/** After which a question that could not be given back is tried again. Milliseconds. */
const OWED_RETRY = 60_000

/** All that time ends in a relay, by its one alarm. */
export class Deadlines {
  readonly #storage: DurableObjectStorage
  readonly #parts: RelayParts
  readonly #uploads: Uploads
  readonly #endings: Endings

  constructor(storage: DurableObjectStorage, parts: RelayParts, uploads: Uploads, endings: Endings) {
    this.#storage = storage
    this.#parts = parts
    this.#uploads = uploads
    this.#endings = endings
  }

  /** The alarm rings by then. One that is set earlier than needed stays: moving it is a row written. */
  async armBy(at: number): Promise<void> {
    const armed = await this.#storage.getAlarm()
    if (armed === null || armed > at) await this.#storage.setAlarm(at)
  }

  /** The alarm rings when the next thing is due. */
  async rearm(now: number): Promise<void> {
    const { jobs, store, sockets } = this.#parts
    const due = sockets.unjoined().map((socket) => nodeOf(socket).opened + socketLimits.hello)
    due.push(...store.uploads().map(({ at }) => at + UPLOAD_PATIENCE))
    if (store.jobsIn('owed').length > 0) due.push(now + OWED_RETRY)
    const oldest = store.oldest()
    if (oldest !== null) due.push(oldest + FRAME_LIFETIME)
    const gone = store.link()?.gone ?? null
    if (gone !== null) {
      due.push(...jobs.running().map(({ begun }) => gone + (begun ? NODE_AWAY : NODE_AWAY_UNBEGUN)))
      if (jobs.receiving().length > 0) due.push(gone + NODE_AWAY_UNBEGUN)
      if (oldest === null) due.push(gone + RELAY_LIFETIME)
    }
    if (due.length > 0) await this.armBy(Math.max(now + 1, Math.min(...due)))
  }

  /** Each part on its own: what one of them throws does not keep the others from happening. */
  async ring(now: number): Promise<void> {
    const parts: (() => void | Promise<void>)[] = [
      () => this.#parts.sockets.closeLate(now),
      () => this.#uploads.expire(now),
      () => this.#giveUp(now),
      () => this.#endings.payOwed(),
      () => this.#expire(now),
      () => this.#leave(now),
    ]
    for (const part of parts) {
      try {
        await part()
      } catch (error) {
        logFault('alarm.fault', error)
      }
    }
    await this.rearm(now)
  }

  /** The node stays away. */
  async #giveUp(now: number): Promise<void> {
    const { jobs, store } = this.#parts
    const gone = store.link()?.gone ?? null
    if (gone === null || now - gone < NODE_AWAY_UNBEGUN) return
    for (const job of jobs.running()) {
      if (!job.begun || now - gone >= NODE_AWAY) await jobs.inTurn(job.idBytes, () => this.#endings.lose(job))
    }
    for (const job of jobs.receiving()) await jobs.inTurn(job.idBytes, () => this.#endings.loseUpload(job))
  }

  async #expire(now: number): Promise<void> {
    const { jobs, store } = this.#parts
    for (const id of store.expired(now)) {
      const job = jobs.find(id)
      if (job) await jobs.inTurn(job.idBytes, () => this.#endings.expire(job))
      else jobs.forget(id)
    }
  }

  async #leave(now: number): Promise<void> {
    const { store, sockets } = this.#parts
    if (sockets.anyNode || store.oldest() !== null) return
    const gone = store.link()?.gone ?? null
    if (gone !== null && now - gone < RELAY_LIFETIME) return
    await store.drop()
    if (gone !== null) log('relay.deleted')
  }
}
