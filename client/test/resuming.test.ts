import type { KeptAnswer } from '@cocoon/client'
import { type BrokerCode, createSigner, encodeCbor } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { telegramSignIn } from '../src/index.ts'
import { readKept } from '../src/kept-answer.ts'
import { AnsweringNode, DONE, MODEL } from './answering-node.ts'
import { Asker } from './asker.ts'
import type { JobLine } from './job-line.ts'
import { matchOf, TestBroker } from './test-broker.ts'
import { until } from './until.ts'

let broker: TestBroker
let asker: Asker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start(), await AnsweringNode.start()])
  asker = await Asker.at(broker)
})
afterEach(() => broker.stop())

/** Asks until the first word (or until the question is sent), keeps it, and is gone like a page that closes. */
async function left(after: 'delta' | 'sealed', answer: (line: JobLine) => unknown): Promise<KeptAnswer> {
  const kept: KeptAnswer[] = []
  broker.answers.push(answer)
  const keep = async (record: KeptAnswer): Promise<void> => void kept.push(record)
  for await (const event of asker.client.ask({ model: MODEL, messages: [], keep })) if (event.type === after) break
  await until(() => broker.open === 0 && broker.jobs.length === 1, 'the page is gone')
  await until(() => kept.length === (after === 'delta' ? 2 : 1), 'its record')
  return kept.at(-1)!
}
/** Another client of the same person, as after a reload. Time has passed: no second is signed twice. */
async function anew(): Promise<Asker> {
  const other = await Asker.at(broker, { signIn: asker.signIn })
  asker.ahead += 3_000
  other.ahead = asker.ahead
  return other
}

