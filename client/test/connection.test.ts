import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { standardEnvironment } from '../src/index.ts'
import { AnsweringNode, DONE } from './answering-node.ts'
import { Asker } from './asker.ts'
import { runs } from './property.ts'
import { TestBroker } from './test-broker.ts'
import { until } from './until.ts'

let broker: TestBroker
let asker: Asker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start(), await AnsweringNode.start()])
  asker = await Asker.at(broker)
})
afterEach(async () => {
  vi.useRealTimers()
  await broker.stop()
})

describe('a socket that breaks', () => {
  test('in the middle of an answer costs nothing of it', async () => {
    broker.answers.push(async (line) => {
      await line.say('Hello')
      // Stored at the broker, never seen by this socket.
      line.stored.push(await line.opened.words(' there'))
      line.drop()
      await line.heard('resume')
      await line.say('.')
      await line.finish()
    })
    const heard = await asker.ask()
    expect(heard.text).toBe('Hello there.')
    expect(heard.types.filter((type) => type !== 'delta').slice(3)).toEqual(['sealed', 'lost', 'resumed', 'done'])
    expect(broker.jobs[0]?.messages.find(({ kind }) => kind === 'resume')).toMatchObject({ from: 1 })
    expect(asker.waits).toEqual([expect.toSatisfy((wait: number) => wait >= 100 && wait <= 200)])
  })

  test('anywhere, any number of times, costs nothing', async () => {
    const words = ['a', 'b', 'c', 'd', 'e', 'f']
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(words.length - 1), { maxLength: 3 }), async (breaks) => {
        broker.answers.length = 0
        broker.answers.push(async (line) => {
          const frames = await Promise.all(words.map((word) => line.opened.words(word)))
          for (const [place, frame] of [...frames, ...(await line.opened.sealer.finish(DONE))].entries()) {
            line.push(frame)
            if (!breaks.includes(place)) continue
            const resumed = line.kinds().filter((kind) => kind === 'resume').length
            line.drop()
            await line.heard('resume', resumed + 1)
          }
        })
        broker.jobs.length = 0
        const heard = await asker.ask()
        expect([heard.text, heard.done?.status]).toEqual([words.join(''), 'done'])
        expect(heard.types.filter((type) => type === 'lost').length).toBe(breaks.length)
      }),
      runs(15),
    )
  })

  test('right after the last word has it said again, so that nothing is kept for nobody', async () => {
    broker.answers.push(async (line) => {
      await line.say('Hello')
      await line.finish()
    })
    await asker.ask()
    const [line] = broker.jobs
    await line?.heard('ack')
    broker.drop()
    await line?.heard('ack', 2)
    const acknowledged = line?.messages.flatMap((one) => (one.kind === 'ack' ? [one.next] : []))
    expect(acknowledged).toEqual([acknowledged?.[0], acknowledged?.[0]])
    expect(broker.jobs).toHaveLength(1)
  })

  test('before the broker had the question has it sent again, the very same, and answered once', async () => {
    broker.answers.push(async (line) => {
      await line.say('Hello')
      await line.finish()
    })
    broker.swallows = 1
    const heard = await asker.ask()
    expect([heard.text, broker.jobs.length]).toEqual(['Hello', 1])
    const opens = broker.sent.filter((bytes) => bytes[0] === 0x01)
    expect(opens).toHaveLength(2)
    expect(opens[0]?.equals(opens[1] ?? Buffer.alloc(0))).toBe(true)
  })

  test('has the question sent again once, not for ever', async () => {
    broker.swallows = 1
    broker.answers.push((line) => line.stop('unknown-job'))
    expect((await asker.ask()).code).toBe('unknown-job')
    expect(broker.jobs).toHaveLength(1)
  })

  test('after the answer began has nothing sent again', async () => {
    broker.answers.push(async (line) => {
      await line.say('Hello')
      line.drop()
      await line.heard('resume')
      line.stop('unknown-job')
    })
    const heard = await asker.ask()
    expect([heard.code, heard.text, broker.jobs.length]).toEqual(['unknown-job', 'Hello', 1])
  })
})

describe('a broker that is away', () => {
  test('is waited for, longer each time', async () => {
    broker.answers.push(async (line) => {
      await line.say('Hello')
      broker.refuses = 3
      line.drop()
      await line.heard('resume')
      await line.finish()
    })
    const heard = await asker.ask()
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
    for (const [index, longest] of [200, 1_000, 3_000, 8_000].entries()) {
      expect(asker.waits[index]).toBeGreaterThanOrEqual(longest / 2)
      expect(asker.waits[index]).toBeLessThanOrEqual(longest)
    }
    expect(asker.waits).toHaveLength(4)
  })

  test('for good is unreachable in the end', async () => {
    broker.answers.push(async (line) => {
      await line.say('Hello')
      broker.refuses = Infinity
      line.drop()
    })
    const heard = await asker.ask()
    expect([heard.code, heard.error?.action, heard.text, heard.types.at(-1)]).toEqual([
      'unreachable',
      'wait',
      'Hello',
      'lost',
    ])
    expect(asker.waits).toHaveLength(5)
  })

  test('that breaks every socket at once is unreachable in the end too', async () => {
    broker.answers.push((line) => line.drop())
    const heard = asker.ask()
    await until(() => broker.jobs.length === 1, 'the question')
    broker.swallows = Infinity
    expect((await heard).code).toBe('unreachable')
    expect(asker.waits.length).toBeLessThanOrEqual(5)
  })

  test('before anything was sent is unreachable', async () => {
    broker.refuses = 1
    const heard = await asker.ask()
    expect([heard.code, heard.types.at(-1), broker.sent.length]).toEqual(['unreachable', 'sealing', 0])
  })
})

describe('the socket of this runtime', () => {
  const url = () => `${broker.origin.replace('http', 'ws')}/api/nodes/${broker.nodes[0]?.nodeId}/jobs`

  test('asks for a sign of life, and is over when none comes', async () => {
    broker.sessions.add('token')
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const socket = await standardEnvironment.connect(url(), ['cocoon.1', 'token'])
    vi.advanceTimersByTime(20_000)
    await until(() => broker.sent.length === 1, 'a ping')
    expect(broker.sent[0]?.toString()).toBe('ping')
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(20_000)
    await until(() => broker.sent.length === 2, 'another ping, for the first was answered')
    const next = socket.messages.next()
    // The answer to the second has no time to arrive: nothing is awaited in between.
    vi.advanceTimersByTime(20_000)
    expect(await next).toEqual({ value: undefined, done: true })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not open with a session the broker does not know', async () => {
    await expect(standardEnvironment.connect(url(), ['cocoon.1', 'stranger'])).rejects.toMatchObject({
      code: 'unreachable',
    })
  })
})
