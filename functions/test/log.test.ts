import { base64url, hex } from '@cocoon/protocol'
import { reset } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { log, type LogFields, logFault } from '../src/log.ts'
import { asking } from './asking.ts'
import { post } from './test-client.ts'

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
      'job.sent',
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
