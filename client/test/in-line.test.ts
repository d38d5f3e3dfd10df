import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode } from './answering-node.ts'
import { Asker } from './asker.ts'
import { failure, TestBroker } from './test-broker.ts'

let broker: TestBroker
let asker: Asker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start()], async (line) => {
    await line.say('Hello')
    await line.finish()
  })
  asker = await Asker.at(broker)
})
afterEach(() => broker.stop())

/** The next matches are turned away like this. */
function turnedAway(times: number, code: string, retryAfterMs?: number): void {
  let left = times
  broker.instead = ({ path }) => {
    if (path !== '/api/match' || left-- <= 0) return undefined
    return failure(429, code, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
}

describe('a person whom every machine is too busy for', () => {
  test('stays in line, and is answered when there is room', async () => {
    turnedAway(3, 'all-busy', 4_000)
    const heard = await asker.ask()
    expect(heard.text).toBe('Hello')
    expect(heard.types.slice(0, 6)).toEqual(['matching', 'waiting', 'waiting', 'waiting', 'checking', 'sealing'])
    expect(broker.matches()).toHaveLength(4)
  })

  test('asks again no sooner than the broker says, and not with everyone else', async () => {
    turnedAway(12, 'all-busy', 4_000)
    const heard = await asker.ask()
    const told = heard.events.flatMap((event) => (event.type === 'waiting' ? [event.retryAfterMs] : []))
    expect(told).toEqual(asker.waits)
    for (const wait of told) expect([wait >= 4_000, wait <= 6_000]).toEqual([true, true])
    expect(new Set(told).size).toBeGreaterThan(1)
  })

  test('does not hammer a broker that says no time, or none at all', async () => {
    turnedAway(1, 'all-busy')
    await asker.ask()
    turnedAway(1, 'all-busy', 0)
    await asker.ask()
    expect(asker.waits).toEqual([expect.toSatisfy((wait) => wait >= 2_000), expect.toSatisfy((wait) => wait >= 500)])
  })

  test('gets a clear error after two minutes, with the broker word for when to try again', async () => {
    turnedAway(Infinity, 'all-busy', 9_000)
    const heard = await asker.ask()
    expect([heard.code, heard.error?.action, heard.error?.retryAfterMs]).toEqual(['all-busy', 'wait', 9_000])
    const waited = asker.waits.reduce((sum, wait) => sum + wait, 0)
    expect(waited).toBeGreaterThan(100_000)
    expect(waited).toBeLessThanOrEqual(120_000)
  })

  test('counts the time that matches take too', async () => {
    turnedAway(Infinity, 'all-busy', 1_000)
    const before = broker.instead
    broker.instead = (call) => {
      if (call.path === '/api/match') asker.ahead += 50_000
      return before?.(call)
    }
    expect((await asker.ask()).code).toBe('all-busy')
    expect(broker.matches()).toHaveLength(3)
  })

  test('is told at once when the wait would be too long', async () => {
    turnedAway(Infinity, 'all-busy', 3_600_000)
    const heard = await asker.ask()
    expect([heard.code, heard.error?.retryAfterMs, heard.types]).toEqual(['all-busy', 3_600_000, ['matching']])
  })

  test('may go: cancelling leaves the line, and nothing was sent', async () => {
    turnedAway(Infinity, 'all-busy', 5_000)
    asker.holds = () => Promise.withResolvers()
    const stop = new AbortController()
    const heard = await asker.ask({ signal: stop.signal }, (event) => event.type === 'waiting' && stop.abort())
    expect([heard.code, heard.types, broker.connections]).toEqual(['cancelled', ['matching', 'waiting'], 0])
  })

  test('stays in line for a second machine too', async () => {
    broker.answers.unshift((line) => {
      turnedAway(1, 'all-busy', 1_000)
      return line.refuse('expired-statement')
    })
    const heard = await asker.ask()
    expect(heard.types.slice(4, 7)).toEqual(['matching', 'waiting', 'checking'])
    expect(heard.text).toBe('Hello')
  })

  test('learns at once that a question cannot be sealed: nobody stands in line with it', async () => {
    turnedAway(Infinity, 'all-busy', 5_000)
    const heard = await asker.ask({ messages: [{ role: 'user', content: 'x'.repeat(9 * 1024 * 1024) }] })
    expect([heard.code, broker.calls]).toEqual(['too-large', []])
  })
})

describe('a person who asks too fast', () => {
  test('waits once as told', async () => {
    turnedAway(1, 'rate-limited', 1_500)
    const heard = await asker.ask()
    expect([heard.text, heard.types[1]]).toEqual(['Hello', 'waiting'])
    expect(asker.waits[0]).toBeGreaterThanOrEqual(1_500)
  })

  test('is told so when that was not enough', async () => {
    turnedAway(2, 'rate-limited', 1_500)
    const heard = await asker.ask()
    expect([heard.code, heard.error?.retryAfterMs, asker.waits.length]).toEqual(['rate-limited', 1_500, 1])
  })
})

test('no machine at all is not waited for', async () => {
  turnedAway(1, 'no-node', 2_000)
  expect([(await asker.ask()).code, asker.waits]).toEqual(['no-node', []])
})
