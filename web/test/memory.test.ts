import { CocoonError } from '@cocoon/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { KeptAnswer } from '../src/asking.ts'
import { Chat } from '../src/chat.ts'
import type { History } from '../src/history.ts'
import { done, node, opening, says, type Scene, ScriptedAsking } from '../src/dev/scripted-asking.ts'
import { OpenVault } from './open-vault.ts'
import { tick } from './stage.tsx'

const unreachable = new CocoonError('unreachable', 'scripted')
const record = (text: string): KeptAnswer => {
  return { jobId: 'c0'.repeat(32), nodeId: node.nodeId, bytes: Uint8Array.of(7), text, reasoning: '' }
}
const keeps = (text: string) => ({ type: 'keep', kept: record(text) }) as const
/** What a client says when it goes on with a record. */
const resumes = (text: string): Scene => [
  { type: 'sealed', jobId: 'c0'.repeat(32), node },
  ...(text === '' ? [] : [says(text)]),
  { type: 'resumed' },
]

let vault: OpenVault
beforeEach(() => {
  sessionStorage.clear()
  vault = new OpenVault()
})

/** A window that opens now. */
async function opened(...scenes: Scene[]) {
  const asking = new ScriptedAsking(scenes)
  const chat = new Chat(() => Promise.resolve(asking), true, vault.history())
  await chat.open()
  await tick()
  const ask = async (question: string): Promise<void> => {
    chat.write(question)
    expect(chat.send()).toBe(true)
    await tick()
  }
  return { chat, asking, ask }
}
const last = (chat: Chat) => chat.state().turns.at(-1)!

