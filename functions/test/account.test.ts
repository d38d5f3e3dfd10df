import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Account } from '../src/index.ts'
import { returnQuestion, takeQuestion, TRIAL_WINDOW, type TrialState, viewTrial } from '../src/trial.ts'
import { later } from './asking.ts'
import { runs } from './seeded.ts'

const HOUR = 60 * 60 * 1000

afterEach(() => vi.useRealTimers())

function account(): DurableObjectStub<Account> {
  return env.ACCOUNT.getByName(`key:${crypto.randomUUID()}`)
}

async function left(stub: DurableObjectStub<Account>, of = 3): Promise<number> {
  return (await stub.trial(of)).left
}

/** What is stored of an account: null when there is nothing, not even a table or an alarm. */
function stored(stub: DurableObjectStub<Account>): Promise<{ leases: number; signIns: number } | null> {
  return runInDurableObject(stub, async (_, { storage }) => {
    const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'account'").toArray()
    if (tables.length === 0 && (await storage.getAlarm()) === null) return null
    const row = storage.sql.exec<{ leases: string; sign_ins: string }>('SELECT leases, sign_ins FROM account').one()
    const length = (json: string): number => (JSON.parse(json) as unknown[]).length
    return { leases: length(row.leases), signIns: length(row.sign_ins) }
  })
}

describe('an account', () => {
  it('takes one question for a lease, and knows the lease again', async () => {
    const stub = account()
    expect(await stub.hold('a', 3)).toBe('held')
    expect(await stub.hold('a', 3)).toBe('again')
    expect(await left(stub)).toBe(2)
  })

  it('says what is left when the trial is spent, and takes nothing', async () => {
    const stub = account()
    for (const lease of ['a', 'b', 'c']) expect(await stub.hold(lease, 3)).toBe('held')
    expect(await stub.hold('d', 3)).toMatchObject({ left: 0, of: 3 })
    expect(await stored(stub)).toMatchObject({ leases: 3 })
    expect(await stub.hold('c', 3)).toBe('again')
  })

  it('gives a question back once, and the lease stays used', async () => {
    const stub = account()
    await stub.hold('a', 3)
    await stub.hold('b', 3)
    await stub.giveBack('b')
    await stub.giveBack('b')
    expect(await left(stub)).toBe(2)
    expect(await stub.hold('b', 3)).toBe('again')
    expect(await left(stub)).toBe(2)
  })

  it('gives nothing back for a lease that took nothing, and takes nothing for it later: the call was overtaken', async () => {
    const stub = account()
    await stub.hold('a', 3)
    await stub.giveBack('b')
    expect(await left(stub)).toBe(2)
    expect(await stub.hold('b', 3)).toBe('again')
    expect(await left(stub)).toBe(2)
  })

  it('sleeps in the middle of a job and counts rightly', async () => {
    const stub = account()
    await stub.hold('a', 3)
    await stub.hold('b', 3)
    await evictDurableObject(stub)
    expect(await stub.hold('a', 3)).toBe('again')
    await stub.giveBack('a')
    await evictDurableObject(stub)
    await stub.giveBack('a')
    expect(await left(stub)).toBe(2)
  })

  it('starts anew after thirty days, and takes nothing back from before', async () => {
    const stub = account()
    for (const lease of ['a', 'b', 'c']) await stub.hold(lease, 3)
    later(TRIAL_WINDOW + 1)
    expect(await left(stub)).toBe(3)
    expect(await stub.hold('d', 3)).toBe('held')
    await stub.giveBack('a')
    expect(await left(stub)).toBe(2)
  })

  it('forgets a lease after 25 hours, but not that its question was used', async () => {
    const stub = account()
    await stub.hold('a', 3)
    later(10 * HOUR)
    await stub.hold('b', 3)
    later(15 * HOUR)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await stored(stub)).toMatchObject({ leases: 1 })
    later(10 * HOUR)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await stored(stub)).toMatchObject({ leases: 0 })
    expect(await left(stub)).toBe(1)
  })

  it('remembers so many leases as fit into a row, the latest', async () => {
    const stub = account()
    await runInDurableObject(stub, async (self) => {
      for (let asked = 0; asked < 1_025; asked++) await self.hold(`${asked}`, 9_999)
    })
    expect(await stored(stub)).toMatchObject({ leases: 1_024 })
    expect(await stub.hold('1024', 9_999)).toBe('again')
    expect(await left(stub, 9_999)).toBe(9_999 - 1_025)
  })

  it('admits a sign-in once, also after sleep', async () => {
    const stub = account()
    const until = Date.now() + 600_000
    expect(await stub.admitSignIn('once', null, until)).toBe(true)
    expect(await stub.admitSignIn('once', null, until)).toBe(false)
    await evictDurableObject(stub)
    expect(await stub.admitSignIn('once', null, until)).toBe(false)
    expect(await stub.admitSignIn('another', null, until)).toBe(true)
  })

  it('admits it again for its holder, and for nobody else', async () => {
    const stub = account()
    const until = Date.now() + 600_000
    expect(await stub.admitSignIn('once', 'one key', until)).toBe(true)
    expect(await stub.admitSignIn('once', 'one key', until)).toBe(true)
    expect(await stub.admitSignIn('once', 'another key', until)).toBe(false)
    expect(await stub.admitSignIn('once', null, until)).toBe(false)
  })

  it('remembers a sign-in only for as long as it could be played again', async () => {
    const stub = account()
    await stub.admitSignIn('once', null, Date.now() + 600_000)
    later(600_001)
    await stub.admitSignIn('another', null, Date.now() + 600_000)
    expect(await stored(stub)).toMatchObject({ signIns: 1 })
  })

  it('that was only looked at leaves nothing', async () => {
    const stub = account()
    expect(await left(stub)).toBe(3)
    expect(await stored(stub)).toBeNull()
  })

  it('of somebody who only signed in deletes itself in a day', async () => {
    const stub = account()
    await stub.admitSignIn('once', null, Date.now() + 600_000)
    later(25 * HOUR)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await stored(stub)).toBeNull()
    // The same object, used again.
    expect(await stub.hold('a', 3)).toBe('held')
    expect(await left(stub)).toBe(2)
  })

  it('deletes itself when its trial is over, and not before', async () => {
    const stub = account()
    await stub.hold('a', 3)
    later(25 * HOUR)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    later(TRIAL_WINDOW - 26 * HOUR)
    expect(await left(stub)).toBe(2)
    later(HOUR)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await stored(stub)).toBeNull()
    expect(await left(stub)).toBe(3)
  })
})

