import { amountOf, equal, networks, type RefusalCode, type BrokerCode } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode, DONE, MODEL, PRICE, USAGE } from './answering-node.ts'
import { Asker } from './asker.ts'
import type { JobLine } from './job-line.ts'
import { TestBroker } from './test-broker.ts'

let broker: TestBroker
let first: AnsweringNode
let second: AnsweringNode
let asker: Asker
const answers = async (line: JobLine): Promise<void> => {
  await line.say('Hello', ' there.')
  await line.finish()
}

beforeEach(async () => {
  ;[first, second] = [await AnsweringNode.start(), await AnsweringNode.start()]
  broker = await TestBroker.start([first, second], answers)
  asker = await Asker.at(broker)
})
afterEach(() => broker.stop())

const exclusions = () => {
  return broker.calls
    .filter(({ path }) => path === '/api/match')
    .map(({ body }) => (JSON.parse(body) as { exclude: string[] }).exclude)
}

describe('a question', () => {
  test('is matched, checked, sealed, answered and done, in this order', async () => {
    const heard = await asker.ask()
    expect(heard.types).toEqual(['matching', 'checking', 'sealing', 'sealed', 'delta', 'delta', 'done'])
    expect(heard.text).toBe('Hello there.')
    expect(heard.done).toEqual({
      type: 'done',
      status: 'done',
      finishReason: 'stop',
      usage: USAGE,
      cost: 0n,
      frames: 3,
    })
    const [line] = broker.jobs
    expect(heard.events[3]).toMatchObject({
      jobId: Buffer.from(line?.open.jobId ?? []).toString('hex'),
      node: { nodeId: first.nodeId, evidence: null, standing: 'not-attested' },
    })
    await line?.heard('ack')
    expect(line?.messages.at(-1)).toMatchObject({ kind: 'ack', next: 3 })
  })

  test('carries the whole conversation and its options, and nothing about who asks', async () => {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'Hé 👋' },
    ]
    await asker.ask({ messages, maxTokens: 5, temperature: 0.5, seed: 7 })
    expect(JSON.parse(broker.jobs[0]?.opened.content ?? '')).toEqual({
      model: MODEL,
      messages,
      max_tokens: 5,
      temperature: 0.5,
      seed: 7,
      stream: true,
    })
  })

  test('of megabytes travels in pieces', async () => {
    const content = 'x'.repeat(3 * 1024 * 1024)
    const heard = await asker.ask({ messages: [{ role: 'user', content }] })
    expect(heard.text).toBe('Hello there.')
    expect(broker.jobs[0]?.kinds().filter((kind) => kind === 'chunk').length).toBeGreaterThanOrEqual(3)
    expect(broker.jobs[0]?.opened.content).toContain(content)
  })

  test('that is too large is not sent', async () => {
    const heard = await asker.ask({ messages: [{ role: 'user', content: 'x'.repeat(9 * 1024 * 1024) }] })
    expect([heard.code, broker.connections]).toEqual(['too-large', 0])
  })

  test('hears reasoning apart from words, wherever a frame begins', async () => {
    broker.answers[0] = async (line) => {
      const choice = (delta: object) => ({ choices: [{ index: 0, delta }] })
      const both = {
        choices: [
          { index: 0, delta: { reasoning: 'So' } },
          { index: 0, delta: { content: 'Yes' } },
        ],
      }
      const other = { choices: [{ index: 1, delta: { content: 'not asked for' } }] }
      const lines = [choice({ reasoning: 'Hm' }), both, other, choice({ content: ' 👍' }), choice({})]
      const bytes = new TextEncoder().encode(lines.map((one) => `${JSON.stringify(one)}\n`).join(''))
      for (let at = 0; at < bytes.length; at += 7) line.push(await line.opened.sealer.seal(bytes.slice(at, at + 7)))
      await line.finish()
    }
    const heard = await asker.ask()
    expect(heard.text).toBe('Yes 👍')
    expect(heard.events.map((event) => (event.type === 'delta' ? event.reasoning : '')).join('')).toBe('HmSo')
    expect(heard.code).toBeUndefined()
  })
})

