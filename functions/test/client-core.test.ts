import { createClient, type Environment, keySignIn, standardEnvironment } from '@cocoon/client'
import { type Bytes, CocoonError, createSigner, fromUtf8 } from '@cocoon/protocol'
import { exports } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { MODEL, TestNode } from './test-node.ts'
import { ORIGIN } from './wire.ts'

/** The client's surroundings inside workerd: the same broker, without a network in between. */
const here: Environment = {
  ...standardEnvironment,
  fetch: (url, init) => exports.default.fetch(url, init as RequestInit<RequestInitCfProperties>),
  async connect(url, protocols) {
    const headers = { upgrade: 'websocket', 'sec-websocket-protocol': protocols.join(', ') }
    const socket = (await exports.default.fetch(url.replace(/^ws/, 'http'), { headers })).webSocket
    if (!socket) throw new CocoonError('unreachable', 'the relay gave no socket')
    const arrived = new TransformStream<Bytes, Bytes>(undefined, { highWaterMark: 64 }, { highWaterMark: 64 })
    const writer = arrived.writable.getWriter()
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => void writer.write(new Uint8Array(data as ArrayBuffer)))
    socket.addEventListener('close', () => void writer.close())
    socket.accept()
    return {
      send: (message) => socket.send(message),
      close: () => socket.close(1000),
      messages: arrived.readable.values() as AsyncIterableIterator<Bytes>,
    }
  },
}

it('the client core asks from within workerd', async () => {
  const node = await TestNode.joined()
  const signIn = keySignIn(await createSigner())
  const client = createClient({ origin: ORIGIN, network: 'localnet', signIn, environment: here })
  const told: string[] = []
  let text = ''
  const asked = (async () => {
    const messages = [{ role: 'user' as const, content: 'Hi' }]
    for await (const event of client.ask({ model: MODEL, messages })) {
      told.push(event.type)
      if (event.type === 'delta') text += event.text
    }
  })()
  const job = await node.takeJob()
  expect(JSON.parse(fromUtf8(job.content))).toMatchObject({ model: MODEL, messages: [{ content: 'Hi' }] })
  await job.say('Hello ', 'there.')
  await job.finish()
  await asked
  expect(text).toBe('Hello there.')
  expect(told).toEqual(['matching', 'checking', 'sealing', 'sealed', 'delta', 'delta', 'done'])
  expect((await client.trial()).left).toBe(99)
})
