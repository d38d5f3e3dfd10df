import { limits, networks, statementDigest, verifyStatement } from '@cocoon/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PREKEY_LIFETIME, PREKEY_ROTATION } from '../src/prekeys.ts'
import { DEMO_MODEL, startEmbeddedEngine } from '../src/index.ts'
import { HandClock } from './hand-clock.ts'
import { NodeAtRelay } from './node-at-relay.ts'
import { runs } from './property.ts'
import { until } from './relay.ts'
import { chatBody, openAnswer, sealJob, wrapJob } from './sealed-job.ts'
import { ends, says, ScriptedEngine, type Step } from './scripted-engine.ts'
import { MODEL } from './terms.ts'
import { junkWrap } from './arrival-faults.ts'

let at: NodeAtRelay
beforeEach(() => {
  at = new NodeAtRelay()
})
afterEach(async () => {
  vi.useRealTimers()
  await at.end()
})

const hello: Step[] = [says('Hello'), says(' there.'), ends()]

describe('when the link breaks', () => {
  test('jobs go on, and frames that were not stored are sent again after the next join', async () => {
    const gate = Promise.withResolvers<void>()
    const { relay } = await at.start([says('Hello'), gate.promise, ...hello.slice(1)])
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await until(() => relay.frames(job.job.jobId).length === 1, 'the first word')
    relay.drop()
    gate.resolve()
    await until(() => at.logged('job.ended') === 1, 'the end, while away')
    expect(relay.ended(job.job.jobId)).toBe(false)
    await relay.joined(2)
    expect(relay.hellos[1]?.jobs).toEqual([job.job.jobId])
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).text).toBe('Hello there.')
    await until(() => relay.arrived.at(-1) !== undefined, 'frames')
    relay.drop()
    await relay.joined(3)
    expect(relay.hellos[2]?.jobs).toEqual([])
  })

  test('frames that got lost are sent again when the relay asks', async () => {
    const { relay } = await at.start(hello)
    relay.acknowledges = false
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    const frames = await relay.answer(job.job.jobId)
    const before = relay.arrived.length
    relay.send({ kind: 'resend', jobId: job.job.jobId, next: 1 })
    await until(() => relay.arrived.length === before + frames.length - 1, 'all but the first again')
    expect(relay.arrived.slice(before).map(({ sequence }) => sequence)).toEqual(
      frames.slice(1).map((_frame, index) => index + 1),
    )
    relay.acknowledge(job.job.jobId)
  })

  test('the oldest frame is sent again now and then, until it is acknowledged', async () => {
    const { relay } = await at.start(hello)
    relay.acknowledges = false
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await relay.answer(job.job.jobId)
    await until(() => relay.arrived.filter(({ sequence }) => sequence === 0).length === 2, 'the first frame again')
    relay.acknowledge(job.job.jobId)
    await at.idle()
    expect(relay.frames(job.job.jobId).length).toBeGreaterThan(1)
  })

  test('a body that was half here is given up, and its room is free again', async () => {
    const { relay } = await at.start(hello, { slots: 1 })
    const content = chatBody('x'.repeat(limits.chunk))
    const lost = await sealJob(relay.statement, { content })
    relay.send(lost.job)
    await new Promise((resolve) => setTimeout(resolve, 30))
    relay.drop()
    await relay.joined(2)
    await until(() => at.node.up, 'up')
    expect(relay.hellos[1]?.jobs).toEqual([])
    const whole = await sealJob(relay.statement, { content })
    relay.send(...lost.chunks, whole.job, ...whole.chunks)
    expect((await openAnswer(whole, await relay.answer(whole.job.jobId))).text).toBe('Hello there.')
    expect(relay.frames(lost.job.jobId)).toEqual([])
  })

  test('an empty piece of a body closes the link: any number of them would fit', async () => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement, { content: chatBody('x'.repeat(limits.chunk)) })
    relay.send(job.job, { kind: 'chunk', jobId: job.job.jobId, body: new Uint8Array(0) })
    await relay.joined(2)
    expect(relay.closes[0]?.code).toBe(4400)
  })

  test('a job that is still being opened is named in the hello', async () => {
    const { relay, engine } = await at.start(hello)
    const job = await sealJob(relay.statement)
    const [first] = relay.hellos
    relay.send(job.job)
    relay.drop()
    await relay.joined(2)
    expect(first?.jobs).toEqual([])
    // Either it arrived and is named, or it never reached the node; it is not both known and given up.
    expect(relay.hellos[1]?.jobs.length).toBe(engine.requests.length)
  })
})

