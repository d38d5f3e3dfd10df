import { utf8 } from '@cocoon/protocol'
import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { asking, later, readerLeaves, NOTHING, stored, used } from './asking.ts'
import { TestUser } from './test-client.ts'
import { DONE, MODEL, TestNode } from './test-node.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

/** Puts the relay to sleep: what was in memory is gone, storage and sockets stay. */
const sleep = (node: TestNode): Promise<void> => evictDurableObject(node.relay)

describe('a relay that falls asleep', () => {
  it('while a body of many chunks arrives: the body is whole', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const content = new Uint8Array(2.5 * 1024 * 1024).map((_, index) => index % 251)
    const question = await user.prepare(node, content)
    const wire = await user.connect(node.id)
    wire.send(question.open)
    for (const [index, chunk] of question.chunks.entries()) {
      await expect.poll(async () => (await stored(node)).chunks).toBe(index + 1)
      await sleep(node)
      wire.send(chunk)
    }
    const job = await node.takeJob()
    expect(job.content).toEqual(content)
    await job.say('whole')
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.text).toBe('whole')
  })

  it('after the node has the job, before a frame: the answer comes', async () => {
    const { node, user, question, wire, job } = await asking()
    await sleep(node)
    await job.say('here')
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.text).toBe('here')
    expect(await used(user)).toBe(1)
  })

  it('between frames: asks for what it forgot, and the reader misses, repeats and confuses nothing', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a', 'b', 'c')
    await question.read(wire, 3)
    expect(await stored(node)).toMatchObject({ batches: 0 })
    await sleep(node)
    await job.say('d', 'e')
    const { next } = await node.wire.next('resend')
    expect(next).toBe(0)
    job.resend(next)
    await question.read(wire, 2)
    // Asked once, though two frames showed the gap.
    expect((await node.wire.quiet()).filter(({ kind }) => kind === 'resend')).toEqual([])
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.text).toBe('abcde')
    question.acknowledge(wire)
    await job.acknowledged(question.next)
    expect(question.arrived.slice(0, 8)).toEqual([0, 1, 2, 0, 1, 2, 3, 4])
  })

  it('with an answer that is whole and nowhere else: one frame sent again brings all of it', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a', 'b', 'c')
    await job.finish()
    await question.read(wire)
    expect(await stored(node)).toMatchObject({ jobs: 1, batches: 0 })
    await sleep(node)
    // As the node asks every few seconds: its oldest frame, and no other.
    job.sendAgain(0)
    const { next } = await node.wire.next('resend')
    expect(next).toBe(1)
    job.resend(next)
    question.acknowledge(wire)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    expect(await used(user)).toBe(1)
  })

  it('between batches: asks only for what was not stored', async () => {
    const { node, question, wire, job } = await asking()
    await job.say(...Array.from('abcdefghijklmnopqrst'))
    await question.read(wire, 20)
    later(30_000)
    job.resend(19)
    await job.acknowledged(20)
    await sleep(node)
    await job.seal('u')
    await job.say('v')
    const { next } = await node.wire.next('resend')
    expect(next).toBe(20)
    job.resend(next)
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.text).toBe('abcdefghijklmnopqrstuv')
  })

  it('between frames, with a reader who returns before the next: asks for what it forgot', async () => {
    const { node, user, question, job } = await asking()
    await job.say('a', 'b')
    await expect.poll(() => runInDurableObject(node.relay, () => true)).toBe(true)
    await sleep(node)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    job.resend((await node.wire.next('resend')).next)
    await question.read(second, 2)
    expect(question.text).toBe('ab')
  })

  it('after the final frame, before it is acknowledged: keeps the answer until it is', async () => {
    const { node, user, question, wire, job } = await asking()
    await readerLeaves(node, wire)
    await job.say('kept')
    await job.finish()
    await job.acknowledged(2)
    await sleep(node)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    expect(await question.read(second)).toEqual(DONE)
    expect(question.text).toBe('kept')
    await sleep(node)
    question.acknowledge(second)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    // The node, which missed the acknowledgement, is told to forget.
    job.resend(0)
    expect((await node.wire.next('forget')).jobId).toEqual(question.jobId)
  })

  it('after a reader moved to a second socket: the answer goes on there, not on the first', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a')
    await question.read(wire, 1)
    const second = await user.connect(node.id)
    question.resume(second)
    await node.wire.next('resend')
    await sleep(node)
    job.resend(0)
    await job.say('b')
    await job.finish()
    expect(await question.read(second)).toEqual(DONE)
    expect(question.text).toBe('ab')
    expect(await wire.quiet()).toEqual([])
  })

  it('with several jobs on one socket: all find their reader', async () => {
    const { node, user, question, wire, job } = await asking(utf8('one'))
    const second = await user.prepare(node, utf8('two'))
    // Both at once: neither forgets the other in the socket's attachment.
    const third = await user.prepare(node, utf8('three'))
    second.send(wire)
    third.send(wire)
    const jobs = [await node.takeJob(), await node.takeJob()]
    await sleep(node)
    await job.say('1')
    await question.read(wire, 1)
    for (const taken of jobs) await taken.say('2')
    await Promise.all([wire.next('frame'), wire.next('frame')])
    expect(await wire.quiet()).toEqual([])
  })

  it("knows its node, that node's load and its challenge afterwards", async () => {
    const node = await TestNode.create()
    node.wire = await node.dial()
    const challenge = await node.wire.next('challenge')
    await sleep(node)
    node.wire.send(await node.hello(challenge))
    await node.wire.next('joined')
    node.wire.send({ kind: 'load', slots: 4, free: 1, draining: false })
    const user = await TestUser.signIn()
    const matcher = env.MATCHER.getByName(`${MODEL}|world`)
    await expect.poll(async () => (await matcher.summary()).free).toBe(1)
    await user.match()
    await sleep(node)
    node.wire.send({ kind: 'statement', statement: await node.newStatement() })
    await node.wire.next('joined')
    // Its one free slot is leased to the match above.
    expect(await matcher.summary()).toMatchObject({ nodes: 1, free: 0 })
  })
})
