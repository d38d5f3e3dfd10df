import { createSigner, signStatement, type Statement, statementToText } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { IDLE_LIFETIME } from '../src/node-sockets.ts'
import { type ClientSocket, type Environment, standardEnvironment } from '../src/index.ts'
import { AnsweringNode, MODEL } from './answering-node.ts'
import { Asker } from './asker.ts'
import type { JobLine } from './job-line.ts'
import { failure, matchOf, TestBroker } from './test-broker.ts'
import { until } from './until.ts'

const now = Math.floor(Date.now() / 1000)
const node = (more: Partial<Statement> = {}) => {
  return AnsweringNode.start({ notBefore: now - 10, useBy: now + 590, ...more })
}
const answers = async (line: JobLine): Promise<void> => {
  await line.say('Hello')
  await line.finish()
}

let broker: TestBroker
let asker: Asker
beforeEach(async () => {
  broker = await TestBroker.start([await node(), await node()], answers)
  asker = await Asker.at(broker)
})
afterEach(async () => {
  vi.useRealTimers()
  asker.client.close()
  await broker.stop()
})

const asked = () => broker.jobs.map(({ node: { nodeId } }) => broker.nodes.findIndex((one) => one.nodeId === nodeId))
const prepare = () => asker.client.prepare(MODEL)
const connected = () => until(() => broker.open === 1, 'a socket')

describe('what is done ahead of need', () => {
  test('leaves nothing but sealing for Send: no match, no new socket', async () => {
    await prepare()
    await connected()
    const calls = broker.calls.length
    expect(broker.matches()).toEqual([{ model: MODEL, policy: 'open', exclude: [], ahead: true }])
    const heard = await asker.ask()
    expect(heard.text).toBe('Hello')
    expect(heard.types).toEqual(['matching', 'checking', 'sealing', 'sealed', 'delta', 'done'])
    expect([broker.calls.length, broker.connections]).toEqual([calls, 1])
    expect(broker.jobs[0]?.open.lease).toMatch(/^ahead-/)
  })

  test('sends nothing about anyone: the seal that warms up goes nowhere', async () => {
    await prepare()
    await connected()
    expect(broker.sent).toEqual([])
  })

  test('is done once, however often it is asked for', async () => {
    await Promise.all([prepare(), prepare(), prepare()])
    await prepare()
    expect([broker.matches().length, broker.connections]).toEqual([1, 1])
  })

  test('serves one question: a lease is good for one', async () => {
    await prepare()
    await asker.ask()
    await asker.ask()
    expect(broker.jobs.map(({ open }) => open.lease.split('-')[0])).toEqual(['ahead', 'lease'])
  })

  test('while it is still on its way is waited for, not done twice', async () => {
    const preparing = prepare()
    const heard = await asker.ask()
    await preparing
    expect([heard.text, broker.matches().length, broker.connections]).toEqual(['Hello', 1, 1])
  })

  test('for one model does nothing for another', async () => {
    await prepare()
    await asker.ask({ model: 'another' })
    expect(broker.matches()).toHaveLength(2)
  })

  test('fails by itself: the question goes the normal way', async () => {
    broker.instead = ({ path }) => (path === '/api/match' ? failure(503, 'no-node') : undefined)
    await expect(prepare()).rejects.toMatchObject({ code: 'no-node' })
    broker.instead = undefined
    expect((await asker.ask()).text).toBe('Hello')
  })

  test('does not stand in line', async () => {
    broker.instead = ({ path }) => (path === '/api/match' ? failure(429, 'all-busy') : undefined)
    await expect(prepare()).rejects.toMatchObject({ code: 'all-busy' })
    expect([broker.matches().length, asker.waits]).toEqual([1, []])
  })

  test('appraises: a node that fails is not connected to', async () => {
    const signed = statementToText(await signStatement(broker.nodes[0]!.statement, await createSigner()))
    const match = { ...matchOf(broker.nodes[0]!), statement: signed }
    broker.instead = ({ path }) => (path === '/api/match' ? { body: match } : undefined)
    await expect(prepare()).rejects.toMatchObject({ code: 'bad-statement', action: 'stop' })
    expect(broker.connections).toBe(0)
  })
})

