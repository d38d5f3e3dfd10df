import type { Bytes } from '@cocoon/protocol'
import type { SqlTables } from '../sql-tables.ts'

/** evidence: what the newest statement names; before: the one before it; node, broker: whose copy of the collateral. */
export type AttestedKind = 'evidence' | 'before' | 'node' | 'broker'

export const ATTESTED_SCHEMA = `CREATE TABLE attested (kind TEXT PRIMARY KEY, digest TEXT NOT NULL, bytes BLOB NOT NULL)
  WITHOUT ROWID;`

/** What a relay keeps of its node's machine, by digest. Devices fetch it from here and believe none of it. */
export class AttestedStore {
  readonly #tables: SqlTables

  constructor(tables: SqlTables) {
    this.#tables = tables
  }

  digest(kind: AttestedKind): string | null {
    const query = 'SELECT digest FROM attested WHERE kind = ?'
    return this.#tables.read<{ digest: string }>(query, kind)[0]?.digest ?? null
  }

  /** By the digest of its bytes, hex. */
  bytes(digest: string): Bytes | null {
    const query = 'SELECT bytes FROM attested WHERE digest = ? LIMIT 1'
    const [row] = this.#tables.read<{ bytes: ArrayBuffer }>(query, digest)
    return row ? new Uint8Array(row.bytes) : null
  }

  put(kind: AttestedKind, digest: string, bytes: Bytes): void {
    if (this.digest(kind) === digest) return
    this.#tables.write('INSERT OR REPLACE INTO attested (kind, digest, bytes) VALUES (?, ?, ?)', kind, digest, bytes)
  }

  /** Newer evidence: the one before it stays for devices that still hold a statement over it. */
  renew(digest: string, bytes: Bytes): void {
    if (this.digest('evidence') === digest) return
    this.#tables.remove("DELETE FROM attested WHERE kind = 'before'")
    this.#tables.remove("UPDATE attested SET kind = 'before' WHERE kind = 'evidence'")
    this.put('evidence', digest, bytes)
  }

  remove(kind: AttestedKind): void {
    this.#tables.remove('DELETE FROM attested WHERE kind = ?', kind)
  }
}
