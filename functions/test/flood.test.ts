import { encodeFrame, type Message, SUBPROTOCOL } from '@cocoon/protocol'
import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Budget, TokenBucket } from '../src/budget.ts'
import type { LoadReport } from '../src/matcher-calls.ts'
import { Matcher } from '../src/matcher.ts'
import { socketBudgets, socketLimits } from '../src/rate-limits.ts'
import type { Reservation } from '../src/room.ts'
import { asking, later, nodeLeaves, NOTHING, readerLeaves, stored } from './asking.ts'
import { runs } from './seeded.ts'
import { TestUser } from './test-client.ts'
import { DONE, TestNode } from './test-node.ts'
import { Wire } from './wire.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

const jobId = new Uint8Array(32).fill(9)

type BudgetName = keyof typeof socketBudgets

/** How a socket ends that sends all its budget and one more, at one moment. */
function flood(wire: Wire, message: Message, budget: BudgetName): Promise<{ code: number; reason: string }> {
  later(0)
  for (let time = 0; time <= socketBudgets[budget].burst; time++) wire.send(message)
  return wire.closed
}

const flooded = (budget: BudgetName) => ({ code: 4429, reason: `too many messages: ${budget}` })

describe('a client that floods its relay', () => {
  it.each([
    ['resumes', { kind: 'resume', jobId, from: 0 }, 'clientControl'],
    ['cancels', { kind: 'cancel', jobId, token: new Uint8Array(32) }, 'clientControl'],
    ['reports of reading', { kind: 'read', jobId, next: 1 }, 'clientData'],
  ] as const)('with %s is closed with 4429, which says why, and nobody else suffers', async (_, message, budget) => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const [wire, other] = [await user.connect(node.id), await user.connect(node.id)]
    expect(await flood(wire, message, budget)).toEqual(flooded(budget))
    const question = await user.prepare(node)
    question.send(other)
    await node.takeJob()
  })

  it('with openings is closed too, and nothing of them is kept', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const { open } = await user.prepare(node, undefined, 'no lease')
    expect(await flood(await user.connect(node.id), open, 'clientControl')).toEqual(flooded('clientControl'))
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('has one budget for all its data, whatever kind it is', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const wire = await user.connect(node.id)
    later(0)
    const kinds: readonly Message[] = [
      { kind: 'ack', jobId, next: 1 },
      { kind: 'read', jobId, next: 1 },
      { kind: 'chunk', jobId, body: Uint8Array.of(1) },
    ]
    for (let time = 0; time < socketBudgets.clientData.burst; time++) wire.send(kinds[time % 2] as Message)
    await wire.quiet()
    expect(wire.open).toBe(true)
    wire.send(kinds[2] as Message)
    expect(await wire.closed).toEqual(flooded('clientData'))
  })
})

describe('a node that floods its relay', () => {
  const frame = encodeFrame({ sequence: 1, final: false, nodeNonce: null, ciphertext: new Uint8Array(528) })

  it.each([
    ['reports of its load', { kind: 'load', slots: 4, free: 4, draining: false }, 'nodeLoad'],
    ['refusals', { kind: 'refusal', jobId, code: 'busy', signature: new Uint8Array(64) }, 'nodeRefusal'],
    ['frames of no job', { kind: 'frame', jobId, frame }, 'nodeStray'],
  ] as const)('with %s is closed with 4429', async (_, message, budget) => {
    const node = await TestNode.joined()
    expect(await flood(node.wire, message, budget)).toEqual(flooded(budget))
  })

  it('with statements is closed with 4429', async () => {
    const node = await TestNode.joined()
    const message = { kind: 'statement', statement: await node.newStatement() } as const
    expect(await flood(node.wire, message, 'nodeStatement')).toEqual(flooded('nodeStatement'))
  })

  it('asks a slow matcher no oftener than it answers: of the loads that came meanwhile the last is told', async () => {
    const { node, question, wire, job } = await asking()
    const told: number[] = []
    const slow = async ({ free }: LoadReport): Promise<Reservation[]> => {
      told.push(free)
      await scheduler.wait(100)
      return []
    }
    // Another object calls it, and so gets a promise anyway.
    vi.spyOn(Matcher.prototype, 'load').mockImplementation(slow as unknown as Matcher['load'])
    for (let change = 0; change < 200; change++) node.load(change % 4)
    node.load(2)
    // Nor do its frames wait for the matcher.
    await job.say('meanwhile')
    await question.read(wire, 1)
    expect(told).toEqual([0])
    await expect.poll(() => told.at(-1)).toBe(2)
    await scheduler.wait(150)
    expect(told).toEqual([0, 2])
  })
})

describe('the sockets of one user at one relay', () => {
  it('are eight at most: the oldest that has nothing to wait for goes, with 4409', async () => {
    const { node, user, question, wire: busy, job } = await asking()
    const others: Wire[] = []
    for (let socket = 1; socket < socketLimits.client; socket++) {
      later(1)
      others.push(await user.connect(node.id))
    }
    later(1)
    const newest = await user.connect(node.id)
    expect((await others[0]?.closed)?.code).toBe(4409)
    expect([busy, ...others.slice(1), newest].every(({ open }) => open)).toBe(true)
    await job.finish()
    expect(await question.read(busy)).toEqual(DONE)
    // Another user has eight of his own.
    const stranger = await TestUser.signIn()
    await stranger.connect(node.id)
    expect([busy, ...others.slice(1), newest].every(({ open }) => open)).toBe(true)
  })

  it('that all wait for something lose the oldest, whose answer waits', async () => {
    const [node, user] = await Promise.all([TestNode.joined({}, 16), TestUser.signIn()])
    const sockets: Wire[] = []
    for (let socket = 0; socket < socketLimits.client; socket++) {
      later(1)
      const wire = await user.connect(node.id)
      const question = await user.prepare(node)
      question.send(wire)
      await node.takeJob()
      sockets.push(wire)
    }
    later(1)
    await user.connect(node.id)
    expect((await sockets[0]?.closed)?.code).toBe(4409)
    expect(sockets.slice(1).every(({ open }) => open)).toBe(true)
    expect((await stored(node)).jobs).toBe(socketLimits.client)
  })
})

