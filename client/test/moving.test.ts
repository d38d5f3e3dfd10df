import { type BrokerCode, createSigner, equal, signStatement, statementToText } from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode } from './answering-node.ts'
import { Asker } from './asker.ts'
import type { JobLine } from './job-line.ts'
import { matchOf, TestBroker } from './test-broker.ts'

let broker: TestBroker
let asker: Asker
let [first, second, third]: AnsweringNode[] = []
const answers = async (line: JobLine): Promise<void> => {
  await line.say('Hello')
  await line.finish()
}

beforeEach(async () => {
  ;[first, second, third] = await Promise.all([AnsweringNode.start(), AnsweringNode.start(), AnsweringNode.start()])
  broker = await TestBroker.start([first!, second!, third!], answers)
  asker = await Asker.at(broker)
})
afterEach(() => broker.stop())

const movesTo = (node: AnsweringNode, code: BrokerCode = 'node-gone') => {
  return (line: JobLine) => line.move(code, matchOf(node, 'another lease'))
}
const asked = () => broker.jobs.map(({ node }) => node.nodeId)

describe('a question that the broker moves', () => {
  test('goes to the node it names, without another match', async () => {
    broker.answers.unshift(movesTo(third!))
    const heard = await asker.ask()
    expect(heard.text).toBe('Hello')
    expect(heard.types).toEqual([
      'matching',
      'checking',
      'sealing',
      'sealed',
      'moved',
      'checking',
      'sealing',
      'sealed',
      'delta',
      'done',
    ])
    expect(heard.events[4]).toEqual({ type: 'moved', code: 'node-gone', nodeId: third!.nodeId })
    expect([asked(), broker.matches().length]).toEqual([[first!.nodeId, third!.nodeId], 1])
    expect(broker.jobs[1]?.open.lease).toBe('another lease')
  })

  test('is the very same sealed body under a new wrap', async () => {
    broker.answers.unshift(movesTo(second!))
    await asker.ask()
    const [one, two] = broker.jobs
    if (!one || !two) throw new Error('two attempts')
    expect(equal(one.body, two.body) && equal(one.open.header, two.open.header)).toBe(true)
    expect(equal(one.open.jobId, two.open.jobId)).toBe(true)
    expect(equal(one.open.wrap.enc, two.open.wrap.enc)).toBe(false)
    expect(one.opened.cancelToken).not.toEqual(two.opened.cancelToken)
  })

  test('had its second attempt: when that fails, it ends', async () => {
    broker.answers.unshift(movesTo(second!), (line) => line.refuse('busy'))
    const heard = await asker.ask()
    expect([heard.code, asked().length]).toEqual(['busy', 2])
  })

  test('after a first attempt that failed has none left: it ends with the reason for the move', async () => {
    broker.answers.unshift((line) => line.refuse('busy'), movesTo(third!, 'node-gone'))
    const heard = await asker.ask()
    expect([heard.code, asked()]).toEqual(['node-gone', [first!.nodeId, second!.nodeId]])
  })

  test('is moved once and not twice', async () => {
    broker.answers.unshift(movesTo(second!), movesTo(third!, 'lease-expired'))
    const heard = await asker.ask()
    expect([heard.code, asked()]).toEqual(['lease-expired', [first!.nodeId, second!.nodeId]])
  })

  test('is not moved to where it was', async () => {
    broker.answers.unshift(movesTo(first!, 'all-busy'))
    const heard = await asker.ask()
    expect([heard.code, asked().length, heard.types.includes('moved')]).toEqual(['all-busy', 1, false])
  })

  test('is not moved to a node that the person excluded', async () => {
    broker.answers.unshift(movesTo(third!))
    const heard = await asker.ask({ exclude: [third!.nodeId] })
    expect([heard.code, asked()]).toEqual(['node-gone', [first!.nodeId]])
  })

  test('stays where it is once an authentic frame was opened', async () => {
    broker.answers.unshift(async (line) => {
      await line.say('Hel')
      line.move('node-lost', matchOf(second!))
    })
    const heard = await asker.ask()
    expect([heard.code, heard.text, asked().length]).toEqual(['node-lost', 'Hel', 1])
  })

  test('stays where it is when the person cancelled it', async () => {
    const stop = new AbortController()
    asker.holds = () => Promise.withResolvers()
    broker.answers.unshift(async (line) => {
      stop.abort()
      await line.heard('cancel')
      line.move('node-gone', matchOf(second!))
    })
    expect([(await asker.ask({ signal: stop.signal })).code, asked().length]).toEqual(['node-gone', 1])
  })
})

describe('a broker that lies when it moves a question', () => {
  test('with a statement that another signed: security failure, nothing sealed to it', async () => {
    const signed = statementToText(await signStatement(second!.statement, await createSigner()))
    broker.answers.unshift((line) => line.move('node-gone', { ...matchOf(second!), statement: signed }))
    const heard = await asker.ask()
    expect([heard.code, heard.error?.action, asked().length]).toEqual(['bad-statement', 'stop', 1])
    expect(heard.types.slice(-2)).toEqual(['moved', 'checking'])
  })

  test('with the statement of another node: security failure', async () => {
    broker.answers.unshift((line) => line.move('node-gone', { ...matchOf(second!), node: third!.nodeId }))
    const heard = await asker.ask()
    expect([heard.code, heard.error?.action, asked().length]).toEqual(['wrong-node', 'stop', 1])
  })

  test('to a node without the model', async () => {
    const other = await AnsweringNode.start({ offers: [{ ...first!.statement.offers[0]!, model: 'another' }] })
    broker.answers.unshift(movesTo(other))
    expect([(await asker.ask()).code, asked().length]).toEqual(['unknown-model', 1])
  })

  test('about another job is not heard', async () => {
    broker.answers.unshift(async (line) => {
      line.tell({ kind: 'moved', jobId: new Uint8Array(32), code: 'node-gone', to: matchOf(second!) })
      await answers(line)
    })
    expect([(await asker.ask()).text, asked().length]).toEqual(['Hello', 1])
  })
})
