import { encodeFrame, frameHead, limits } from '@cocoon/protocol'
import { evictDurableObject, reset } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { asking, junkFrame, later, readerLeaves, NOTHING, stored, used } from './asking.ts'
import { DONE } from './test-node.ts'

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

describe('an answer', () => {
  it('can be read again from any of its frames, on another socket', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say(...Array.from('abcdefghijklmnopqrst'))
    await job.finish()
    await question.read(wire)
    const { length } = question.arrived
    const second = await user.connect(node.id)
    for (let from = 0; from <= length; from++) {
      question.resume(second, from)
      for (let sequence = from; sequence < length; sequence++) {
        expect(frameHead((await second.next('frame')).frame)).toEqual({ sequence, final: sequence === length - 1 })
      }
    }
    expect(await second.quiet()).toEqual([])
  })

  it('can be read from any frame while it is under way, stored and not yet stored ones in order', async () => {
    const { node, user, question, wire, job } = await asking()
    await readerLeaves(node, wire)
    await job.say(...Array.from('abcdefghijklmnop'))
    // Nobody reads: what the node asks about is stored.
    job.resend(15)
    await job.acknowledged(16)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    await question.read(second, 16)
    await job.say('q', 'r')
    await question.read(second, 2)
    expect(await stored(node)).toMatchObject({ batches: 1 })
    const third = await user.connect(node.id)
    question.resume(third, 3)
    for (let sequence = 3; sequence < 18; sequence++) {
      expect(frameHead((await third.next('frame')).frame).sequence).toBe(sequence)
    }
    await job.finish()
    expect(await question.read(third)).toEqual(DONE)
    expect(question.text).toBe('abcdefghijklmnopqr')
  })

  it('waits, sealed, for a reader who went away', async () => {
    const { node, user, question, wire, job } = await asking()
    await readerLeaves(node, wire)
    await job.say('later')
    await job.finish()
    await job.acknowledged(2)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    expect(await question.read(second)).toEqual(DONE)
    // Nothing of the node's socket suffered from a reader who was not there.
    expect(node.wire.open).toBe(true)
  })

  it('that its reader has at once costs no row; else it is stored when the node asks', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a')
    await job.finish()
    await question.read(wire)
    job.resend(0)
    expect((await node.wire.quiet()).filter(({ kind }) => kind === 'ack')).toEqual([])
    expect(await stored(node)).toEqual({ jobs: 1, batches: 0, chunks: 0 })
    later(3_000)
    job.resend(0)
    await job.acknowledged(2)
    expect(await stored(node)).toEqual({ jobs: 1, batches: 1, chunks: 0 })
    question.acknowledge(wire)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
  })

  it('is stored while it is under way when it lasts, or its reader or its node goes', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a')
    job.resend(0)
    await question.read(wire, 1)
    expect(await stored(node)).toMatchObject({ batches: 0 })
    later(30_000)
    job.resend(0)
    await job.acknowledged(1)
    expect(await stored(node)).toMatchObject({ batches: 1 })
    await job.say('b')
    await readerLeaves(node, wire)
    job.resend(1)
    await job.acknowledged(2)
    expect(await stored(node)).toMatchObject({ batches: 2 })
    const second = await user.connect(node.id)
    question.resume(second)
    await job.say('c')
    await question.read(second, 2)
    node.wire.close(1000)
    await expect.poll(() => stored(node)).toMatchObject({ batches: 3 })
    expect(question.text).toBe('abc')
  })

  it('that its reader has when it goes is stored, for the reader may not have stored it', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a')
    await job.finish()
    await question.read(wire)
    await readerLeaves(node, wire)
    await job.acknowledged(2)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    for (const sequence of [0, 1]) expect(frameHead((await second.next('frame')).frame).sequence).toBe(sequence)
  })

  it('is forgotten once its reader has all of it, and not before', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a', 'b')
    await question.read(wire, 2)
    question.acknowledge(wire, 8_000)
    await job.finish()
    await question.read(wire)
    question.acknowledge(wire, question.next - 1)
    wire.send({ kind: 'read', jobId: question.jobId, next: question.next })
    await wire.quiet()
    expect(await stored(node)).toMatchObject({ jobs: 1 })
    question.acknowledge(wire)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    await job.acknowledged(question.next)
    question.resume(wire, 0)
    expect((await wire.next('stopped')).code).toBe('unknown-job')
    expect(await used(user)).toBe(1)
  })

  it('that its reader stores as it comes is let go of by and by, and never sent again from before', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say(...Array.from('abcd'))
    await question.read(wire, 4)
    later(30_000)
    job.resend(0)
    await job.acknowledged(4)
    await job.say(...Array.from('efgh'))
    await question.read(wire, 4)
    later(30_000)
    job.resend(4)
    await job.acknowledged(8)
    expect(await stored(node)).toMatchObject({ batches: 2 })
    // Half of the second batch: the first goes.
    question.acknowledge(wire, 6)
    await expect.poll(() => stored(node)).toMatchObject({ jobs: 1, batches: 1 })
    const second = await user.connect(node.id)
    question.resume(second, 5)
    expect((await second.next('stopped')).code).toBe('unknown-job')
    await evictDurableObject(node.relay)
    question.resume(second, 5)
    expect((await second.next('stopped')).code).toBe('unknown-job')
    question.resume(second, 6)
    expect(frameHead((await second.next('frame')).frame).sequence).toBe(6)
    await job.finish()
    await question.read(second)
    question.acknowledge(second)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
  })

  it('goes on after all of it so far was stored by its reader, also after sleep', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a', 'b')
    await question.read(wire, 2)
    later(30_000)
    job.resend(0)
    await job.acknowledged(2)
    question.acknowledge(wire, 2)
    await expect.poll(() => stored(node)).toMatchObject({ jobs: 1, batches: 0 })
    await evictDurableObject(node.relay)
    await job.say('c')
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.text).toBe('abc')
  })

  it('has no frame twice when the node repeats itself', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a', 'b')
    job.resend(0)
    await job.finish()
    job.resend(0)
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.arrived).toEqual([...question.arrived.keys()])
    expect(await wire.quiet()).toEqual([])
    expect(await stored(node)).toMatchObject({ jobs: 1 })
  })

  it('has no gap: what is missing is asked for, once', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a')
    await job.seal('b')
    await job.say('c', 'd')
    expect((await node.wire.next('resend')).next).toBe(1)
    expect(await node.wire.quiet()).toEqual([])
    job.resend(1)
    await question.read(wire, 4)
    expect(question.text).toBe('abcd')
    expect(question.arrived).toEqual([0, 1, 2, 3])
  })

  it('of a job that nobody knows is to be forgotten by the node', async () => {
    const { node, question, job } = await asking()
    const frame = encodeFrame(await job.seal('x'))
    node.wire.send({ kind: 'frame', jobId: new Uint8Array(32), frame })
    const forget = await node.wire.next('forget')
    expect(forget.jobId).not.toEqual(question.jobId)
  })

  it('has nothing after its final frame', async () => {
    const asked = await asking()
    const { node, question, wire, job } = asked
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    junkFrame(asked, question.next, 528)
    later(3_000)
    junkFrame(asked, question.next, 528)
    await job.acknowledged(question.next)
    junkFrame(asked, question.next, 528)
    expect((await node.wire.next('ack')).next).toBe(question.next)
    expect(await wire.quiet()).toEqual([])
  })

  it('is cut off when the node sends more than any answer has', async () => {
    const asked = await asking()
    const { node, user, question, wire } = asked
    const sizes = { frame: 64 * 1024, most: 7 * 1024 * 1024 }
    const frames = Math.ceil(sizes.most / sizes.frame)
    for (let sequence = 0; sequence < frames; sequence++) junkFrame(asked, sequence, sizes.frame)
    await node.wire.next('forget')
    // Behind what there is of it, which goes on as its reader reads on.
    expect((await wire.quiet()).map(({ kind }) => kind)).toEqual(['frame', 'frame', 'frame'])
    wire.send({ kind: 'read', jobId: question.jobId, next: limits.frames })
    expect((await wire.next('stopped')).code).toBe('node-lost')
    expect(await used(user)).toBe(1)
  })
})