describe('an answer that was left', () => {
  test('goes on with what is kept of it, then the rest, frame by frame', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume')
      await line.say(' there', '.')
      await line.finish()
    })
    const heard = await (await anew()).resume(kept)
    expect(heard.types).toEqual(['sealed', 'delta', 'resumed', 'delta', 'delta', 'done'])
    expect(heard.events[0]).toMatchObject({ jobId: kept.jobId, node: { nodeId: kept.nodeId } })
    expect(heard.text).toBe('Hello there.')
    expect(broker.jobs[0]?.messages.find(({ kind }) => kind === 'resume')).toMatchObject({ from: 1 })
  })

  test('before its first word begins where it begins', async () => {
    const kept = await left('sealed', async (line) => {
      await line.heard('resume')
      await line.say('Hello')
      await line.finish()
    })
    const heard = await (await anew()).resume(kept)
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
    expect(heard.types.slice(0, 2)).toEqual(['sealed', 'resumed'])
  })

  test('can be left again and again', async () => {
    let kept = await left('delta', async (line) => {
      await line.say('a')
      for (const [index, word] of ['b', 'c', 'd'].entries()) {
        await line.heard('resume', index + 1)
        await line.say(word)
      }
      await line.heard('resume', 4)
      await line.finish()
    })
    for (const word of ['ab', 'abc', 'abcd']) {
      const records: KeptAnswer[] = []
      const keep = async (record: KeptAnswer): Promise<void> => void records.push(record)
      let text = ''
      for await (const event of (await anew()).client.resume(kept, { keep })) {
        if (event.type === 'delta') text += event.text
        if (text === word) break
      }
      await until(() => records.at(-1)?.text === word, 'its record')
      kept = records.at(-1)!
    }
    expect((await (await anew()).resume(kept)).text).toBe('abcd')
  })

  test('is acknowledged as it is kept, and at the end alone where nobody keeps it', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume')
      await line.say(' there')
      await line.finish()
    })
    await (await anew()).resume(kept)
    await until(() => broker.jobs[0]?.acknowledged === 3, 'the end is acknowledged')
    const since = broker.jobs[0]?.messages.slice(broker.jobs[0].kinds().indexOf('resume'))
    expect(since?.flatMap((one) => (one.kind === 'ack' ? [one.next] : []))).toEqual([3])
  })

  test('is read by whoever asked for it last, and by nobody else', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume', 2)
      await line.say(' there')
      await line.finish()
    })
    const resumed = Promise.withResolvers<void>()
    const first = (await anew()).resume(kept, {}, (event) => event.type === 'resumed' && resumed.resolve())
    await resumed.promise
    const second = await (await anew()).resume(kept)
    expect([second.text, second.done?.status]).toEqual(['Hello there', 'done'])
    await until(() => broker.jobs[0]?.forgotten === true, 'the end is acknowledged')
    broker.drop()
    // Nothing came to the first; when it asks again, the answer was read by then.
    expect(await first).toMatchObject({ text: 'Hello', code: 'unknown-job', done: undefined })
  })

  test('whose machine vanished comes as far as it was stored, and is marked as incomplete', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      line.stored.push(await line.opened.words(' there'))
      line.word = { kind: 'stopped', jobId: line.open.jobId, code: 'node-lost', retryAfterMs: null }
    })
    await until(() => broker.jobs[0]?.word !== undefined, 'the machine is gone')
    const heard = await (await anew()).resume(kept)
    expect([heard.text, heard.code, heard.error?.action]).toEqual(['Hello there', 'node-lost', 'other-node'])
    expect([heard.done, broker.jobs.length]).toEqual([undefined, 1])
  })

  test.each([
    ['unknown-job', 'fix-call'],
    ['node-gone', 'other-node'],
    ['lease-expired', 'fetch-again'],
  ] satisfies [BrokerCode, string][])('ends with %s when that is what the broker knows', async (code, action) => {
    const kept = await left('delta', (line) => line.say('Hello'))
    broker.jobs[0]!.word = { kind: 'stopped', jobId: broker.jobs[0]!.open.jobId, code, retryAfterMs: null }
    const heard = await (await anew()).resume(kept)
    expect([heard.code, heard.error?.action, heard.text]).toEqual([code, action, 'Hello'])
  })

  test('longer than 24 hours is not there: a clear error after the words that were kept, and nothing asked again', async () => {
    const kept = await left('delta', (line) => line.say('Hello'))
    broker.jobs.length = 0
    const heard = await (await anew()).resume(kept)
    expect([heard.code, heard.text, heard.types.at(-1)]).toEqual(['unknown-job', 'Hello', 'resumed'])
    expect(broker.sent.filter((bytes) => bytes[0] === 0x01)).toHaveLength(1)
  })

  test('is not moved: the question is not on this device any more', async () => {
    const kept = await left('sealed', async (line) => {
      await line.heard('resume')
      line.move('node-gone', matchOf(broker.nodes[1]!))
    })
    const heard = await (await anew()).resume(kept)
    expect([heard.code, broker.jobs.length]).toEqual(['node-gone', 1])
  })
})

describe('a refusal that waited at the broker', () => {
  test('is the node own word', async () => {
    const kept = await left('sealed', (line) => line.refuse('busy'))
    await until(() => broker.jobs[0]?.word !== undefined, 'the refusal')
    const heard = await (await anew()).resume(kept)
    expect([heard.code, heard.error?.action]).toEqual(['busy', 'other-node'])
  })

  test('or a forgery', async () => {
    const kept = await left('sealed', async (line) => line.refuse('busy', await createSigner()))
    await until(() => broker.jobs[0]?.word !== undefined, 'the refusal')
    const heard = await (await anew()).resume(kept)
    expect([heard.code, heard.error?.action]).toEqual(['forged-refusal', 'stop'])
  })

  test('of another statement, though by the same node, is a forgery too', async () => {
    const kept = await left('sealed', async (line) => {
      await line.heard('resume')
      await line.refuse('busy', undefined, { ...line.opened.binding, statement: new Uint8Array(32) })
    })
    expect((await (await anew()).resume(kept)).code).toBe('forged-refusal')
  })
})

