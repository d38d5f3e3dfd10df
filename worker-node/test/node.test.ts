import {
  createSigner,
  limits,
  networks,
  nodeIdOf,
  signRefusal,
  statementDigest,
  utf8,
  verifyRefusal,
} from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bindingOf } from '../src/admission.ts'
import { EngineError } from '../src/engine/engine.ts'
import { junkWrap } from './arrival-faults.ts'
import { NodeAtRelay } from './node-at-relay.ts'
import { until } from './relay.ts'
import { chatBody, openAnswer, sealJob, wrapJob } from './sealed-job.ts'
import { ends, says, ScriptedEngine, type Step, USAGE } from './scripted-engine.ts'
import { termsOf } from './terms.ts'

let at: NodeAtRelay
beforeEach(() => {
  at = new NodeAtRelay()
})
afterEach(() => at.end())

const hello: Step[] = [says('Hello'), says(' there.'), ends()]

describe('a job', () => {
  test('is opened, answered, sealed and forgotten once it is stored', async () => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    const answer = await openAnswer(job, await relay.answer(job.job.jobId))
    expect(answer).toMatchObject({ text: 'Hello there.', final: { status: 'done', usage: USAGE } })
    await at.idle()
    relay.drop()
    await relay.joined(2)
    expect(relay.hellos[1]?.jobs).toEqual([])
  })

  test('comes in pieces, and is answered when the last is here', async () => {
    const { relay, engine } = await at.start(hello)
    const job = await sealJob(relay.statement, { content: chatBody('x'.repeat(3 * limits.chunk)) })
    expect(job.chunks.length).toBeGreaterThan(2)
    relay.send(job.job, ...job.chunks.slice(0, -1))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(engine.requests).toEqual([])
    relay.send(...job.chunks.slice(-1))
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).text).toBe('Hello there.')
  })

  test('asks the engine by its own name, with the temperature the node was set to where it brings none', async () => {
    const { relay, engine } = await at.start(hello, { temperature: 0.25 })
    const [plain, hot] = [await sealJob(relay.statement), await sealJob(relay.statement, { content: warm(1.5) })]
    relay.send(plain.job)
    await relay.answer(plain.job.jobId)
    relay.send(hot.job)
    await relay.answer(hot.job.jobId)
    expect(engine.requests.map(({ model }) => model)).toEqual(['engine-name', 'engine-name'])
    expect(engine.requests.map(({ temperature }) => temperature)).toEqual([0.25, 1.5])
  })

  const unreadable = [
    ['is no JSON', utf8('{')],
    ['names another model than its header', chatBody('hello', { model: 'another' })],
  ] as const
  test.each(unreadable)('that %s fails inside the seal', async (_why, content) => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement, { content })
    relay.send(job.job)
    const { final } = await openAnswer(job, await relay.answer(job.job.jobId))
    expect(final).toMatchObject({ status: 'failed', code: 'bad-request' })
    await at.idle()
  })

  test('ends with the time limit of the statement', async () => {
    const limited = { limits: { request: limits.request, seconds: 1 } }
    const { relay } = await at.start([says('so far'), new Promise(() => undefined), ends()], {
      terms: termsOf(limited),
    })
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    const answer = await openAnswer(job, await relay.answer(job.job.jobId))
    expect(answer).toMatchObject({ text: 'so far', final: { status: 'failed', code: 'time-limit', usage: USAGE } })
    await at.idle()
  })
})

const warm = (temperature: number) => chatBody('hello', { temperature })

describe('a refusal', () => {
  test('is signed by the node over this very attempt', async () => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement, { model: 'another-model' })
    relay.send(job.job)
    const refusal = await relay.refusal(job.job.jobId)
    expect(refusal.code).toBe('unknown-model')
    const { identity } = await at.identity()
    expect(await verifyRefusal(refusal, await bindingOf(job.job), identity)).toBe(true)
    const other = { ...(await bindingOf(job.job)), statement: new Uint8Array(32) }
    expect(await verifyRefusal(refusal, other, identity)).toBe(false)
    const stranger = await signRefusal(await bindingOf(job.job), refusal.code, await createSigner())
    expect(stranger.signature).not.toEqual(refusal.signature)
  })

  test.each([
    ['wrong-policy', { policy: 'private' }],
    ['wrong-network', { network: networks.testnet }],
  ] as const)('says %s', async (code, question) => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement, question)
    relay.send(job.job)
    expect((await relay.refusal(job.job.jobId)).code).toBe(code)
  })

  test('busy comes when every slot is taken, and no more once one is free', async () => {
    const gate = Promise.withResolvers<void>()
    const { relay } = await at.start([gate.promise, ...hello], { slots: 2 })
    const jobs = await Promise.all([1, 2, 3].map(() => sealJob(relay.statement)))
    relay.send(...jobs.map(({ job }) => job))
    await until(() => relay.refusals.length === 1, 'one refusal')
    expect(relay.refusals[0]?.code).toBe('busy')
    gate.resolve()
    await at.idle()
    const again = await sealJob(relay.statement)
    relay.send(again.job)
    await relay.answer(again.job.jobId)
  })

  test('busy also comes when there is no room for another body in pieces: nobody waits for ever', async () => {
    const { relay } = await at.start(hello, { slots: 1 })
    const content = chatBody('x'.repeat(2 * limits.chunk))
    const [one, two] = [await sealJob(relay.statement, { content }), await sealJob(relay.statement, { content })]
    relay.send(one.job, two.job)
    expect((await relay.refusal(two.job.jobId)).code).toBe('busy')
    relay.send(...one.chunks)
    await relay.answer(one.job.jobId)
    relay.send({ kind: 'forget', jobId: one.job.jobId }, two.job, ...two.chunks)
    await relay.answer(two.job.jobId)
  })
})

