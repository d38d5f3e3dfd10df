import { base64url, fromBase64url, fromUtf8, utf8 } from '@cocoon/protocol'
import { evictDurableObject, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Matcher } from '../src/matcher.ts'
import { crash, later, NOTHING, stored, used } from './asking.ts'
import { hangs } from './hanging.ts'
import { freeSlots, Moving, readToken } from './moving.ts'
import { Question, TestUser } from './test-client.ts'
import { MODEL } from './test-node.ts'

let moving: Moving
beforeEach(async () => {
  moving = await Moving.begin()
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

describe('a candidate named ahead of need', () => {
  it('holds no slot, and is good for nine minutes or until its statement is over', async () => {
    const { node, user } = moving
    const { lease, expires } = await user.match({ ahead: true })
    expect(readToken(lease)).toMatchObject({ purpose: 'lease', reserved: false, node: node.id, moved: false })
    expect(expires - Date.now() / 1000).toBeGreaterThan(538)
    expect(expires - Date.now() / 1000).toBeLessThanOrEqual(540)
    expect(await freeSlots()).toBe(4)
    node.wire.send({
      kind: 'statement',
      statement: await node.newStatement({ useBy: Math.floor(Date.now() / 1000) + 60 }),
    })
    await node.wire.next('joined')
    const shorter = await user.match({ ahead: true })
    expect(shorter.expires - Date.now() / 1000).toBeLessThanOrEqual(60)
  })

  it('takes a question minutes later', async () => {
    const { node, user } = moving
    const question = await Question.seal(await user.match({ ahead: true }), utf8('later'))
    later(8 * 60_000)
    const wire = await (await TestUser.named(user.name)).connect(node.id)
    question.send(wire)
    expect(fromUtf8((await node.takeJob()).content)).toBe('later')
    later(2 * 60_000)
    const late = await moving.unreserved({ expires: Math.floor(Date.now() / 1000) })
    late.send(wire)
    expect((await wire.next('stopped')).code).toBe('lease-expired')
  })

  it('is not waited for: who asks ahead is told at once that all are busy', async () => {
    const { node, user } = moving
    node.load(0)
    await expect.poll(freeSlots).toBe(0)
    await expect(user.match({ ahead: true })).rejects.toThrow('all-busy')
  })

  it('takes one question, also when that one is long over, and the relay and all its sockets were lost since', async () => {
    const { node, user } = moving
    const lease = await user.lease(node, { reserved: false, expires: Math.floor(Date.now() / 1000) + 500 })
    const first = await user.prepare(node, utf8('one'), lease)
    const wire = await user.connect(node.id)
    first.send(wire)
    const job = await node.takeJob()
    await job.finish()
    await first.read(wire)
    first.acknowledge(wire)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    const second = await user.prepare(node, utf8('two'), lease)
    second.send(wire)
    expect((await wire.next('stopped')).code).toBe('lease-expired')
    await crash(node.relay)
    await node.join()
    const anew = await user.connect(node.id)
    for (const question of [second, first]) {
      question.send(anew)
      expect((await anew.next('stopped')).code).toBe('lease-expired')
    }
    expect((await node.wire.quiet()).filter(({ kind }) => kind === 'job')).toEqual([])
    expect(await used(user)).toBe(1)
    expect(await stored(node)).toEqual(NOTHING)
  })
})

describe('a job whose node is full', () => {
  it('is moved to one with room, where the same sealed bytes are answered; it costs one question', async () => {
    const { node, user } = moving
    await moving.otherJoins()
    node.load(0)
    await expect.poll(freeSlots).toBe(4)
    const question = await moving.unreserved()
    const wire = await user.connect(node.id)
    question.send(wire)
    const { jobId, code, to } = await wire.next('moved')
    expect(jobId).toEqual(question.jobId)
    expect(code).toBe('all-busy')
    expect(readToken(to.lease)).toMatchObject({ reserved: true, moved: true, user: user.name, model: MODEL })
    expect(await freeSlots()).toBe(3)
    expect(await stored(node)).toEqual(NOTHING)
    expect(await moving.follow(question, to)).toEqual(moving.answered)
    expect((await node.wire.quiet()).map(({ kind }) => kind)).not.toContain('job')
  })

  it('is stopped when there is no other', async () => {
    const { node, user } = moving
    node.load(0)
    await expect.poll(freeSlots).toBe(0)
    const wire = await user.connect(node.id)
    ;(await moving.unreserved()).send(wire)
    expect((await wire.next('stopped')).code).toBe('all-busy')
    expect(await used(user)).toBe(0)
  })

  it('is full with the jobs on their way to it, until it says that it counts them', async () => {
    const { node, user } = moving
    node.load(1)
    await expect.poll(freeSlots).toBe(1)
    const wire = await user.connect(node.id)
    ;(await moving.unreserved()).send(wire)
    const first = await node.takeJob()
    ;(await moving.unreserved()).send(wire)
    expect((await wire.next('stopped')).code).toBe('all-busy')
    // A report that crossed the job on its way: another ended.
    node.load(2)
    await expect.poll(freeSlots).toBe(2)
    ;(await moving.unreserved()).send(wire)
    await node.takeJob()
    ;(await moving.unreserved()).send(wire)
    expect((await wire.next('stopped')).code).toBe('all-busy')
    // Both are counted, and one ended.
    node.load(1)
    node.load(0)
    await expect.poll(freeSlots).toBe(0)
    await first.finish()
    node.load(1)
    await expect.poll(freeSlots).toBe(1)
    ;(await moving.unreserved()).send(wire)
    await node.takeJob()
  })

  it('is full for everybody but him whose slot it is', async () => {
    const { node, user } = moving
    node.load(1)
    await expect.poll(freeSlots).toBe(1)
    const match = await user.match()
    // Its relay hears of the reservation with the next report.
    node.load(1)
    await node.wire.quiet()
    const wire = await user.connect(node.id)
    ;(await moving.unreserved()).send(wire)
    expect((await wire.next('stopped')).code).toBe('all-busy')
    ;(await Question.seal(match, utf8('mine'))).send(wire)
    expect(fromUtf8((await node.takeJob()).content)).toBe('mine')
  })

  it('that holds a lease is moved too, when its slot was promised by a matcher that forgot', async () => {
    const { node, user } = moving
    await moving.otherJoins()
    node.load(0)
    await expect.poll(freeSlots).toBe(4)
    await evictDurableObject(env.MATCHER.getByName(`${MODEL}|world`))
    const wire = await user.connect(node.id)
    const question = await user.prepare(node, utf8('{"messages":["why"]}'))
    question.send(wire)
    const { to } = await wire.next('moved')
    // The matcher has learnt from it how full this node is.
    expect(await freeSlots()).toBe(3)
    expect(await moving.follow(question, to)).toEqual(moving.answered)
  })

  it('keeps no slot here when it is moved', async () => {
    const { node, user } = moving
    const match = await user.match()
    await moving.otherJoins()
    node.load(0)
    await expect.poll(freeSlots).toBe(4)
    const wire = await user.connect(node.id)
    ;(await Question.seal(match, utf8('mine'))).send(wire)
    await wire.next('moved')
    expect(await env.MATCHER.getByName(`${MODEL}|world`).summary()).toMatchObject({ reserved: 1, free: 3 })
  })

  it('is moved once: by no second relay, and not again by the first', async () => {
    const { node, other, user } = moving
    await moving.otherJoins(1)
    node.load(0)
    await expect.poll(freeSlots).toBe(1)
    const wire = await user.connect(node.id)
    const question = await moving.unreserved()
    question.send(wire)
    const { to } = await wire.next('moved')
    question.send(wire)
    expect((await wire.next('stopped')).code).toBe('all-busy')
    other.load(0, 1)
    await other.wire.quiet()
    const there = await user.connect(other.id)
    ;(await question.again(to)).send(there)
    node.load(4)
    expect((await there.next('stopped')).code).toBe('all-busy')
    expect(await used(user)).toBe(0)
  })

  it('is found full before it is sent whole, and again when it is', async () => {
    const { node, user } = moving
    await moving.otherJoins()
    const content = new Uint8Array(1024 * 1024 + 1)
    const question = await user.prepare(node, content, await user.lease(node, { reserved: false }))
    const wire = await user.connect(node.id)
    wire.send(question.open)
    await expect.poll(() => stored(node)).toMatchObject({ chunks: 1 })
    node.load(0)
    await expect.poll(freeSlots).toBe(4)
    for (const chunk of question.chunks) wire.send(chunk)
    expect((await wire.next('moved')).code).toBe('all-busy')
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    await expect.poll(() => used(user)).toBe(0)
    const second = await user.prepare(node, content, await user.lease(node, { reserved: false }))
    wire.send(second.open)
    expect((await wire.next('moved')).jobId).toEqual(second.jobId)
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('reserves no slot elsewhere for a reader who is gone', async () => {
    const { node, user } = moving
    await moving.otherJoins()
    node.load(0)
    await expect.poll(freeSlots).toBe(4)
    const wire = await user.connect(node.id)
    const looking = hangs(Matcher.prototype, 'lease', 'after')
    ;(await moving.unreserved()).send(wire)
    await expect.poll(() => looking.reached).toBe(true)
    expect(await freeSlots()).toBe(3)
    wire.close(1000)
    await expect.poll(freeSlots).toBe(4)
  })
})

it('a lease that was tampered with to reserve a slot opens nothing', async () => {
  const { node, user } = moving
  const lease = await user.lease(node, { reserved: false })
  const [body = '', signature = ''] = lease.split('.')
  const forged = fromUtf8(fromBase64url(body)).replace('"reserved":false', '"reserved":true')
  const question = await user.prepare(node, undefined, `${base64url(utf8(forged))}.${signature}`)
  const wire = await user.connect(node.id)
  question.send(wire)
  expect((await wire.next('stopped')).code).toBe('lease-expired')
})
