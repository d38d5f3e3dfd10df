import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { asking, goneSince, later, nodeLeaves, NOTHING, readerLeaves, stored, used } from './asking.ts'
import { DONE, MODEL, TestNode } from './test-node.ts'
import { TestUser } from './test-client.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

async function nodes(): Promise<number> {
  return (await env.MATCHER.getByName(`${MODEL}|world`).summary()).nodes
}

describe('a node that leaves', () => {
  it('is matched no more', async () => {
    const node = await TestNode.joined()
    expect(await nodes()).toBe(1)
    await nodeLeaves(node)
    expect(await nodes()).toBe(0)
  })

  it('takes no job, and the question comes back', async () => {
    const node = await TestNode.joined()
    const user = await TestUser.signIn()
    const question = await user.prepare(node)
    await nodeLeaves(node)
    const wire = await user.connect(node.id)
    question.send(wire)
    expect((await wire.next('stopped')).code).toBe('node-gone')
    expect(await used(user)).toBe(0)
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('for less than a minute loses nothing', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a')
    await nodeLeaves(node)
    await job.seal('b')
    later(59_000)
    await runDurableObjectAlarm(node.relay)
    await node.join({ jobs: [question.jobId] })
    expect(await goneSince(node)).toBeNull()
    job.resend(0)
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.text).toBe('ab')
  })

  it('for a minute loses its jobs: what it had said is delivered, then the end', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('half an')
    await question.read(wire, 1)
    await nodeLeaves(node)
    later(60_000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect((await wire.next('stopped')).code).toBe('node-lost')
    const second = await user.connect(node.id)
    question.resume(second, 0)
    await second.next('frame')
    expect((await second.next('stopped')).code).toBe('node-lost')
    expect(await used(user)).toBe(1)
  })

  it('gives back the question that it had not begun to answer, and its reader waits ten seconds for it, not sixty', async () => {
    const { node, user, wire } = await asking()
    await nodeLeaves(node)
    later(9_000)
    await runDurableObjectAlarm(node.relay)
    expect(await wire.quiet()).toEqual([])
    later(1_000)
    await runDurableObjectAlarm(node.relay)
    expect((await wire.next('stopped')).code).toBe('node-lost')
    expect(await used(user)).toBe(0)
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('is given up by an alarm that wakes the relay, and the reader hears of it', async () => {
    const { node, wire } = await asking()
    await nodeLeaves(node)
    await evictDurableObject(node.relay)
    later(10_000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect((await wire.next('stopped')).code).toBe('node-lost')
  })

  it('ends uploads too', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const question = await user.prepare(node, new Uint8Array(2 * 1024 * 1024))
    const wire = await user.connect(node.id)
    wire.send(question.open)
    await expect.poll(() => stored(node)).toMatchObject({ chunks: 1 })
    await nodeLeaves(node)
    later(10_000)
    await runDurableObjectAlarm(node.relay)
    expect((await wire.next('stopped')).code).toBe('node-gone')
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('without a word, as after a deploy, is missed when the relay wakes', async () => {
    const { node, user, question } = await asking()
    await evictDurableObject(node.relay, { webSockets: 'close' })
    const wire = await user.connect(node.id)
    question.resume(wire, 0)
    await expect.poll(() => goneSince(node)).not.toBeNull()
    later(60_000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect((await wire.next('stopped')).code).toBe('node-lost')
  })
})

describe('a node that comes back', () => {
  it('goes on with the jobs it knows, and hears which to forget', async () => {
    const { node, question, wire, job } = await asking()
    await nodeLeaves(node)
    const unknown = new Uint8Array(32).fill(7)
    await node.join({ jobs: [question.jobId, unknown] })
    expect((await node.wire.next('forget')).jobId).toEqual(unknown)
    await job.say('still here')
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
  })

  it('loses the jobs it does not know: they never reached it', async () => {
    const { node, user, wire } = await asking()
    await nodeLeaves(node)
    await node.join({ jobs: [] })
    expect((await wire.next('stopped')).code).toBe('node-lost')
    expect(await used(user)).toBe(0)
  })

  it('too late is told to forget what was given up', async () => {
    const { node, question, wire, job } = await asking()
    await nodeLeaves(node)
    later(60_000)
    await runDurableObjectAlarm(node.relay)
    await wire.next('stopped')
    await node.join({ jobs: [question.jobId] })
    expect((await node.wire.next('forget')).jobId).toEqual(question.jobId)
    await job.say('too late')
    expect((await node.wire.next('forget')).jobId).toEqual(question.jobId)
    expect(await wire.quiet()).toEqual([])
  })

  it('on a newer socket replaces the older, which is closed and does not take it off the list', async () => {
    const { node, question, wire, job } = await asking()
    const older = node.wire
    await node.join({ jobs: [question.jobId] })
    expect(await older.closed).toEqual({ code: 4409, reason: 'this node connected again' })
    expect(await goneSince(node)).toBeNull()
    expect(await nodes()).toBe(1)
    await job.say('on the newer')
    await question.read(wire, 1)
    expect(question.text).toBe('on the newer')
  })

  it('with other models is no longer listed under the old ones', async () => {
    const node = await TestNode.joined()
    await runInDurableObject(node.relay, (_, { storage }) => {
      storage.sql.exec('UPDATE link SET models = ?, region = ?', '["old-model"]', 'EU')
    })
    const old = env.MATCHER.getByName('old-model|EU')
    await old.offer({
      node: node.id,
      statement: node.statement,
      evidence: null,
      price: { prompt: '1', cached: '1', completion: '1', reasoning: '1' },
      context: 1,
      slots: 1,
      free: 1,
      useBy: Date.now() + 600_000,
    })
    await node.join()
    expect(await old.summary()).toMatchObject({ nodes: 0 })
    expect(await nodes()).toBe(1)
  })
})

describe('a day later', () => {
  it('every row of a job is gone', async () => {
    const { node, user, question, wire: first, job } = await asking()
    await readerLeaves(node, first)
    await job.say('unread')
    await job.finish()
    await job.acknowledged(2)
    expect(await stored(node)).toMatchObject({ jobs: 1, batches: 1 })
    later(23 * 60 * 60 * 1000)
    await runDurableObjectAlarm(node.relay)
    expect(await stored(node)).toMatchObject({ jobs: 1 })
    later(60 * 60 * 1000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect(await stored(node)).toEqual(NOTHING)
    const wire = await (await TestUser.named(user.name)).connect(node.id)
    question.resume(wire, 0)
    expect((await wire.next('stopped')).code).toBe('unknown-job')
    // It was answered: the question stays used.
    expect(await used(user)).toBe(1)
  })
})
