import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { standardEnvironment } from '../src/index.ts'
import { AnsweringNode, MODEL } from './answering-node.ts'
import { Asker } from './asker.ts'
import { TestBroker } from './test-broker.ts'

/** PROFILE_RUNS asks for medians of so many questions each, printed; nothing is asserted about them. */
const profileRuns = Number(process.env['PROFILE_RUNS'] ?? 0)
const OPEN = 0x01

let broker: TestBroker
let asker: Asker
/** When the last question was sent. `performance.now()` */
let sentAt: number
/** What happened on the way, in order. */
let steps: string[]

beforeEach(async () => {
  const now = Math.floor(Date.now() / 1000)
  const node = await AnsweringNode.start({ notBefore: now - 10, useBy: now + 590 })
  broker = await TestBroker.start([node], async (line) => {
    await line.say('Hello')
    await line.finish()
  })
  steps = []
  const environment = {
    async fetch(url: string, init: RequestInit) {
      steps.push(`call ${new URL(url).pathname}`)
      return standardEnvironment.fetch(url, init)
    },
    async connect(url: string, protocols: string[]) {
      steps.push('connect')
      const socket = await standardEnvironment.connect(url, protocols)
      const send = (message: Uint8Array<ArrayBuffer>): void => {
        if (message[0] === OPEN) {
          sentAt = performance.now()
          steps.push('sent')
        }
        socket.send(message)
      }
      return Object.defineProperties({ send }, Object.getOwnPropertyDescriptors({ ...socket, send })) as typeof socket
    },
    random: (length: number) => {
      if (length === 32) steps.push('seal')
      if (length === 64) steps.push('wrap')
      return standardEnvironment.random(length)
    },
  }
  asker = await Asker.at(broker, { environment })
})
afterEach(async () => {
  asker.client.close()
  await broker.stop()
})

describe('from Send to the first byte of the question', () => {
  test('sealing begins while the match is on its way', async () => {
    await asker.client.trial()
    steps.length = 0
    await asker.ask()
    expect(steps).toEqual(['seal', 'call /api/match', 'connect', 'wrap', 'sent'])
  })

  test('nothing is called and nothing connects when a machine was prepared', async () => {
    await asker.client.prepare(MODEL)
    steps.length = 0
    await asker.ask()
    expect(steps).toEqual(['seal', 'wrap', 'sent'])
  })

  test('a second question to the same node needs a match and nothing else', async () => {
    await asker.ask()
    steps.length = 0
    await asker.ask()
    expect(steps).toEqual(['seal', 'call /api/match', 'wrap', 'sent'])
  })

  test('storing the record does not stand in the way', async () => {
    const stored = Promise.withResolvers<void>()
    const asking = asker.ask({ keep: () => stored.promise })
    await expect.poll(() => steps.at(-1)).toBe('sent')
    stored.resolve()
    expect((await asking).text).toBe('Hello')
  })
})

test.runIf(profileRuns > 0)('profile', { timeout: 600_000 }, async () => {
  const medians: Record<string, number> = {}
  for (const [name, before] of [
    ['first question of all', undefined],
    ['match, socket reused', undefined],
    ['prepared', () => asker.client.prepare(MODEL)],
    ['match and a new socket', () => asker.client.close()],
  ] as const) {
    const times: number[] = []
    for (let run = 0; run < (name.startsWith('first') ? 1 : profileRuns); run++) {
      await before?.()
      // The socket of the preparation opens behind it.
      await new Promise((resolve) => setTimeout(resolve, 5))
      const began = performance.now()
      expect((await asker.ask()).text).toBe('Hello')
      times.push(sentAt - began)
    }
    medians[name] = Math.round((times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0) * 100) / 100
  }
  console.log(JSON.stringify({ runs: profileRuns, sendToOpenMs: medians }, null, 2))
})
