import { type Bytes, equal, hex } from '@cocoon/protocol'
import { readerOf } from './client-link.ts'
import type { Listing } from './listing.ts'
import { RelayJob } from './relay-job.ts'
import type { JobRow, RelayStore } from './relay-store.ts'
import type { RelaySockets } from './relay-sockets.ts'
import type { Room } from './room.ts'
import type { Settings } from './settings.ts'

/** What the parts of one relay share. */
export interface RelayParts {
  readonly env: Env
  readonly settings: Settings
  readonly store: RelayStore
  readonly sockets: RelaySockets
  readonly room: Room
  readonly listing: Listing
  readonly jobs: RelayJobs
}

/** The jobs of one relay: those in its memory, which is empty after sleep, and those in its store. */
export class RelayJobs {
  readonly #store: RelayStore
  readonly #sockets: RelaySockets
  readonly #jobs = new Map<string, RelayJob>()
  readonly #byPrefix = new Map<bigint, RelayJob>()
  /** The last of the messages about each job that are being handled. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(store: RelayStore, sockets: RelaySockets) {
    this.#store = store
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

  /** The job, if it is here (and this user's, when one is named). */
  find(id: string, user?: string): RelayJob | undefined {
    let job = this.#jobs.get(id)
    if (!job) {
      const row = this.#store.job(id)
      if (!row) return undefined
      job = new RelayJob(row, this.#store, true)
      const reader = readerOf(this.#sockets.clients(), id)
      if (reader) job.adopt(reader.socket, reader.read)
      this.#jobs.set(id, job)
    }
    // Of a job whose question is owed nothing is left for anybody.
    return job.row.state !== 'owed' && (user === undefined || job.row.user === user) ? job : undefined
  }

  /** The same by the bytes of its id: they come with every frame. */
  named(jobId: Bytes): RelayJob | undefined {
    const prefix = prefixOf(jobId)
    const known = this.#byPrefix.get(prefix)
    if (known && equal(known.idBytes, jobId) && this.has(known)) return known
    const job = this.find(hex(jobId))
    if (job) this.#byPrefix.set(prefix, job)
    return job
  }

  add(row: JobRow): RelayJob {
    this.#store.addJob(row)
    const job = new RelayJob(row, this.#store)
    this.#jobs.set(row.job, job)
    return job
  }

  /** True while this is the job of that name, and not one that came after it was forgotten. */
  has(job: RelayJob): boolean {
    return this.#jobs.get(job.id) === job
  }

  forget(id: string): void {
    const job = this.#jobs.get(id)
    if (job) this.#byPrefix.delete(prefixOf(job.idBytes))
    this.#jobs.delete(id)
    this.#store.removeJob(id)
  }

  /** Every job whose frames may be in memory alone. */
  inMemory(): readonly RelayJob[] {
    return [...this.#jobs.values()]
  }

  /** Jobs the node should be working on. */
  running(): RelayJob[] {
    const sent = this.#store.jobsIn('sent').flatMap((id) => this.find(id) ?? [])
    return sent.filter((job) => job.running && !job.handing)
  }

  receiving(): RelayJob[] {
    return this.#store.jobsIn('receiving').flatMap((id) => this.find(id) ?? [])
  }
}

/** Job ids are digests: their first eight bytes tell them apart, and need not be spelled. */
function prefixOf(jobId: Bytes): bigint {
  return new DataView(jobId.buffer, jobId.byteOffset).getBigUint64(0)
}
