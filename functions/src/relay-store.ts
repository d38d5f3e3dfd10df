import type { Bytes } from '@cocoon/protocol'

/** A frame waits this long for its reader. Milliseconds. */
export const FRAME_LIFETIME = 24 * 60 * 60 * 1000

/**
 * receiving: its body is still arriving; sent: the node has it; ended: the final frame is stored;
 * lost: the node vanished before the end.
 */
export type JobState = 'receiving' | 'sent' | 'ended' | 'lost'

export interface JobRow extends Record<string, SqlStorageValue> {
  job: string
  user: string
  lease: string
  model: string
  state: JobState
  /** Frames before this one are stored. */
  stored: number
  /** Their bytes. */
  bytes: number
  /** Unix milliseconds. */
  created: number
}

/** What a relay keeps of its jobs: sealed bytes and their order. functions/storage-schema.md describes the tables. */
export class RelayStore {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    // Without row ids a row is one write; with them the index of the primary key would be another.
    sql.exec(`
      CREATE TABLE IF NOT EXISTS jobs (job TEXT PRIMARY KEY, user TEXT NOT NULL, lease TEXT NOT NULL, model TEXT NOT NULL,
        state TEXT NOT NULL, stored INTEGER NOT NULL, bytes INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS batches (job TEXT NOT NULL, first INTEGER NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (job, first)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS chunks (job TEXT NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (job, position)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS link (id INTEGER PRIMARY KEY CHECK (id = 1), node TEXT NOT NULL, region TEXT NOT NULL,
        models TEXT NOT NULL, gone INTEGER);`)
  }

  job(job: string): JobRow | undefined {
    return this.#sql.exec<JobRow>('SELECT * FROM jobs WHERE job = ?', job).toArray()[0]
  }

  jobsIn(state: JobState): JobRow[] {
    return this.#sql.exec<JobRow>('SELECT * FROM jobs WHERE state = ?', state).toArray()
  }

  /** True when a job came with this lease: a lease is good for one. */
  leaseUsed(lease: string): boolean {
    return this.#sql.exec('SELECT 1 FROM jobs WHERE lease = ?', lease).toArray().length > 0
  }

  addJob(row: JobRow): void {
    this.#sql.exec(
      'INSERT INTO jobs (job, user, lease, model, state, stored, bytes, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      row.job,
      row.user,
      row.lease,
      row.model,
      row.state,
      row.stored,
      row.bytes,
      row.created,
    )
  }

  setState(job: string, state: JobState): void {
    this.#sql.exec('UPDATE jobs SET state = ? WHERE job = ?', state, job)
  }

  /** Forgets a job and all its bytes. */
  removeJob(job: string): void {
    for (const table of ['jobs', 'batches', 'chunks']) this.#sql.exec(`DELETE FROM ${table} WHERE job = ?`, job)
  }

  /** One row for many frames: rows written are what storage costs. `row` says what is stored before them. */
  addFrames(row: JobRow, frames: readonly Bytes[]): void {
    const batch = joinFrames(frames)
    this.#sql.exec('INSERT INTO batches (job, first, bytes) VALUES (?, ?, ?)', row.job, row.stored, batch)
    row.stored += frames.length
    row.bytes += batch.length
    const update = 'UPDATE jobs SET stored = ?, bytes = ?, state = ? WHERE job = ?'
    this.#sql.exec(update, row.stored, row.bytes, row.state, row.job)
  }

  /** The stored frames from `from` on, in order. */
  *framesFrom(job: string, from: number): Generator<Bytes> {
    const query = 'SELECT first, bytes FROM batches WHERE job = ? ORDER BY first'
    for (const { first, bytes } of this.#sql.exec<{ first: number; bytes: ArrayBuffer }>(query, job)) {
      let sequence = first
      for (const frame of splitFrames(bytes)) if (sequence++ >= from) yield frame
    }
  }

  addChunk(job: string, position: number, bytes: Bytes): void {
    this.#sql.exec('INSERT INTO chunks (job, position, bytes) VALUES (?, ?, ?)', job, position, bytes)
  }

  chunks(job: string): Bytes[] {
    const rows = this.#sql.exec<{ bytes: ArrayBuffer }>('SELECT bytes FROM chunks WHERE job = ? ORDER BY position', job)
    return rows.toArray().map(({ bytes }) => new Uint8Array(bytes))
  }

  dropChunks(job: string): void {
    this.#sql.exec('DELETE FROM chunks WHERE job = ?', job)
  }

  /** Jobs whose time is over. */
  expired(now: number): JobRow[] {
    return this.#sql.exec<JobRow>('SELECT * FROM jobs WHERE created <= ?', now - FRAME_LIFETIME).toArray()
  }

  oldest(): number | null {
    return this.#sql.exec<{ at: number | null }>('SELECT MIN(created) AS at FROM jobs').one().at
  }

  /** The node behind this relay, and since when it has been away (null: it is here). */
  link(): { node: string; region: string; models: string[]; gone: number | null } | undefined {
    const query = 'SELECT node, region, models, gone FROM link'
    const row = this.#sql
      .exec<{ node: string; region: string; models: string; gone: number | null }>(query)
      .toArray()[0]
    return row && { ...row, models: JSON.parse(row.models) as string[] }
  }

  setLink(node: string, region: string, models: readonly string[]): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO link (id, node, region, models, gone) VALUES (1, ?, ?, ?, NULL)',
      node,
      region,
      JSON.stringify(models),
    )
  }

  setGone(at: number | null): void {
    this.#sql.exec('UPDATE link SET gone = ?', at)
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
