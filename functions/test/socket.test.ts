import { concat, MAX_MESSAGE_BYTES, utf8 } from '@cocoon/protocol'
import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { asking } from './asking.ts'
import { runs } from './seeded.ts'
import { TestUser } from './test-client.ts'
import { TestNode } from './test-node.ts'

afterEach(reset)

describe('a socket', () => {
  it.each([
    ['text', 'hello'],
    ['nothing', new Uint8Array(0)],
    ['an unknown kind', Uint8Array.of(0x7f, 1, 2, 3)],
    ['a truncated open', Uint8Array.of(0x01, 0xa1)],
    ['too long a chunk', new Uint8Array(1024 * 1024 + 34).fill(0x20)],
    ['an acknowledgement out of range', concat(Uint8Array.of(0x22), new Uint8Array(32), new Uint8Array(8).fill(255))],
    ['a short cancel token', concat(Uint8Array.of(0x24), new Uint8Array(63))],
  ])('closes with 4400 after %s', async (_, data) => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const wire = await user.connect(node.id)
    wire.sendRaw(data)
    expect((await wire.closed).code).toBe(4400)
    node.wire.sendRaw(data)
    expect((await node.wire.closed).code).toBe(4400)
  })

  it('closes with 1009 after too long a message, before anything reads it', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const wire = await user.connect(node.id)
    const data = new Uint8Array(MAX_MESSAGE_BYTES + 1).fill(0x20)
    wire.sendRaw(data)
    expect(await wire.closed).toEqual({ code: 1009, reason: 'message too large' })
    node.wire.sendRaw(data)
    expect((await node.wire.closed).code).toBe(1009)
  })

  it('closes with 4400 after a frame of impossible size', async () => {
    const { node, question } = await asking()
    node.wire.send({ kind: 'frame', jobId: question.jobId, frame: new Uint8Array(8) })
    expect(await node.wire.closed).toEqual({ code: 4400, reason: 'frame of impossible size' })
  })

  it('hears nothing more after it was closed', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const question = await user.prepare(node)
    const wire = await user.connect(node.id)
    wire.sendRaw('junk')
    question.send(wire)
    expect((await wire.closed).code).toBe(4400)
    expect(await node.wire.quiet()).toEqual([])
  })

  it('that we close while something is done for it is no fault of ours', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.named('telegram:4712')])
    // The answer of the account comes from another object, after the junk.
    for (let asked = 0; asked < 10; asked++) await env.ACCOUNT.getByName(user.name).hold(`${asked}`, 10)
    const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    const question = await user.prepare(node)
    const wire = await user.connect(node.id)
    question.send(wire)
    wire.sendRaw('junk')
    await wire.closed
    await wire.quiet()
    const events = printed.mock.calls.map(([line]) => (JSON.parse(String(line)) as { event: string }).event)
    printed.mockRestore()
    expect(events).toEqual(['socket.refused', 'job.ended'])
  })

  it('answers ping with pong, asleep or not, and without a word to the relay', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const wire = await user.connect(node.id)
    wire.sendRaw('ping')
    expect(await wire.quiet()).toEqual([])
    expect(wire.texts).toEqual(['pong'])
    expect(wire.open).toBe(true)
  })

  it('passes on no close code that may not be sent', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    for (const code of [1000, 1001, 1004, 1005, 1006, 1011, 1015, 3000, 4999, 0, 65_535]) {
      const wire = await user.connect(node.id)
      const closed = await runInDurableObject(node.relay, async (self, ctx) => {
        const socket = ctx.getWebSockets('client').find(({ readyState }) => readyState === WebSocket.OPEN)
        if (socket) await self.webSocketClose(socket, code)
        return socket !== undefined
      })
      expect(closed).toBe(true)
      const allowed = code === 1001 || code === 3000 || code === 4999
      expect((await wire.closed).code).toBe(allowed ? code : 1000)
    }
  })

  it('of a node that closed with any code is known to be gone', async () => {
    const node = await TestNode.joined()
    await runInDurableObject(node.relay, async (self, ctx) => {
      for (const socket of ctx.getWebSockets('node')) await self.webSocketClose(socket, 1015)
      expect(ctx.storage.sql.exec<{ gone: number }>('SELECT gone FROM link').one().gone).toBeGreaterThan(0)
    })
  })

  it('survives whatever bytes come first, and so does the relay', async () => {
    const [node, user] = await Promise.all([TestNode.joined(), TestUser.signIn()])
    const kinds = fc.constantFrom(0x01, 0x02, 0x03, 0x04, 0x10, 0x11, 0x15, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25)
    const message = fc.tuple(kinds, fc.uint8Array({ maxLength: 120 }))
    await fc.assert(
      fc.asyncProperty(message, fc.boolean(), async ([kind, rest], asNode) => {
        const wire = await (asNode ? node.dial() : user.connect(node.id))
        wire.sendRaw(concat(Uint8Array.of(kind), rest))
        // What asks about no job is answered or ignored; what is no message ends the socket, by its own code.
        const end = await Promise.race([wire.closed, scheduler.wait(15)])
        if (end) expect(end.code).toBe(4400)
        wire.close(1000)
      }),
      runs(100),
    )
    const question = await user.prepare(node, utf8('still there?'))
    question.send(await user.connect(node.id))
    expect((await node.takeJob()).content).toEqual(utf8('still there?'))
  })
})