describe('a chat that is kept', () => {
  test('is there again, and goes on as one conversation', async () => {
    const before = await opened([...opening(), says('One.'), done(5n)])
    await before.ask('1')
    const { chat, asking, ask } = await opened([...opening(), says('Two.'), done()])
    expect(chat.state()).toMatchObject({ memory: 'kept', model: 'cocoon-demo' })
    expect(last(chat)).toEqual(last(before.chat))
    await ask('2')
    expect(asking.asked[0]?.messages.map(({ content }) => content)).toEqual(['1', 'One.', '2'])
    expect(new Set(chat.state().turns.map(({ id }) => id)).size).toBe(2)
  })

  test('takes a question before it is there, and sends it then', async () => {
    const before = await opened([...opening(), says('One.'), done()])
    await before.ask('1')
    const found = Promise.withResolvers<History | null>()
    const asking = new ScriptedAsking([[...opening(), says('Two.'), done()]])
    const chat = new Chat(() => Promise.resolve(asking), true, found.promise)
    await chat.open()
    chat.write('2')
    expect([chat.state().memory, chat.send(), chat.state().draft]).toEqual(['opening', true, '2'])
    await tick()
    expect(asking.asked).toEqual([])
    found.resolve(await vault.history())
    await tick()
    expect(chat.state()).toMatchObject({ memory: 'kept', draft: '' })
    expect(asking.asked[0]?.messages.map(({ content }) => content)).toEqual(['1', 'One.', '2'])
  })

  test('takes a question in a window that turns out to store nothing, too', async () => {
    const asking = new ScriptedAsking([[...opening(), done()]])
    const chat = new Chat(
      () => Promise.resolve(asking),
      true,
      tick().then(() => null),
    )
    chat.write('Early')
    expect(chat.send()).toBe(true)
    await tick()
    await tick()
    expect([chat.state().memory, asking.asked.length]).toEqual(['window', 1])
  })

  test('is deleted for good, and nothing is left of it', async () => {
    const { chat, ask } = await opened([...opening(), says('Private.'), done()])
    await ask('A thing')
    expect(vault.kinds()).toEqual(['conversation', 'turn'])
    await chat.delete(chat.state().conversation ?? '')
    expect(vault.entries.size).toBe(0)
    expect(chat.state().turns).toEqual([])
    expect((await opened([])).chat.state().turns).toEqual([])
  })

  test('is deleted in the middle of an answer, whatever still arrives of it', async () => {
    const gate = Promise.withResolvers<void>()
    const scene: Scene = [...opening(), says('Pri'), keeps('Pri'), gate.promise, keeps('Private'), done()]
    const { chat, asking, ask } = await opened(scene)
    await ask('A thing')
    const deleted = chat.delete(chat.state().conversation ?? '')
    gate.resolve()
    await deleted
    await tick()
    expect(asking.asked[0]?.signal?.aborted).toBe(true)
    expect(vault.entries.size).toBe(0)
  })

  test('stays when a new one begins, and an answer under way in it goes on to its end', async () => {
    const gate = Promise.withResolvers<void>()
    const { chat, ask } = await opened(
      [...opening(), says('One'), gate.promise, says(' and a half.'), done()],
      [...opening(), says('Two.'), done()],
    )
    await ask('1')
    const first = chat.state().conversation ?? ''
    chat.startOver()
    expect(chat.state()).toMatchObject({ turns: [], busy: new Set([first]) })
    await ask('2')
    gate.resolve()
    await tick()
    expect(chat.state().busy.size).toBe(0)
    expect(
      chat.history
        ?.summaries()
        .map(({ title, preview }) => [title, preview])
        .toSorted(),
    ).toEqual([
      ['1', 'One and a half.'],
      ['2', 'Two.'],
    ])
    await chat.openConversation(first)
    expect(last(chat).answer).toMatchObject({ text: 'One and a half.', phase: 'done' })
    const again = await opened([])
    await again.chat.openConversation(first)
    expect(last(again.chat).answer.text).toBe('One and a half.')
  })

  test('comes back with its answer still arriving when it is opened again meanwhile', async () => {
    const gate = Promise.withResolvers<void>()
    const { chat, ask } = await opened([...opening(), says('One'), gate.promise, says(' and a half.'), done()])
    await ask('1')
    const first = chat.state().conversation ?? ''
    chat.startOver()
    await chat.openConversation(first)
    expect(last(chat).answer).toMatchObject({ text: 'One', phase: 'streaming' })
    gate.resolve()
    await tick()
    expect(last(chat).answer).toMatchObject({ text: 'One and a half.', phase: 'done' })
  })

  test('keeps the title that the person gave it', async () => {
    const { chat, ask } = await opened([...opening(), says('One.'), done()])
    await ask('1')
    const id = chat.state().conversation ?? ''
    await chat.rename(id, '  Numbers ')
    await ask('And more')
    expect((await vault.history()).summaries()).toMatchObject([{ title: 'Numbers', named: true }])
    await chat.rename(id, '')
    await ask('Still more')
    expect((await vault.history()).summaries()).toMatchObject([{ title: '1', named: false }])
  })

  test('brings its branches back, and the one that was on the screen', async () => {
    const { chat, ask } = await opened([...opening(), says('One.'), done()], [...opening(), says('Another.'), done()])
    await ask('1')
    chat.retry()
    await tick()
    expect(chat.state().turns.map(({ answer }) => answer.text)).toEqual(['Another.'])
    chat.branch(last(chat).id, -1)
    await tick()
    const again = await opened([])
    expect(again.chat.state().turns.map(({ answer }) => answer.text)).toEqual(['One.'])
    again.chat.branch(last(again.chat).id, 1)
    expect(again.chat.state().turns.map(({ answer }) => answer.text)).toEqual(['Another.'])
  })

  test('leaves the draft to the window, and a failed question to itself', async () => {
    const { ask } = await opened([new CocoonError('no-node', 'scripted')])
    await ask('Important')
    expect(sessionStorage.getItem('cocoon.draft')).toBeNull()
    const { chat } = await opened([])
    expect(chat.state().draft).toBe('')
    expect(last(chat)).toMatchObject({ question: 'Important', answer: { failure: { code: 'no-node' } } })
  })

  test('does not ask a machine again that failed a check before the reload', async () => {
    const { ask } = await opened([
      { type: 'checking', nodeId: node.nodeId },
      new CocoonError('not-attested', 'scripted'),
    ])
    await ask('Secret')
    const { asking, ask: askAgain } = await opened([...opening(), done()])
    await askAgain('Another')
    expect(asking.asked[0]?.exclude).toEqual([node.nodeId])
  })
})

