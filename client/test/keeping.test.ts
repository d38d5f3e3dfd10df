import type { KeptAnswer } from '@cocoon/client'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readKept } from '../src/kept-answer.ts'
import { KEEP_EVERY } from '../src/keeper.ts'
import { AnsweringNode, DONE, MODEL, USAGE } from './answering-node.ts'
import { Asker } from './asker.ts'
import type { JobLine } from './job-line.ts'
import { runs } from './property.ts'
import { TestBroker } from './test-broker.ts'
import { until } from './until.ts'

let broker: TestBroker
let asker: Asker
let kept: KeptAnswer[]
const keep = async (record: KeptAnswer): Promise<void> => void kept.push(record)
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start()])
  asker = await Asker.at(broker)
  kept = []
})
afterEach(() => broker.stop())

const acks = (line = broker.jobs[0]) => {
  return line?.messages.flatMap((message) => (message.kind === 'ack' ? [message.next] : [])) ?? []
}
/** Another client of the same person, as after a reload. */
const anew = () => Asker.at(broker, { signIn: asker.signIn })

describe('the record of an answer', () => {
  test('is there before the first word, so that a reload at once loses nothing', async () => {
    broker.answers.push(async (line) => {
      await until(() => kept.length > 0, 'a first record')
      await line.say('Hello')
      await line.finish()
    })
    expect((await asker.ask({ keep })).text).toBe('Hello')
    expect(kept[0]).toMatchObject({
      jobId: Buffer.from(broker.jobs[0]?.open.jobId ?? []).toString('hex'),
      nodeId: broker.nodes[0]?.nodeId,
      text: '',
      reasoning: '',
    })
  })

  test('is written at most once a second, with the newest words', async () => {
    const pauses: PromiseWithResolvers<void>[] = []
    asker.holds = (milliseconds) => {
      if (milliseconds > KEEP_EVERY) return undefined
      const pause = Promise.withResolvers<void>()
      pauses.push(pause)
      return pause
    }
    const gate = Promise.withResolvers<void>()
    let words = 0
    broker.answers.push(async (line) => {
      await line.say('a', 'b', 'c', 'd')
      await gate.promise
      await line.say('e')
      await line.finish()
    })
    const asking = asker.ask({ keep }, (event) => event.type === 'delta' && (words += 1))
    await until(() => words === 4 && pauses.length === 1, 'four words in one pause')
    expect(kept.map(({ text }) => text)).toEqual([''])
    pauses[0]?.resolve()
    await until(() => kept.length === 2, 'one record for all of them')
    expect(kept[1]?.text).toBe('abcd')
    gate.resolve()
    await asking
    await until(() => kept.length === 3, 'the last record, which does not wait')
    expect(kept[2]?.text).toBe('abcde')
  })

  test('is written at once when asked to, and when the connection breaks', async () => {
    asker.holds = (milliseconds) =>
      milliseconds <= KEEP_EVERY && milliseconds > 200 ? Promise.withResolvers() : undefined
    let words = 0
    broker.answers.push(async (line) => {
      await line.say('Hello')
      await until(() => kept.some(({ text }) => text === 'Hello'), 'a record on demand')
      await line.say(' there')
      await until(() => words === 2, 'the next word')
      line.drop()
      await until(() => kept.some(({ text }) => text === 'Hello there'), 'a record for the break')
      await line.heard('resume')
      await line.finish()
    })
    const heard = await asker.ask({ keep }, (event) => {
      if (event.type !== 'delta') return undefined
      words += 1
      // The record is taken of what was read so far; it does not wait for the reader of the events.
      return words === 1 ? asker.client.flush() : undefined
    })
    expect(heard.text).toBe('Hello there')
  })

  test('holds both kinds of words, and where a line was cut', async () => {
    const bytes = new TextEncoder().encode(
      [
        '{"choices":[{"index":0,"delta":{"reasoning":"Hm"}}]}\n',
        '{"choices":[{"index":0,"delta":{"content":"Yes"}}]}\n',
      ].join(''),
    )
    broker.answers.push(async (line) => {
      line.push(await line.opened.sealer.seal(bytes.slice(0, 70)))
      await line.heard('resume')
      line.push(await line.opened.sealer.seal(bytes.slice(70)))
      await line.finish()
    })
    for await (const event of asker.client.ask({ model: MODEL, messages: [], keep })) if (event.type === 'delta') break
    await until(() => kept.length === 2, 'a record within a line')
    expect(kept[1]).toMatchObject({ reasoning: 'Hm', text: '' })
    const heard = await (await anew()).resume(kept[1])
    expect([heard.text, heard.done?.status]).toEqual(['Yes', 'done'])
  })
})

