import { fromUtf8, noVoucher, statementDigest, verifyRefusal } from '@cocoon/protocol'
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Account } from '../src/account.ts'
import { crash, later, NOTHING, readerLeaves, stored, used } from './asking.ts'
import { type Question, TestUser } from './test-client.ts'
import { TestNode } from './test-node.ts'
import type { Wire } from './wire.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await reset()
})

const HOUR = 60 * 60 * 1000

interface Refused {
  readonly node: TestNode
  readonly user: TestUser
  readonly question: Question
}

/** A question that its node refused while its reader was away. */
async function refusedMeanwhile(): Promise<Refused> {
  const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
  const question = await user.prepare(node)
  const wire = await user.connect(node.id)
  question.send(wire)
  const job = await node.wire.next('job')
  await readerLeaves(node, wire)
  await node.refuse(job, 'price-changed')
  await expect.poll(() => used(user)).toBe(0)
  return { node, user, question }
}

/** The node's own word, signed for this very attempt. */
async function refusal({ node, question }: Refused, wire: Wire): Promise<string> {
  const message = await wire.next('refusal')
  const statement = await statementDigest(node.statement.body)
  const binding = { jobId: question.jobId, statement, voucher: await noVoucher() }
  return (await verifyRefusal(message, binding, node.signer.publicKey)) ? message.code : 'forged'
}

describe('a refusal that comes while its reader is away', () => {
  it('waits for him, through sleep and crash, until he acknowledges it', async () => {
    const refused = await refusedMeanwhile()
    const { node, user, question } = refused
    expect(await stored(node)).toEqual({ jobs: 1, batches: 0, chunks: 0 })
    await evictDurableObject(node.relay)
    await stored(node)
    await crash(node.relay)
    const first = await user.connect(node.id)
    question.resume(first, 0)
    expect(await refusal(refused, first)).toBe('price-changed')
    // He may not have stored it.
    const second = await user.connect(node.id)
    question.resume(second, 0)
    expect(await refusal(refused, second)).toBe('price-changed')
    question.acknowledge(second, 0)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    question.resume(second, 0)
    expect((await second.next('stopped')).code).toBe('unknown-job')
    expect(await used(user)).toBe(0)
  })

  it('waits a day, and is gone then', async () => {
    const { node, user } = await refusedMeanwhile()
    later(23 * HOUR)
    await runDurableObjectAlarm(node.relay)
    expect(await stored(node)).toMatchObject({ jobs: 1 })
    later(HOUR)
    await runDurableObjectAlarm(node.relay)
    expect(await stored(node)).toEqual(NOTHING)
    expect(await used(user)).toBe(0)
  })

  it('is told again to who sends the same job under the same lease, and is in the way of no other lease', async () => {
    const refused = await refusedMeanwhile()
    const { node, user, question } = refused
    const wire = await user.connect(node.id)
    wire.send(question.open)
    expect(await refusal(refused, wire)).toBe('price-changed')
    wire.send({ ...question.open, lease: await user.lease(node) })
    expect((await node.wire.next('job')).jobId).toEqual(question.jobId)
    expect(await used(user)).toBe(1)
  })

  it('is for nobody else', async () => {
    const { node, question } = await refusedMeanwhile()
    const stranger = await (await TestUser.signIn()).connect(node.id)
    question.resume(stranger, 0)
    expect((await stranger.next('stopped')).code).toBe('unknown-job')
    question.acknowledge(stranger, 0)
    await stranger.quiet()
    expect(await stored(node)).toMatchObject({ jobs: 1 })
  })
})

describe('a refusal that comes while its reader is there', () => {
  it('leaves nothing behind', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const question = await user.prepare(node)
    const wire = await user.connect(node.id)
    question.send(wire)
    await node.refuse(await node.wire.next('job'), 'busy')
    expect((await wire.next('refusal')).code).toBe('busy')
    await expect.poll(() => stored(node)).toEqual(NOTHING)
  })
})

