import { createSigner } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keySignIn, telegramSignIn } from '../src/index.ts'
import { AnsweringNode } from './answering-node.ts'
import { Asker } from './asker.ts'
import { failure, TestBroker } from './test-broker.ts'

const HOUR = 3_600_000

let broker: TestBroker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start()], async (line) => {
    await line.say('Hello')
    await line.finish()
  })
})
afterEach(() => broker.stop())

describe('a session', () => {
  test('is begun once, and used until shortly before its end', async () => {
    const asker = await Asker.at(broker)
    await asker.client.trial()
    await asker.ask()
    expect(broker.signIns).toEqual(['key'])
    asker.ahead += HOUR - 70_000
    broker.ahead += HOUR - 70_000
    await asker.client.trial()
    expect(broker.signIns).toEqual(['key'])
    asker.ahead += 20_000
    broker.ahead += 20_000
    await asker.client.trial()
    expect(broker.signIns).toEqual(['key', 'key'])
  })

  test('is shared by what is asked at the same time', async () => {
    const asker = await Asker.at(broker)
    await Promise.all([asker.client.trial(), asker.client.trial(), asker.ask()])
    expect(broker.signIns).toEqual(['key'])
  })

  test('that the broker forgot is begun again, once for all who notice', async () => {
    const asker = await Asker.at(broker)
    await asker.client.trial()
    broker.sessions.clear()
    const [heard] = await Promise.all([asker.ask(), asker.client.trial(), asker.client.trial()])
    expect(heard.text).toBe('Hello')
    expect(broker.signIns).toEqual(['key', 'key'])
  })

  test('that the broker never accepts is begun again once, not for ever', async () => {
    broker.instead = ({ path }) => (path === '/api/match' ? failure(401, 'signed-out') : undefined)
    const heard = await (await Asker.at(broker)).ask()
    expect([heard.code, heard.error?.action, broker.signIns]).toEqual(['signed-out', 'sign-in', ['key', 'key']])
  })

  test('that could not begin is tried again with the next question', async () => {
    const asker = await Asker.at(broker)
    broker.instead = ({ path }) => (path === '/api/sign-in' ? failure(500, 'broker-fault') : undefined)
    expect((await asker.ask()).code).toBe('broker-fault')
    broker.instead = undefined
    expect((await asker.ask()).text).toBe('Hello')
  })
})

describe('a session that ends while an answer streams', () => {
  test('does not cut it: the socket lives on, and the next connection has a new session', async () => {
    const asker = await Asker.at(broker)
    broker.answers[0] = async (line) => {
      await line.say('Hello')
      asker.ahead += 2 * HOUR
      broker.ahead += 2 * HOUR
      broker.sessions.clear()
      await line.say(' there')
      line.drop()
      await line.heard('resume')
      await line.say('.')
      await line.finish()
    }
    const heard = await asker.ask()
    expect([heard.text, heard.done?.status]).toEqual(['Hello there.', 'done'])
    expect(heard.types.filter((type) => type === 'lost')).toHaveLength(1)
    expect(broker.signIns).toEqual(['key', 'key'])
  })

  test('is renewed by the browser key where the init data is stale by then', async () => {
    const asker = await Asker.at(broker, { signIn: telegramSignIn('fresh', await createSigner()) })
    broker.answers[0] = async (line) => {
      await line.say('Hello')
      asker.ahead += 2 * HOUR
      broker.ahead += 2 * HOUR
      broker.sessions.clear()
      line.drop()
      await line.heard('resume')
      await line.finish()
    }
    expect((await asker.ask()).done?.status).toBe('done')
    expect(broker.signIns).toEqual(['telegram', 'renewal'])
  })

  test('may be forgotten before its time, as when the broker changed its secret: the door signs in again', async () => {
    const asker = await Asker.at(broker)
    broker.answers[0] = async (line) => {
      await line.say('Hello')
      broker.sessions.clear()
      line.drop()
      await line.heard('resume')
      await line.finish()
    }
    const heard = await asker.ask()
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
    expect(broker.signIns).toEqual(['key', 'key'])
  })

  test.each([HOUR, -HOUR])('goes on by a clock that is %d milliseconds off', async (ahead) => {
    const asker = await Asker.at(broker)
    asker.ahead = ahead
    broker.answers[0] = async (line) => {
      await line.say('Hello')
      asker.ahead += 2 * HOUR
      broker.ahead += 2 * HOUR
      broker.sessions.clear()
      line.drop()
      await line.heard('resume')
      await line.finish()
    }
    const heard = await asker.ask()
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
  })
})