test('a record within a line that began frames ago holds all of that line', async () => {
  const bytes = new TextEncoder().encode('{"choices":[{"index":0,"delta":{"content":"Yes, all of it"}}]}\n')
  broker.answers.push(async (line) => {
    for (const [from, to] of [
      [0, 9],
      [9, 30],
      [30, 48],
    ] as const) {
      line.push(await line.opened.sealer.seal(bytes.slice(from, to)))
    }
    line.drop()
    await line.heard('resume')
    line.push(await line.opened.sealer.seal(bytes.slice(48)))
    await line.finish()
  })
  for await (const event of asker.client.ask({ model: MODEL, messages: [], keep })) if (event.type === 'lost') break
  await until(() => readKept(kept.at(-1)!.bytes).response.next === 3, 'a record of three frames')
  expect(kept.at(-1)?.text).toBe('')
  const heard = await (await anew()).resume(kept.at(-1))
  expect([heard.text, heard.done?.status]).toEqual(['Yes, all of it', 'done'])
})

describe('acknowledging', () => {
  test('follows the record that covers it, and covers no more', async () => {
    const gates: PromiseWithResolvers<void>[] = []
    const slow = (record: KeptAnswer): Promise<void> => {
      kept.push(record)
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      return gate.promise
    }
    const end = Promise.withResolvers<void>()
    broker.answers.push(async (line) => {
      await line.say('one ', 'two ')
      await until(() => kept.length === 2, 'a record of what was read')
      await line.say('three')
      await end.promise
      await line.finish()
    })
    const words: string[] = []
    const asking = asker.ask({ keep: slow }, (event) => event.type === 'delta' && words.push(event.text))
    await until(() => words.length === 2, 'two words')
    gates[0]?.resolve()
    await until(() => words.length === 3, 'the third word')
    expect([kept[1]?.text, acks()]).toEqual(['one two ', []])
    gates[1]?.resolve()
    await until(() => acks().length > 0, 'an acknowledgement')
    expect(acks()).toEqual([2])
    await until(() => kept.length === 3, 'the record of the third')
    expect([kept[2]?.text, acks()]).toEqual(['one two three', [2]])
    gates[2]?.resolve()
    await until(() => acks().length === 2, 'its acknowledgement')
    end.resolve()
    await asking
    await until(() => kept.length === 4, 'the record of the end')
    gates[3]?.resolve()
    await until(() => acks().length === 3, 'the last acknowledgement')
    expect(acks()).toEqual([2, 3, 4])
  })

  test('of the end comes after the record of the end', async () => {
    const gate = Promise.withResolvers<void>()
    const slow = async (record: KeptAnswer): Promise<void> => {
      kept.push(record)
      if (kept.length > 1) await gate.promise
    }
    broker.answers.push((line) => line.finish())
    const heard = await asker.ask({ keep: slow })
    expect(heard.done?.status).toBe('done')
    await until(() => kept.length === 2, 'the record of the end')
    expect(acks()).toEqual([])
    gate.resolve()
    await until(() => acks().length === 1, 'the acknowledgement')
    expect(acks()).toEqual([1])
  })

  test('does not happen for what could not be stored; the answer is whole all the same', async () => {
    broker.answers.push(async (line) => {
      await line.say('one ', 'two ', 'three')
      await line.finish()
    })
    let tries = 0
    const heard = await asker.ask({
      keep: async (record) => {
        if (++tries > 1) throw new Error('the disk is full')
        kept.push(record)
      },
    })
    expect([heard.text, heard.done?.status]).toEqual(['one two three', 'done'])
    await until(() => tries > 1, 'the last try')
    await new Promise((resolve) => setTimeout(resolve, 30))
    // One old record is stored: whoever goes on with it needs all the frames.
    expect(acks()).toEqual([])
    expect((await (await anew()).resume(kept[0])).text).toBe('one two three')
  })

  test('where nothing can be stored is as if nobody asked for it: the end alone', async () => {
    broker.answers.push(async (line) => {
      await line.say('one ', 'two')
      await line.finish()
    })
    const heard = await asker.ask({ keep: () => Promise.reject(new Error('private mode')) })
    expect(heard.text).toBe('one two')
    await until(() => acks().length === 1, 'an acknowledgement')
    expect(acks()).toEqual([3])
  })

  test('where the storage throws at once, too', async () => {
    broker.answers.push((line) => line.finish())
    const heard = await asker.ask({
      keep: () => {
        throw new Error('no storage')
      },
    })
    expect(heard.done?.status).toBe('done')
  })
})

