import { CocoonError } from '@cocoon/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Asking } from '../src/asking.ts'
import { Chat } from '../src/chat.ts'
import { done, node, opening, says, type Scene, ScriptedAsking } from '../src/dev/scripted-asking.ts'
import { tick } from './stage.tsx'

beforeEach(() => sessionStorage.clear())

async function opened(
  ...scenes: Scene[]
): Promise<{ chat: Chat; asking: ScriptedAsking; ask: (question: string) => Promise<void> }> {
  const asking = new ScriptedAsking(scenes)
  const chat = new Chat(() => Promise.resolve(asking))
  await chat.open()
  const ask = async (question: string) => {
    chat.write(question)
    expect(chat.send()).toBe(true)
    await tick()
  }
  return { chat, asking, ask }
}
const last = (chat: Chat) => chat.state().turns.at(-1)!
const answered = (text: string): Scene => [...opening(), says(text), done()]

describe('an answer', () => {
  test('grows through its phases to its end', async () => {
    const { chat, asking } = await opened([...opening(), says('Only '), says('you.'), done(12n)])
    const phases: string[] = []
    chat.subscribe(() => {
      const phase = chat.state().turns.at(-1)?.answer.phase
      if (phase && phases.at(-1) !== phase) phases.push(phase)
    })
    chat.write('Who can read this?')
    expect(chat.send()).toBe(true)
    expect(chat.running).toBe(true)
    await tick()
    expect(phases).toEqual(['matching', 'checking', 'sealing', 'sealed', 'streaming', 'done'])
    expect(last(chat).answer).toMatchObject({ text: 'Only you.', node, sent: true, end: { cost: 12n } })
    expect(asking.asked[0]?.model).toBe('cocoon-demo')
    expect(chat.running).toBe(false)
  })

  test('is lost and comes back without losing a word', async () => {
    const { chat, ask } = await opened([
      ...opening(),
      says('One '),
      { type: 'lost' },
      8,
      { type: 'resumed' },
      8,
      says('two.'),
      done(),
    ])
    await ask('Count')
    expect(last(chat).answer).toMatchObject({ lost: true, text: 'One ' })
    await tick()
    await tick()
    await tick()
    await tick()
    expect(last(chat).answer).toMatchObject({ lost: false, text: 'One two.', phase: 'done' })
  })

  test('that ends without an end is cut, not done', async () => {
    const { chat, ask } = await opened([...opening(), says('Half')])
    await ask('Tell me')
    expect(last(chat).answer).toMatchObject({ phase: 'failed', text: 'Half', failure: { code: 'truncated' } })
  })
})

describe('stop', () => {
  test('stops the screen at once, keeps what was said and takes in the price later', async () => {
    const { chat, asking, ask } = await opened([...opening(), says('A beginning'), 'forever'], answered('Next'))
    await ask('Go on')
    chat.stop()
    expect(last(chat).answer).toMatchObject({ phase: 'stopped', text: 'A beginning', end: null })
    expect(asking.asked[0]?.signal?.aborted).toBe(true)
    await tick()
    expect(last(chat).answer).toMatchObject({ phase: 'stopped', end: { cost: 0n } })
    // What was said remains part of the conversation.
    await ask('And now')
    expect(asking.asked[1]?.messages.map((message) => message.content)).toEqual(['Go on', 'A beginning', 'And now'])
  })

  test('before anything was sent is a stop, not an error', async () => {
    const { chat, ask } = await opened([{ type: 'matching' }, 20, new CocoonError('cancelled', 'aborted')])
    await ask('Never mind')
    chat.stop()
    await tick()
    expect(last(chat).answer).toMatchObject({ phase: 'stopped', failure: null, sent: false })
  })
})

