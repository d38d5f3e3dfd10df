import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ModelsResponse } from '@cocoon/protocol'
import * as v from 'valibot'
import type { Fleet } from './fleet.ts'

/** A job as a relay stores it. */
export interface StoredJob {
  readonly job: string
  readonly state: string
}

/** What the broker has stored, read beside it: copies, so that nothing it does is disturbed. */
export function readStorage(folder: string): { jobs: StoredJob[]; leases: number; chunks: number } {
  const copy = mkdtempSync(join(tmpdir(), 'cocoon-storage-'))
  try {
    cpSync(folder, copy, { recursive: true })
    const found = { jobs: [] as StoredJob[], leases: 0, chunks: 0 }
    for (const file of globSync('**/*.sqlite', { cwd: copy })) {
      const database = new DatabaseSync(join(copy, file))
      const tables = new Set(
        database
          .prepare('SELECT name FROM sqlite_master')
          .all()
          .map(({ name }) => name),
      )
      if (tables.has('jobs') && tables.has('batches')) {
        const rows = database.prepare('SELECT job, state FROM jobs').all() as unknown as StoredJob[]
        found.jobs.push(...rows.map(({ job, state }) => ({ job, state })))
        found.chunks += Number(database.prepare('SELECT COUNT(*) AS count FROM chunks').get()?.['count'])
      }
      if (tables.has('leases')) {
        found.leases += Number(database.prepare('SELECT COUNT(*) AS count FROM leases').get()?.['count'])
      }
      database.close()
    }
    return found
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
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