describe('a sign-in that was used before', () => {
  test('is refused to whoever found it, clearly and without another try', async () => {
    await (await Asker.at(broker, { signIn: telegramSignIn('fresh', await createSigner()) })).client.trial()
    const thief = await Asker.at(broker, { signIn: telegramSignIn('fresh', await createSigner()) })
    const heard = await thief.ask()
    expect([heard.code, heard.error?.action, heard.types]).toEqual(['sign-in-replayed', 'sign-in', ['matching']])
    expect([broker.signIns, broker.connections]).toEqual([['telegram', 'telegram'], 0])
  })

  test('is taken again from the browser it was made for, as after a reload', async () => {
    const signer = await createSigner()
    await (await Asker.at(broker, { signIn: telegramSignIn('fresh', signer) })).client.trial()
    expect((await (await Asker.at(broker, { signIn: telegramSignIn('fresh', signer) })).ask()).text).toBe('Hello')
  })

  test('in the same second by another window of the same key is made for the next second', async () => {
    const signer = await createSigner()
    const windows = await Promise.all([1, 2].map(() => Asker.at(broker, { signIn: keySignIn(signer) })))
    const heard = await Promise.all(windows.map((window) => window.ask()))
    expect(heard.map(({ text }) => text)).toEqual(['Hello', 'Hello'])
  })
})

describe('a renewal', () => {
  test('goes on where the init data is stale, and each is remembered', async () => {
    const kept: string[] = []
    const signIn = telegramSignIn('fresh', await createSigner(), undefined, (renewal) => kept.push(renewal))
    const asker = await Asker.at(broker, { signIn })
    await asker.client.trial()
    broker.sessions.clear()
    await asker.client.trial()
    expect(broker.signIns).toEqual(['telegram', 'renewal'])
    expect(kept).toEqual([...broker.renewals])
  })

  test('from before is tried first', async () => {
    const signer = await createSigner()
    await (await Asker.at(broker, { signIn: telegramSignIn('fresh', signer) })).client.trial()
    const [renewal] = broker.renewals
    const signIn = telegramSignIn('stale by now', signer, renewal)
    expect((await (await Asker.at(broker, { signIn })).ask()).text).toBe('Hello')
    expect(broker.signIns).toEqual(['telegram', 'renewal'])
  })

  test('that is refused is begun anew, as if there had been none', async () => {
    const signIn = telegramSignIn('fresh', await createSigner(), 'made up')
    expect((await (await Asker.at(broker, { signIn })).ask()).text).toBe('Hello')
    expect(broker.signIns).toEqual(['renewal', 'telegram'])
  })

  test('by another key is refused', async () => {
    await (await Asker.at(broker, { signIn: telegramSignIn('fresh', await createSigner()) })).client.trial()
    const [renewal] = broker.renewals
    const signIn = telegramSignIn('stale', await createSigner(), renewal)
    const heard = await (await Asker.at(broker, { signIn })).ask()
    expect([heard.code, heard.error?.action]).toEqual(['sign-in-refused', 'sign-in'])
  })

  test('is not given up for a broker that is merely ill', async () => {
    broker.instead = ({ path }) => (path === '/api/sign-in' ? failure(500, 'broker-fault') : undefined)
    const signIn = telegramSignIn('fresh', await createSigner(), 'kept')
    expect((await (await Asker.at(broker, { signIn })).ask()).code).toBe('broker-fault')
    expect(broker.calls.map(({ body }) => (JSON.parse(body) as { method: string }).method)).toEqual(['renewal'])
  })
})

