import { copyFileSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ModelsResponse } from '@cocoon/protocol'
import * as v from 'valibot'
import type { Fleet } from './fleet.ts'

/** A job as a relay stores it. */
export interface StoredJob {
  readonly node: string
  readonly job: string
  /** As stored; `ended` when its final frame is there. */
  readonly state: string
  /** Unix milliseconds. */
  readonly created: number
}

/** What relays have stored. */
export interface Stored {
  readonly jobs: StoredJob[]
  /** Pieces of bodies. */
  chunks: number
}

/** Jobs that somebody still waits for: their body or their answer is not whole. */
export function unfinished({ jobs }: Stored): StoredJob[] {
  return jobs.filter(({ state }) => state === 'sent' || state === 'receiving')
}

/** Reads beside the broker, from copies, so that nothing it does is disturbed. */
export async function readStorage(folder: string): Promise<Stored> {
  for (let tries = 1; ; tries++) {
    const copy = mkdtempSync(join(tmpdir(), 'cocoon-storage-'))
    try {
      return readCopies(folder, copy)
    } catch (error) {
      // A file may change while it is copied, or vanish.
      if (tries === COPIES) throw error
      await new Promise((resolve) => setTimeout(resolve, 300))
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  }
}

const COPIES = 10

function readCopies(folder: string, copy: string): Stored {
  const found: Stored = { jobs: [], chunks: 0 }
  for (const [index, file] of globSync('**/cocoon-NodeRelay/*.sqlite', { cwd: folder }).entries()) {
    const path = join(copy, `${index}.sqlite`)
    copyFileSync(join(folder, file), path)
    if (existsSync(join(folder, `${file}-wal`))) copyFileSync(join(folder, `${file}-wal`), `${path}-wal`)
    const database = new DatabaseSync(path)
    try {
      readTables(database, found)
    } finally {
      database.close()
    }
  }
  return found
}

/** A relay that holds nothing has no tables. */
function readTables(database: DatabaseSync, found: Stored): void {
  const made = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").all().length > 0
  if (!made) return
  const ended = 'EXISTS (SELECT 1 FROM batches WHERE batches.job = jobs.job AND final = 1)'
  const state = `CASE WHEN ${ended} THEN 'ended' ELSE state END AS state`
  const query = `SELECT job, created, ${state}, coalesce((SELECT node FROM link), '') AS node FROM jobs`
  found.jobs.push(...(database.prepare(query).all() as unknown as StoredJob[]))
  found.chunks += Number(database.prepare('SELECT COUNT(*) AS count FROM chunks').get()?.['count'])
}

/** Nodes and free slots, as the broker tells everybody. */
export async function listed(fleet: Fleet): Promise<{ nodes: number; free: number }> {
  const answer = await fetch(`${fleet.origin}/api/models`)
  const [model] = v.parse(ModelsResponse, await answer.json()).models
  return { nodes: model?.nodes ?? 0, free: model?.free ?? 0 }
}

/** Tries until it holds; the last value when it never does within `seconds`. */
export async function settle<T>(read: () => Promise<T> | T, holds: (value: T) => boolean, seconds: number): Promise<T> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    const value = await read()
    if (holds(value) || Date.now() > until) return value
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
