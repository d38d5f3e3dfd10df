import {
  type BrokerCode,
  brokerCodes,
  createSigner,
  encodeCbor,
  type Frame,
  secureRandom,
  utf8,
} from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode, DONE, USAGE } from './answering-node.ts'
import { Asker } from './asker.ts'
import { bent, type JobLine } from './job-line.ts'
import { failure, TestBroker } from './test-broker.ts'

let broker: TestBroker
let asker: Asker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start(), await AnsweringNode.start()])
  asker = await Asker.at(broker)
})
afterEach(() => broker.stop())

async function hear(...answers: ((line: JobLine) => unknown)[]) {
  broker.answers.push(...answers)
  return asker.ask()
}
const resumes = (line = broker.jobs[0]) => {
  return line?.messages.flatMap((message) => (message.kind === 'resume' ? [message.from] : [])) ?? []
}

describe('a refusal is the node own word, or a forgery', () => {
  const forgeries: [string, (line: JobLine) => Promise<unknown>][] = [
    ['by another signer', async (line) => line.refuse('busy', await createSigner())],
    ['of another job', (line) => line.refuse('busy', undefined, { ...line.opened.binding, jobId: secureRandom(32) })],
    [
      'of another statement',
      (line) => line.refuse('busy', undefined, { ...line.opened.binding, statement: secureRandom(32) }),
    ],
    [
      'of another payment',
      (line) => line.refuse('busy', undefined, { ...line.opened.binding, voucher: secureRandom(32) }),
    ],
  ]
  test.each(forgeries)('%s', async (_what, refuses) => {
    const heard = await hear(refuses)
    expect([heard.code, heard.error?.action, broker.jobs.length]).toEqual(['forged-refusal', 'stop', 1])
  })

  test('with its code changed on the way', async () => {
    const heard = await hear(async (line) => {
      const tell = line.tell.bind(line)
      line.tell = (message) => tell(message.kind === 'refusal' ? { ...message, code: 'draining' } : message)
      await line.refuse('busy')
    })
    expect([heard.code, broker.jobs.length]).toEqual(['forged-refusal', 1])
  })

  test('after an authentic frame changes nothing: a broker can provoke one by sending the job twice', async () => {
    const heard = await hear(async (line) => {
      await line.say('Hel')
      await line.refuse('already-seen')
      await line.say('lo')
      await line.finish()
    })
    expect([heard.code, heard.text]).toEqual([undefined, 'Hello'])
  })

  test('about another job is not ours to hear', async () => {
    const heard = await hear(async (line) => {
      line.tell({ kind: 'stopped', jobId: secureRandom(32), code: 'node-lost', retryAfterMs: null })
      line.tell({ kind: 'refusal', jobId: secureRandom(32), code: 'busy', signature: secureRandom(64) })
      await line.finish()
    })
    expect(heard.done?.status).toBe('done')
  })
})

describe('frames that do not open', () => {
  test('change nothing: the honest answer still comes', async () => {
    const heard = await hear(async (line) => {
      const frame = await line.opened.words('Hello')
      line.deliver(bent(frame))
      line.push(frame)
      const end = await line.opened.sealer.finish(DONE)
      line.deliver(bent(end.at(-1) as Frame))
      line.push(...end)
    })
    expect([heard.text, heard.done?.status]).toEqual(['Hello', 'done'])
  })

  const forged: [string, (frame: Frame) => Frame][] = [
    ['a turned bit', bent],
    ['another node nonce', (frame) => ({ ...frame, nodeNonce: secureRandom(32) })],
    ['an end that is none', (frame) => ({ ...frame, final: true })],
    ['bytes of chance', (frame) => ({ ...frame, ciphertext: secureRandom(frame.ciphertext.length) })],
  ]
  test.each(forged)('are borne twice, not three times: %s', async (_what, forge) => {
    const heard = await hear(async (line) => {
      const frame = await line.opened.words('Hello')
      for (let i = 0; i < 3; i++) line.deliver(forge(frame))
    })
    expect([heard.code, heard.error?.action, heard.text]).toEqual(['forged-frame', 'stop', ''])
    expect(resumes()).toEqual([0, 0])
  })

  test('that are no frames count as well', async () => {
    const heard = await hear((line) => {
      const { jobId } = line.open
      for (let i = 0; i < 3; i++) line.tell({ kind: 'frame', jobId, frame: Uint8Array.of(9, 9, 9) })
    })
    expect([heard.code, heard.error?.action]).toEqual(['broken-encoding', 'stop'])
  })

  test('do not end the answer: a forged final is not believed, and the frames behind it are', async () => {
    const heard = await hear(async (line) => {
      const frame = await line.opened.words('Hello')
      line.push(frame)
      line.deliver({ ...frame, sequence: 1, final: true, nodeNonce: null })
      await line.say(' there.')
      await line.finish()
    })
    expect([heard.text, heard.done?.frames]).toEqual(['Hello there.', 3])
  })

  test('of another answer do not open in this one', async () => {
    const heard = await hear(
      (line) => line.refuse('busy'),
      async (line) => {
        const elsewhere = await broker.jobs[0]?.opened.words('from the other node')
        if (elsewhere) line.deliver(elsewhere)
        await line.say('Hello')
        await line.finish()
      },
    )
    expect(heard.text).toBe('Hello')
  })
})

