import { DurableObject } from 'cloudflare:workers'
import { type Bytes, type MatchResponse, type Policy, type SignedStatement, statementToText } from '@cocoon/protocol'
import { log } from './log.ts'
import { type Candidate, chooseNode } from './matching.ts'

/** A lease reserves a slot for this long. Milliseconds. */
export const LEASE_LIFETIME = 30_000

/** What a relay tells about its node. */
export interface Offering {
  readonly node: string
  readonly statement: SignedStatement
  /** Hex digest of the evidence, or null. */
  readonly evidence: string | null
  /** Nanograms per million tokens, by class, as decimal text. */
  readonly price: { prompt: string; cached: string; completion: string; reasoning: string }
  readonly context: number
  readonly slots: number
  readonly free: number
  /** Unix milliseconds after which the statement serves no new job. */
  readonly useBy: number
}

export interface LeaseGrant {
  readonly id: string
  readonly node: string
  readonly statement: MatchResponse['statement']
  readonly evidence: string | null
  /** Unix milliseconds. */
  readonly expires: number
}

export interface MatcherSummary {
  readonly nodes: number
  readonly free: number
  readonly price: Offering['price'] | null
  readonly context: number
}

interface Row extends Record<string, SqlStorageValue> {
  node: string
  body: ArrayBuffer
  signature: ArrayBuffer
  evidence: string | null
  price: string
  context: number
  slots: number
  free: number
  use_by: number
}

interface Entry extends Candidate {
  slots: number
  prices: Offering['price']
  context: number
  useBy: number
  attested: boolean
}

