import { DurableObject } from 'cloudflare:workers'
import { returnQuestion, takeQuestion, type TrialState, type TrialView, viewTrial } from './trial.ts'

/** How long a question's row is kept: as long as its answer may be fetched, and an hour. Milliseconds. */
const HOLD_LIFETIME = 25 * 60 * 60 * 1000

/** One per user: the free trial, and the sign-ins that were used up. Its methods may be called twice with no harm. */
export class Account extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS trial (id INTEGER PRIMARY KEY CHECK (id = 1), started INTEGER NOT NULL, used INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS holds (attempt TEXT PRIMARY KEY, at INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS sign_ins (once TEXT PRIMARY KEY, holder TEXT, until INTEGER NOT NULL) WITHOUT ROWID;`)
  }

  /**
   * True the first time, and again for the `holder` of the first time, if it had one: a page that was reloaded before it
   * got its answer is no replay. `until`: Unix milliseconds after which this sign-in is refused for its age anyway.
   */
  admitSignIn(once: string, holder: string | null, until: number): boolean {
    this.#sql.exec('DELETE FROM sign_ins WHERE until < ?', Date.now())
    const first = this.#sql
      .exec<{ holder: string | null }>('SELECT holder FROM sign_ins WHERE once = ?', once)
      .toArray()[0]
    if (first) return holder !== null && first.holder === holder
    this.#sql.exec('INSERT INTO sign_ins (once, holder, until) VALUES (?, ?, ?)', once, holder, until)
    return true
  }

  trial(of: number): TrialView {
    return viewTrial(this.#trial(), of, Date.now())
  }

  /**
   * Takes one free question for one attempt at a job, named by job and node. Null when it is held (again); the trial's
   * view when there is none left.
   */
  async hold(attempt: string, of: number): Promise<TrialView | null> {
    const now = Date.now()
    if (this.#sql.exec("SELECT 1 FROM holds WHERE attempt = ? AND state = 'held'", attempt).toArray().length > 0)
      return null
    const next = takeQuestion(this.#trial(), of, now)
    if (!next) return viewTrial(this.#trial(), of, now)
    this.#saveTrial(next)
    this.#sql.exec("INSERT OR REPLACE INTO holds (attempt, at, state) VALUES (?, ?, 'held')", attempt, now)
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(now + HOLD_LIFETIME)
    return null
  }

  /** The attempt ended: its question is used up, or comes back when no node opened it. Only the first word counts. */
  settle(attempt: string, outcome: 'used' | 'returned'): void {
    const held = "SELECT at FROM holds WHERE attempt = ? AND state = 'held'"
    const row = this.#sql.exec<{ at: number }>(held, attempt).toArray()[0]
    if (!row) return
    this.#sql.exec('UPDATE holds SET state = ? WHERE attempt = ?', outcome, attempt)
    if (outcome === 'returned') this.#saveTrial(returnQuestion(this.#trial(), row.at))
  }

  override async alarm(): Promise<void> {
    const now = Date.now()
    this.#sql.exec('DELETE FROM holds WHERE at <= ?', now - HOLD_LIFETIME)
    const oldest = this.#sql.exec<{ at: number | null }>('SELECT MIN(at) AS at FROM holds').one().at
    if (oldest !== null) await this.ctx.storage.setAlarm(oldest + HOLD_LIFETIME)
  }

  #trial(): TrialState {
    const row = this.#sql.exec<{ started: number; used: number }>('SELECT started, used FROM trial').toArray()[0]
    return row ?? { started: 0, used: 0 }
  }

  #saveTrial({ started, used }: TrialState): void {
    this.#sql.exec('INSERT OR REPLACE INTO trial (id, started, used) VALUES (1, ?, ?)', started, used)
  }
}
