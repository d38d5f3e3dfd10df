import type { Bytes, Policy } from '@cocoon/protocol'
import { ATTESTED_SCHEMA, AttestedStore } from './attestation/attested-store.ts'
import { SqlTables } from './sql-tables.ts'

/** A frame waits this long for its reader. Milliseconds. */
export const FRAME_LIFETIME = 24 * 60 * 60 * 1000

/**
 * receiving: its body is still arriving; sent: the node has it, or is about to; lost: the node will not end it;
 * refused: it came to nothing; owed: all that is left of it is a question to give back.
 */
export type JobState = 'receiving' | 'sent' | 'lost' | 'refused' | 'owed'

export interface JobRow extends Record<string, SqlStorageValue> {
  job: string
  user: string
  lease: string
  /** 1 when a matcher keeps a slot for it. */
  reserved: number
  model: string
  region: string
  policy: Policy
  /** 1 when another node may still be found for it. */
  movable: number
  /** Milliseconds its user waited in line. */
  queued: number
  state: JobState
  /** Bytes of its body that follow the first piece. */
  expected: number
  /** Frames before this one are stored by its reader. */
  acknowledged: number
  /** What its reader is told after the frames: an encoded `refusal` or `stopped`. */
  ending: ArrayBuffer | null
  /** Unix milliseconds. */
  created: number
}

/** Where the frames that are stored of a job end. */
export interface StoredFrames extends Record<string, SqlStorageValue> {
  next: number | null
  bytes: number | null
  final: number | null
}

/** Pieces of a body that are stored. */
export interface StoredChunks extends Record<string, SqlStorageValue> {
  pieces: number
  bytes: number | null
}

export interface Link {
  readonly node: string
  readonly region: string
  readonly models: readonly string[]
  /** Since when the node has been away; null: it is here. */
  readonly gone: number | null
}

// Without row ids a row is one write; with them the index of the primary key would be another.
const SCHEMA = `
  CREATE TABLE jobs (job TEXT PRIMARY KEY, user TEXT NOT NULL, lease TEXT NOT NULL,
    reserved INTEGER NOT NULL, model TEXT NOT NULL, region TEXT NOT NULL, policy TEXT NOT NULL, movable INTEGER NOT NULL, queued INTEGER NOT NULL, state TEXT NOT NULL,
    expected INTEGER NOT NULL, acknowledged INTEGER NOT NULL, ending BLOB, created INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE batches (job TEXT NOT NULL, first INTEGER NOT NULL, frames INTEGER NOT NULL, final INTEGER NOT NULL,
    bytes BLOB NOT NULL, PRIMARY KEY (job, first)) WITHOUT ROWID;
  CREATE TABLE chunks (job TEXT NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (job, position)) WITHOUT ROWID;
  CREATE TABLE link (id INTEGER PRIMARY KEY CHECK (id = 1), node TEXT NOT NULL, region TEXT NOT NULL,
    models TEXT NOT NULL, gone INTEGER);
  ${ATTESTED_SCHEMA}`

/** What a relay keeps of its jobs: sealed bytes and their order. functions/storage-schema.md describes the tables. */
export class RelayStore {
  readonly #tables: SqlTables
  /** What the node shows of its machine. */
  readonly attested: AttestedStore

  constructor(storage: DurableObjectStorage) {
    this.#tables = new SqlTables(storage, 'jobs', SCHEMA)
    this.attested = new AttestedStore(this.#tables)
  }

  job(job: string): JobRow | undefined {
    return this.#tables.read<JobRow>('SELECT * FROM jobs WHERE job = ?', job)[0]
  }

  /** Jobs in this state; of those that were sent, the ones whose final frame is not stored. */
  jobsIn(state: JobState): string[] {
    const query = `SELECT job FROM jobs WHERE state = ? AND NOT EXISTS
      (SELECT 1 FROM batches WHERE batches.job = jobs.job AND final = 1)`
    return this.#tables.read<{ job: string }>(query, state).map(({ job }) => job)
  }

  addJob(row: JobRow): void {
    this.#tables.write(
      'INSERT INTO jobs (job, user, lease, reserved, model, region, policy, movable, queued, state, expected, acknowledged, ending, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      row.job,
      row.user,
      row.lease,
      row.reserved,
      row.model,
      row.region,
      row.policy,
      row.movable,
      row.queued,
      row.state,
      row.expected,
      row.acknowledged,
      row.ending,
      row.created,
    )
  }

  setState(job: string, state: JobState, ending: ArrayBuffer | null = null): void {
    this.#tables.write('UPDATE jobs SET state = ?, ending = ? WHERE job = ?', state, ending, job)
  }

  /** Forgets a job and all its bytes. */
  removeJob(job: string): void {
    for (const table of ['jobs', 'batches', 'chunks']) this.#tables.remove(`DELETE FROM ${table} WHERE job = ?`, job)
  }

