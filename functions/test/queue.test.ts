import { CocoonError, type ErrorResponse, type MatchResponse } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LeaseRequest, MatchAnswer } from '../src/matcher-calls.ts'
import { LEASE_LIFETIME, type Matcher } from '../src/matcher.ts'
import {
  MAX_WAIT,
  MAX_WAITING,
  MAX_WAITING_OF_USER,
  mayWait,
  overdue,
  retryAfter,
  servedBy,
  type Waiting,
  withServed,
} from '../src/queue.ts'
import { abort, later } from './asking.ts'
import { asked, leaseOne, matcher, nodeOf, offering } from './matching-place.ts'
import { runs } from './seeded.ts'
import { post, TestUser } from './test-client.ts'
import { MODEL, TestNode } from './test-node.ts'
import { ORIGIN } from './wire.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** Somebody in line, and what came of it. */
interface InLine {
  readonly request: LeaseRequest
  /** The node, or why there is none. */
  readonly answer: Promise<string>
  over: boolean
}

function waits(stub: DurableObjectStub<Matcher>, changes: Partial<LeaseRequest> = {}, there = true): InLine {
  const request = asked(changes)
  const answer = stub.wait(request, () => there).then((answered) => nodeOf(answered as MatchAnswer))
  const inLine: InLine = { request, answer, over: false }
  void answer.then(() => (inLine.over = true)).catch(() => undefined)
  return inLine
}

/** Waits until so many are in line. */
async function lineOf(stub: DurableObjectStub<Matcher>, length: number): Promise<void> {
  await expect.poll(async () => (await stub.summary()).waiting).toBe(length)
}

/** A matcher whose one node has no free slot. */
async function busyMatcher(changes: Parameters<typeof offering>[1] = {}): Promise<DurableObjectStub<Matcher>> {
  const stub = matcher()
  await stub.offer(offering('a', { slots: 4, free: 0, ...changes }))
  return stub
}

const load = (free: number, node = 'a') => ({ node, slots: 4, free, ended: [] })