describe('a failure', () => {
  test('keeps the question, and one retry leaves the failed machine out', async () => {
    const fails: Scene = [...opening(), new CocoonError('engine-failed', 'scripted')]
    const { chat, asking, ask } = await opened(fails, answered('Here it is'))
    await ask('Important')
    expect(last(chat)).toMatchObject({
      question: 'Important',
      answer: { phase: 'failed', failure: { code: 'engine-failed' } },
    })
    expect(sessionStorage.getItem('cocoon.draft')).toBe('Important')
    chat.retry()
    await tick()
    expect(asking.asked[1]?.exclude).toEqual([node.nodeId])
    expect(chat.state().turns).toHaveLength(1)
    expect(last(chat).answer.text).toBe('Here it is')
    expect(sessionStorage.getItem('cocoon.draft')).toBeNull()
  })

  test('of everyone starts over with a clean slate', async () => {
    const fails: Scene = [...opening(), new CocoonError('node-lost', 'scripted')]
    const { chat, asking, ask } = await opened(
      fails,
      [{ type: 'matching' }, new CocoonError('no-node', 'none left')],
      answered('Back'),
    )
    await ask('Still there?')
    chat.retry()
    await tick()
    expect(last(chat).answer.failure?.code).toBe('no-node')
    chat.retry()
    await tick()
    expect(asking.asked[2]?.exclude).toBeUndefined()
    expect(last(chat).answer.phase).toBe('done')
  })

  test('of a check bars the machine for as long as the chat lives', async () => {
    const fails: Scene = [{ type: 'checking', nodeId: node.nodeId }, new CocoonError('not-attested', 'scripted')]
    const { chat, asking, ask } = await opened(fails, answered('Proven'), answered('Again'))
    await ask('Secret')
    expect(last(chat).answer).toMatchObject({ sent: false, failure: { action: 'stop' } })
    chat.retry()
    await tick()
    await ask('Another')
    expect(asking.asked.map((options) => options.exclude)).toEqual([undefined, [node.nodeId], [node.nodeId]])
  })

  test('says when a retry makes sense, and an unknown error is our own', async () => {
    const slow = new CocoonError('rate-limited', 'scripted', { retryAfterMs: 4000 })
    const { chat, ask } = await opened([slow], [new TypeError('a bug')])
    await ask('One')
    expect(last(chat).answer.failure).toMatchObject({ code: 'rate-limited', retryAfterMs: 4000 })
    await ask('Two')
    expect(last(chat).answer.failure?.code).toBe('unexpected')
  })

  test('is no part of what the model is told', async () => {
    const { asking, ask } = await opened(
      [...opening(), says('Wro'), new CocoonError('engine-failed', '')],
      answered('Right'),
    )
    await ask('First')
    await ask('Second')
    expect(asking.asked[1]?.messages).toEqual([{ role: 'user', content: 'Second' }])
  })
})