  /** One row for many frames: rows written are what storage costs. */
  addFrames(job: string, first: number, frames: readonly Bytes[], final: boolean): void {
    const insert = 'INSERT INTO batches (job, first, frames, final, bytes) VALUES (?, ?, ?, ?, ?)'
    this.#tables.write(insert, job, first, frames.length, final ? 1 : 0, joinFrames(frames))
  }

  storedFrames(job: string): StoredFrames {
    const query = `SELECT MAX(first + frames) AS next, SUM(LENGTH(bytes)) AS bytes, MAX(final) AS final
      FROM batches WHERE job = ?`
    return this.#tables.read<StoredFrames>(query, job)[0] ?? { next: null, bytes: null, final: null }
  }

  /** The stored frames from `from` on, in order; a batch is read when its first frame is wanted. */
  *framesFrom(job: string, from: number): Generator<Bytes> {
    const query = `SELECT first, frames, bytes FROM batches WHERE job = ? AND first + frames > ? ORDER BY first LIMIT 1`
    for (let next = from; ;) {
      const [batch] = this.#tables.read<{ first: number; frames: number; bytes: ArrayBuffer }>(query, job, next)
      if (!batch) return
      let sequence = batch.first
      for (const frame of splitFrames(batch.bytes)) if (sequence++ >= from) yield frame
      next = batch.first + batch.frames
    }
  }

  /** The reader has stored every frame before `next`: batches before it are let go of. False when there is none. */
  dropFrames(job: string, next: number): boolean {
    const before = 'FROM batches WHERE job = ? AND first + frames <= ?'
    if (this.#tables.read(`SELECT 1 ${before}`, job, next).length === 0) return false
    this.#tables.write(`DELETE ${before}`, job, next)
    this.#tables.write('UPDATE jobs SET acknowledged = ? WHERE job = ?', next, job)
    return true
  }

  addChunk(job: string, position: number, at: number, bytes: Bytes): void {
    this.#tables.write('INSERT INTO chunks (job, position, at, bytes) VALUES (?, ?, ?, ?)', job, position, at, bytes)
  }

  /** The pieces behind the first message, counted. */
  storedChunks(job: string): StoredChunks {
    const query = 'SELECT COUNT(*) AS pieces, SUM(LENGTH(bytes)) AS bytes FROM chunks WHERE job = ? AND position > 0'
    return this.#tables.read<StoredChunks>(query, job)[0] ?? { pieces: 0, bytes: null }
  }

  chunks(job: string): Bytes[] {
    const query = 'SELECT bytes FROM chunks WHERE job = ? ORDER BY position'
    return this.#tables.read<{ bytes: ArrayBuffer }>(query, job).map(({ bytes }) => new Uint8Array(bytes))
  }

  dropChunks(job: string): void {
    this.#tables.remove('DELETE FROM chunks WHERE job = ?', job)
  }

  /** Since when each body that is arriving has not grown. Unix milliseconds. */
  uploads(): { job: string; at: number }[] {
    return this.#tables.read<{ job: string; at: number }>('SELECT job, MAX(at) AS at FROM chunks GROUP BY job')
  }

  /** Jobs whose time is over. */
  expired(now: number): string[] {
    const query = 'SELECT job FROM jobs WHERE created <= ?'
    return this.#tables.read<{ job: string }>(query, now - FRAME_LIFETIME).map(({ job }) => job)
  }

  oldest(): number | null {
    return this.#tables.read<{ at: number | null }>('SELECT MIN(created) AS at FROM jobs')[0]?.at ?? null
  }

  link(): Link | undefined {
    const query = 'SELECT node, region, models, gone FROM link'
    const [row] = this.#tables.read<{ node: string; region: string; models: string; gone: number | null }>(query)
    return row && { ...row, models: JSON.parse(row.models) as string[] }
  }

  setLink(node: string, region: string, models: readonly string[]): void {
    const replace = 'INSERT OR REPLACE INTO link (id, node, region, models, gone) VALUES (1, ?, ?, ?, NULL)'
    this.#tables.write(replace, node, region, JSON.stringify(models))
  }

  setGone(at: number): void {
    this.#tables.write('UPDATE link SET gone = ?', at)
  }

  get empty(): boolean {
    return !this.#tables.made
  }

  /** Nothing of this relay is left. */
  async drop(): Promise<void> {
    await this.#tables.drop()
  }
}

function joinFrames(frames: readonly Bytes[]): Bytes {
  const out = new Uint8Array(frames.reduce((sum, frame) => sum + 4 + frame.length, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const frame of frames) {
    view.setUint32(at, frame.length)
    out.set(frame, at + 4)
    at += 4 + frame.length
  }
  return out
}

function* splitFrames(bytes: ArrayBuffer): Generator<Bytes> {
  const view = new DataView(bytes)
  for (let at = 0; at < bytes.byteLength;) {
    const length = view.getUint32(at)
    yield new Uint8Array(bytes, at + 4, length)
    at += 4 + length
  }
}
