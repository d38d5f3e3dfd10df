import { DurableObject } from 'cloudflare:workers'
import { type Bytes, CocoonError, decodeCbor, encodeCbor, networks } from '@cocoon/protocol'
import {
  anchorCall,
  type Anchored,
  checkStanding,
  compareAnchor,
  decodeStanding,
  MAX_STANDING_BYTES,
  readAnchor,
  Seen,
} from '@cocoon/protocol/appraisal'
import { log, logFault } from '../log.ts'
import { type Settings, settingsOf } from '../settings.ts'
import { SqlTables } from '../sql-tables.ts'
import { fetchWhole } from './fetching.ts'

/** Stamps are issued hourly: what was taken back is heard of within this time after. Milliseconds. */
const REFRESH = 10 * 60_000
/** After a failed attempt. Milliseconds. */
const PAUSE = 15_000
const TIMEOUT = 10_000
const MAX_SEEN_BYTES = 1024
const runtimeFetch = (url: string, init: RequestInit): Promise<Response> => fetch(url, init)

const SCHEMA = 'CREATE TABLE standing (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL, seen BLOB NOT NULL);'

/** Why there is no newer standing, for whoever runs the broker. */
export type StandingFault = 'no-source' | 'unreachable' | 'refused' | Exclude<Anchored, 'anchored'> | null

export interface CarriedStanding {
  /** Encoded `SignedStanding`; null while none held. */
  readonly bytes: Bytes | null
  readonly fault: StandingFault
}

/**
 * The one object that carries what the owners say: registry statement and stamp. It verifies them as every device does,
 * compares the statement with what the chain announces, and goes on with what it had while a newer one does not hold.
 */
export class StandingCarrier extends DurableObject<Env> {
  readonly #tables = new SqlTables(this.ctx.storage, 'standing', SCHEMA)
  #tried = 0
  #fault: StandingFault = null
  #refreshing: Promise<void> | undefined

  async current(): Promise<CarriedStanding> {
    const bytes = this.#stored()
    const age = Date.now() - this.#tried
    if (age >= (this.#fault === null && bytes ? REFRESH : PAUSE)) {
      this.#refreshing ??= this.#refresh().finally(() => {
        this.#refreshing = undefined
      })
      await this.#refreshing
    }
    return { bytes: this.#stored(), fault: this.#fault }
  }

  #stored(): Bytes | null {
    const [row] = this.#tables.read<{ bytes: ArrayBuffer }>('SELECT bytes FROM standing')
    return row ? new Uint8Array(row.bytes) : null
  }

  async #refresh(): Promise<void> {
    const settings = settingsOf(this.env)
    try {
      this.#fault = await this.#take(settings)
    } catch (error) {
      this.#fault = 'unreachable'
      logFault('standing.fault', error)
    }
    this.#tried = Date.now()
  }

  async #take(settings: Settings): Promise<StandingFault> {
    if (settings.REGISTRY_SOURCE === null) return 'no-source'
    const bytes = await fetchBytes(settings.REGISTRY_SOURCE)
    const standing = decodeStanding(bytes)
    const network = networks[settings.NETWORK]
    const now = Math.floor(Date.now() / 1000)
    const outcome = await checkStanding({ network, ...standing, seen: this.#seen(), now })
    if (outcome.failure) {
      log('standing.refused', { why: outcome.failure.code })
      return 'refused'
    }
    const { digest, registry, seen } = outcome.value
    const anchored = await askChain(settings, { digest, sequence: registry.sequence })
    if (anchored !== 'anchored' && anchored !== 'unknown') {
      log('standing.refused', { why: anchored })
      return anchored
    }
    const replace = 'INSERT OR REPLACE INTO standing (id, bytes, seen) VALUES (1, ?, ?)'
    this.#tables.write(replace, bytes, encodeCbor(seen))
    return null
  }

  /** The numbers of what is carried: nothing older is taken again. */
  #seen(): Seen | null {
    const [row] = this.#tables.read<{ seen: ArrayBuffer }>('SELECT seen FROM standing')
    return row ? decodeCbor(Seen, new Uint8Array(row.seen), MAX_SEEN_BYTES) : null
  }
}

/** How the statement stands to the chain; `unknown` where no Registry is set or the chain does not answer. */
async function askChain(
  { CHAIN_API, REGISTRY_ADDRESS }: Settings,
  registry: { digest: Bytes; sequence: number },
): Promise<Anchored | 'unknown'> {
  if (CHAIN_API === null || REGISTRY_ADDRESS === null) return 'unknown'
  try {
    const headers = { 'content-type': 'application/json' }
    const call = { method: 'POST', headers, body: JSON.stringify(anchorCall(REGISTRY_ADDRESS)) }
    const { body } = await fetchWhole(runtimeFetch, `${CHAIN_API}/api/v2/jsonRPC`, call, TIMEOUT)
    return compareAnchor(readAnchor(JSON.parse(new TextDecoder().decode(body))), registry)
  } catch (error) {
    // A chain that is away must not take every private node down: the owners' signatures hold without it.
    logFault('chain.fault', error)
    return 'unknown'
  }
}

async function fetchBytes(url: string): Promise<Bytes> {
  const { response, body } = await fetchWhole(runtimeFetch, url, {}, TIMEOUT)
  if (!response.ok) throw new CocoonError('unreachable', `the registry source answers ${response.status}`)
  if (body.length > MAX_STANDING_BYTES) throw new CocoonError('unreachable', 'the registry source answers too much')
  return body
}