describe('an answer that was under way', () => {
  const left: Scene = [...opening(), says('Hello'), keeps('Hello'), 'forever']

  test('is on the screen at once, goes on by itself, and repeats nothing', async () => {
    await (await opened(left)).ask('Hi')
    const gate = Promise.withResolvers<void>()
    const { chat, asking } = await opened([...resumes('Hello'), gate.promise, says(' there.'), done(3n)])
    expect(asking.resumed[0]?.kept).toEqual(record('Hello'))
    expect(last(chat).answer).toMatchObject({ text: 'Hello', phase: 'streaming' })
    gate.resolve()
    await tick()
    expect(last(chat).answer).toMatchObject({ text: 'Hello there.', phase: 'done', end: { cost: 3n } })
    expect(asking.asked).toEqual([])
    expect((await opened([])).asking.resumed).toEqual([])
    expect(vault.kinds()).toEqual(['conversation', 'turn'])
  })

  test('is on the screen even before the client is loaded', async () => {
    await (await opened(left)).ask('Hi')
    const chat = new Chat(() => new Promise(() => {}), true, vault.history())
    await tick()
    expect(last(chat).answer).toMatchObject({ text: 'Hello', phase: 'streaming' })
  })

  test('without a first word goes on too', async () => {
    await (await opened([...opening(), keeps(''), 'forever'])).ask('Hi')
    const { chat } = await opened([...resumes(''), says('Hello'), done()])
    expect(last(chat).answer).toMatchObject({ text: 'Hello', phase: 'done' })
  })

  test('and that the person stopped is stopped at the machine too, and stays as it was', async () => {
    // The page goes before the machine confirms it.
    const { chat: before, ask } = await opened([...opening(), says('Hello'), keeps('Hello'), new Promise(() => {})])
    await ask('Hi')
    before.stop()
    await tick()
    const { chat, asking } = await opened([...resumes('Hello')])
    expect(asking.resumed[0]?.signal?.aborted).toBe(true)
    expect(last(chat).answer).toMatchObject({ text: 'Hello', phase: 'stopped', end: { cost: 0n } })
  })

  test('whose machine vanished stays incomplete, and says so', async () => {
    await (await opened(left)).ask('Hi')
    const { chat } = await opened([...resumes('Hello'), new CocoonError('node-lost', 'scripted')])
    expect(last(chat).answer).toMatchObject({
      text: 'Hello',
      phase: 'failed',
      failure: { code: 'node-lost', waits: false },
    })
    expect(vault.kinds()).toEqual(['conversation', 'turn'])
  })

  test.each([
    ['was sent', [...opening(), says('Hello'), 'forever'], 'truncated', true],
    ['was not', [{ type: 'matching' }, 'forever'], 'closed', false],
  ] satisfies [string, Scene, string, boolean][])(
    'without a record is an error, not a silence: the question %s',
    async (_what, scene, code, sent) => {
      await (await opened(scene)).ask('Hi')
      const { chat, asking } = await opened([...opening(), says('Hello again'), done()])
      expect(last(chat).answer).toMatchObject({ phase: 'failed', sent, failure: { code, waits: false } })
      chat.retry()
      await tick()
      expect([asking.resumed, asking.asked.length, last(chat).answer.text]).toEqual([[], 1, 'Hello again'])
    },
  )
})