describe('a node that stops', () => {
  test('lets running jobs end, refuses new ones, and leaves when all is stored', async () => {
    const gate = Promise.withResolvers<void>()
    const { relay, node } = await at.start([says('Hello'), gate.promise, ...hello.slice(1)])
    const [running, late] = [await sealJob(relay.statement), await sealJob(relay.statement)]
    relay.send(running.job)
    await until(() => relay.frames(running.job.jobId).length === 1, 'the first word')
    const stopped = node.stop()
    await until(() => relay.loads.at(-1)?.draining === true, 'draining is said')
    expect(relay.loads.at(-1)).toMatchObject({ free: 0, draining: true })
    relay.send(late.job)
    expect((await relay.refusal(late.job.jobId)).code).toBe('draining')
    expect(relay.closes).toEqual([])
    gate.resolve()
    await stopped
    expect(await openAnswer(running, relay.frames(running.job.jobId))).toMatchObject({
      text: 'Hello there.',
      final: { status: 'done' },
    })
    await until(() => relay.closes.length === 1, 'the link is closed')
    expect(relay.closes[0]?.code).toBe(1000)
  })

  test('ends what runs on after the time for leaving, sealed and with its reason', async () => {
    const { relay, node } = await at.start([says('so far'), new Promise(() => undefined), ends()])
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await until(() => relay.frames(job.job.jobId).length === 1, 'the first word')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const stopped = node.stop()
    await vi.advanceTimersByTimeAsync(20_000)
    await relay.answer(job.job.jobId)
    await stopped
    expect(await openAnswer(job, relay.frames(job.job.jobId))).toMatchObject({
      text: 'so far',
      final: { status: 'failed', code: 'node-stopping' },
    })
  })
})

describe('a node says', () => {
  test('how many slots are free, whenever that changes', async () => {
    const gate = Promise.withResolvers<void>()
    const { relay } = await at.start([gate.promise, ...hello], { slots: 2 })
    const jobs = [await sealJob(relay.statement), await sealJob(relay.statement)]
    for (const { job } of jobs) {
      const { length } = relay.loads
      relay.send(job)
      await until(() => relay.loads.length === length + 1, 'one more slot taken')
    }
    gate.resolve()
    await until(() => relay.loads.length === 4, 'two slots freed')
    expect(relay.loads.map(({ free }) => free)).toEqual([1, 0, 1, 2])
    expect(relay.loads.every(({ slots, draining }) => slots === 2 && !draining)).toBe(true)
  })

  test('a newer statement in time, and takes jobs for the one before until its prekey is over', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const clock = new HandClock()
    const { relay } = await at.start(hello, { clock })
    const first = relay.statement
    const [early, late] = [await sealJob(first), await sealJob(first)]
    clock.pass(PREKEY_ROTATION)
    vi.advanceTimersByTime(PREKEY_ROTATION)
    await until(() => relay.statements.length === 1, 'a newer statement')
    expect(await statementDigest(relay.statement.body)).not.toEqual(early.job.statement)
    expect((await verifyStatement(relay.statement, networks.localnet)).nodeId).toBe(at.node.nodeId)
    relay.send(early.job)
    expect((await openAnswer(early, await relay.answer(early.job.jobId))).text).toBe('Hello there.')
    clock.pass(PREKEY_LIFETIME - PREKEY_ROTATION)
    relay.send(late.job)
    expect((await relay.refusal(late.job.jobId)).code).toBe('expired-statement')
    const fresh = await sealJob(relay.statement)
    relay.send(fresh.job)
    await relay.answer(fresh.job.jobId)
  })
})

