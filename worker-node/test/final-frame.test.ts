import { decodeFrame, limits } from '@cocoon/protocol'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ENGINE_PATIENCE, ENGINE_SILENCE, streamAnswer } from '../src/answer.ts'
import { EngineError, type EngineErrorCode, noUsage } from '../src/engine/engine.ts'
import { AnsweredJob } from './answer-frames.ts'
import { runs } from './property.ts'
import { until } from './relay.ts'
import { ends, says, ScriptedEngine, type Step, USAGE } from './scripted-engine.ts'

afterEach(() => {
  vi.useRealTimers()
})

const playing = (...steps: Step[]) => new ScriptedEngine(() => steps)
const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

describe('exactly one final frame', () => {
  const failures: [EngineErrorCode, string][] = [
    ['bad-request', 'bad-request'],
    ['unknown-model', 'bad-request'],
    ['context-exceeded', 'context-exceeded'],
    ['engine-unreachable', 'engine-failed'],
    ['engine-failed', 'engine-failed'],
    ['timeout', 'engine-failed'],
    ['truncated', 'engine-failed'],
  ]
  test.each(failures)('when the engine fails with %s, said as %s', async (code, said) => {
    const job = await AnsweredJob.open()
    const { final } = await job.stream(playing(says('par'), says('tial'), new EngineError(code, 'no')))
    expect(final).toMatchObject({ status: 'failed', code: said, finishReason: null })
    const answer = await job.opened()
    expect([answer.text, job.finals]).toEqual(['partial', 1])
  })

  test('wherever the engine breaks', async () => {
    const words = ['a', 'b', 'c', 'd']
    await fc.assert(
      fc.asyncProperty(fc.nat(words.length), fc.boolean(), async (place, plain) => {
        const steps = words.map((word) => says(word))
        const fault = plain ? new TypeError('a bug') : new EngineError('engine-failed', 'gone')
        const job = await AnsweredJob.open()
        const engine = playing(...steps.slice(0, place), fault)
        const { final } = await job.stream(engine)
        expect(final).toMatchObject({ status: 'failed', code: 'engine-failed', usage: noUsage })
        expect([(await job.opened()).text, job.finals]).toEqual([words.slice(0, place).join(''), 1])
        expect(engine.running).toBe(0)
      }),
      runs(12),
    )
  })

  test('when the engine says nothing at all', async () => {
    const job = await AnsweredJob.open()
    const { final, firstTokenMs } = await job.stream(playing(ends('stop')))
    expect([final.status, firstTokenMs, job.frames.length]).toEqual(['done', undefined, 1])
    expect((await job.opened()).text).toBe('')
  })

  test('when the stream ends without its end, which is no answer', async () => {
    const job = await AnsweredJob.open()
    const { final } = await job.stream(playing(says('half a sen')))
    expect(final).toMatchObject({ status: 'failed', code: 'engine-failed' })
    expect(job.finals).toBe(1)
  })

  test('when the engine stops as if cancelled, though nobody asked it to', async () => {
    const job = await AnsweredJob.open()
    const { final } = await job.stream(playing(says('half a sen'), ends('cancelled')))
    expect(final).toMatchObject({ status: 'failed', code: 'engine-failed', usage: USAGE })
  })

  const broken = [{ prompt: -1 }, { completion: 1.5 }, { cached: Number.NaN }, { reasoning: 2 ** 60 }]
  test.each(broken)('when the engine counts %o', async (wrong) => {
    const job = await AnsweredJob.open()
    const { final } = await job.stream(playing(says('x'), ends('stop', { ...USAGE, ...wrong })))
    expect(final).toMatchObject({ status: 'failed', code: 'engine-failed', usage: noUsage })
    expect((await job.opened()).final).toEqual(final)
  })

  test('when the answer grows too large, with all that fitted before', async () => {
    const job = await AnsweredJob.open()
    const line = 'y'.repeat(60_000)
    const steps = Array.from({ length: 60 }, () => [says(line), new Promise((resolve) => setTimeout(resolve, 2))])
    const engine = playing(...steps.flat(), ends())
    const { final } = await job.stream(engine)
    expect(final).toMatchObject({ status: 'failed', code: 'answer-too-large' })
    expect([job.finals, engine.running]).toEqual([1, 0])
    const sizes = job.frames.map((frame) => decodeFrame(frame).ciphertext.length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(limits.answer * 1.05)
  })

  const interruptions = [
    ['cancelled', 'cancelled', null],
    ['time-limit', 'failed', 'time-limit'],
    ['node-stopping', 'failed', 'node-stopping'],
  ] as const
  test.each(interruptions)('when interrupted: %s', async (why, status, code) => {
    const job = await AnsweredJob.open()
    const engine = playing(says('so far'), new Promise(() => undefined), says('never'), ends())
    const answered = job.stream(engine)
    await until(() => job.frames.length === 1, 'the first word')
    job.running.interrupt(why)
    job.running.interrupt('time-limit')
    const { final } = await answered
    expect(final).toEqual({ status, code, finishReason: null, usage: USAGE, receipt: null })
    expect([(await job.opened()).text, job.finals, engine.aborted]).toEqual(['so far', 1, 1])
  })

  test('when interrupted before it began', async () => {
    const job = await AnsweredJob.open()
    job.running.interrupt('cancelled')
    const { final } = await job.stream(playing(says('never'), ends()))
    expect([final.status, (await job.opened()).text]).toEqual(['cancelled', ''])
  })

  test('when the interruption comes after the end: the answer is complete and stays so', async () => {
    const job = await AnsweredJob.open()
    const engine = playing(says('all of it'), ends('stop'))
    const chat = engine.chat.bind(engine)
    engine.chat = async function* (request, options) {
      for await (const event of chat(request, options)) {
        yield event
        if (event.type === 'end') job.running.interrupt('time-limit')
      }
    }
    const { final } = await job.stream(engine)
    expect(final).toMatchObject({ status: 'done', finishReason: 'stop', code: null })
  })

  test('when the engine is deaf to its abort', async () => {
    holdTimers()
    const job = await AnsweredJob.open()
    const steps = [says('so far'), new Promise(() => undefined), ends()]
    const answered = job.stream(new ScriptedEngine(() => steps, { deaf: true }))
    await until(() => job.frames.length === 1, 'the first word')
    job.running.interrupt('time-limit')
    await vi.advanceTimersByTimeAsync(ENGINE_PATIENCE)
    const { final } = await answered
    expect(final).toMatchObject({ status: 'failed', code: 'time-limit', usage: noUsage })
    expect(job.finals).toBe(1)
  })

  const silences = [
    ['before its first word', [], ''],
    ['in the middle', [says('so far')], 'so far'],
  ] as const
  test.each(silences)('when the engine falls silent %s, though it hears', async (_when, said, text) => {
    const job = await AnsweredJob.open()
    const engine = playing(...said, new Promise(() => undefined), ends())
    const { final } = await job.stream(engine, undefined, 40)
    expect(final).toMatchObject({ status: 'failed', code: 'engine-failed', usage: USAGE })
    expect([(await job.opened()).text, job.finals, engine.running]).toEqual([text, 1, 0])
  })

  test('when the engine hangs, silent and deaf', async () => {
    holdTimers()
    const job = await AnsweredJob.open()
    const answered = job.stream(new ScriptedEngine(() => [new Promise(() => undefined)], { deaf: true }))
    await vi.advanceTimersByTimeAsync(ENGINE_SILENCE + ENGINE_PATIENCE)
    expect((await answered).final).toMatchObject({ status: 'failed', code: 'engine-failed', usage: noUsage })
    expect(job.finals).toBe(1)
  })

  test('when nothing is stored any more and its time is over', async () => {
    const job = await AnsweredJob.open({ acknowledges: false })
    const steps = Array.from({ length: 25 }, () => [
      says('z'.repeat(60_000)),
      new Promise((resolve) => setTimeout(resolve, 2)),
    ])
    const answered = job.stream(playing(...steps.flat(), new Promise(() => undefined), ends()))
    await until(() => job.frames.length > 15, 'a full outbox')
    job.running.interrupt('time-limit')
    expect((await answered).final).toMatchObject({ status: 'failed', code: 'time-limit' })
    expect(job.finals).toBe(1)
  })

  test('when the request cannot be read', async () => {
    const job = await AnsweredJob.open()
    const read = () => {
      throw new EngineError('bad-request', 'no')
    }
    const { signal, sealer, outbox } = job.running
    const answerLimits = { signal, interruption: () => undefined, interrupt: () => undefined, monotonic: () => 0 }
    const { final } = await streamAnswer(playing(ends()), read, sealer, outbox, answerLimits)
    expect(final).toMatchObject({ status: 'failed', code: 'bad-request' })
    expect(job.finals).toBe(1)
  })
})
