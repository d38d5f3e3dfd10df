import {
  encodeCbor,
  jobIdOf,
  type MessageOf,
  networks,
  PROTOCOL_VERSION,
  secureRandom,
  statementDigest,
} from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { junkWrap } from './arrival-faults.ts'
import { HandClock } from './hand-clock.ts'
import { NodeAtRelay } from './node-at-relay.ts'
import { until } from './relay.ts'
import { chatBody, openAnswer, sealJob } from './sealed-job.ts'
import { ends, says, type Step } from './scripted-engine.ts'
import { MODEL } from './terms.ts'

const counted = vi.hoisted(() => ({ decapsulations: 0 }))
vi.mock('@cocoon/protocol', async (original) => {
  const protocol = await original<typeof import('@cocoon/protocol')>()
  const openRequest: typeof protocol.openRequest = (...args) => {
    counted.decapsulations += 1
    return protocol.openRequest(...args)
  }
  return { ...protocol, openRequest }
})

let at: NodeAtRelay
beforeEach(() => {
  at = new NodeAtRelay()
  counted.decapsulations = 0
})
afterEach(() => at.end())

const hello: Step[] = [says('Hello'), says(' there.'), ends()]

/** Jobs that pass every cheap check and open with no key: what a relay that lies can make at no cost. */
async function junkJobs(count: number, more: Partial<MessageOf<'job'>> = {}): Promise<MessageOf<'job'>[]> {
  const statement = await statementDigest(at.relay.statement.body)
  const head = { version: PROTOCOL_VERSION, network: networks.localnet, model: MODEL, policy: 'open' }
  return Promise.all(
    Array.from({ length: count }, async () => {
      const header = encodeCbor({ ...head, commit: secureRandom(32) })
      const body = secureRandom(272)
      const jobId = await jobIdOf(header, body)
      const wrap = junkWrap()
      return { kind: 'job', jobId, header, bodyLength: body.length, body, statement, wrap, money: ['none'], ...more }
    }),
  )
}

describe('a relay that sends junk', () => {
  test('costs no decapsulation where a cheap check fails', async () => {
    const { relay } = await at.start(hello)
    const wrong = await junkJobs(10, { jobId: secureRandom(32) })
    const unknown = await junkJobs(10, { statement: secureRandom(32) })
    relay.send(...wrong, ...unknown)
    await until(() => relay.refusals.length === 20, 'twenty refusals')
    expect(new Set(relay.refusals.map(({ code }) => code))).toEqual(new Set(['wrong-job-id', 'unknown-statement']))
    expect(counted.decapsulations).toBe(0)
  })

  test('at once is looked at a few times, gets an answer to each, and has a line for few', async () => {
    const { relay } = await at.start(hello)
    const flood = await junkJobs(2_000)
    relay.send(...flood)
    await until(() => relay.refusals.length === flood.length, 'a refusal for each')
    expect(counted.decapsulations).toBeLessThanOrEqual(64)
    expect(new Set(relay.refusals.map(({ code }) => code))).toEqual(new Set(['cannot-open', 'busy']))
    expect(at.logged('job.refused')).toBeLessThan(200)
  })

  test('without end is opened no more than the allowance, and keeps nobody out for long', async () => {
    const clock = new HandClock()
    const { relay } = await at.start(hello, { clock })
    for (let wave = 1; wave <= 40; wave++) {
      relay.send(...(await junkJobs(4)))
      await until(() => relay.refusals.length === 4 * wave, 'a refusal for each')
    }
    expect(counted.decapsulations).toBe(64)
    clock.pass(1_000)
    const honest = await sealJob(relay.statement)
    relay.send(honest.job)
    expect((await openAnswer(honest, await relay.answer(honest.job.jobId))).text).toBe('Hello there.')
    await at.idle()
  })

  test('finds room for a few large bodies at a time, and is told when there is none', async () => {
    const { relay } = await at.start(hello, { slots: 64 })
    const bodyLength = 8 * 1024 * 1024
    relay.send(...(await junkJobs(20, { bodyLength })))
    await until(() => relay.refusals.length === 12, 'twelve of twenty are turned away')
    expect(new Set(relay.refusals.map(({ code }) => code))).toEqual(new Set(['busy']))
    const small = await sealJob(relay.statement, { content: chatBody('hello') })
    relay.send(small.job)
    await relay.answer(small.job.jobId)
  })
})