describe('cancelling what was resumed', () => {
  const CANCELLED = { ...DONE, status: 'cancelled', finishReason: null } as const
  async function cancelled(when: 'before' | 'after'): Promise<void> {
    const kept = await left('delta', async (line) => {
      await line.say('so far')
      await line.heard('cancel')
      await line.finish(CANCELLED)
    })
    const stop = new AbortController()
    if (when === 'before') stop.abort()
    const other = await anew()
    other.holds = () => Promise.withResolvers()
    const heard = await other.resume(kept, { signal: stop.signal }, (event) => event.type === 'resumed' && stop.abort())
    expect([heard.text, heard.done?.status, heard.done?.usage]).toEqual(['so far', 'cancelled', DONE.usage])
    const token = broker.jobs[0]?.messages.find((message) => message.kind === 'cancel')?.token
    expect(token).toEqual(broker.jobs[0]?.opened.cancelToken)
  }
  // oxlint-disable-next-line vitest/expect-expect -- cancelled expects
  test('reaches the node, with the token of the question', () => cancelled('after'))
  // oxlint-disable-next-line vitest/expect-expect -- cancelled expects
  test('reaches it too when it was cancelled before the reload', () => cancelled('before'))
})

describe('a connection that is not there', () => {
  test('when resuming is waited for', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume')
      await line.finish()
    })
    broker.refuses = 2
    const heard = await (await anew()).resume(kept)
    expect(heard.types).toEqual(['sealed', 'delta', 'lost', 'resumed', 'done'])
  })

  test('for good is unreachable: the record can be used again', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume')
      await line.finish()
    })
    broker.refuses = Infinity
    const heard = await (await anew()).resume(kept)
    expect([heard.code, heard.error?.action, heard.text]).toEqual(['unreachable', 'wait', 'Hello'])
    broker.refuses = 0
    expect((await (await anew()).resume(kept)).done?.status).toBe('done')
  })

  test('breaks and comes back in the middle of a resumed answer', async () => {
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume')
      await line.say(' there')
      line.drop()
      await line.heard('resume', 2)
      await line.say('.')
      await line.finish()
    })
    const heard = await (await anew()).resume(kept)
    expect([heard.text, heard.done?.status]).toEqual(['Hello there.', 'done'])
  })
})

describe('the sign-in', () => {
  test('may be stale by then: the browser key renews it', async () => {
    const signer = await createSigner()
    asker = await Asker.at(broker, { signIn: telegramSignIn('fresh', signer) })
    const kept = await left('delta', async (line) => {
      await line.say('Hello')
      await line.heard('resume')
      await line.finish()
    })
    broker.sessions.clear()
    const [renewal] = broker.renewals
    const later = await Asker.at(broker, { signIn: telegramSignIn('stale by now', signer, renewal) })
    const heard = await later.resume(kept)
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
    expect(broker.signIns).toEqual(['telegram', 'renewal'])
  })

  test('that is over for good says so, after the words that were kept', async () => {
    const kept = await left('delta', (line) => line.say('Hello'))
    const later = await Asker.at(broker, { signIn: telegramSignIn('stale by now', await createSigner()) })
    const heard = await later.resume(kept)
    expect([heard.code, heard.error?.action, heard.text]).toEqual(['sign-in-refused', 'sign-in', 'Hello'])
  })
})

describe('a record that cannot be used', () => {
  const records: [string, (kept: KeptAnswer) => KeptAnswer][] = [
    ['of nothing', (kept) => ({ ...kept, bytes: new Uint8Array(0) })],
    ['cut short', (kept) => ({ ...kept, bytes: kept.bytes.slice(0, -1) })],
    ['of another version', (kept) => ({ ...kept, bytes: encodeCbor({ ...readKept(kept.bytes), version: 2 }) })],
  ]
  test.each(records)('%s: a clear error, and nobody is asked', async (_what, change) => {
    const kept = await left('delta', (line) => line.say('Hello'))
    const [calls, connections] = [broker.calls.length, broker.connections]
    const heard = await (await anew()).resume(change(kept))
    expect([heard.code, heard.types]).toEqual(['unknown-job', []])
    expect([broker.calls.length, broker.connections]).toEqual([calls, connections])
  })
})