describe('an answer that waits for a connection', () => {
  const cutOff: Scene = [...opening(), says('Hello'), keeps('Hello'), unreachable]

  test('is not asked for anew: trying again goes on with it', async () => {
    const { chat, asking, ask } = await opened(cutOff, [...resumes('Hello'), says(' there.'), done()])
    await ask('Hi')
    expect(last(chat).answer).toMatchObject({ text: 'Hello', failure: { code: 'unreachable', waits: true } })
    chat.retry()
    await tick()
    expect(last(chat).answer).toMatchObject({ text: 'Hello there.', phase: 'done', failure: null })
    expect([asking.asked.length, asking.resumed.length]).toEqual([1, 1])
  })

  test.each([
    ['the network', (chat: Chat) => [chat.setOnline(false), chat.setOnline(true)]],
    ['the person', (chat: Chat) => chat.wake()],
  ])('goes on when %s comes back', async (_who, comesBack) => {
    const { chat, asking, ask } = await opened(cutOff, [...resumes('Hello'), done()])
    await ask('Hi')
    expect(asking.resumed).toEqual([])
    comesBack(chat)
    await tick()
    expect([asking.resumed.length, last(chat).answer.phase]).toEqual([1, 'done'])
  })

  test('goes on after a reload', async () => {
    await (await opened(cutOff)).ask('Hi')
    const { chat } = await opened([...resumes('Hello'), says('!'), done()])
    expect(last(chat).answer).toMatchObject({ text: 'Hello!', phase: 'done' })
  })

  test('waits in a window that stores nothing too', async () => {
    const asking = new ScriptedAsking([cutOff, [...resumes('Hello'), done()]])
    const chat = new Chat(() => Promise.resolve(asking))
    await chat.open()
    chat.write('Hi')
    chat.send()
    await tick()
    expect(last(chat).answer.failure?.waits).toBe(true)
    chat.retry()
    await tick()
    expect([asking.resumed.length, last(chat).answer.text]).toEqual([1, 'Hello'])
  })

  test('is asked for anew when nothing of it is there, or when it failed for good', async () => {
    for (const scene of [
      [...opening(), unreachable],
      [...opening(), keeps(''), new CocoonError('unknown-job', 'scripted')],
      [...opening(), keeps(''), new CocoonError('forged-frame', 'scripted')],
    ] satisfies Scene[]) {
      vault = new OpenVault()
      const { chat, asking, ask } = await opened(scene, [...opening(), says('Anew'), done()])
      await ask('Hi')
      expect(last(chat).answer.failure?.waits).toBe(false)
      chat.retry()
      await tick()
      expect([asking.asked.length, asking.resumed.length]).toEqual([2, 0])
    }
  })
})

describe('what is acknowledged to the broker', () => {
  test('is on the disk: a record resolves when it is written, and not before', async () => {
    const gate = Promise.withResolvers<void>()
    const { asking, ask } = await opened([...opening(), keeps('Hello'), done()])
    vault.slow = gate.promise
    await ask('Hi')
    expect(asking.stored).toEqual([])
    gate.resolve()
    await tick()
    expect([asking.stored, vault.kinds()]).toEqual([[true], ['conversation', 'turn']])
  })

  test('is not what a full disk refused, and asking goes on', async () => {
    vault.full = true
    const { chat, asking, ask } = await opened([...opening(), keeps('Hello'), says('Hello'), done()])
    await ask('Hi')
    expect([asking.stored, last(chat).answer.phase, chat.state().memory]).toEqual([[false], 'done', 'window'])
    vault.full = false
    await ask('And now')
    expect(chat.state().memory).toBe('kept')
    expect((await opened([])).chat.state().turns.map(({ question }) => question)).toEqual(['Hi', 'And now'])
  })

  test('is nothing in a window that stores nothing', async () => {
    const asking = new ScriptedAsking([[...opening(), keeps('Hello'), says('Hello'), done()]])
    const chat = new Chat(() => Promise.resolve(asking))
    await chat.open()
    chat.write('Hi')
    chat.send()
    await tick()
    expect([asking.stored, last(chat).answer.phase]).toEqual([[false], 'done'])
  })

  test('at the end is the answer itself: a record that comes late is not put back', async () => {
    const { asking, ask } = await opened([...opening(), says('Hello'), done()])
    await ask('Hi')
    await asking.asked[0]?.keep?.(record('Hello'))
    expect(vault.kinds()).toEqual(['conversation', 'turn'])
    vault.full = true
    await ask('And now')
    await expect(asking.asked[0]?.keep?.(record('Hello'))).rejects.toThrow('storage failed')
  })

  test('is flushed when the page is put away', async () => {
    const { chat, asking, ask } = await opened([...opening(), 'forever'])
    await ask('Hi')
    await chat.flush()
    expect(asking.flushed).toBe(1)
  })
})