/** One per model and region: who serves it, who has a free slot, and the leases not yet turned into jobs. */
export class Matcher extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql
  /** The decision reads memory alone; every change is written through, so a woken object starts where it was. */
  readonly #entries = new Map<string, Entry>()
  /** The entries each policy allows; made anew after a node came or went, so that a lease costs the same with many nodes. */
  #candidates: Record<Policy, readonly Entry[]> | undefined
  /** In order of expiry, since all live equally long. */
  readonly #leases = new Map<string, { node: string; expires: number }>()
  /** No statement goes stale before this; Unix milliseconds. */
  #freshUntil = Infinity

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS nodes (node TEXT PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL, evidence TEXT,
        price TEXT NOT NULL, context INTEGER NOT NULL, slots INTEGER NOT NULL, free INTEGER NOT NULL, use_by INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS leases (id TEXT PRIMARY KEY, node TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;`)
    for (const row of this.#sql.exec<Row>('SELECT * FROM nodes')) {
      this.#remember({ ...row, price: JSON.parse(row.price) as Offering['price'], useBy: row.use_by })
    }
    const leases = 'SELECT * FROM leases ORDER BY expires'
    for (const row of this.#sql.exec<{ id: string; node: string; expires: number }>(leases)) {
      this.#leases.set(row.id, { node: row.node, expires: row.expires })
      const entry = this.#entries.get(row.node)
      if (entry) entry.leased += 1
    }
  }

  /** A node joined, or has a newer statement. */
  async offer(offering: Offering): Promise<void> {
    this.#remember(offering)
    this.#sql.exec(
      'INSERT OR REPLACE INTO nodes (node, body, signature, evidence, price, context, slots, free, use_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      offering.node,
      offering.statement.body,
      offering.statement.signature,
      offering.evidence,
      JSON.stringify(offering.price),
      offering.context,
      offering.slots,
      offering.free,
      offering.useBy,
    )
    await this.#arm()
  }

  /** Slots changed; the leases named were used by jobs the node now counts itself, or will never be. */
  load(node: string, slots: number, free: number, endedLeases: readonly string[]): void {
    for (const id of endedLeases) this.#endLease(id)
    const entry = this.#entries.get(node)
    if (!entry) return
    entry.slots = slots
    entry.free = free
    this.#sql.exec('UPDATE nodes SET slots = ?, free = ? WHERE node = ?', slots, free, node)
  }

  withdraw(node: string): void {
    if (this.#entries.delete(node)) this.#candidates = undefined
    this.#sql.exec('DELETE FROM nodes WHERE node = ?', node)
  }

  /** Null when no node that the policy allows has a free slot. */
  async lease(policy: Policy, exclude: readonly string[]): Promise<LeaseGrant | null> {
    const now = Date.now()
    this.#expire(now)
    this.#candidates ??= this.#candidatesNow()
    const chosen = chooseNode(this.#candidates[policy], new Set(exclude), Math.random)
    if (!chosen) return null
    const { body, signature, evidence } = this.#sql.exec<Row>('SELECT * FROM nodes WHERE node = ?', chosen.node).one()
    const grant = { id: crypto.randomUUID(), node: chosen.node, expires: now + LEASE_LIFETIME }
    chosen.leased += 1
    this.#leases.set(grant.id, grant)
    this.#sql.exec('INSERT INTO leases (id, node, expires) VALUES (?, ?, ?)', grant.id, grant.node, grant.expires)
    await this.#arm()
    const bytes = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer)
    return { ...grant, evidence, statement: statementToText({ body: bytes(body), signature: bytes(signature) }) }
  }

  summary(): MatcherSummary {
    this.#expire(Date.now())
    let [free, context, cheapest]: [number, number, Entry | undefined] = [0, 0, undefined]
    for (const entry of this.#entries.values()) {
      free += Math.max(0, entry.free - entry.leased)
      context = Math.max(context, entry.context)
      if (!cheapest || entry.price < cheapest.price) cheapest = entry
    }
    return { nodes: this.#entries.size, free, price: cheapest?.prices ?? null, context }
  }

  override async alarm(): Promise<void> {
    this.#expire(Date.now())
    await this.#arm()
  }

  /** What the decision needs of an offering: not the statement, which is read once a node is chosen. */
  #remember({ node, context, slots, free, useBy, evidence, price: prices }: Omit<Offering, 'statement'>): void {
    const attested = evidence !== null
    const known = { node, context, slots, free, useBy, attested, prices, price: BigInt(prices.completion) }
    const entry = this.#entries.get(node)
    if (entry?.attested !== attested) this.#candidates = undefined
    if (entry) {
      Object.assign(entry, known)
    } else {
      const leased = [...this.#leases.values()].filter((lease) => lease.node === node).length
      this.#entries.set(node, { ...known, leased })
    }
    this.#freshUntil = Math.min(this.#freshUntil, useBy)
  }

  #candidatesNow(): Record<Policy, readonly Entry[]> {
    const open = [...this.#entries.values()]
    return { open, private: open.filter((entry) => entry.attested) }
  }

  #endLease(id: string): void {
    const lease = this.#leases.get(id)
    if (!lease) return
    this.#leases.delete(id)
    this.#sql.exec('DELETE FROM leases WHERE id = ?', id)
    const entry = this.#entries.get(lease.node)
    if (entry) entry.leased = Math.max(0, entry.leased - 1)
  }

  #expire(now: number): void {
    for (const [id, lease] of this.#leases) {
      if (lease.expires > now) break
      this.#endLease(id)
    }
    if (now < this.#freshUntil) return
    this.#freshUntil = Infinity
    for (const entry of this.#entries.values()) {
      if (entry.useBy > now) {
        this.#freshUntil = Math.min(this.#freshUntil, entry.useBy)
        continue
      }
      // Its relay would have brought a newer statement: the node is gone, whatever we were not told.
      log('matcher.stale', { node: entry.node })
      this.withdraw(entry.node)
    }
  }

  async #arm(): Promise<void> {
    const [firstLease] = this.#leases.values()
    const next = Math.min(firstLease?.expires ?? Infinity, this.#freshUntil)
    if (next === Infinity) return
    const armed = await this.ctx.storage.getAlarm()
    if (armed === null || armed > next) await this.ctx.storage.setAlarm(next)
  }
}
