import { DurableObject } from 'cloudflare:workers'
import { type Bytes, type Policy, statementToText } from '@cocoon/protocol'
import { log, logFault } from './log.ts'
import type { Grant, LeaseRequest, LoadReport, MatchAnswer, MatcherSummary, Offering } from './matcher-calls.ts'
import { type Candidate, chooseNode } from './matching.ts'
import { Line, type Waiting } from './queue.ts'
import type { Reservation } from './room.ts'

/** A lease reserves a slot for this long. Milliseconds. */
export const LEASE_LIFETIME = 30_000
/** Nodes of one model and region: some 40 MB of their statements, and a choice among them stays quick. */
export const MAX_NODES = 10_000
/** Relays that a matcher asks when it wakes, chosen by chance where there are more; each call is billed. */
const ASKED_ON_WAKING = 64
/** How long a caller who waited may take to say that he still does. Milliseconds. */
const CONFIRM_PATIENCE = 2_000

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

/** A caller in line. */
interface Waiter extends Waiting {
  readonly id: string
  /** True while the caller is still there. */
  confirm(): boolean | Promise<boolean>
  answer(answer: MatchAnswer): void
}

/**
 * One per model and region: who serves it, who has a free slot, the leases not yet turned into jobs, and the line of
 * those who wait for one. The nodes are stored; leases, line and loads are in memory only. What is forgotten with them
 * makes the next choices too hopeful: the relay of a full node then moves the job on, and says what the load is.
 */