describe('the line', () => {
  it('is served first come first', async () => {
    const stub = await busyMatcher()
    const [first, second, third] = [waits(stub), waits(stub), waits(stub)]
    await lineOf(stub, 3)
    await stub.load(load(1))
    expect(await first.answer).toBe('a')
    expect([second.over, third.over]).toEqual([false, false])
    await stub.load(load(2))
    expect(await second.answer).toBe('a')
    expect(third.over).toBe(false)
    await stub.load(load(3))
    expect(await third.answer).toBe('a')
    expect(await stub.summary()).toMatchObject({ free: 0 })
  })

  it('is served by a lease that expires, without anybody asking', async () => {
    const stub = await busyMatcher({ free: 1 })
    await stub.lease(asked())
    later(LEASE_LIFETIME - 300)
    const waiting = waits(stub)
    await lineOf(stub, 1)
    later(301)
    expect(await waiting.answer).toBe('a')
  })

  it('is served by a slot that is given back, by a job that ended, and by a new node', async () => {
    const stub = await busyMatcher({ free: 1 })
    const holder = asked()
    await stub.lease(holder)
    const [first, second, third] = [waits(stub), waits(stub), waits(stub)]
    await lineOf(stub, 3)
    await stub.abandon(holder.id)
    expect(await first.answer).toBe('a')
    await stub.load({ ...load(1), ended: [first.request.id] })
    expect(await second.answer).toBe('a')
    await stub.offer(offering('b', { slots: 1, free: 1 }))
    expect(await third.answer).toBe('b')
  })

  it('lets those pass for whom the slot is not, and keeps the place of those before them', async () => {
    const stub = await busyMatcher()
    await stub.offer(offering('attested', { evidence: 'ab'.repeat(32), free: 0, slots: 4 }))
    const secret = waits(stub, { policy: 'private' })
    const choosy = waits(stub, { exclude: ['a'] })
    const anybody = waits(stub)
    await lineOf(stub, 3)
    await stub.load(load(1))
    expect(await anybody.answer).toBe('a')
    expect([secret.over, choosy.over]).toEqual([false, false])
    await stub.load(load(1, 'attested'))
    expect(await secret.answer).toBe('attested')
    await stub.load(load(2, 'attested'))
    expect(await choosy.answer).toBe('attested')
  })

  it('is not jumped by who asks without waiting, nor by who comes later', async () => {
    const stub = await busyMatcher()
    const first = waits(stub)
    await lineOf(stub, 1)
    await stub.load(load(1))
    expect(await leaseOne(stub)).toBe('busy')
    const second = waits(stub)
    expect(await first.answer).toBe('a')
    expect(second.over).toBe(false)
    await stub.abandon(second.request.id)
    expect(await second.answer).toBe('busy')
  })

  it('holds at most two of one user, and at most so many in all; who does not get in is told at once', async () => {
    const stub = await busyMatcher()
    const mine = [waits(stub, { user: 'me' }), waits(stub, { user: 'me' })]
    await lineOf(stub, 2)
    expect(await waits(stub, { user: 'me' }).answer).toBe('busy')
    const others = Array.from({ length: MAX_WAITING - 2 }, () => waits(stub))
    await lineOf(stub, MAX_WAITING)
    expect(await waits(stub).answer).toBe('busy')
    // All of them are still there.
    await stub.offer(offering('b', { slots: 256, free: 256 }))
    const answers = await Promise.all([...mine, ...others].map(({ answer }) => answer))
    expect(new Set(answers)).toEqual(new Set(['b']))
    expect(await stub.summary()).toMatchObject({ free: 0 })
  })

  it('ends after fifteen seconds', async () => {
    const stub = await busyMatcher()
    const early = waits(stub)
    await lineOf(stub, 1)
    later(MAX_WAIT - 1_000)
    const late = waits(stub)
    await lineOf(stub, 2)
    later(1_000)
    await stub.summary()
    expect(await early.answer).toBe('busy')
    expect(late.over).toBe(false)
    await lineOf(stub, 1)
    await stub.abandon(late.request.id)
  })

  it('ends by itself, without anybody asking', async () => {
    const stub = await busyMatcher()
    const early = waits(stub)
    await lineOf(stub, 1)
    later(MAX_WAIT - 300)
    const late = waits(stub)
    await lineOf(stub, 2)
    later(301)
    expect(await early.answer).toBe('busy')
    expect(late.over).toBe(false)
    await stub.abandon(late.request.id)
  })

  it('is not stood in where nobody could serve: no node, or only nodes that were tried', async () => {
    expect(await waits(matcher()).answer).toBe('none')
    const stub = await busyMatcher({ free: 4 })
    expect(await waits(stub, { exclude: ['a'] }).answer).toBe('busy')
    expect(await waits(stub, { policy: 'private' }).answer).toBe('none')
  })

  it('passes over who hung up: the slot goes to the next, or is free', async () => {
    const stub = await busyMatcher()
    const [gone, there] = [waits(stub, {}, false), waits(stub)]
    await lineOf(stub, 2)
    await stub.load(load(1))
    expect(await there.answer).toBe('a')
    expect(await gone.answer).toBe('busy')
    const last = waits(stub, {}, false)
    await lineOf(stub, 1)
    await stub.load(load(2))
    expect(await last.answer).toBe('busy')
    expect(await stub.summary()).toMatchObject({ free: 1 })
  })

  it('passes over who does not answer when his turn comes', { timeout: 10_000 }, async () => {
    const stub = await busyMatcher()
    const request = asked()
    const deaf = stub.wait(request, () => new Promise<boolean>(() => undefined))
    const there = waits(stub)
    await lineOf(stub, 2)
    await stub.load(load(1))
    expect(await there.answer).toBe('a')
    expect(nodeOf((await deaf) as MatchAnswer)).toBe('busy')
    expect(await stub.summary()).toMatchObject({ free: 0 })
  })

  it('tells its relay at once which slots of its node are taken', async () => {
    const stub = await busyMatcher()
    const waiting = waits(stub)
    await lineOf(stub, 1)
    const reserved = await stub.load(load(1))
    expect(reserved.map(({ lease }) => lease)).toEqual([waiting.request.id])
    await waiting.answer
  })
})