describe('a gap', () => {
  test('is asked for once, and nothing behind it is shown before it is filled', async () => {
    const heard = await hear(async (line) => {
      const frames = await Promise.all(['a', 'b', 'c', 'd'].map((word) => line.opened.words(word)))
      frames.push(...(await line.opened.sealer.finish(DONE)))
      const [one, two, ...rest] = frames as [Frame, Frame, ...Frame[]]
      line.push(one)
      line.stored.push(two)
      line.push(...rest)
    })
    expect([heard.text, heard.done?.status]).toEqual(['abcd', 'done'])
    expect(resumes()).toEqual([1])
  })

  test('at each place is asked for once', async () => {
    const heard = await hear(async (line) => {
      const frames = await Promise.all(['a', 'b', 'c'].map((word) => line.opened.words(word)))
      const [one, two, three] = frames as [Frame, Frame, Frame]
      line.deliver(two)
      line.deliver(three)
      line.deliver(two)
      await line.heard('resume')
      line.deliver(one)
      line.deliver(three)
      line.deliver(three)
      await line.heard('resume', 2)
      line.deliver(two)
      line.deliver(three)
      for (const frame of await line.opened.sealer.finish(DONE)) line.deliver(frame)
    })
    expect([heard.text, resumes()]).toEqual(['abc', [0, 1]])
  })

  test('does not matter where frames come twice', async () => {
    const heard = await hear(async (line) => {
      const frames = await Promise.all(['a', 'b'].map((word) => line.opened.words(word)))
      const all = [...frames, ...(await line.opened.sealer.finish(DONE))]
      for (const frame of all) for (let i = 0; i < 3; i++) line.deliver(frame)
    })
    expect([heard.text, heard.types.filter((type) => type === 'done').length]).toEqual(['ab', 1])
  })
})

describe('never a short answer', () => {
  test('when it is done within a chunk', async () => {
    const heard = await hear(async (line) => {
      line.push(await line.opened.sealer.seal(utf8('{"choices":[{"index":0,"delta":{"content":"Hel')))
      await line.finish()
    })
    expect([heard.code, heard.done]).toEqual(['truncated', undefined])
  })

  test('when an authentic frame holds no chunk: the node is broken, and what follows is not glued on', async () => {
    const heard = await hear(async (line) => {
      await line.say('Hel')
      line.push(await line.opened.sealer.seal(utf8('no chunk\n')))
      await line.say('lo')
      await line.finish()
    })
    expect([heard.code, heard.error?.action, heard.text, heard.done]).toEqual([
      'forged-frame',
      'stop',
      'Hel',
      undefined,
    ])
  })

  test('when an authentic end is none', async () => {
    const heard = await hear(async (line) => {
      await line.say('Hel')
      const final = { ...DONE, usage: { ...USAGE, prompt: -1 } }
      const [end] = await line.opened.sealer.finish(final)
      for (let i = 0; i < 3; i++) line.deliver(end as Frame)
    })
    expect([heard.code, heard.error?.action, heard.done]).toEqual(['broken-encoding', 'stop', undefined])
  })

  test('when the node fails', async () => {
    const heard = await hear(async (line) => {
      await line.say('Hel')
      await line.finish({ ...DONE, status: 'failed', code: 'context-exceeded', finishReason: null })
    })
    expect([heard.code, heard.text, heard.done]).toEqual(['context-exceeded', 'Hel', undefined])
  })
})

describe('the word of the broker', () => {
  const final = (Object.keys(brokerCodes) as BrokerCode[]).filter(
    (code) => !['other-node', 'fetch-again'].includes(brokerCodes[code]),
  )
  test.each(final)('%s ends the question with this code, without another try', async (code) => {
    const heard = await hear((line) => line.stop(code, 1500))
    expect([heard.code, heard.error?.action, heard.error?.retryAfterMs]).toEqual([code, brokerCodes[code], 1500])
    expect(broker.jobs).toHaveLength(1)
  })

  test('is not understood when its code is unknown, and nothing breaks', async () => {
    const heard = await hear((line) => {
      const fields = { jobId: line.open.jobId, code: 'because', retryAfterMs: null }
      line.socket.send(Buffer.concat([Uint8Array.of(0x03), encodeCbor(fields)]))
    })
    expect([heard.code, heard.error?.action]).toEqual(['broken-encoding', 'stop'])
  })

  test.each([
    ['nothing', new Uint8Array(0)],
    ['no message', Uint8Array.of(0xff, 0xff)],
    ['half a message', Uint8Array.of(0x21, 1, 2, 3)],
  ])('is not understood when it is %s', async (_what, bytes) => {
    const heard = await hear((line) => line.socket.send(bytes))
    expect([heard.code, heard.error?.action]).toEqual(['broken-encoding', 'stop'])
  })

  test('does not matter where it is not for clients', async () => {
    const heard = await hear(async (line) => {
      line.socket.send('text')
      line.tell({ kind: 'forget', jobId: line.open.jobId })
      line.tell({ kind: 'joined', statement: secureRandom(32) })
      await line.finish()
    })
    expect(heard.done?.status).toBe('done')
  })

  test('is never shown: only its code counts', async () => {
    broker.instead = ({ path }) =>
      path === '/api/match' ? failure(429, 'rate-limited', { retryAfterMs: 700 }) : undefined
    const heard = await hear()
    expect([heard.code, heard.error?.retryAfterMs]).toEqual(['rate-limited', 700])
    expect(heard.error?.message).not.toContain('words of the broker')
  })
})
