import { fromUtf8, utf8, verifyRefusal } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { asking, NOTHING, stored, used } from './asking.ts'
import { Question, TestUser } from './test-client.ts'
import { DONE, TestNode } from './test-node.ts'

afterEach(reset)

describe('a job', () => {
  it('goes sealed from a match to its final frame', async () => {
    const node = await TestNode.joined()
    const user = await TestUser.signIn()
    const match = await user.match()
    expect(match.node).toBe(node.id)
    const question = await Question.seal(match, utf8('{"messages":["why"]}'))
    const wire = await user.connect(match.node)
    expect(wire.protocol).toBe('cocoon.1')
    question.send(wire)
    const job = await node.takeJob()
    expect(fromUtf8(job.content)).toBe('{"messages":["why"]}')
    await job.say('Because', ' it', ' is')
    // Streamed, not gathered: they are here before the job ended.
    await question.read(wire, 3)
    expect(question.text).toBe('Because it is')
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    question.acknowledge(wire)
    await job.acknowledged(question.next)
    expect(await used(user)).toBe(1)
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('arrives whole when its body takes many chunks', async () => {
    const content = new Uint8Array(3 * 1024 * 1024).fill(65)
    const { question, job, node } = await asking(content)
    expect(question.chunks.length).toBeGreaterThan(2)
    expect(job.content).toEqual(content)
    expect(await stored(node)).toEqual({ jobs: 1, batches: 0, chunks: 0 })
  })

  it('keeps several answers on one socket apart', async () => {
    const { node, user, question, wire, job } = await asking(utf8('one'))
    const second = await user.prepare(node, utf8('two'))
    second.send(wire)
    const secondJob = await node.takeJob()
    await job.say('first')
    await question.read(wire, 1)
    await secondJob.say('second')
    await second.read(wire, 1)
    expect([question.text, second.text]).toEqual(['first', 'second'])
  })

  it('is taken back whole when the node refuses it', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const question = await user.prepare(node)
    const wire = await user.connect(node.id)
    question.send(wire)
    const job = await node.wire.next('job')
    expect(await used(user)).toBe(1)
    await node.refuse(job, 'busy')
    const refusal = await wire.next('refusal')
    const binding = {
      jobId: job.jobId,
      statement: job.statement,
      voucher: new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array())),
    }
    expect(await verifyRefusal(refusal, binding, node.signer.publicKey)).toBe(true)
    await expect.poll(() => used(user)).toBe(0)
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('cannot be refused any more once a frame of its answer came', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('begun')
    await question.read(wire, 1)
    await node.refuse({ ...question.open, kind: 'job' }, 'busy')
    expect(await wire.quiet()).toEqual([])
    expect(await used(user)).toBe(1)
  })

  it('is cancelled by its owner, behind whatever they sent before', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const question = await user.prepare(node)
    const wire = await user.connect(node.id)
    question.send(wire)
    wire.send(question.cancel)
    const kinds = (await node.wire.quiet()).map(({ kind }) => kind)
    expect(kinds).toEqual(['job', 'cancel'])
    expect((await node.wire.next('cancel')).token).toEqual(question.cancel.token)
  })

  it('is not cancelled, read, acknowledged or continued by anybody else', async () => {
    const { node, question, wire, job } = await asking()
    const stranger = await TestUser.signIn()
    const other = await stranger.connect(node.id)
    other.send(question.cancel)
    question.resume(other, 0)
    expect((await other.next('stopped')).code).toBe('unknown-job')
    other.send({ kind: 'chunk', jobId: question.jobId, body: utf8('more') })
    expect((await other.next('stopped')).code).toBe('unknown-job')
    expect(await node.wire.quiet()).toEqual([])
    await job.say('secret')
    await job.finish()
    expect(await question.read(wire)).toEqual(DONE)
    question.acknowledge(other)
    other.send({ kind: 'read', jobId: question.jobId, next: 1 })
    expect(await other.quiet()).toEqual([])
    expect(await stored(node)).toMatchObject({ jobs: 1 })
  })

  it('is not opened again for another user who saw it', async () => {
    const { node, question, wire, job } = await asking()
    const stranger = await TestUser.signIn()
    const other = await stranger.connect(node.id)
    other.send({ ...question.open, lease: await stranger.lease(node) })
    expect((await other.next('stopped')).code).toBe('unknown-job')
    await job.say('mine')
    await question.read(wire, 1)
    expect(await other.quiet()).toEqual([])
  })

  it('runs once when it is sent twice, and its answer comes from the start', async () => {
    const { node, user, question, wire, job } = await asking()
    await job.say('a', 'b')
    await question.read(wire, 2)
    wire.send(question.open)
    await question.read(wire, 0)
    expect((await wire.next('frame')).jobId).toEqual(question.jobId)
    expect((await wire.next('frame')).jobId).toEqual(question.jobId)
    expect((await node.wire.quiet()).filter(({ kind }) => kind === 'job')).toEqual([])
    expect(await used(user)).toBe(1)
  })

  it('is stopped when no free question is left, and says when there will be one', async () => {
    const node = await TestNode.joined({}, 16)
    // Telegram users have 10 questions here.
    const user = await TestUser.named('telegram:4711')
    const wire = await user.connect(node.id)
    for (let asked = 0; asked < 10; asked++) (await user.prepare(node)).send(wire)
    for (let asked = 0; asked < 10; asked++) await node.wire.next('job')
    const question = await user.prepare(node)
    question.send(wire)
    const stopped = await wire.next('stopped')
    expect(stopped).toMatchObject({ jobId: question.jobId, code: 'trial-spent' })
    expect(stopped.retryAfterMs).toBeGreaterThan(29 * 24 * 60 * 60 * 1000)
    expect(await node.wire.quiet()).toEqual([])
    expect(await stored(node)).toMatchObject({ jobs: 10 })
  })

  it('is one of 64 on a socket at most', async () => {
    const [node, user] = await Promise.all([TestNode.joined({}, 80), TestUser.signIn()])
    const wire = await user.connect(node.id)
    for (let asked = 0; asked < 64; asked++) (await user.prepare(node)).send(wire)
    for (let asked = 0; asked < 64; asked++) await node.wire.next('job')
    const question = await user.prepare(node)
    question.send(wire)
    expect(await wire.next('stopped')).toMatchObject({ jobId: question.jobId, code: 'rate-limited' })
  })
})