const everybody = fc
  .array(
    fc.record({ user: fc.nat(5).map(String), private: fc.boolean(), excluded: fc.boolean(), since: fc.nat(20_000) }),
    { maxLength: 40 },
  )
  .map((all) =>
    all.map(({ user, private: secret, excluded, since }): Waiting => ({
      user,
      policy: secret ? 'private' : 'open',
      exclude: new Set(excluded ? ['n'] : []),
      since,
    })),
  )

describe('who is served', () => {
  it('are the first who may have the node, as many as it has slots, and nobody before whom another waits', () => {
    fc.assert(
      fc.property(everybody, fc.nat(6), fc.nat(6), fc.boolean(), (line, free, leased, attested) => {
        const node = { node: 'n', free, leased, attested }
        const may = line.filter(({ exclude, policy }) => !exclude.has('n') && (policy === 'open' || attested))
        expect(servedBy(line, node)).toEqual(may.slice(0, Math.max(0, free - leased)))
      }),
      runs(300),
    )
  })

  it('gets in while there is room for him', () => {
    fc.assert(
      fc.property(everybody, fc.nat(5).map(String), (line, user) => {
        const mine = line.filter((waiting) => waiting.user === user).length
        expect(mayWait(line, user)).toBe(mine < MAX_WAITING_OF_USER)
      }),
      runs(100),
    )
    const full = Array.from({ length: MAX_WAITING }, (_, index): Waiting => {
      return { user: String(index), policy: 'open', exclude: new Set(), since: 0 }
    })
    expect(mayWait(full, 'another')).toBe(false)
    expect(mayWait(full.slice(1), 'another')).toBe(true)
  })

  it('waits fifteen seconds, and not a millisecond more', () => {
    fc.assert(
      fc.property(everybody, fc.nat(40_000), (line, now) => {
        const late = overdue(line, now)
        for (const waiting of line) expect(late.includes(waiting)).toBe(now - waiting.since >= MAX_WAIT)
      }),
      runs(100),
    )
  })

  it('who is not hears when to ask again: the longer the line and the slower it moves, the later', () => {
    const now = 1_000_000
    expect(retryAfter([], 0, now)).toBe(MAX_WAIT)
    const every = (milliseconds: number): number[] => {
      return Array.from({ length: 10 }, (_, index) => now - (9 - index) * milliseconds)
    }
    expect(retryAfter(every(1_000), 0, now)).toBe(1_000)
    expect(retryAfter(every(1_000), 9, now)).toBe(9_000)
    expect(retryAfter(every(2_000), 9, now)).toBe(18_000)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: now })), fc.nat(256), (times, waiting) => {
        const served = [...times].sort((a, b) => a - b)
        const after = retryAfter(served, waiting, now)
        expect(after).toBeGreaterThanOrEqual(1_000)
        expect(after).toBeLessThanOrEqual(60_000)
        expect(retryAfter(served, waiting + 1, now)).toBeGreaterThanOrEqual(after)
        expect(withServed(served, now).length).toBeLessThanOrEqual(16)
      }),
      runs(200),
    )
  })
})

const place = (): DurableObjectStub<Matcher> => env.MATCHER.getByName(`${MODEL}|world`) as DurableObjectStub<Matcher>
const body = { model: MODEL, policy: 'open' }

