import { base64url, hex } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { log, type LogFields, logFault } from '../src/log.ts'
import { asking, nodeLeaves, NOTHING, readerLeaves, stored } from './asking.ts'
import { post } from './test-client.ts'
import { TestNode } from './test-node.ts'

let printed: MockInstance<typeof console.log>
beforeEach(() => {
  printed = vi.spyOn(console, 'log').mockImplementation(() => undefined)
})
afterEach(async () => {
  printed.mockRestore()
  await reset()
})

const fields: Record<keyof LogFields | 'event', true> = {
  event: true,
  job: true,
  node: true,
  model: true,
  region: true,
  code: true,
  outcome: true,
  route: true,
  status: true,
  limit: true,
  queuedMs: true,
  firstFrameMs: true,
  milliseconds: true,
  count: true,
  why: true,
  fault: true,
  where: true,
}

function lines(): string[] {
  return printed.mock.calls.map(([line]) => String(line))
}

describe('the log', () => {
  it('of a job lets it be followed by its id, and says nothing of who, what or how much', async () => {
    const { node, user, question, wire, job } = await asking()
    const frame = await job.seal('what nobody may read')
    job.send(frame)
    await question.read(wire, 1)
    await job.finish()
    await question.read(wire)
    question.acknowledge(wire)
    question.resume(wire, 0)
    await wire.next('stopped')
    const second = await user.prepare(node)
    second.send(wire)
    await node.refuse(await node.wire.next('job'), 'busy')
    await wire.next('refusal')
    await post('/match', { model: 'llama', policy: 'open' }, user.token)
    await post(`/nodes/${user.token}/jobs`, {}, user.token)
    wire.sendRaw('text that no log holds')
    await wire.closed
    node.wire.close(1000)
    await expect.poll(() => lines().some((line) => line.includes('node.gone'))).toBe(true)

    const events = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
    const id = hex(question.jobId)
    expect(events.filter((event) => event['job'] === id).map(({ event }) => event)).toEqual([
      'job.ended',
      'job.stopped',
    ])
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['node.joined', 'job.stopped', 'door.refused', 'socket.refused', 'node.gone']),
    )
    for (const event of events) for (const name of Object.keys(event)) expect(fields).toHaveProperty(name)
    const all = lines().join('\n')
    const secrets = [
      user.name,
      user.name.slice(4),
      user.token,
      question.open.lease,
      base64url(frame.ciphertext).slice(0, 20),
      hex(frame.ciphertext).slice(0, 20),
      hex(question.open.wrap.enc).slice(0, 20),
      'text that no log holds',
      'what nobody may read',
    ]
    for (const secret of secrets) expect(all).not.toContain(secret)
  })

  it('has one line for the end of each job, and says how it ended', async () => {
    const { node, user, question: answered, wire, job } = await asking()
    const ends = (): Record<string, unknown>[] => {
      const events = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
      return events.filter(({ event }) => event === 'job.ended')
    }
    const ended = async (count: number): Promise<unknown> => {
      await expect.poll(() => ends().length).toBe(count)
      const { event: _, job: id, model, node: at, region, milliseconds, ...rest } = ends()[count - 1] ?? {}
      expect([model, at, region]).toEqual(['cocoon-demo', node.id, 'world'])
      expect(id).toMatch(/^[0-9a-f]{64}$/)
      expect(milliseconds).toBeGreaterThanOrEqual(0)
      return rest
    }
    await job.say('word')
    await job.finish()
    await answered.read(wire)
    // The node asks, the answer is stored, the reader acknowledges: it ended once.
    await scheduler.wait(5)
    answered.acknowledge(wire)
    expect(await ended(1)).toEqual({ outcome: 'answered', firstFrameMs: expect.any(Number) as number })
    const refused = await user.prepare(node, undefined, await user.lease(node, { queued: 1_234 }))
    refused.send(wire)
    await node.refuse(await node.wire.next('job'), 'busy')
    expect(await ended(2)).toEqual({ outcome: 'refused', queuedMs: 1_234 })
    const cancelled = await user.prepare(node, new Uint8Array(1024 * 1024 + 1))
    wire.send(cancelled.open)
    wire.send(cancelled.cancel)
    expect(await ended(3)).toEqual({ outcome: 'cancelled before sent' })
    const lost = await user.prepare(node)
    lost.send(wire)
    await node.takeJob()
    await nodeLeaves(node)
    await node.join({ jobs: [] })
    expect(await ended(4)).toEqual({ outcome: 'lost', code: 'node-lost' })
    const wrong = await user.prepare(node, new Uint8Array(1024 * 1024 + 1))
    wire.send(wrong.open)
    for (const chunk of wrong.chunks) wire.send({ ...chunk, body: chunk.body.map((byte) => byte ^ 1) })
    expect(await ended(5)).toEqual({ outcome: 'stopped', code: 'malformed' })
    const other = await TestNode.joined()
    node.load(0)
    await wire.quiet()
    const moved = await user.prepare(node)
    moved.send(wire)
    expect(await ended(6)).toEqual({ outcome: 'moved', code: 'all-busy' })
    expect((await wire.next('moved')).to.node).toBe(other.id)
  })

  it('has one line for an answer that is stored first and acknowledged by and by', async () => {
    const { node, user, question, wire, job } = await asking()
    await readerLeaves(node, wire)
    await job.finish()
    await job.acknowledged(1)
    const second = await user.connect(node.id)
    question.resume(second, 0)
    await question.read(second)
    question.acknowledge(second)
    await expect.poll(() => stored(node)).toEqual(NOTHING)
    const ends = lines().filter((line) => line.includes('"job.ended"'))
    expect(ends).toHaveLength(1)
    expect(ends[0]).toContain('"outcome":"answered"')
  })

  it('of a fault names its class and its place, never its message', () => {
    logFault('door.fault', new TypeError('a prompt quoted by an exception'), { route: '/api/match' })
    logFault('door.fault', 'a prompt thrown as text')
    log('node.gone')
    const [first, second, third] = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(first).toMatchObject({ event: 'door.fault', route: '/api/match', fault: 'TypeError' })
    expect(first?.['where']).toMatch(/^[\w-]+\.ts:\d+:\d+$/)
    expect(second).toEqual({ event: 'door.fault', fault: 'string' })
    expect(third).toEqual({ event: 'node.gone' })
    expect(lines().join('')).not.toContain('prompt')
  })
})