describe('slots', () => {
  test('never leak, whatever comes in whatever order', async () => {
    const acts = ['job', 'job', 'copy', 'junk', 'rewrap', 'cancel', 'forget', 'wrong model', 'drop', 'pause'] as const
    const act = fc.record({ what: fc.constantFrom(...acts), which: fc.nat(3) })
    const scripts: Step[][] = [hello, [says('x'), new Error('broken')], [], [says('y'), ends('length')]]
    let turn = 0
    let drops = 0
    const engine = new ScriptedEngine(
      () => {
        const pause = new Promise((resolve) => setTimeout(resolve, turn % 3))
        return [pause, ...(scripts[turn++ % scripts.length] ?? hello)]
      },
      { slots: 2 },
    )
    const { relay, node } = await at.start(engine)
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 12 }), async (doing) => {
        const jobs = await Promise.all([0, 1, 2, 3].map(() => sealJob(relay.statement)))
        for (const { what, which } of doing) {
          const job = jobs[which]
          if (!job) continue
          if (what === 'job') relay.send(job.job)
          if (what === 'copy') relay.send(job.job, job.job)
          if (what === 'junk') relay.send({ ...job.job, wrap: junkWrap() })
          if (what === 'rewrap') relay.send((await wrapJob(relay.statement, job.sealed, job.contentKey)).job)
          if (what === 'cancel') relay.send(job.cancel)
          if (what === 'forget') relay.send({ kind: 'forget', jobId: job.job.jobId })
          if (what === 'wrong model') relay.send((await sealJob(relay.statement, { model: 'another' })).job)
          if (what === 'pause') await new Promise((resolve) => setTimeout(resolve, 3))
          // Each wait for the link is longer than the one before.
          if (what === 'drop' && drops++ < 3) {
            relay.drop()
            await until(() => !node.up, 'down')
            await until(() => node.up && relay.socket !== undefined, 'up again')
          }
        }
        // A last job is answered only if a slot is free, and all are free after it.
        const admitted = async () => {
          const last = await sealJob(relay.statement)
          relay.send(last.job)
          await until(() => relay.ended(last.job.jobId) || hasRefusal(last.job.jobId), 'an end or a refusal')
          return relay.ended(last.job.jobId)
        }
        const hasRefusal = (jobId: Uint8Array) => relay.refusals.some((one) => one.jobId.join() === jobId.join())
        while (!(await admitted())) await new Promise((resolve) => setTimeout(resolve, 5))
        await at.idle()
        expect(engine.most).toBeLessThanOrEqual(2)
      }),
      runs(20),
    )
  })
})

test('the demonstration model answers through seal and socket, cut into pieces as it comes', async () => {
  const demo = await startEmbeddedEngine({ modelPath: DEMO_MODEL.path, modelId: DEMO_MODEL.id, slots: 2, threads: 1 })
  const engine = Object.assign(new ScriptedEngine(() => []), { chat: demo.chat.bind(demo) })
  const { relay } = await at.start(engine, { engineModels: new Map([[MODEL, DEMO_MODEL.id]]), temperature: 0 })
  const job = await sealJob(relay.statement, { content: chatBody('What is Cocoon?', { max_tokens: 24 }) })
  relay.send(job.job)
  const { text, final } = await openAnswer(job, await relay.answer(job.job.jobId))
  await demo.close()
  expect(text).toMatch(/Cocoon/)
  expect(final).toMatchObject({ status: 'done', code: null })
  expect(final.usage.completion).toBeGreaterThan(3)
})
