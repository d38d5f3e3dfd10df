import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import {
  type Bytes,
  createPrekey,
  createSigner,
  encodeMessage,
  type Message,
  nodeIdOf,
  type SignedStatement,
  type Signer,
  signStatement,
  networks,
} from '@cocoon/protocol'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Link } from '../src/link.ts'
import type { LogFields } from '../src/log.ts'
import { HandClock } from './hand-clock.ts'
import { Relay, until } from './relay.ts'
import { termsOf } from './terms.ts'

let signer: Signer
let statement: SignedStatement
let relay: Relay
let link: Link | undefined
let chance = 0
const clock = new HandClock()
const received: Message[] = []
const lines: { event: string; fields: LogFields }[] = []
const waits = () => lines.filter(({ event }) => event === 'link.down').map(({ fields }) => fields.milliseconds ?? 0)

beforeAll(async () => {
  signer = await createSigner()
  const { publicKey } = await createPrekey()
  const dates = { notBefore: 1_795_000_000, useBy: 1_795_000_600 }
  const body = { version: 1, ...termsOf(), ...dates, identity: signer.publicKey, prekey: publicKey } as const
  statement = await signStatement(body, signer)
})

beforeEach(async () => {
  relay = await Relay.start()
  received.length = 0
  lines.length = 0
  chance = 0
})

afterEach(async () => {
  vi.useRealTimers()
  link?.close()
  await relay.stop()
})

async function open(broker = relay.url): Promise<Link> {
  const opened = new Link({
    broker,
    nodeId: await nodeIdOf(signer.publicKey),
    signer,
    network: networks.localnet,
    log: (event, fields = {}) => lines.push({ event, fields }),
    chance: () => chance,
    monotonic: () => clock.monotonic(),
    hello: () => ({ statement, slots: 2, free: 1, jobs: [] as Bytes[] }),
    receive: (message) => received.push(message),
    joined: () => lines.push({ event: 'joined', fields: {} }),
  })
  link = opened
  opened.open()
  return opened
}

const joins = () => lines.filter(({ event }) => event === 'joined').length

describe('a link', () => {
  test('proves who it is, and joins once however often the relay confirms a statement', async () => {
    const opened = await open()
    expect(opened.up).toBe(false)
    await relay.joined()
    await until(() => opened.up, 'the link is up')
    relay.send({ kind: 'joined', statement: new Uint8Array(32) }, { kind: 'forget', jobId: new Uint8Array(32) })
    await until(() => received.length === 1, 'a message')
    expect(joins()).toBe(1)
    expect(relay.hellos[0]).toMatchObject({ slots: 2, free: 1, jobs: [] })
  })

  test('sends nothing before the relay took its statement', async () => {
    let greeted = false
    relay.onHello = () => {
      greeted = true
    }
    const opened = await open()
    await until(() => greeted, 'the hello')
    expect(opened.sendBytes(new Uint8Array(64))).toBe(false)
    opened.send({ kind: 'load', slots: 1, free: 1, draining: false })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(relay.loads).toEqual([])
  })

  test('opens again after a broken connection, and again', async () => {
    await open()
    for (let times = 1; times <= 3; times++) {
      await relay.joined(times)
      await until(() => joins() === times, 'joined')
      relay.drop()
    }
    await relay.joined(4)
    expect(waits()).toEqual([150, 300, 600])
  })

  test('waits longer each time, by chance between half and all, and half a minute at most', async () => {
    const { url } = relay
    await relay.stop()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    chance = 0.999
    await open(url)
    for (let failures = 1; failures <= 9; failures++) {
      await until(() => waits().length === failures, `failure ${failures}`)
      chance = failures % 2 ? 0 : 0.999
      vi.advanceTimersByTime(waits().at(-1) ?? 0)
    }
    expect(waits()).toEqual([300, 300, 1199, 1200, 4798, 4800, 19_190, 15_000, 29_985])
  })

  test('forgives its failures after it stood for a minute', async () => {
    await open()
    await relay.joined(1)
    relay.drop()
    await relay.joined(2)
    relay.drop()
    await relay.joined(3)
    clock.pass(60_001)
    relay.drop()
    await relay.joined(4)
    expect(waits()).toEqual([150, 300, 150])
    clock.pass(59_999)
    relay.drop()
    await relay.joined(5)
    expect(waits()).toEqual([150, 300, 150, 300])
  })

  test('lets a broker alone that refused it', async () => {
    chance = 0.5
    relay.onHello = (socket) => socket.close(4403, 'not on this network')
    await open()
    await until(() => waits().length === 1, 'refused')
    expect(lines.at(-1)).toEqual({
      event: 'link.down',
      fields: { why: 'not on this network', milliseconds: 22_500 },
    })
  })

  test('signs nothing for a relay on another network', async () => {
    relay.network = networks.mainnet
    await open()
    await until(() => relay.closes.length === 2, 'two tries')
    expect(relay.hellos).toEqual([])
    expect(relay.closes.map(({ code }) => code)).toEqual([4400, 4400])
    expect(lines[0]).toEqual({ event: 'link.fault', fields: { why: 'this broker is on another network' } })
  })

  test('signs for the host it dialled: a challenge passed on from elsewhere proves nothing there', async () => {
    let refused: unknown
    relay.verify = (host) => {
      refused = host
      return 'cocoon.example'
    }
    await open()
    await until(() => relay.forged > 0, 'a hello that is not for this host')
    expect(refused).toBe(new URL(relay.url).host)
    expect(relay.hellos).toEqual([])
  })

  const garbage = [
    ['no message', Uint8Array.of(0xff, 1, 2)],
    ['nothing', new Uint8Array(0)],
    ['a broken one', Uint8Array.of(0x15, 0xa1)],
    ['a frame without an end', encodeMessage({ kind: 'ack', jobId: new Uint8Array(32), next: 1 }).slice(0, 38)],
  ] as const
  test.each(garbage)('closes when it hears %s, and joins again', async (_what, bytes) => {
    await open()
    await relay.joined()
    await until(() => joins() === 1, 'joined')
    relay.socket?.send(bytes)
    await relay.joined(2)
    expect(relay.closes[0]).toEqual({ code: 4400, reason: 'not understood' })
    expect(received).toEqual([])
  })

  test('answers one challenge on a socket, and joins nobody it did not greet', async () => {
    await open()
    await relay.joined()
    relay.send({ kind: 'challenge', nonce: new Uint8Array(32), network: networks.localnet })
    await relay.joined(2)
    expect(relay.closes[0]).toEqual({ code: 4400, reason: 'not understood' })
    expect(lines.filter(({ event }) => event === 'link.fault').map(({ fields }) => fields.why)).toEqual([
      'a second challenge',
    ])
  })

  test('lets no more than some mebibytes wait for a relay that reads slowly', async () => {
    const opened = await open()
    await relay.joined()
    await until(() => opened.up, 'up')
    relay.socket?.pause()
    const piece = encodeMessage({ kind: 'frame', jobId: new Uint8Array(32), frame: new Uint8Array(60_000) })
    let taken = 0
    for (let i = 0; i < 1_000; i++) if (opened.sendBytes(piece)) taken += 1
    expect(taken * piece.length).toBeGreaterThan(7 * 1024 * 1024)
    expect(taken * piece.length).toBeLessThan(10 * 1024 * 1024)
    relay.acknowledges = false
    relay.socket?.resume()
    await until(() => relay.arrived.length === taken, 'all that was taken arrives')
    expect(opened.sendBytes(piece)).toBe(true)
  })

  test('closes when what it serves cannot take a message', async () => {
    const opened = await open()
    await relay.joined()
    received.push = () => {
      throw new TypeError('a bug')
    }
    relay.send({ kind: 'forget', jobId: new Uint8Array(32) })
    await until(() => relay.closes.length === 1, 'closed')
    delete (received as { push?: unknown }).push
    await relay.joined(2)
    await until(() => opened.up, 'up again')
    expect(lines.find(({ event }) => event === 'link.fault')?.fields.why).toBe('unexpected message')
  })

  test('does not come back once it was closed', async () => {
    const opened = await open()
    await relay.joined()
    opened.close()
    await until(() => relay.closes.length === 1, 'closed')
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect([relay.connections, waits()]).toEqual([1, []])
  })
})

