import { DurableObject } from 'cloudflare:workers'
import { type Bytes, CocoonError, hex, sha256 } from '@cocoon/protocol'
import { encodeCollateral, type Platform } from '@cocoon/protocol/appraisal'
import { logFault, log } from '../log.ts'
import { settingsOf } from '../settings.ts'
import { SqlTables } from '../sql-tables.ts'
import { fetchCollateral } from './makers.ts'

const HOUR = 60 * 60 * 1000
/** Collateral is good for weeks; revocations in it should be heard of within the day. Milliseconds. */
const REFRESH = 6 * HOUR
/** A platform that no node asked about for so long is forgotten. Milliseconds. */
const WANTED = 48 * HOUR
/** The makers are not asked more often than this, whoever wants it. Milliseconds. */
const PAUSE = 60_000

const SCHEMA = `CREATE TABLE collateral (id INTEGER PRIMARY KEY CHECK (id = 1), platform TEXT NOT NULL, digest TEXT,
  bytes BLOB, fetched INTEGER NOT NULL, tried INTEGER NOT NULL, wanted INTEGER NOT NULL);`

interface Row extends Record<string, SqlStorageValue> {
  platform: string
  digest: string | null
  bytes: ArrayBuffer | null
  fetched: number
  tried: number
  wanted: number
}

/** Collateral as it is handed out: content-addressed, and believed by nobody. */
export interface Endorsement {
  /** SHA-256 of `bytes`, hex. */
  readonly digest: string
  readonly bytes: Bytes
}

/** Names the object of a platform; nodes on equal platforms share it. */
export function platformName(platform: Platform): string {
  if (platform.tee === 'tdx') return `tdx|${hex(platform.fmspc)}|${platform.authority}`
  const { product, chipId, tcb } = platform
  const levels = [tcb.fmc, tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode].join('.')
  return `sev-snp|${product}|${hex(chipId)}|${levels}`
}

/** One per platform: what its maker vouches for it, fetched on a schedule for as long as a node asks. */
export class Endorsements extends DurableObject<Env> {
  readonly #tables = new SqlTables(this.ctx.storage, 'collateral', SCHEMA)
  #fetching: Promise<void> | undefined

  /**
   * The newest collateral, fetched now where there is none yet, or where the caller found it wanting (`doubted`: its digest).
   * Null while the maker does not answer.
   */
  async current(platform: Platform, doubted: string | null = null): Promise<Endorsement | null> {
    const now = Date.now()
    const row = this.#row()
    const due = !row?.bytes || now - row.fetched > REFRESH || row.digest === doubted
    if (due && now - (row?.tried ?? 0) >= PAUSE) await this.#fetch(platform)
    else if (row && now - row.wanted > REFRESH) this.#tables.write('UPDATE collateral SET wanted = ?', now)
    const fresh = this.#row()
    return fresh?.bytes && fresh.digest ? { digest: fresh.digest, bytes: new Uint8Array(fresh.bytes) } : null
  }

  override async alarm(): Promise<void> {
    const row = this.#row()
    if (!row || Date.now() - row.wanted > WANTED) return this.#tables.drop()
    await this.#fetch(decodePlatform(row.platform))
  }

  #row(): Row | undefined {
    return this.#tables.read<Row>('SELECT platform, digest, bytes, fetched, tried, wanted FROM collateral')[0]
  }

  #fetch(platform: Platform): Promise<void> {
    this.#fetching ??= this.#fetchOnce(platform).finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(platform: Platform): Promise<void> {
    const before = this.#row()
    const now = Date.now()
    const source = settingsOf(this.env).ENDORSEMENT_SOURCE
    const known = { digest: before?.digest ?? null, bytes: before?.bytes ?? null, fetched: before?.fetched ?? 0 }
    let found: typeof known = known
    try {
      const bytes = encodeCollateral(
        await fetchCollateral(platform, { source, fetch: (url, init) => fetch(url, init) }),
      )
      found = { digest: hex(await sha256(bytes)), bytes: bytes.buffer, fetched: now }
      log('endorsements.fetched')
    } catch (error) {
      // What there is stays in use until it is over; its users see that by its dates.
      if (error instanceof CocoonError || error instanceof Error) logFault('endorsements.fault', error)
    }
    const replace = `INSERT OR REPLACE INTO collateral (id, platform, digest, bytes, fetched, tried, wanted)
      VALUES (1, ?, ?, ?, ?, ?, ?)`
    const wanted = before && now - before.wanted < REFRESH ? before.wanted : now
    this.#tables.write(replace, encodePlatform(platform), found.digest, found.bytes, found.fetched, now, wanted)
    await this.ctx.storage.setAlarm(now + (found.fetched === now ? REFRESH : 15 * PAUSE))
  }
}

/** As JSON, bytes in hex. */
function encodePlatform(platform: Platform): string {
  return JSON.stringify(platform, (_, value: unknown) => (value instanceof Uint8Array ? { hex: hex(value) } : value))
}

function decodePlatform(text: string): Platform {
  return JSON.parse(text, (_, value: unknown) => {
    const encoded = typeof value === 'object' && value !== null && 'hex' in value ? value.hex : undefined
    return typeof encoded === 'string'
      ? Uint8Array.from(encoded.match(/../g) ?? [], (pair) => parseInt(pair, 16))
      : value
  }) as Platform
}