describe('a record of the end', () => {
  const answers = async (line: JobLine): Promise<void> => {
    await line.say('all of it')
    await line.finish({ ...DONE, finishReason: 'length' })
  }
  test('says everything again, and asks nobody', async () => {
    broker.answers.push(answers)
    const before = await asker.ask({ keep })
    await until(() => acks().length > 0, 'the end')
    const [calls, connections] = [broker.calls.length, broker.connections]
    const again = await (await anew()).resume(kept.at(-1))
    expect(again.types).toEqual(['sealed', 'delta', 'done'])
    expect([again.text, again.done]).toEqual(['all of it', before.done])
    expect([broker.calls.length, broker.connections]).toEqual([calls, connections])
  })

  test('knows the price', async () => {
    broker.nodes.unshift(await AnsweringNode.start({ payee: 'a payee' }))
    broker.answers.push(answers)
    await asker.ask({ keep })
    await until(() => acks().length > 0, 'the end')
    expect((await (await anew()).resume(kept.at(-1))).done).toMatchObject({ cost: 2n, usage: USAGE })
  })

  test('of a failure fails with the same code', async () => {
    broker.answers.push((line) => line.finish({ ...DONE, status: 'failed', code: 'engine-failed', finishReason: null }))
    expect((await asker.ask({ keep })).code).toBe('engine-failed')
    await until(() => acks().length > 0, 'the end')
    expect((await (await anew()).resume(kept.at(-1))).code).toBe('engine-failed')
  })
})

test('an answer cut anywhere, its lines cut anywhere, goes on from its record: every word once', async () => {
  const other = await anew()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.string({ maxLength: 12, unit: 'grapheme' }), fc.boolean()), { maxLength: 12 }),
      fc.integer({ min: 1, max: 90 }),
      fc.nat(20),
      async (said, size, stopAt) => {
        const chunks = said.map(([content, thought]) => ({
          choices: [{ index: 0, delta: thought ? { reasoning: content } : { content } }],
        }))
        const bytes = new TextEncoder().encode(chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join(''))
        broker.jobs.length = 0
        broker.answers.length = 0
        broker.answers.push(async (line) => {
          for (let at = 0; at < bytes.length; at += size)
            line.push(await line.opened.sealer.seal(bytes.slice(at, at + size)))
          await line.finish()
        })
        kept = []
        // Reads some of it, keeps what it read, and is gone.
        let [events, ended] = [0, 0]
        for await (const event of asker.client.ask({ model: MODEL, messages: [], keep })) {
          if (event.type === 'done') ended = event.frames
          if (event.type === 'delta' || event.type === 'done') events += 1
          if (events > stopAt) break
        }
        // The end is written behind the events, and acknowledged then.
        if (ended) await until(() => acks().at(-1) === ended, 'the end')
        const heard = await other.resume(kept.at(-1))
        const words = (kind: 'text' | 'reasoning') =>
          heard.events.map((event) => (event.type === 'delta' ? event[kind] : '')).join('')
        const meant = (thought: boolean) => said.map(([word, is]) => (is === thought ? word : '')).join('')
        expect([words('text'), words('reasoning'), heard.done?.status]).toEqual([meant(false), meant(true), 'done'])
      },
    ),
    runs(25),
  )
})