describe('a stop', () => {
  it('that comes while its reader is away waits for him', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.named('telegram:4713')])
    let asked = false
    vi.spyOn(Account.prototype, 'hold').mockImplementation(async () => {
      asked = true
      await scheduler.wait(300)
      return { left: 0, of: 10, renews: Math.floor(Date.now() / 1000) + 100 }
    })
    const question = await user.prepare(node)
    const wire = await user.connect(node.id)
    question.send(wire)
    await expect.poll(() => asked).toBe(true)
    wire.close(1000)
    await wire.closed
    await expect.poll(() => stored(node)).toMatchObject({ jobs: 1 })
    await scheduler.wait(300)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    const stopped = await second.next('stopped')
    expect(stopped.code).toBe('trial-spent')
    expect(stopped.retryAfterMs).toBeGreaterThan(90_000)
    question.acknowledge(second, 0)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
  })

  it('of a fault of ours gives back what was taken, and the next attempt is none the worse', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const wire = await user.connect(node.id)
    const hold = vi.spyOn(Account.prototype, 'hold').mockRejectedValueOnce(new Error('away'))
    const question = await user.prepare(node)
    question.send(wire)
    expect((await wire.next('stopped')).code).toBe('broker-fault')
    hold.mockRestore()
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    wire.send({ ...question.open, lease: await user.lease(node) })
    await node.takeJob()
    expect(await used(user)).toBe(1)
  })
})

const MEGABYTE = 1024 * 1024

/** A body of three pieces, of which the first was sent. */
async function uploading(): Promise<{ node: TestNode; user: TestUser; question: Question; wire: Wire }> {
  const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
  const question = await user.prepare(node, new Uint8Array(2.5 * MEGABYTE).fill(65))
  const wire = await user.connect(node.id)
  wire.send(question.open)
  await expect.poll(() => stored(node)).toMatchObject({ chunks: 1 })
  return { node, user, question, wire }
}

describe('a body in pieces', () => {
  it('that stops arriving for a minute is not waited for, and leaves nothing', async () => {
    const { node, user, wire } = await uploading()
    later(59_000)
    await runDurableObjectAlarm(node.relay)
    expect(await wire.quiet()).toEqual([])
    await evictDurableObject(node.relay)
    later(1_000)
    expect(await runDurableObjectAlarm(node.relay)).toBe(true)
    expect((await wire.next('stopped')).code).toBe('lease-expired')
    expect(await stored(node)).toEqual(NOTHING)
    expect(await used(user)).toBe(0)
    expect(await node.wire.quiet()).toEqual([])
  })

  it('has a minute for each piece', async () => {
    const { node, question, wire } = await uploading()
    for (const [index, chunk] of question.chunks.entries()) {
      later(59_000)
      await runDurableObjectAlarm(node.relay)
      wire.send(chunk)
      if (index + 1 < question.chunks.length) await expect.poll(() => stored(node)).toMatchObject({ chunks: index + 2 })
    }
    expect((await node.takeJob()).content.length).toBe(2.5 * MEGABYTE)
    expect(await stored(node)).toEqual({ jobs: 1, batches: 0, chunks: 0 })
  })

  it('is put together once, however many pieces come', async () => {
    const { node, question, wire } = await uploading()
    const queries: string[] = []
    await runInDurableObject(node.relay, (_, { storage: { sql } }) => {
      const exec = sql.exec.bind(sql)
      sql.exec = ((query: string, ...bindings: unknown[]) => {
        queries.push(query)
        return exec(query, ...bindings)
      }) as typeof sql.exec
    })
    for (const chunk of question.chunks) wire.send(chunk)
    await node.takeJob()
    expect(queries.filter((query) => query.startsWith('SELECT bytes FROM chunks'))).toHaveLength(1)
  })

  it('whose digest is wrong is not kept', async () => {
    const { node, question, wire } = await uploading()
    for (const chunk of question.chunks) wire.send({ ...chunk, body: chunk.body.map((byte) => byte ^ 1) })
    expect((await wire.next('stopped')).code).toBe('malformed')
    await expect.poll(() => stored(node)).toEqual(NOTHING)
  })

  it('that is cancelled may be sent anew under its lease', async () => {
    const { node, question, wire } = await uploading()
    wire.send(question.cancel)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    question.send(wire)
    expect(fromUtf8((await node.takeJob()).content.slice(0, 3))).toBe('AAA')
  })
})