/** A relay that shook hands and died: its machine is gone, but no packet says so. */
class DeadRelay {
  readonly sockets: Socket[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(shakes: boolean): Promise<DeadRelay> {
    const server = createServer()
    const dead = new DeadRelay(server)
    server.on('connection', (socket) => {
      dead.sockets.push(socket)
      socket.on('error', () => undefined)
      if (shakes) socket.once('data', (data) => socket.write(handshake(data.toString())))
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return dead
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
  }
}

/** RFC 6455 section 4.2.2. */
function handshake(request: string): string {
  const key = /sec-websocket-key: (.*)\r/i.exec(request)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines101 = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Protocol: cocoon.1',
    `Sec-WebSocket-Accept: ${accept}`,
  ]
  return `${lines101.join('\r\n')}\r\n\r\n`
}

describe('a silent broker', () => {
  test('that never takes the hello is left, and dialled again', async () => {
    let greeted = false
    relay.onHello = () => {
      greeted = true
    }
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const opened = await open()
    await until(() => greeted, 'the hello')
    vi.advanceTimersByTime(29_999)
    expect(waits()).toEqual([])
    vi.advanceTimersByTime(1)
    expect([waits(), opened.up]).toEqual([[150], false])
    relay.onHello = undefined
    vi.advanceTimersByTime(150)
    await until(() => opened.up, 'up')
    vi.advanceTimersByTime(60_000)
    expect(waits()).toEqual([150])
  })

  test.each([
    ['that never answers a ping', true],
    ['that never finishes the handshake', false],
  ])('%s is left, and dialled again', async (_what, shakes) => {
    const dead = await DeadRelay.start(shakes)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    await open(dead.url)
    await until(() => dead.sockets.length === 1, 'dialled')
    if (shakes) await until(() => (dead.sockets[0]?.bytesWritten ?? 0) > 0, 'shaken hands')
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(20_000)
    if (shakes) expect(waits()).toEqual([])
    vi.advanceTimersByTime(10_000)
    expect(waits()).toEqual([150])
    vi.advanceTimersByTime(150)
    await until(() => dead.sockets.length === 2, 'dialled again')
    link?.close()
    dead.stop()
  })
})
