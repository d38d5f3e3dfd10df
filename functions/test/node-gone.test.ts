import { encodeCbor, networks, readHeader } from '@cocoon/protocol'
import { evictDurableObject, reset, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Account } from '../src/account.ts'
import { abort, crash, later, NOTHING, readerLeaves, stored, used } from './asking.ts'
import { freeSlots, Moving } from './moving.ts'

let moving: Moving
beforeEach(async () => {
  moving = await Moving.begin()
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

describe('a job whose node is gone', () => {
  it('is moved at once when it comes too late', async () => {
    const { node, user } = moving
    const question = await moving.unreserved()
    await moving.otherJoins()
    await moving.nodeLeaves()
    const wire = await user.connect(node.id)
    question.send(wire)
    const { code, to } = await wire.next('moved')
    expect(code).toBe('node-gone')
    expect(await moving.follow(question, to)).toEqual(moving.answered)
  })

  it('is moved after ten seconds when no frame of it came', async () => {
    const { node, user } = moving
    const { question, wire } = await moving.sent()
    await moving.otherJoins()
    await moving.nodeLeaves()
    later(9_000)
    await runDurableObjectAlarm(node.relay)
    expect(await wire.quiet()).toEqual([])
    later(1_000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    const { code, to } = await wire.next('moved')
    expect(code).toBe('node-lost')
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    await expect.poll(() => used(user)).toBe(0)
    expect(await moving.follow(question, to)).toEqual(moving.answered)
  })

  it('is moved when the node comes back without it', async () => {
    const { node } = moving
    const { question, wire } = await moving.sent()
    await moving.otherJoins()
    await moving.nodeLeaves()
    await node.join({ jobs: [] })
    const { to } = await wire.next('moved')
    expect(await moving.follow(question, to)).toEqual(moving.answered)
  })

  it('is not moved when a frame of it came: what came is delivered, then the end', async () => {
    const { node, user } = moving
    const question = await moving.unreserved()
    const wire = await user.connect(node.id)
    question.send(wire)
    const job = await node.takeJob()
    await moving.otherJoins()
    await job.say('half')
    await question.read(wire, 1)
    await moving.nodeLeaves()
    later(60_000)
    await runDurableObjectAlarm(node.relay)
    expect((await wire.next('stopped')).code).toBe('node-lost')
    expect(await used(user)).toBe(1)
    expect(await freeSlots()).toBe(4)
  })

  it('is moved when its reader comes back, who was away when it was lost', async () => {
    const { node, user } = moving
    const { question, wire } = await moving.sent()
    await moving.otherJoins()
    await readerLeaves(node, wire)
    await moving.nodeLeaves()
    later(10_000)
    await runDurableObjectAlarm(node.relay)
    await expect.poll(() => used(user)).toBe(0)
    // No slot waits for somebody who may never come.
    expect(await freeSlots()).toBe(4)
    await evictDurableObject(node.relay)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    const { code, to } = await second.next('moved')
    expect(code).toBe('node-lost')
    expect(await moving.follow(question, to)).toEqual(moving.answered)
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('is not moved when its reader says that he has a frame, whatever the relay forgot', async () => {
    const { node, user } = moving
    const { question, wire } = await moving.sent()
    await moving.otherJoins()
    await readerLeaves(node, wire)
    await moving.nodeLeaves()
    later(10_000)
    await runDurableObjectAlarm(node.relay)
    const second = await user.connect(node.id)
    question.resume(second, 3)
    expect((await second.next('stopped')).code).toBe('node-lost')
  })

  it('while its body arrives is moved too', async () => {
    const { node, other, user } = moving
    await moving.otherJoins()
    const question = await user.prepare(node, new Uint8Array(1024 * 1024 + 1))
    const wire = await user.connect(node.id)
    wire.send(question.open)
    await expect.poll(() => stored(node)).toMatchObject({ chunks: 1 })
    await moving.nodeLeaves()
    later(10_000)
    await runDurableObjectAlarm(node.relay)
    const { code, to } = await wire.next('moved')
    expect([code, to.node]).toEqual(['node-gone', other.id])
    expect(await stored(node)).toEqual(NOTHING)
  })

  it('is not moved to one that its policy does not allow', async () => {
    const { node, user } = moving
    await moving.otherJoins()
    await moving.nodeLeaves()
    const wire = await user.connect(node.id)
    const { open } = await moving.unreserved()
    const header = encodeCbor({ ...readHeader(open.header, networks.localnet), policy: 'private' })
    wire.send({ ...open, header })
    expect((await wire.next('stopped')).code).toBe('node-gone')
  })
})

describe('a relay that crashes', () => {
  it('while it takes the question, before the node has the job: the question comes back, the job is moved', async () => {
    const { node, user } = moving
    let held = false
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const hold = Account.prototype.hold
    vi.spyOn(Account.prototype, 'hold').mockImplementation(async function (this: Account, ...args) {
      const taken = await hold.apply(this, args)
      held = true
      await scheduler.wait(400)
      return taken
    })
    const question = await moving.unreserved()
    const wire = await user.connect(node.id)
    question.send(wire)
    await expect.poll(() => held).toBe(true)
    await abort(node.relay)
    await wire.closed
    vi.restoreAllMocks()
    expect(await used(user)).toBe(1)
    await node.join({ jobs: [] })
    await expect.poll(() => used(user)).toBe(0)
    await moving.otherJoins()
    const second = await user.connect(node.id)
    question.resume(second, 0)
    const { to } = await second.next('moved')
    expect(await moving.follow(question, to)).toEqual(moving.answered)
  })

  it('after a question could not be given back, gives it back later', async () => {
    const { node, user } = moving
    const { wire } = await moving.sent()
    const giveBack = vi.spyOn(Account.prototype, 'giveBack').mockRejectedValue(new Error('away'))
    await moving.nodeLeaves()
    later(10_000)
    await runDurableObjectAlarm(node.relay)
    expect((await wire.next('stopped')).code).toBe('node-lost')
    expect(await used(user)).toBe(1)
    expect(await stored(node)).toMatchObject({ jobs: 1 })
    giveBack.mockRestore()
    await crash(node.relay)
    later(60_000)
    await runDurableObjectAlarm(node.relay)
    expect(await used(user)).toBe(0)
    expect(await stored(node)).toEqual(NOTHING)
  })
})