describe('the conversation', () => {
  test('is sent whole, turn by turn', async () => {
    const { asking, ask } = await opened(answered('One'), answered('Two'))
    await ask('1')
    await ask('2')
    expect(asking.asked[1]?.messages).toEqual([
      { role: 'user', content: '1' },
      { role: 'assistant', content: 'One' },
      { role: 'user', content: '2' },
    ])
  })

  test('takes its last question back, and replaces it when it is sent', async () => {
    const { chat, asking, ask } = await opened(answered('One'), answered('Two'), answered('Better'))
    await ask('1')
    await ask('2')
    chat.write('half a thought')
    chat.edit()
    expect(chat.state()).toMatchObject({ draft: '2', editing: last(chat).id })
    chat.cancelEdit()
    expect(chat.state()).toMatchObject({ draft: 'half a thought', editing: null })
    chat.edit()
    await ask('2, but better')
    expect(chat.state().turns.map((turn) => turn.question)).toEqual(['1', '2, but better'])
    expect(chat.state().draft).toBe('half a thought')
    expect(asking.asked[2]?.messages).toHaveLength(3)
  })

  test.each<[string, Scene]>([
    ['is there', [{ type: 'matching' }, new CocoonError('no-node', 'none left')]],
    ['is free', [{ type: 'matching' }, { type: 'waiting', code: 'all-busy', retryAfterMs: 4000 }, 'forever']],
  ])('is asked once more beside the first answer, of the same machine where no other one %s', async (_, noOther) => {
    const { chat, asking, ask } = await opened(answered('One'), noOther, answered('Another'))
    await ask('1')
    chat.retry()
    await tick()
    expect(asking.asked.map(({ exclude }) => exclude)).toEqual([undefined, [node.nodeId], undefined])
    expect(asking.asked[2]?.messages).toHaveLength(1)
    const texts = () => chat.state().turns.map(({ answer }) => answer.text)
    expect(texts()).toEqual(['Another'])
    chat.branch(last(chat).id, -1)
    expect(texts()).toEqual(['One'])
    chat.branch(last(chat).id, -1)
    expect(texts()).toEqual(['One'])
    chat.branch(last(chat).id, 1)
    expect(texts()).toEqual(['Another'])
  })

  test('branches where an earlier question is edited, and each branch goes on by itself', async () => {
    const { chat, asking, ask } = await opened(answered('a'), answered('b'), answered('c'), answered('d'))
    await ask('1')
    await ask('2')
    chat.edit(chat.state().turns[0]?.id)
    await ask('1, but better')
    expect(chat.state().turns.map(({ question }) => question)).toEqual(['1, but better'])
    await ask('3')
    expect(asking.asked[3]?.messages.map(({ content }) => content)).toEqual(['1, but better', 'c', '3'])
    chat.branch(chat.state().turns[0]?.id ?? 0, -1)
    expect(chat.state().turns.map(({ question }) => question)).toEqual(['1', '2'])
    chat.branch(chat.state().turns[0]?.id ?? 0, 1)
    expect(chat.state().turns.map(({ question }) => question)).toEqual(['1, but better', '3'])
  })

  test('starts over empty, and what still arrives for the old one is dropped', async () => {
    const { chat, ask } = await opened([...opening(), 10, says('late'), done()])
    await ask('Old')
    chat.startOver()
    await tick()
    await tick()
    await tick()
    expect(chat.state().turns).toEqual([])
  })

  test('keeps the draft over a reload, never an answer', async () => {
    const { chat, ask } = await opened(answered('A private thing'))
    await ask('Tell me')
    chat.write('unsent')
    expect(new Chat(() => new Promise<Asking>(() => {})).state()).toMatchObject({ draft: 'unsent', turns: [] })
    expect(JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)])).not.toContain(
      'private thing',
    )
  })

  test('does not send while empty, running or offline', async () => {
    const { chat, ask } = await opened([...opening(), 'forever'])
    chat.write('   ')
    expect(chat.send()).toBe(false)
    chat.setOnline(false)
    chat.write('ready')
    expect(chat.send()).toBe(false)
    expect(chat.state().draft).toBe('ready')
    chat.setOnline(true)
    await ask('ready')
    chat.write('too early')
    expect(chat.send()).toBe(false)
    chat.stop()
  })
})

test('a connection that failed is tried again with the next question', async () => {
  const asking = new ScriptedAsking([answered('At last')])
  let tries = 0
  const chat = new Chat(() =>
    ++tries < 3 ? Promise.reject(new CocoonError('unreachable', '')) : Promise.resolve(asking),
  )
  await chat.open()
  expect(chat.state()).toMatchObject({ unreachable: true, models: null })
  chat.write('Hello')
  chat.send()
  await tick()
  expect(last(chat).answer).toMatchObject({ phase: 'failed', failure: { code: 'unreachable' }, sent: false })
  chat.retry()
  await tick()
  expect(last(chat).answer.phase).toBe('done')
  expect(chat.state()).toMatchObject({ unreachable: false, model: 'cocoon-demo', development: true })
})