export class Matcher extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql
  readonly #entries = new Map<string, Entry>()
  /** The entries each policy allows; made anew after a node came or went, so that a lease costs the same with many nodes. */
  #candidates: Record<Policy, readonly Entry[]> | undefined
  /** In order of expiry, since all live equally long. */
  readonly #leases = new Map<string, { node: string; expires: number }>()
  readonly #line = new Line<Waiter>()
  #timer: ReturnType<typeof setTimeout> | null = null
  /** No statement goes stale before this; Unix milliseconds. */
  #freshUntil = Infinity

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS nodes (node TEXT PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL, evidence TEXT,
        price TEXT NOT NULL, context INTEGER NOT NULL, slots INTEGER NOT NULL, free INTEGER NOT NULL, use_by INTEGER NOT NULL) WITHOUT ROWID;`)
    for (const row of this.#sql.exec<Row>('SELECT * FROM nodes')) {
      this.#remember({ ...row, price: JSON.parse(row.price) as Offering['price'], useBy: row.use_by })
    }
    if (this.#entries.size > 0) ctx.waitUntil(this.#askRelays([...this.#entries.keys()]))
  }

  /** A node joined, or has a newer statement. False when there is no room for another node. */
  async offer(offering: Offering): Promise<boolean> {
    this.#tidy(Date.now())
    if (!this.#entries.has(offering.node) && this.#entries.size >= MAX_NODES) return false
    const entry = this.#remember(offering)
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
    this.#serve(entry)
    const armed = await this.ctx.storage.getAlarm()
    if (armed === null || armed > this.#freshUntil) await this.ctx.storage.setAlarm(this.#freshUntil)
    return true
  }

  /** Slots changed. Answers which slots of this node are reserved now. */
  load({ node, slots, free, ended }: LoadReport): Reservation[] {
    this.#tidy(Date.now())
    for (const id of ended) this.#endLease(id)
    const entry = this.#entries.get(node)
    if (!entry) return []
    entry.slots = slots
    entry.free = free
    this.#serve(entry)
    return [...this.#leases].flatMap(([lease, { node: at, expires }]) => (at === node ? [{ lease, expires }] : []))
  }

  withdraw(node: string): void {
    if (this.#entries.delete(node)) this.#candidates = undefined
    this.#sql.exec('DELETE FROM nodes WHERE node = ?', node)
  }

  /** A free slot, reserved, if there is one now. A relay that asks reports on its own node by the way. */
  lease({ id, policy, exclude }: Omit<LeaseRequest, 'user'>, report?: LoadReport): MatchAnswer {
    if (report) this.load(report)
    const now = Date.now()
    this.#tidy(now)
    const chosen = this.#choose(policy, exclude)
    return chosen ? { kind: 'granted', grant: this.#reserve(id, chosen, now) } : this.#nobodyFree(policy, now)
  }

  /** The node that would be leased, and nothing reserved. */
  candidate(policy: Policy, exclude: readonly string[]): MatchAnswer {
    const now = Date.now()
    this.#tidy(now)
    const chosen = this.#choose(policy, exclude)
    return chosen ? { kind: 'granted', grant: this.#grant(chosen, chosen.useBy) } : this.#nobodyFree(policy, now)
  }

  /**
   * A free slot, reserved: the next that this caller may have, in line behind those who came before. `busy` when line or
   * patience are over. `confirm` is asked before the slot is given; who does not answer is passed over.
   */
  async wait(request: LeaseRequest, confirm: Waiter['confirm']): Promise<MatchAnswer> {
    const { id, user, policy, exclude } = request
    const now = Date.now()
    const answer = this.lease(request)
    const eligible = this.#candidatesNow()[policy].some(({ node }) => !exclude.includes(node))
    if (answer.kind !== 'busy' || !eligible) return answer
    const { promise, resolve } = Promise.withResolvers<MatchAnswer>()
    const waiter = { id, user, policy, exclude: new Set(exclude), since: now, confirm, answer: resolve }
    if (!this.#line.join(waiter)) return answer
    this.#watch(now)
    return promise
  }

  /** Whoever asked under this id is gone: leaves the line, or gives the slot back. */
  abandon(id: string): void {
    for (const waiter of this.#line.remove(id)) this.#busy(waiter, Date.now())
    this.#freed(this.#endLease(id))
    this.#rest()
  }

  summary(): MatcherSummary {
    this.#tidy(Date.now())
    let [free, context, cheapest]: [number, number, Entry | undefined] = [0, 0, undefined]
    for (const entry of this.#entries.values()) {
      free += Math.max(0, entry.free - entry.leased)
      context = Math.max(context, entry.context)
      if (!cheapest || entry.price < cheapest.price) cheapest = entry
    }
    const [reserved, waiting] = [this.#leases.size, this.#line.length]
    return { nodes: this.#entries.size, free, price: cheapest?.prices ?? null, context, reserved, waiting }
  }

  /** Statements go stale; all else is seen to by whoever asks next. */
  override async alarm(): Promise<void> {
    this.#tidy(Date.now())
    if (this.#freshUntil !== Infinity) await this.ctx.storage.setAlarm(this.#freshUntil)
  }

  /** What the decision needs of an offering: not the statement, which is read once a node is chosen. */
  #remember({ node, context, slots, free, useBy, evidence, price: prices }: Omit<Offering, 'statement'>): Entry {
    const attested = evidence !== null
    const known = { node, context, slots, free, useBy, attested, prices, price: BigInt(prices.completion) }
    let entry = this.#entries.get(node)
    if (entry?.attested !== attested) this.#candidates = undefined
    if (entry) {
      Object.assign(entry, known)
    } else {
      const leased = [...this.#leases.values()].filter((lease) => lease.node === node).length
      entry = { ...known, leased }
      this.#entries.set(node, entry)
    }
    this.#freshUntil = Math.min(this.#freshUntil, useBy)
    return entry
  }

  /** A node may have gone while nobody who noticed lived: after a crash its relay sleeps until somebody asks. */
  async #askRelays(nodes: string[]): Promise<void> {
    const from = Math.floor(Math.random() * nodes.length)
    const some = [...nodes.slice(from), ...nodes.slice(0, from)].slice(0, ASKED_ON_WAKING)
    for (const node of some) {
      try {
        const relay = this.env.NODE_RELAY.getByName(node)
        if (!(await relay.present())) this.withdraw(node)
      } catch (error) {
        logFault('relay.fault', error, { node })
      }
    }
  }

  #candidatesNow(): Record<Policy, readonly Entry[]> {
    if (!this.#candidates) {
      const open = [...this.#entries.values()]
      this.#candidates = { open, private: open.filter((entry) => entry.attested) }
    }
    return this.#candidates
  }

  #choose(policy: Policy, exclude: readonly string[]): Entry | undefined {
    // What a choice is made among are our own entries.
    return chooseNode(this.#candidatesNow()[policy], new Set(exclude), Math.random) as Entry | undefined
  }

  #nobodyFree(policy: Policy, now: number): MatchAnswer {
    if (this.#candidatesNow()[policy].length === 0) return { kind: 'none' }
    return { kind: 'busy', retryAfterMs: this.#line.retryAfter(now) }
  }

  #grant({ node }: Entry, expires: number): Grant {
    const { body, signature, evidence } = this.#sql.exec<Row>('SELECT * FROM nodes WHERE node = ?', node).one()
    const bytes = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer)
    return { node, statement: statementToText({ body: bytes(body), signature: bytes(signature) }), evidence, expires }
  }

  #reserve(id: string, entry: Entry, now: number): Grant {
    const grant = this.#grant(entry, now + LEASE_LIFETIME)
    entry.leased += 1
    this.#leases.set(id, { node: entry.node, expires: grant.expires })
    return grant
  }

  /** The node whose slot is free again, if the lease was out. */
  #endLease(id: string): Entry | undefined {
    const lease = this.#leases.get(id)
    if (!lease) return undefined
    this.#leases.delete(id)
    const entry = this.#entries.get(lease.node)
    if (entry) entry.leased = Math.max(0, entry.leased - 1)
    return entry
  }

  #freed(entry: Entry | undefined): void {
    if (entry) this.#serve(entry)
  }

  /** Gives the free slots of a node to the first in line who may have them. */
  #serve(entry: Entry): void {
    const now = Date.now()
    for (const waiter of this.#line.serve(entry, now)) {
      void this.#confirm(waiter, { kind: 'granted', grant: this.#reserve(waiter.id, entry, now) })
    }
    this.#rest()
  }

  async #confirm(waiter: Waiter, answer: MatchAnswer): Promise<void> {
    const late = scheduler.wait(CONFIRM_PATIENCE).then(() => false)
    const there = (async () => waiter.confirm())().catch(() => false)
    if (await Promise.race([there, late])) return waiter.answer(answer)
    this.#busy(waiter, Date.now())
    this.#freed(this.#endLease(waiter.id))
  }

  #busy(waiter: Waiter, now: number): void {
    waiter.answer({ kind: 'busy', retryAfterMs: this.#line.retryAfter(now) })
  }

  /** Nobody waits: a timer would keep this object awake for nothing. */
  #rest(): void {
    if (this.#line.length === 0) clearTimeout(this.#timer)
  }

  /** What time ended: leases, waits, statements. */
  #tidy(now: number): void {
    for (const [id, lease] of this.#leases) {
      if (lease.expires > now) break
      this.#freed(this.#endLease(id))
    }
    for (const waiter of this.#line.expire(now)) this.#busy(waiter, now)
    this.#rest()
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

  /**
   * While somebody waits, time is kept by a timer and not by the alarm: an open request keeps this object awake anyway,
   * and an alarm that is moved for each lease would be a row written.
   */
  #watch(now: number): void {
    clearTimeout(this.#timer)
    const end = this.#line.nextEnd
    if (end === undefined) return
    const [lease] = this.#leases.values()
    const next = Math.min(end, lease?.expires ?? Infinity)
    this.#timer = setTimeout(
      () => {
        const at = Date.now()
        this.#tidy(at)
        this.#watch(at)
      },
      Math.max(1, next - now),
    )
  }
}
