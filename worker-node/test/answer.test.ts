import { decodeFrame, FRAME_UNIT, limits, padme } from '@cocoon/protocol'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { COALESCING } from '../src/answer.ts'
import type { Delta } from '../src/engine/engine.ts'
import { AnsweredJob } from './answer-frames.ts'
import { runs } from './property.ts'
import { until } from './relay.ts'
import { ends, says, ScriptedEngine, type Step, USAGE } from './scripted-engine.ts'

afterEach(() => {
  vi.useRealTimers()
})

const playing = (...steps: Step[]) => new ScriptedEngine(() => steps)
const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

describe('an answer', () => {
  test('arrives whole, in frames of one size step, their count padded, the last one final', async () => {
    const job = await AnsweredJob.open()
    const { final } = await job.stream(playing(says('Hello'), says(', '), says('world.'), ends()))
    const answer = await job.opened()
    expect(answer.text).toBe('Hello, world.')
    expect(answer.final).toEqual(final)
    expect(final).toEqual({ status: 'done', code: null, finishReason: 'stop', usage: USAGE, receipt: null })
    expect(job.finals).toBe(1)
    expect(job.frames.length).toBe(padme(job.frames.length))
    for (const frame of job.frames) expect((decodeFrame(frame).ciphertext.length - 16) % FRAME_UNIT).toBe(0)
  })

  test('loses nothing of what the engine said, in order, whatever it said', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
    const call = fc.record({
      index: fc.nat(3),
      id: fc.string({ minLength: 1 }),
      function: fc.record({ name: fc.string({ minLength: 1 }), arguments: text }),
    })
    const delta: fc.Arbitrary<Delta> = fc.oneof(
      { arbitrary: fc.record({ content: text }), weight: 4 },
      fc.record({ reasoning: text }),
      fc.record({ content: text, reasoning: text }),
      fc.record({ toolCalls: fc.array(call, { minLength: 1, maxLength: 2 }) }),
      fc.record({ content: fc.constantFrom('\ud83d', '\ude00', '\u0000', '\n', '\u2028', '"') }),
      fc.record({ content: fc.constant('long '.repeat(20_000)) }),
    )
    const event = fc.record({ delta, index: fc.constantFrom(0, 0, 0, 1), pause: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
        const job = await AnsweredJob.open()
        const pause = () => new Promise((resolve) => setImmediate(resolve))
        const engine = new ScriptedEngine(() => [
          ...events.flatMap(({ delta: said, index, pause: paused }) => [
            says(said, index),
            ...(paused ? [pause()] : []),
          ]),
          ends(),
        ])
        await job.stream(engine)
        const { chunks, final } = await job.opened()
        expect(final.status).toBe('done')
        const heard = chunks.flatMap(({ choices }) => choices)
        for (const index of [0, 1]) {
          const said = events.filter((one) => one.index === index).map((one) => one.delta)
          const choices = heard.filter((one) => one.index === index).map((one) => one.delta)
          expect(choices.map(({ content }) => content ?? '').join('')).toBe(
            said.map(({ content }) => content ?? '').join(''),
          )
          expect(choices.map(({ reasoning }) => reasoning ?? '').join('')).toBe(
            said.map(({ reasoning }) => reasoning ?? '').join(''),
          )
          expect(choices.flatMap((choice) => choice.tool_calls ?? [])).toEqual(
            said.flatMap(({ toolCalls }) => toolCalls ?? []),
          )
        }
      }),
      runs(40),
    )
  })

  test('puts each choice into a chunk of its own, though they travel together', async () => {
    const job = await AnsweredJob.open()
    await job.stream(playing(says({ reasoning: 'Hm' }), says({ reasoning: '.' }), says('Yes'), says('!'), ends()))
    const { chunks } = await job.opened()
    expect(chunks.map(({ choices }) => choices.length)).toEqual(chunks.map(() => 1))
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { reasoning: 'Hm' },
      { reasoning: '.' },
      { content: 'Yes!' },
    ])
  })
})