describe('a clock that is an hour off does not keep anyone from asking', () => {
  test.each([HOUR, -HOUR])('by %d milliseconds', async (ahead) => {
    const asker = await Asker.at(broker)
    asker.ahead = ahead
    expect((await asker.ask()).text).toBe('Hello')
    expect((await asker.ask()).text).toBe('Hello')
    // Refused once for its time, then signed in for good.
    expect(broker.signIns).toEqual(['key', 'key'])
  })

  test('and a renewal is not thrown away for it', async () => {
    const signer = await createSigner()
    await (await Asker.at(broker, { signIn: telegramSignIn('fresh', signer) })).client.trial()
    const [renewal] = broker.renewals
    const asker = await Asker.at(broker, { signIn: telegramSignIn('stale', signer, renewal) })
    asker.ahead = HOUR
    expect((await asker.ask()).text).toBe('Hello')
    expect(broker.signIns).toEqual(['telegram', 'renewal', 'renewal'])
  })

  test('even where the broker does not say what time it is', async () => {
    broker.sendsDate = false
    const asker = await Asker.at(broker, { signIn: telegramSignIn('fresh', await createSigner()) })
    asker.ahead = HOUR
    expect((await asker.ask()).text).toBe('Hello')
    expect((await asker.ask()).text).toBe('Hello')
    expect(broker.signIns).toEqual(['telegram'])
  })

  test('and a signature for another time is not made where the clocks agree', async () => {
    broker.instead = ({ path }) => (path === '/api/sign-in' ? failure(401, 'sign-in-refused') : undefined)
    expect((await (await Asker.at(broker)).ask()).code).toBe('sign-in-refused')
    expect(broker.paths()).toEqual(['/api/sign-in'])
  })
})

describe('a broker that answers', () => {
  const answers: [string, { status?: number; body: string | object }, string, string][] = [
    ['HTML', { body: '<!doctype html><title>captive portal</title>' }, 'unreachable', 'wait'],
    ['half of a JSON', { body: '{"node":' }, 'unreachable', 'wait'],
    ['nothing', { body: '' }, 'unreachable', 'wait'],
    ['another JSON', { body: { hello: 'world' } }, 'wrong-broker', 'stop'],
    ['null', { body: 'null' }, 'wrong-broker', 'stop'],
    ['an error page', { status: 502, body: '<h1>Bad gateway</h1>' }, 'unreachable', 'wait'],
    ['an error of another shape', { status: 500, body: { error: 'oops' } }, 'unreachable', 'wait'],
    ['an error it made up', failure(400, 'because'), 'unreachable', 'wait'],
    ['an error that is none of its own', failure(400, 'forged-frame'), 'unreachable', 'wait'],
  ]
  test.each(answers)('%s to a match is understood as an error', async (_what, door, code, action) => {
    broker.instead = ({ path }) => (path === '/api/match' ? door : undefined)
    const heard = await (await Asker.at(broker)).ask()
    expect([heard.code, heard.error?.action, broker.connections]).toEqual([code, action, 0])
  })

  test('junk to a sign-in is understood as one too', async () => {
    broker.instead = ({ path }) => (path === '/api/sign-in' ? { body: { token: 7 } } : undefined)
    expect((await (await Asker.at(broker)).ask()).code).toBe('wrong-broker')
  })

  test('nothing at all is unreachable', async () => {
    const gone = await TestBroker.start([])
    const asker = await Asker.at(gone, { signIn: keySignIn(await createSigner()) })
    await gone.stop()
    await expect(asker.client.models()).rejects.toMatchObject({ code: 'unreachable', action: 'wait' })
  })
})
