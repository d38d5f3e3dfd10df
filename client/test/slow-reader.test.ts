import { concat, MAX_FRAME_BYTES } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientSocket, standardEnvironment } from '../src/index.ts'
import { MAX_QUEUED } from '../src/socket.ts'
import { AnsweringNode } from './answering-node.ts'
import { Asker } from './asker.ts'
import { type JobLine, WINDOW } from './job-line.ts'
import { TestBroker } from './test-broker.ts'
import { until } from './until.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start()])
})
afterEach(() => broker.stop())

const KIB = 1024
/** An answer of so many pieces, each of so many letters. */
const saysMuch = (pieces: number, letters: number) => async (line: JobLine) => {
  for (let i = 0; i < pieces; i++) await line.say(String.fromCharCode(97 + (i % 26)).repeat(letters))
  await line.finish()
}
const whole = (pieces: number, letters: number) => {
  return Array.from({ length: pieces }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(letters)).join('')
}
const reads = () => broker.jobs[0]?.messages.flatMap((one) => (one.kind === 'read' ? [one.next] : [])) ?? []

describe('a long answer', () => {
  test.each([
    [30, 60 * KIB],
    [300, 5 * KIB],
  ])('of %d frames arrives whole through a window that opens only when it is read', async (pieces, letters) => {
    broker.answers.push(saysMuch(pieces, letters))
    const heard = await (await Asker.at(broker)).ask()
    expect(heard.text === whole(pieces, letters)).toBe(true)
    expect(broker.jobs[0]?.mostUnread).toBeLessThanOrEqual(WINDOW)
    expect(reads()).toEqual(reads().toSorted((a, b) => a - b))
    // A frame has some 0.6 to 64 KiB here: `read` came at least once for every 128 KiB of them.
    const bytesPerFrame = Math.ceil((letters + 64) / 512) * 512 + 64
    const gaps = reads().map((next, index) => (next - (reads()[index - 1] ?? 0)) * bytesPerFrame)
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(128 * KIB + 2 * KIB)
  })

  test('that is short says nothing of it: acknowledging is saying it', async () => {
    broker.answers.push(saysMuch(3, 10 * KIB))
    await (await Asker.at(broker)).ask()
    await broker.jobs[0]?.heard('ack')
    expect(reads()).toEqual([])
  })
})

describe('a slow reader', () => {
  test('is not read ahead of: the broker hears of frames only when their words were taken', async () => {
    broker.answers.push(saysMuch(40, 30 * KIB))
    const gate = Promise.withResolvers<void>()
    let words = 0
    const asking = (await Asker.at(broker)).ask({}, (event) => {
      if (event.type !== 'delta') return undefined
      words += 1
      return words === 3 ? gate.promise : undefined
    })
    await until(() => words === 3, 'three pieces')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(reads()).toEqual([])
    expect(broker.jobs[0]?.mostUnread).toBeLessThanOrEqual(WINDOW)
    gate.resolve()
    expect((await asking).text === whole(40, 30 * KIB)).toBe(true)
    expect(reads().length).toBeGreaterThan(5)
  })

  test('of a broker that does not wait is not drowned: the socket closes, and nothing is lost', async () => {
    const sockets: ClientSocket[] = []
    const environment = {
      connect: async (url: string, protocols: string[]) => {
        const socket = await standardEnvironment.connect(url, protocols)
        sockets.push(socket)
        return socket
      },
    }
    broker.answers.push(async (line) => {
      for (let i = 0; i < 40; i++) {
        const frame = await line.opened.words('x'.repeat(40 * KIB))
        line.stored.push(frame)
        line.deliver(frame)
      }
      await line.finish()
    })
    const gate = Promise.withResolvers<void>()
    const asker = await Asker.at(broker, { environment })
    const asking = asker.ask({}, (event) => (event.type === 'delta' ? gate.promise : undefined))
    await until(() => sockets[0]?.open === false, 'the socket closed')
    expect(broker.jobs[0]?.stored.length).toBeGreaterThanOrEqual(MAX_QUEUED / MAX_FRAME_BYTES)
    gate.resolve()
    const heard = await asking
    expect([heard.text === 'x'.repeat(40 * 40 * KIB), heard.done?.status]).toEqual([true, 'done'])
    expect(heard.types.filter((type) => type === 'lost').length).toBeGreaterThan(0)
  })
})

test('frames cut lines anywhere in a long answer too', async () => {
  const line = new TextEncoder().encode(
    `${JSON.stringify({ choices: [{ index: 0, delta: { content: 'é👋'.repeat(50_000) } }] })}\n`,
  )
  const bytes = concat(line, line)
  broker.answers.push(async (job) => {
    for (let at = 0; at < bytes.length; at += 9_973) job.push(await job.opened.sealer.seal(bytes.slice(at, at + 9_973)))
    await job.finish()
  })
  expect((await (await Asker.at(broker)).ask()).text === 'é👋'.repeat(100_000)).toBe(true)
})