const NOW = Date.UTC(2026, 10, 22)
const EMPTY: TrialState = { started: 0, used: 0 }

describe('a trial', () => {
  it('starts its window with the first question', () => {
    const state = takeQuestion(EMPTY, 3, NOW)
    expect(state).toEqual({ started: NOW, used: 1 })
    expect(viewTrial(EMPTY, 3, NOW)).toEqual({ left: 3, of: 3, renews: (NOW + TRIAL_WINDOW) / 1000 })
  })

  it('is spent until the last millisecond of its window, and whole in the next', () => {
    const spent = { started: NOW, used: 3 }
    expect(takeQuestion(spent, 3, NOW + TRIAL_WINDOW - 1)).toBeUndefined()
    expect(takeQuestion(spent, 3, NOW + TRIAL_WINDOW)).toEqual({ started: NOW + TRIAL_WINDOW, used: 1 })
  })

  it('gives nothing when it is of nothing', () => {
    expect(takeQuestion(EMPTY, 0, NOW)).toBeUndefined()
  })

  it('shows no negative rest when the broker lowers it', () => {
    expect(viewTrial({ started: NOW, used: 9 }, 3, NOW).left).toBe(0)
  })

  it('takes nothing back into a later window', () => {
    const next = { started: NOW + TRIAL_WINDOW, used: 2 }
    expect(returnQuestion(next, NOW)).toEqual(next)
    expect(returnQuestion(next, next.started)).toEqual({ ...next, used: 1 })
  })

  /** A second, slower account of the same: every question with the window it was taken in. */
  it('counts what an honest list of questions counts, whatever comes in whatever order', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: TRIAL_WINDOW / 3 }), back: fc.option(fc.nat(30)) })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), fc.array(step, { maxLength: 60 }), (of, steps) => {
        let [now, state, windowStart] = [NOW, EMPTY, -Infinity]
        const held: number[] = []
        for (const { wait, back } of steps) {
          now += wait
          if (back !== null) {
            const [taken] = held.splice(back % Math.max(1, held.length), 1)
            if (taken !== undefined) state = returnQuestion(state, taken)
          } else {
            // A window begins with a question, never by itself.
            const begins = now >= windowStart + TRIAL_WINDOW
            const counted = begins ? 0 : held.filter((at) => at >= windowStart).length
            const next = takeQuestion(state, of, now)
            expect(next !== undefined).toBe(counted < of)
            if (next) {
              if (begins) windowStart = now
              state = next
              held.push(now)
            }
          }
          const inWindow = now < windowStart + TRIAL_WINDOW ? held.filter((at) => at >= windowStart).length : 0
          expect(viewTrial(state, of, now).left).toBe(of - inWindow)
        }
      }),
      runs(300),
    )
  })
})
