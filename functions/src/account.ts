import { DurableObject } from 'cloudflare:workers'
import { SqlTables } from './sql-tables.ts'
import { returnQuestion, takeQuestion, TRIAL_WINDOW, type TrialState, type TrialView, viewTrial } from './trial.ts'

/** How long the lease of a question is remembered: as long as its answer may be fetched, and an hour. Milliseconds. */
const LEASE_MEMORY = 25 * 60 * 60 * 1000
/** Leases remembered at once; what is older than the latest so many cannot come back. A row holds 2 MB. */
const MAX_LEASES = 1_024

/** A lease whose job took a question, when, and whether it came back. */
type TakenLease = readonly [lease: string, at: number, returned: 0 | 1]
/** A sign-in that was accepted, who may send it again (null: nobody), and after when it is refused for its age. */
type TakenSignIn = readonly [once: string, holder: string | null, until: number]

interface State extends TrialState {
  readonly leases: readonly TakenLease[]
  readonly signIns: readonly TakenSignIn[]
}

interface Row extends Record<string, SqlStorageValue> {
  started: number
  used: number
  leases: string
  sign_ins: string
}

const SCHEMA = `CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 1), started INTEGER NOT NULL,
  used INTEGER NOT NULL, leases TEXT NOT NULL, sign_ins TEXT NOT NULL);`

/**
 * One per user: the free trial, and the sign-ins that were used up. All of it is one row, because rows written are what
 * storage costs; an account of which nothing counts any more deletes itself.
 */
export class Account extends DurableObject<Env> {
  readonly #tables = new SqlTables(this.ctx.storage, 'account', SCHEMA)

  /**
   * True the first time, and again for the `holder` of the first time, if it had one: a page that was reloaded before it
   * got its answer is no replay. `until`: Unix milliseconds after which this sign-in is refused for its age anyway.
   */
  async admitSignIn(once: string, holder: string | null, until: number): Promise<boolean> {
    const state = this.#state(Date.now())
    const first = state.signIns.find(([taken]) => taken === once)
    if (first) return holder !== null && first[1] === holder
    await this.#save({ ...state, signIns: [...state.signIns, [once, holder, until]] })
    return true
  }

  trial(of: number): TrialView {
    const now = Date.now()
    return viewTrial(this.#state(now), of, now)
  }

  /**
   * Takes one free question for the job that came with this lease. `again`: this lease brought its job before. The
   * trial's view when there is no question left.
   */
  async hold(lease: string, of: number): Promise<'held' | 'again' | TrialView> {
    const now = Date.now()
    const state = this.#state(now)
    if (state.leases.some(([taken]) => taken === lease)) return 'again'
    const next = takeQuestion(state, of, now)
    if (!next) return viewTrial(state, of, now)
    await this.#save({ ...state, ...next, leases: [...state.leases, [lease, now, 0] as const].slice(-MAX_LEASES) })
    return 'held'
  }

  /**
   * No node opened the job: its question comes back, once. The lease stays used, also one of which nothing is known yet:
   * a relay that crashed while it asked for the question may be back before its call arrives here.
   */
  async giveBack(lease: string): Promise<void> {
    const now = Date.now()
    const state = this.#state(now)
    const taken = state.leases.find(([known]) => known === lease)
    if (taken?.[2] === 1) return
    const returned: TakenLease = [lease, taken?.[1] ?? now, 1]
    const leases = [...state.leases.filter((other) => other !== taken), returned].slice(-MAX_LEASES)
    await this.#save({ ...(taken ? returnQuestion(state, taken[1]) : state), leases, signIns: state.signIns })
  }

  /** Forgets what is over; an account of which nothing is left deletes itself. */
  override async alarm(): Promise<void> {
    const now = Date.now()
    const state = this.#state(now)
    const { started, used, leases, signIns } = state
    const trialEnds = used > 0 ? started + TRIAL_WINDOW : 0
    if (leases.length === 0 && signIns.length === 0 && trialEnds <= now) return this.#tables.drop()
    this.#write(state)
    const last = Math.max(0, ...leases.map(([, at]) => at + LEASE_MEMORY), ...signIns.map(([, , until]) => until + 1))
    await this.ctx.storage.setAlarm(last > 0 ? last : trialEnds)
  }

  /** What counts now. */
  #state(now: number): State {
    const [row] = this.#tables.read<Row>('SELECT started, used, leases, sign_ins FROM account')
    if (!row) return { started: 0, used: 0, leases: [], signIns: [] }
    const leases = JSON.parse(row.leases) as TakenLease[]
    const signIns = JSON.parse(row.sign_ins) as TakenSignIn[]
    return {
      started: row.started,
      used: row.used,
      leases: leases.filter(([, at]) => now - at < LEASE_MEMORY),
      signIns: signIns.filter(([, , until]) => until >= now),
    }
  }

  async #save(state: State): Promise<void> {
    this.#write(state)
    // Moved at most once a day: an alarm that is set is a row written.
    const tidyBy = Date.now() + LEASE_MEMORY
    const armed = await this.ctx.storage.getAlarm()
    if (armed === null || armed > tidyBy) await this.ctx.storage.setAlarm(tidyBy)
  }

  #write({ started, used, leases, signIns }: State): void {
    const replace = 'INSERT OR REPLACE INTO account (id, started, used, leases, sign_ins) VALUES (1, ?, ?, ?, ?)'
    this.#tables.write(replace, started, used, JSON.stringify(leases), JSON.stringify(signIns))
  }
}