describe('the door', () => {
  it('lets a caller wait for a slot, and tells the relay how long it was', async () => {
    const [node, user] = await Promise.all([TestNode.joined({}, 1), TestUser.signIn()])
    await user.match()
    const waiting = user.match()
    await lineOf(place(), 1)
    await scheduler.wait(50)
    node.load(2)
    const { lease } = await waiting
    const claims = JSON.parse(atob((lease.split('.')[0] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as object
    expect(claims).toMatchObject({ reserved: true })
    expect((claims as { queued: number }).queued).toBeGreaterThanOrEqual(50)
  })

  it('says 429, all-busy and when to come back when the line is full', async () => {
    const [node, user] = await Promise.all([TestNode.joined({}, 1), TestUser.signIn()])
    await user.match()
    const waiting = [user.match(), user.match()]
    await lineOf(place(), 2)
    const response = await post('/match', body, user.token)
    expect(response.status).toBe(429)
    const { error } = (await response.json()) as ErrorResponse
    expect(error.code).toBe('all-busy')
    expect(error.retryAfterMs).toBe(MAX_WAIT)
    expect(response.headers.get('retry-after')).toBe('15')
    node.load(4)
    expect((await Promise.all(waiting)).map((match: MatchResponse) => match.node)).toEqual([node.id, node.id])
  })

  it('gives the place of a caller who hangs up to the next, and no slot to him', async () => {
    const [node, user, other] = await Promise.all([TestNode.joined({}, 1), TestUser.signIn(), TestUser.signIn()])
    await user.match()
    const control = new AbortController()
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${user.token}` }
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal: control.signal }
    const gone = exports.default.fetch(`${ORIGIN}/api/match`, init).catch(() => undefined)
    await lineOf(place(), 1)
    const next = other.match()
    await lineOf(place(), 2)
    control.abort()
    await gone
    // At once, not when his turn comes.
    await lineOf(place(), 1)
    node.load(2)
    expect((await next).node).toBe(node.id)
    // One lease of the first match, one of the next caller, and none of him who left.
    expect(await place().summary()).toMatchObject({ waiting: 0, reserved: 2, free: 0 })
  })

  it('looks in the other regions before anybody waits', async () => {
    const { leaseInTurn } = await import('../src/leasing.ts')
    const user = await TestUser.signIn()
    const caller = { signal: new AbortController().signal, waitUntil: () => undefined }
    const wish = { user: user.name, model: MODEL, policy: 'open', exclude: [] } as const
    const [here, there] = [crypto.randomUUID(), crypto.randomUUID()].map((region) => ({
      region,
      stub: env.MATCHER.getByName(`${MODEL}|${region}`) as DurableObjectStub<Matcher>,
    }))
    if (!here || !there) throw new Error('unreachable')
    const regions = [here.region, there.region]
    const failing = leaseInTurn(env, regions, wish, caller).catch((error: CocoonError) => error.code)
    expect(await failing).toBe('no-node')
    await here.stub.offer(offering('near', { free: 0 }))
    await there.stub.offer(offering('far', { free: 1, slots: 1 }))
    expect((await leaseInTurn(env, regions, wish, caller)).node).toBe('far')
    const waiting = leaseInTurn(env, regions, wish, caller)
    await lineOf(here.stub, 1)
    await here.stub.load({ node: 'near', slots: 2, free: 1, ended: [] })
    expect((await waiting).node).toBe('near')
  })

  it('says all-busy, and to come back soon, when the line is lost with its matcher', { timeout: 30_000 }, async () => {
    const [, user] = await Promise.all([TestNode.joined({}, 1), TestUser.signIn()])
    await user.match()
    const waiting = post('/match', body, user.token)
    await lineOf(place(), 1)
    await abort(place())
    const response = await waiting
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({ error: { code: 'all-busy', retryAfterMs: 1_000 } })
    // What it forgot is that the slot was promised.
    expect((await user.match()).node).toBeTypeOf('string')
  })
})
