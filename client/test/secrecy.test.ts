import { afterEach, beforeEach, expect, test } from 'vitest'
import { AnsweringNode } from './answering-node.ts'
import { Asker } from './asker.ts'
import { TestBroker } from './test-broker.ts'

const MARKER = 'the-secret-of-the-cocoon-4711'

/** Every way in which the marker could stand in bytes: as it is, in hex, and in base64 at each of the three alignments. */
function traces(marker: string): string[] {
  const bytes = Buffer.from(marker)
  const hex = bytes.toString('hex')
  const aligned = [0, 1, 2].map((shift) => {
    // Characters that depend on the marker alone: without those that the neighbours touch.
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64url')
    return text.slice(Math.ceil((shift * 4) / 3), -2)
  })
  return [marker, hex, hex.toUpperCase(), ...aligned]
}

/** base64 and base64url are told apart by two characters only. */
function found(haystack: Buffer): string[] {
  const text = haystack.toString('latin1').replaceAll('+', '-').replaceAll('/', '_')
  return traces(MARKER).filter((trace) => text.includes(trace))
}

let broker: TestBroker
beforeEach(async () => {
  broker = await TestBroker.start(
    [await AnsweringNode.start(), await AnsweringNode.start()],
    (line) => line.refuse('busy'),
    async (line) => {
      await line.say(MARKER)
      line.drop()
      await line.heard('resume')
      await line.finish()
    },
  )
})
afterEach(() => broker.stop())

const everything = () => {
  const http = broker.calls.map((call) => Buffer.from(JSON.stringify(call)))
  return Buffer.concat([...http, ...broker.sent])
}

test('nothing of a question leaves the device in clear, over two attempts and a broken connection', async () => {
  const asker = await Asker.at(broker)
  const heard = await asker.ask({ messages: [{ role: 'user', content: `${MARKER} and ${MARKER}` }] })
  expect(heard.text).toBe(MARKER)
  expect(broker.jobs[1]?.opened.content).toContain(MARKER)
  expect(everything().length).toBeGreaterThan(4_000)
  expect(found(everything())).toEqual([])
})

const plants: [string, (bytes: Buffer) => Buffer | string][] = [
  ['plain', (bytes) => bytes],
  ['hex', (bytes) => bytes.toString('hex')],
  ['upper-case hex', (bytes) => bytes.toString('hex').toUpperCase()],
  ...[0, 1, 2].flatMap((shift): [string, (bytes: Buffer) => string][] => {
    const shifted = (bytes: Buffer) => Buffer.concat([Buffer.alloc(shift, 7), bytes, Buffer.from('tail')])
    return [
      [`base64 at ${shift}`, (bytes) => shifted(bytes).toString('base64')],
      [`base64url at ${shift}`, (bytes) => shifted(bytes).toString('base64url')],
    ]
  }),
]
test.each(plants)('the search finds what is planted: %s', async (_how, plant) => {
  await (await Asker.at(broker)).ask()
  const planted = Buffer.concat([everything(), Buffer.from(plant(Buffer.from(MARKER))), Buffer.from('more')])
  expect(found(planted)).not.toEqual([])
})