describe('a candidate is not used', () => {
  const matches = () => broker.matches().map(({ ahead = false }) => ahead)

  test('when its lease is over by the broker clock', async () => {
    broker.aheadSeconds = 100
    await prepare()
    asker.ahead += 99_000
    broker.ahead += 99_000
    expect((await asker.ask()).text).toBe('Hello')
    expect(matches()).toEqual([true, false])
  })

  test('when its statement has less than a minute left', async () => {
    broker.aheadSeconds = 3_600
    await prepare()
    asker.ahead += 531_000
    broker.ahead += 531_000
    await asker.ask()
    expect(matches()).toEqual([true, false])
  })

  test('by the clock of a phone that is an hour off: the broker clock counts', async () => {
    asker.ahead = 3_600_000
    await prepare()
    await asker.ask()
    expect(matches()).toEqual([true])
  })

  test('when the person excluded it', async () => {
    await prepare()
    await asker.ask({ exclude: [broker.nodes[0]!.nodeId] })
    expect([matches(), asked()]).toEqual([[true, false], [1]])
  })

  test('and another is looked for when it is prepared again', async () => {
    await prepare()
    await asker.client.prepare(MODEL, [broker.nodes[0]!.nodeId])
    await asker.ask({ exclude: [broker.nodes[0]!.nodeId] })
    expect([matches(), asked()]).toEqual([[true, true], [1]])
  })
})

describe('a candidate that changed since costs the person nothing', () => {
  const changes: [string, (line: JobLine) => unknown, number[]][] = [
    ['its lease is over', (line) => line.stop('lease-expired'), [0, 0]],
    ['it is full, and the broker names nobody', (line) => line.stop('all-busy'), [0, 0]],
    ['it is gone', (line) => line.stop('node-gone'), [0, 1]],
    ['it is busy', (line) => line.refuse('busy'), [0, 1]],
    ['it has another statement', (line) => line.refuse('expired-statement'), [0, 0]],
    ['its price changed', (line) => line.refuse('price-changed'), [0, 0]],
    ['it is full, and the broker names another', (line) => line.move('all-busy', matchOf(broker.nodes[1]!)), [0, 1]],
    ['the broker moves it to where it was', (line) => line.move('all-busy', matchOf(broker.nodes[0]!)), [0, 0]],
  ]
  test.each(changes)('%s', async (_what, changed, nodes) => {
    await prepare()
    broker.answers.unshift(changed)
    const heard = await asker.ask()
    expect([heard.text, asked()]).toEqual(['Hello', nodes])
  })

  test('two more attempts are left, and no third', async () => {
    await prepare()
    broker.answers.unshift(
      (line) => line.stop('lease-expired'),
      (line) => line.refuse('expired-statement'),
      (line) => line.refuse('busy'),
    )
    expect([(await asker.ask()).code, asked().length]).toEqual(['busy', 3])
  })

  test('nor is it moved twice', async () => {
    await prepare()
    broker.answers.unshift(
      (line) => line.move('all-busy', matchOf(broker.nodes[1]!)),
      (line) => line.move('node-gone', matchOf(broker.nodes[0]!)),
    )
    expect([(await asker.ask()).code, asked()]).toEqual(['node-gone', [0, 1]])
  })

  test('but a spent trial, a broken question or a forgery is no change', async () => {
    for (const [answer, code] of [
      [(line: JobLine) => line.stop('trial-spent'), 'trial-spent'],
      [(line: JobLine) => line.refuse('too-large'), 'too-large'],
      [async (line: JobLine) => line.refuse('busy', await createSigner()), 'forged-refusal'],
    ] as const) {
      await prepare()
      broker.answers.unshift(...broker.jobs.map(() => answers), answer)
      const before = broker.jobs.length
      expect([(await asker.ask()).code, broker.jobs.length - before]).toEqual([code, 1])
      broker.answers.splice(0, broker.answers.length, answers)
    }
  })

  test('and after the first word only the person asks again', async () => {
    await prepare()
    broker.answers.unshift(async (line) => {
      await line.say('Hel')
      line.stop('node-lost')
    })
    expect([(await asker.ask()).code, asked()]).toEqual(['node-lost', [0]])
  })
})

