import { MAX_NODE_JOBS, secureRandom } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PREKEY_ROTATION } from '../src/prekeys.ts'
import { HandClock } from './hand-clock.ts'
import { NodeAtRelay } from './node-at-relay.ts'
import { until } from './relay.ts'
import { openAnswer, sealJob } from './sealed-job.ts'
import { ends, says, ScriptedEngine, type Step } from './scripted-engine.ts'
import { MODEL } from './terms.ts'

let at: NodeAtRelay
beforeEach(() => {
  at = new NodeAtRelay()
})
afterEach(async () => {
  vi.useRealTimers()
  await at.end()
})

const hello: Step[] = [says('Hello'), says(' there.'), ends()]
const DAY = 24 * 60 * 60 * 1000

describe('a fault of the node itself', () => {
  test('between the slot and the engine gives the slot back, says busy, and the same job may come again', async () => {
    let broken = true
    const random = (length: number) => {
      if (broken && length === 32) throw new RangeError('no randomness')
      return secureRandom(length)
    }
    const { relay, engine } = await at.start(hello, { slots: 1, random })
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    expect((await relay.refusal(job.job.jobId)).code).toBe('busy')
    expect(at.lines.find(({ event }) => event === 'job.fault')?.fields).toMatchObject({ why: 'RangeError' })
    expect(engine.requests).toEqual([])
    broken = false
    relay.send(job.job)
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).text).toBe('Hello there.')
  })

  test('while it looks at a job is said to the relay, and costs no slot', async () => {
    class Broken extends Map<string, string> {
      broken = true
      override has(model: string): boolean {
        if (this.broken) throw new TypeError('a bug')
        return super.has(model)
      }
    }
    const engineModels = new Broken([[MODEL, 'engine-name']])
    const { relay } = await at.start(hello, { slots: 1, engineModels })
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    expect((await relay.refusal(job.job.jobId)).code).toBe('busy')
    expect(at.logged('job.fault')).toBe(1)
    engineModels.broken = false
    relay.send(job.job)
    await relay.answer(job.job.jobId)
    await at.idle()
  })

  test('that lets no final frame be sealed is told by a new hello without the job', async () => {
    const { relay } = await at.start([says('so far'), new Promise(() => undefined), ends()], { slots: 1 })
    relay.acknowledges = false
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await until(() => relay.frames(job.job.jobId).length === 1, 'the first word')
    vi.spyOn(crypto.subtle, 'encrypt').mockRejectedValue(new RangeError('broken hardware'))
    relay.send(job.cancel)
    await relay.joined(2)
    vi.restoreAllMocks()
    expect(relay.hellos[1]).toMatchObject({ jobs: [], free: 1 })
    expect(at.logged('job.fault')).toBe(1)
  })
})

describe('forget, while a job is still being opened', () => {
  test('keeps it from being opened at all where that has not begun; what comes again is answered', async () => {
    const { relay, engine } = await at.start(hello, { slots: 1 })
    const job = await sealJob(relay.statement)
    relay.send(job.job, { kind: 'forget', jobId: job.job.jobId }, job.job)
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).text).toBe('Hello there.')
    expect([engine.requests.length, relay.refusals]).toEqual([1, []])
  })
})

describe('a relay that does not fetch', () => {
  test('holds the engine up at a mebibyte, and no timer is left when it has fetched', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    let said = 0
    const engine = new ScriptedEngine(() => [])
    engine.chat = async function* () {
      for (; said < 30; said++) {
        yield { type: 'delta', index: 0, delta: { content: 'z'.repeat(60_000) } }
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      yield { type: 'end', finishReason: 'stop', usage: { prompt: 1, cached: 0, completion: 1, reasoning: 0 } }
    }
    const { relay } = await at.start(engine, { slots: 1 })
    const before = timers()
    relay.acknowledges = false
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await until(() => said >= 17, 'a mebibyte')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(said).toBeLessThan(24)
    relay.acknowledges = true
    relay.acknowledge(job.job.jobId)
    const answer = await openAnswer(job, await relay.answer(job.job.jobId))
    expect([answer.text.length, answer.final.status]).toEqual([30 * 60_000, 'done'])
    await at.idle()
    expect(timers()).toBeLessThanOrEqual(before)
  })

  test('never fetches: answers are kept for a day, block new work until then, and not for ever', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const clock = new HandClock()
    const { relay } = await at.start([says('x'), ends()], { slots: 64, clock })
    relay.acknowledges = false
    const { statement } = relay
    for (let left = MAX_NODE_JOBS; left > 0; left -= 32) {
      const jobs = await Promise.all(Array.from({ length: 32 }, () => sealJob(statement)))
      relay.send(...jobs.map(({ job }) => job))
      await Promise.all(jobs.map(({ job }) => relay.answer(job.jobId)))
    }
    const tooMany = await sealJob(statement)
    relay.send(tooMany.job)
    expect((await relay.refusal(tooMany.job.jobId)).code).toBe('busy')
    clock.pass(DAY - 1)
    vi.advanceTimersByTime(PREKEY_ROTATION)
    await until(() => relay.statements.length === 1, 'a newer statement')
    expect(at.logged('job.expired')).toBe(0)
    clock.pass(1_000)
    vi.advanceTimersByTime(2_000)
    expect(at.logged('job.expired')).toBe(MAX_NODE_JOBS)
    relay.acknowledges = true
    const fresh = await sealJob(relay.statement)
    relay.send(fresh.job)
    await relay.answer(fresh.job.jobId)
  })
})

test('a line at the end of a job says how long it waited and took, and nothing of what it said', async () => {
  const { relay } = await at.start(hello)
  const job = await sealJob(relay.statement)
  relay.send(job.job)
  await relay.answer(job.job.jobId)
  await until(() => at.logged('job.ended') === 1, 'the line')
  const fields = at.lines.find(({ event }) => event === 'job.ended')?.fields ?? {}
  expect(Object.keys(fields).sort()).toEqual(['firstTokenMs', 'job', 'milliseconds', 'model', 'queued', 'status'])
  expect(fields).toMatchObject({ job: Buffer.from(job.job.jobId).toString('hex'), model: MODEL, status: 'done' })
  for (const { event, fields: said } of at.lines)
    if (event.startsWith('job.')) expect(said.job).toMatch(/^[0-9a-f]{64}$/)
})