describe('a job that comes again', () => {
  test('under the same wrap while it runs has its frames sent again, and runs once', async () => {
    const gate = Promise.withResolvers<void>()
    const { relay, engine } = await at.start([says('Hello'), gate.promise, ...hello.slice(1)])
    relay.acknowledges = false
    const job = await sealJob(relay.statement)
    relay.send(job.job, job.job)
    await until(() => relay.arrived.filter(({ sequence }) => sequence === 0).length >= 2, 'frame 0 twice')
    relay.send(job.job)
    gate.resolve()
    const answer = await openAnswer(job, await relay.answer(job.job.jobId))
    expect(answer.text).toBe('Hello there.')
    relay.send(job.job)
    const finals = () => relay.arrived.filter(({ sequence }) => sequence === relay.frames(job.job.jobId).length - 1)
    await until(() => finals().length >= 2, 'the final frame twice')
    expect(engine.requests).toHaveLength(1)
    relay.acknowledge(job.job.jobId)
    await at.idle()
  })

  test('under another wrap is refused', async () => {
    const { relay, engine } = await at.start(hello)
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await relay.answer(job.job.jobId)
    relay.send((await wrapJob(relay.statement, job.sealed, job.contentKey)).job)
    expect((await relay.refusal(job.job.jobId)).code).toBe('already-seen')
    expect(engine.requests).toHaveLength(1)
  })

  test('after its frames were stored and forgotten is refused, not left without a word', async () => {
    const { relay, engine } = await at.start(hello)
    const job = await sealJob(relay.statement)
    relay.send(job.job)
    await relay.answer(job.job.jobId)
    await at.idle()
    relay.send(job.job)
    expect((await relay.refusal(job.job.jobId)).code).toBe('already-seen')
    expect(engine.requests).toHaveLength(1)
  })

  test('cannot be kept out by junk under its name', async () => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement)
    relay.send({ ...job.job, wrap: junkWrap() }, job.job)
    expect((await relay.refusal(job.job.jobId)).code).toBe('cannot-open')
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).text).toBe('Hello there.')
  })
})

describe('cancelling', () => {
  const endless: Step[] = [says('so far'), new Promise(() => undefined), ends()]

  test('takes the token of the job, and nothing else; twice is once', async () => {
    const { relay, engine } = await at.start(endless)
    const [job, other] = [await sealJob(relay.statement), await sealJob(relay.statement)]
    relay.send(job.job)
    await until(() => relay.frames(job.job.jobId).length > 0, 'the first word')
    relay.send({ ...job.cancel, token: new Uint8Array(32) }, { ...job.cancel, token: other.cancel.token })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect([engine.running, relay.ended(job.job.jobId)]).toEqual([1, false])
    relay.send(job.cancel, job.cancel)
    const answer = await openAnswer(job, await relay.answer(job.job.jobId))
    expect(answer).toMatchObject({ text: 'so far', final: { status: 'cancelled', code: null, usage: USAGE } })
    relay.send(job.cancel)
    await at.idle()
    expect(engine.aborted).toBe(1)
  })

  test('works while the job is still being opened', async () => {
    const { relay } = await at.start(endless)
    const job = await sealJob(relay.statement)
    relay.send(job.job, { ...job.cancel, token: new Uint8Array(32) }, job.cancel)
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).final.status).toBe('cancelled')
    await at.idle()
  })

  test('works while the body is still arriving', async () => {
    const { relay } = await at.start(endless)
    const job = await sealJob(relay.statement, { content: chatBody('x'.repeat(limits.chunk)) })
    relay.send(job.job, job.cancel, ...job.chunks)
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).final.status).toBe('cancelled')
  })

  test('of a job that is not here is nothing', async () => {
    const { relay } = await at.start(hello)
    const job = await sealJob(relay.statement)
    relay.send(job.cancel, job.job)
    expect((await openAnswer(job, await relay.answer(job.job.jobId))).final.status).toBe('done')
  })
})

test('forget ends the job, and frees its slot and its frames', async () => {
  const { relay, engine } = await at.start([says('so far'), new Promise(() => undefined), ends()], { slots: 1 })
  relay.acknowledges = false
  const job = await sealJob(relay.statement)
  relay.send(job.job)
  await until(() => relay.frames(job.job.jobId).length > 0, 'the first word')
  relay.send({ kind: 'forget', jobId: job.job.jobId })
  await at.idle()
  const { length } = relay.arrived
  relay.drop()
  await relay.joined(2)
  expect(relay.hellos[1]?.jobs).toEqual([])
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect([relay.arrived.length, engine.aborted]).toEqual([length, 1])
})

test('an engine that breaks costs one job, not the node', async () => {
  let broken = true
  const engine = new ScriptedEngine(() => (broken ? [new EngineError('engine-unreachable', 'gone')] : hello))
  const { relay } = await at.start(engine)
  const first = await sealJob(relay.statement)
  relay.send(first.job)
  expect((await openAnswer(first, await relay.answer(first.job.jobId))).final.code).toBe('engine-failed')
  broken = false
  const second = await sealJob(relay.statement)
  relay.send(second.job)
  expect((await openAnswer(second, await relay.answer(second.job.jobId))).text).toBe('Hello there.')
})

test('a node says hello with its statement, and is who the statement says', async () => {
  const { relay, node } = await at.start(hello)
  const { identity } = await at.identity()
  expect(await nodeIdOf(identity)).toBe(node.nodeId)
  expect(await statementDigest(relay.statement.body)).toHaveLength(32)
  expect(relay.hellos[0]).toMatchObject({ slots: 4, free: 4, jobs: [] })
})