describe('a second attempt', () => {
  const others: [string, (line: JobLine) => unknown][] = [
    ...(['busy', 'draining', 'unknown-model', 'wrong-policy'] satisfies RefusalCode[]).map(
      (code): [string, (line: JobLine) => unknown] => [`the node refuses: ${code}`, (line) => line.refuse(code)],
    ),
    ...(['node-gone', 'node-lost'] satisfies BrokerCode[]).map((code): [string, (line: JobLine) => unknown] => [
      `the broker says: ${code}`,
      (line) => line.stop(code),
    ]),
  ]
  test.each(others)('goes to another node when %s', async (_why, refuses) => {
    broker.answers.unshift(refuses)
    const heard = await asker.ask()
    expect(heard.text).toBe('Hello there.')
    expect(heard.types.slice(4, 8)).toEqual(['matching', 'checking', 'sealing', 'sealed'])
    expect(broker.jobs.map(({ node }) => node.nodeId)).toEqual([first.nodeId, second.nodeId])
    expect(exclusions()).toEqual([[], [first.nodeId]])
  })

  test('sends the very same sealed body under a new wrap', async () => {
    broker.answers.unshift((line) => line.refuse('busy'))
    await asker.ask()
    const [one, two] = broker.jobs
    if (!one || !two) throw new Error('two attempts')
    expect(equal(one.body, two.body) && equal(one.open.header, two.open.header)).toBe(true)
    expect(equal(one.open.jobId, two.open.jobId)).toBe(true)
    expect(equal(one.open.wrap.enc, two.open.wrap.enc)).toBe(false)
    expect(equal(one.open.wrap.ciphertext, two.open.wrap.ciphertext)).toBe(false)
    expect(one.opened.cancelToken).not.toEqual(two.opened.cancelToken)
    expect(one.open.lease).not.toBe(two.open.lease)
  })

  test.each(['expired-statement', 'unknown-statement', 'price-changed'] satisfies RefusalCode[])(
    'may go to the same node when what was fetched is stale: %s',
    async (code) => {
      broker.answers.unshift((line) => line.refuse(code))
      const heard = await asker.ask()
      expect(heard.text).toBe('Hello there.')
      expect(exclusions()).toEqual([[], []])
      expect(broker.jobs.map(({ node }) => node.nodeId)).toEqual([first.nodeId, first.nodeId])
    },
  )

  test('may go to the same node when the lease expired', async () => {
    broker.answers.unshift((line) => line.stop('lease-expired'))
    expect((await asker.ask()).text).toBe('Hello there.')
    expect(exclusions()).toEqual([[], []])
  })

  test('is the last', async () => {
    broker.answers.unshift(
      (line) => line.refuse('busy'),
      (line) => line.refuse('draining'),
    )
    const heard = await asker.ask()
    expect([heard.code, broker.jobs.length]).toEqual(['draining', 2])
  })

  test('needs a node to go to', async () => {
    broker.nodes.pop()
    broker.answers.unshift((line) => line.refuse('busy'))
    const heard = await asker.ask()
    expect([heard.code, broker.jobs.length]).toEqual(['no-node', 1])
  })

  test.each(['too-large', 'wrong-job-id', 'already-seen', 'cannot-open', 'wrong-commit', 'bad-padding'] as const)(
    'is not made when the question itself is refused: %s',
    async (code) => {
      broker.answers.unshift((line) => line.refuse(code))
      const heard = await asker.ask()
      expect([heard.code, heard.error?.action, broker.jobs.length]).toEqual([code, 'fix-call', 1])
    },
  )

  test('is not made once an authentic frame was opened', async () => {
    broker.answers.unshift(async (line) => {
      await line.say('Hel')
      line.stop('node-lost')
    })
    const heard = await asker.ask()
    expect([heard.code, heard.text, broker.jobs.length]).toEqual(['node-lost', 'Hel', 1])
  })

  test.each(['engine-failed', 'time-limit', 'node-stopping'] as const)(
    'is not made when the node fails inside the seal: %s',
    async (code) => {
      broker.answers.unshift((line) => line.finish({ ...DONE, status: 'failed', code, finishReason: null }))
      const heard = await asker.ask()
      expect([heard.code, heard.done, broker.jobs.length]).toEqual([code, undefined, 1])
    },
  )

  test('leaves out the nodes that the person excluded, the latest eight of them', async () => {
    const exclude = Array.from({ length: 9 }, (_, i) => i.toString(16).padStart(64, '0'))
    broker.answers.unshift((line) => line.refuse('busy'))
    expect((await asker.ask({ exclude })).text).toBe('Hello there.')
    expect(exclusions()).toEqual([exclude.slice(1), [...exclude.slice(2), first.nodeId]])
  })
})

describe('what it costs', () => {
  test('is the offer of the node, for tokens rounded up to 64 in each class', async () => {
    broker.nodes.unshift(await AnsweringNode.start({ payee: 'a payee' }))
    const { done } = await asker.ask()
    // 128 * 1000 + 64 * 500 + 192 * 4000 + 64 * 2000 = 1,056,000 millionths, rounded up.
    expect(done?.cost).toBe(2n)
    expect(done?.cost).toBe(amountOf(USAGE, PRICE))
  })

  test('is nothing where nobody is paid', async () => {
    expect((await asker.ask()).done?.cost).toBe(0n)
  })
})

describe('the doors', () => {
  test('list models, and say how many free questions are left', async () => {
    expect(await asker.client.models()).toMatchObject([{ id: MODEL, nodes: 2 }])
    expect(await asker.client.trial()).toMatchObject({ left: 20, of: 20 })
  })

  test('of a broker on another network are left alone', async () => {
    broker.networkId = networks.testnet
    await expect(asker.client.models()).rejects.toMatchObject({ code: 'wrong-broker', action: 'stop' })
  })
})
