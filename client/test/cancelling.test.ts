import { secureRandom } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode, DONE } from './answering-node.ts'
import { Asker } from './asker.ts'
import { TestBroker } from './test-broker.ts'

const PATIENCE = 5_000

let broker: TestBroker
let asker: Asker
let stop: AbortController
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start(), await AnsweringNode.start()])
  asker = await Asker.at(broker)
  asker.held.set(PATIENCE, Promise.withResolvers())
  stop = new AbortController()
})
afterEach(() => broker.stop())

const CANCELLED = { ...DONE, status: 'cancelled', finishReason: null } as const
const cancels = () => broker.jobs[0]?.messages.filter((message) => message.kind === 'cancel') ?? []

describe('cancelling', () => {
  test('before it began asks nobody', async () => {
    stop.abort()
    const heard = await asker.ask({ signal: stop.signal })
    expect([heard.code, heard.types, broker.calls, broker.connections]).toEqual(['cancelled', ['matching'], [], 0])
  })

  test.each(['checking', 'sealing'] as const)('while %s sends nothing', async (type) => {
    const heard = await asker.ask({ signal: stop.signal }, (event) => event.type === type && stop.abort())
    expect([heard.code, heard.types.at(-1), broker.connections]).toEqual(['cancelled', 'sealing', 0])
  })

  test('while the match is on its way goes no further', async () => {
    broker.instead = ({ path }) => {
      if (path === '/api/match') stop.abort()
      return undefined
    }
    const heard = await asker.ask({ signal: stop.signal })
    expect([heard.code, heard.types]).toEqual(['cancelled', ['matching']])
  })

  test('while it is sealed, between key and socket, sends nothing', async () => {
    const random = (length: number) => {
      stop.abort()
      return secureRandom(length)
    }
    asker = await Asker.at(broker, { environment: { random } })
    const heard = await asker.ask({ signal: stop.signal })
    expect([heard.code, broker.sent.length]).toEqual(['cancelled', 0])
  })

  test('while waiting sends the token of the job, and ends with what it cost', async () => {
    broker.answers.push(async (line) => {
      stop.abort()
      await line.heard('cancel')
      await line.finish(CANCELLED)
    })
    const heard = await asker.ask({ signal: stop.signal })
    expect(heard.done).toMatchObject({ status: 'cancelled', finishReason: null, usage: DONE.usage, frames: 1 })
    expect(cancels()).toEqual([
      { kind: 'cancel', jobId: broker.jobs[0]?.open.jobId, token: broker.jobs[0]?.opened.cancelToken },
    ])
  })

  test('while streaming keeps what was said', async () => {
    broker.answers.push(async (line) => {
      await line.say('so far')
      await line.heard('cancel')
      await line.finish(CANCELLED)
    })
    const heard = await asker.ask({ signal: stop.signal }, (event) => event.type === 'delta' && stop.abort())
    expect([heard.text, heard.done?.status, heard.code]).toEqual(['so far', 'cancelled', undefined])
  })

  test('comes too late for an answer that is done', async () => {
    broker.answers.push(async (line) => {
      await line.say('all of it')
      await line.heard('cancel')
      await line.finish()
    })
    const heard = await asker.ask({ signal: stop.signal }, (event) => event.type === 'delta' && stop.abort())
    expect(heard.done?.status).toBe('done')
  })

  test('is not waited for longer than its patience', async () => {
    broker.answers.push(async (line) => {
      await line.say('so far')
      await line.heard('cancel')
      asker.held.get(PATIENCE)?.resolve()
    })
    const heard = await asker.ask({ signal: stop.signal }, (event) => event.type === 'delta' && stop.abort())
    expect([heard.code, heard.text, heard.done, asker.waits]).toEqual(['cancelled', 'so far', undefined, [PATIENCE]])
  })

  test('while the connection is lost reaches the node when it is back', async () => {
    broker.answers.push(async (line) => {
      await line.say('so far')
      broker.refuses = 1
      line.drop()
      await line.heard('cancel')
      await line.finish(CANCELLED)
    })
    const heard = await asker.ask({ signal: stop.signal }, (event) => event.type === 'lost' && stop.abort())
    expect([heard.text, heard.done?.status]).toEqual(['so far', 'cancelled'])
    expect(cancels()).toHaveLength(1)
  })

  test('while the broker stays away ends after its patience', async () => {
    broker.answers.push(async (line) => {
      await line.say('so far')
      broker.refuses = Infinity
      line.drop()
    })
    const away = Promise.withResolvers<void>()
    const { held } = asker
    asker = await Asker.at(broker, {
      environment: {
        wait: (milliseconds) =>
          milliseconds === PATIENCE ? (held.get(PATIENCE)?.promise ?? away.promise) : away.promise,
      },
    })
    const heard = await asker.ask({ signal: stop.signal }, (event) => {
      if (event.type !== 'lost') return
      stop.abort()
      held.get(PATIENCE)?.resolve()
    })
    expect([heard.code, heard.text]).toEqual(['cancelled', 'so far'])
    away.resolve()
  })

  test('ends the question: no second attempt', async () => {
    broker.answers.push(async (line) => {
      stop.abort()
      await line.heard('cancel')
      await line.refuse('busy')
    })
    const heard = await asker.ask({ signal: stop.signal })
    expect([heard.code, broker.jobs.length]).toEqual(['busy', 1])
  })

  test('leaves nothing behind when the question is over', async () => {
    broker.answers.push((line) => line.finish())
    await asker.ask({ signal: stop.signal })
    stop.abort()
    await broker.jobs[0]?.heard('ack')
    expect(cancels()).toEqual([])
  })
})