/** What an object has stored: tables and whether an alarm is set. */
function left(node: TestNode): Promise<{ tables: number; alarm: boolean }> {
  return runInDurableObject(node.relay, async (_, { storage }) => {
    const tables = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name IN ('jobs', 'link')").toArray().length
    return { tables, alarm: (await storage.getAlarm()) !== null }
  })
}

describe('a socket of a node that says no hello', () => {
  it('is closed after ten seconds, with 4408; the node itself is not', async () => {
    const node = await TestNode.joined()
    const early = await node.dial()
    later(9_000)
    const late = await node.dial()
    await runDurableObjectAlarm(node.relay)
    expect(early.open).toBe(true)
    later(1_000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect(await early.closed).toEqual({ code: 4408, reason: 'no hello came' })
    expect([late.open, node.wire.open]).toEqual([true, true])
  })

  it('is one of four at most: the oldest goes, with 4409', async () => {
    const node = await TestNode.joined()
    const knocks: Wire[] = []
    for (let knock = 0; knock <= socketLimits.unjoined; knock++) {
      later(1)
      knocks.push(await node.dial())
    }
    expect((await knocks[0]?.closed)?.code).toBe(4409)
    expect([node.wire, ...knocks.slice(1)].every(({ open }) => open)).toBe(true)
  })

  it('leaves nothing behind, nor does a client that asks for a node that is none', async () => {
    const node = await TestNode.create()
    const user = await TestUser.signIn()
    const knock = await node.dial()
    const client = await user.connect(node.id)
    ;(await user.prepare(node)).send(client)
    expect((await client.next('stopped')).code).toBe('lease-expired')
    client.send({ kind: 'resume', jobId, from: 0 })
    client.send({ kind: 'read', jobId, next: 3 })
    client.send({ kind: 'cancel', jobId, token: new Uint8Array(32) })
    expect((await client.next('stopped')).code).toBe('unknown-job')
    const liar = await node.dial()
    liar.send(await (await TestNode.create()).hello(await liar.next('challenge')))
    expect((await liar.closed).code).toBe(4403)
    expect(await left(node)).toEqual({ tables: 0, alarm: true })
    later(socketLimits.hello)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect((await knock.closed).code).toBe(4408)
    expect(await left(node)).toEqual({ tables: 0, alarm: false })
  })
})

const HOUR = 60 * 60 * 1000

describe('a relay whose node stays away', () => {
  it('leaves nothing behind after a day, and serves that node anew', async () => {
    const node = await TestNode.joined()
    await nodeLeaves(node)
    later(23 * HOUR)
    await runDurableObjectAlarm(node.relay)
    expect((await left(node)).tables).toBe(2)
    later(HOUR)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect(await left(node)).toEqual({ tables: 0, alarm: false })
    node.statement = await node.newStatement()
    await node.join()
    const question = await (await TestUser.signIn()).prepare(node)
    question.send(await (await TestUser.named('key:77')).connect(node.id))
    expect((await left(node)).tables).toBe(2)
  })

  it('keeps an answer for as long as it may be fetched', async () => {
    const { node, wire, job } = await asking()
    await readerLeaves(node, wire)
    await nodeLeaves(node)
    later(20 * HOUR)
    await node.join({ jobs: [job.jobId] })
    await job.say('late')
    await job.finish()
    await job.acknowledged(2)
    await nodeLeaves(node)
    later(3 * HOUR)
    await runDurableObjectAlarm(node.relay)
    expect((await stored(node)).jobs).toBe(1)
    later(25 * HOUR)
    await runDurableObjectAlarm(node.relay)
    await runDurableObjectAlarm(node.relay)
    expect(await left(node)).toEqual({ tables: 0, alarm: false })
  })
})

describe('a budget', () => {
  it('lets through its burst at once, then so many a second, whatever the times between', () => {
    const budgets = fc.record({ burst: fc.integer({ min: 1, max: 50 }), perSecond: fc.integer({ min: 0, max: 20 }) })
    fc.assert(
      fc.property(budgets, fc.array(fc.nat(3_000), { maxLength: 200 }), (budget: Budget, waits) => {
        const bucket = new TokenBucket(budget, 0)
        let [now, taken] = [0, 0]
        for (const wait of waits) {
          now += wait
          if (bucket.take(now)) taken += 1
          expect(taken).toBeLessThanOrEqual(budget.burst + Math.ceil((now / 1000) * budget.perSecond))
        }
        if (waits.length <= budget.burst) expect(taken).toBe(waits.length)
      }),
      runs(200),
    )
  })

  it('fills up again, and gives nothing for a clock that goes back', () => {
    const bucket = new TokenBucket({ burst: 2, perSecond: 1 }, 10_000)
    expect([bucket.take(10_000), bucket.take(10_000), bucket.take(10_000)]).toEqual([true, true, false])
    expect(bucket.take(5_000)).toBe(false)
    expect(bucket.take(6_000)).toBe(true)
    expect([bucket.take(99_000), bucket.take(99_000), bucket.take(99_000)]).toEqual([true, true, false])
  })
})

it('a socket asks for nothing that costs before it is known who it is', async () => {
  const node = await TestNode.create()
  const wire = await Wire.open(`/api/nodes/${node.id}/link`, SUBPROTOCOL)
  await wire.next('challenge')
  expect((await left(node)).tables).toBe(0)
})
