import { encodeFrame, frameHead } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { type Asking, asking, NOTHING, stored, used } from './asking.ts'
import { DONE } from './test-node.ts'

afterEach(reset)

/** The relay reads nine bytes of a frame; what follows need not open. */
function junkFrame({ question, node }: Asking, sequence: number, length: number, final = false): void {
  const ciphertext = new Uint8Array(length)
  const frame = encodeFrame({ sequence, final, nodeNonce: sequence === 0 ? new Uint8Array(32) : null, ciphertext })
  node.wire.send({ kind: 'frame', jobId: question.jobId, frame })
}

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
    const { node, user, question, job } = await asking()
    await job.say(...Array.from('abcdefghijklmnopqr'))
    await job.acknowledged(16)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    await question.read(second, 18)
    await job.finish()
    expect(await question.read(second)).toEqual(DONE)
    expect(question.text).toBe('abcdefghijklmnopqr')
    expect(question.arrived).toEqual([...question.arrived.keys()])
  })

  it('waits, sealed, for a reader who went away', async () => {
    const { node, user, question, wire, job } = await asking()
    wire.close(1000)
    await wire.closed
    await job.say('later')
    await job.finish()
    await job.acknowledged(2)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    expect(await question.read(second)).toEqual(DONE)
    // Nothing of the node's socket suffered from a reader who was not there.
    expect(node.wire.open).toBe(true)
  })

  it('is forgotten once its reader has all of it, and not before', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a', 'b')
    question.acknowledge(wire, 8_000)
    await job.finish()
    await question.read(wire)
    question.acknowledge(wire, question.next - 1)
    await wire.quiet()
    expect(await stored(node)).toMatchObject({ jobs: 1, batches: 1 })
    question.acknowledge(wire)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    question.resume(wire, 0)
    expect((await wire.next('stopped')).code).toBe('unknown-job')
    expect(await used(user)).toBe(1)
  })

  it('has no frame twice when the node repeats itself', async () => {
    const { node, question, wire, job } = await asking()
    await job.say('a', 'b')
    job.resend(0)
    // What came twice is stored, so that an acknowledgement can end it.
    await job.acknowledged(2)
    await job.finish()
    job.resend(0)
    expect(await question.read(wire)).toEqual(DONE)
    expect(question.arrived).toEqual([...question.arrived.keys()])
    await job.acknowledged(question.next)
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
    await job.acknowledged(question.next)
    junkFrame(asked, question.next, 528)
    expect((await node.wire.next('ack')).next).toBe(question.next)
    expect(await wire.quiet()).toEqual([])
  })

  it('is cut off when the node sends more than any answer has', async () => {
    const asked = await asking()
    const { node, user, wire } = asked
    const sizes = { frame: 64 * 1024, most: 7 * 1024 * 1024 }
    const frames = Math.ceil(sizes.most / sizes.frame)
    for (let sequence = 0; sequence < frames; sequence++) junkFrame(asked, sequence, sizes.frame)
    expect((await wire.next('stopped')).code).toBe('node-lost')
    await node.wire.next('forget')
    expect(await used(user)).toBe(1)
  })
})