test('arguments of one call join, and calls stay apart', async () => {
  const begin = (index: number) => ({ index, id: `c${index}`, type: 'function' as const, function: { name: 'f' } })
  const goOn = (index: number, text: string) => says({ toolCalls: [{ index, function: { arguments: text } }] })
  const job = await AnsweredJob.open()
  const first = says({ toolCalls: [begin(0)] })
  await job.stream(playing(first, goOn(0, '{'), goOn(0, '}'), says({ toolCalls: [begin(1)] }), goOn(1, '['), ends()))
  const { chunks } = await job.opened()
  expect(chunks.map(({ choices }) => choices[0]?.delta.tool_calls)).toEqual([
    [begin(0)],
    [{ index: 0, function: { arguments: '{}' } }],
    [{ ...begin(1), function: { name: 'f', arguments: '[' } }],
  ])
})

describe('words leave', () => {
  test('the first at once, the rest together after the time of gathering', async () => {
    holdTimers()
    const job = await AnsweredJob.open()
    const steps = ['one ', 'two ', 'three '].map((word) => says(word))
    const more = Promise.withResolvers<void>()
    const last = Promise.withResolvers<void>()
    const engine = playing(...steps, more.promise, says('four '), says('five'), last.promise, ends())
    const answered = job.stream(engine)
    await until(() => job.frames.length === 1, 'the first word')
    await vi.advanceTimersByTimeAsync(COALESCING - 1)
    expect(job.frames).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    await until(() => job.frames.length === 2, 'what was gathered')
    more.resolve()
    await until(() => vi.getTimerCount() === 1, 'a new time of gathering')
    expect(job.frames).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(COALESCING)
    await until(() => job.frames.length === 3, 'what was gathered then')
    last.resolve()
    await answered
    expect((await job.opened()).chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual([
      'one ',
      'two three ',
      'four five',
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('for an hour, word after word, and still fit into the frames of one answer', async () => {
    holdTimers()
    const job = await AnsweredJob.open()
    const began = Date.now()
    let passed = 0
    const hour = 3_600_000
    const engine = new ScriptedEngine(() => [])
    engine.chat = async function* () {
      while (passed < hour) {
        yield { type: 'delta', index: 0, delta: { content: 'word ' } }
        passed += COALESCING
        await vi.advanceTimersByTimeAsync(COALESCING)
      }
      yield { type: 'end', finishReason: 'stop', usage: USAGE }
    }
    const { final } = await job.stream(engine, () => began)
    expect(final).toMatchObject({ status: 'done', code: null })
    expect(job.frames.length).toBeLessThanOrEqual(limits.frames)
    expect((await job.opened()).text).toBe('word '.repeat(hour / COALESCING))
  })

  test('no faster than they are stored', async () => {
    const job = await AnsweredJob.open({ acknowledges: false })
    const piece = 'x'.repeat(60_000)
    const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
    let said = 0
    const engine = new ScriptedEngine(() => [])
    engine.chat = async function* () {
      for (; said < 30; said++) {
        yield { type: 'delta', index: 0, delta: { content: piece } }
        await pause()
      }
      yield { type: 'end', finishReason: 'stop', usage: USAGE }
    }
    const answered = job.stream(engine)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(said).toBeLessThan(30)
    const stored = setInterval(() => job.running.outbox.acknowledge(job.frames.length), 5)
    const { final } = await answered
    clearInterval(stored)
    expect(final.status).toBe('done')
    expect((await job.opened()).text.length).toBe(30 * piece.length)
  })
})

test('the time to the first token is measured on the clock that was given', async () => {
  const job = await AnsweredJob.open()
  let ticks = 500
  const engine = playing(says('x'), ends())
  const chat = engine.chat.bind(engine)
  engine.chat = async function* (request, options) {
    ticks += 250
    yield* chat(request, options)
  }
  expect((await job.stream(engine, () => ticks)).firstTokenMs).toBe(250)
})