describe('a socket', () => {
  test('serves question after question to one node', async () => {
    for (let i = 0; i < 5; i++) expect((await asker.ask()).text).toBe('Hello')
    expect([broker.jobs.length, broker.connections]).toEqual([5, 1])
  })

  test('serves the next question after a refusal, and not after a forgery', async () => {
    broker.answers.unshift(
      (line) => line.refuse('bad-padding'),
      async (line) => line.refuse('busy', await createSigner()),
    )
    expect((await asker.ask()).code).toBe('bad-padding')
    expect((await asker.ask()).code).toBe('forged-refusal')
    expect((await asker.ask()).text).toBe('Hello')
    expect(broker.connections).toBe(2)
  })

  test('is not shared by questions at the same time', async () => {
    const both = await Promise.all([asker.ask(), asker.ask(), asker.ask()])
    expect(both.map(({ text }) => text)).toEqual(['Hello', 'Hello', 'Hello'])
    expect(broker.connections).toBe(3)
  })

  test('is replaced before a broker would mind: after 32 questions', async () => {
    for (let i = 0; i < 33; i++) await asker.ask()
    expect(broker.connections).toBe(2)
  })

  test('that broke while nobody used it is not used', async () => {
    const sockets: ClientSocket[] = []
    const connect: Environment['connect'] = async (url, protocols) => {
      const socket = await standardEnvironment.connect(url, protocols)
      sockets.push(socket)
      return socket
    }
    asker = await Asker.at(broker, { environment: { connect } })
    await asker.ask()
    broker.drop()
    await until(() => sockets[0]?.open === false, 'the device noticed')
    const heard = await asker.ask()
    expect([heard.text, heard.types.includes('lost'), broker.connections]).toEqual(['Hello', false, 2])
  })

  test('that nobody uses closes after three minutes', async () => {
    const idle = Promise.withResolvers<void>()
    const wait = (milliseconds: number) => (milliseconds === IDLE_LIFETIME ? idle.promise : Promise.resolve())
    asker = await Asker.at(broker, { environment: { wait } })
    await asker.ask()
    expect([broker.open, IDLE_LIFETIME]).toEqual([1, 180_000])
    idle.resolve()
    await until(() => broker.open === 0, 'the socket closed')
  })

  test('closes with the client, and is not kept then', async () => {
    await asker.ask()
    expect(broker.open).toBe(1)
    asker.client.close()
    await until(() => broker.open === 0, 'the socket closed')
    expect((await asker.ask()).text).toBe('Hello')
    await until(() => broker.open === 0, 'the next closed too')
  })

  test('that was left by its reader serves no other question', async () => {
    broker.answers.unshift(async (line) => {
      await line.say('Hello')
    })
    for await (const event of asker.client.ask({ model: MODEL, messages: [] })) if (event.type === 'delta') break
    await until(() => broker.open === 0, 'the socket closed')
    expect((await asker.ask()).text).toBe('Hello')
  })
})

describe('a device that comes back', () => {
  const url = () => `${broker.origin.replace('http', 'ws')}/api/nodes/${broker.nodes[0]?.nodeId}/jobs`

  test('finds out within seconds that a connection is dead', async () => {
    broker.sessions.add('token')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const socket = await standardEnvironment.connect(url(), ['cocoon.1', 'token'])
    socket.probe?.()
    expect(broker.sent).toEqual([])
    vi.advanceTimersByTime(60_000)
    socket.probe?.()
    socket.probe?.()
    const next = socket.messages.next()
    // The pong has no time to arrive: nothing is awaited in between.
    vi.advanceTimersByTime(5_000)
    expect([await next, socket.open]).toEqual([{ value: undefined, done: true }, false])
  })

  test('keeps a connection that answers', async () => {
    broker.sessions.add('token')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const socket = await standardEnvironment.connect(url(), ['cocoon.1', 'token'])
    vi.advanceTimersByTime(60_000)
    socket.probe?.()
    for (let turn = 0; broker.sent.length === 0 || turn < 50; turn++)
      await new Promise((resolve) => setImmediate(resolve))
    expect(broker.sent.map(String)).toEqual(['ping'])
    vi.advanceTimersByTime(60_000)
    expect(socket.open).toBe(true)
    socket.close()
  })

  test('does not wait out the pause before a reconnection', async () => {
    asker.holds = (milliseconds) => (milliseconds <= 200 ? Promise.withResolvers() : undefined)
    broker.answers.unshift(async (line) => {
      await line.say('Hello')
      line.drop()
      await line.heard('resume')
      await line.finish()
    })
    const heard = await asker.ask({}, (event) => {
      if (event.type === 'lost') setImmediate(() => asker.client.wake())
    })
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
  })
})
