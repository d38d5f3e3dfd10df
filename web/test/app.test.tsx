import { CocoonError } from '@cocoon/protocol'
import { act } from 'react'
import { afterEach, describe, expect, test } from 'vitest'
import type { History } from '../src/history.ts'
import { done, node, opening, privateNode, says, type Scene } from '../src/dev/scripted-asking.ts'
import { OpenVault } from './open-vault.ts'
import { stage, strike } from './stage.tsx'

afterEach(strike)
const answered = (text: string): Scene => [...opening(), says(text), done()]
const articles = (root: HTMLElement, label: string) =>
  root.querySelectorAll(`[role=article][aria-label=${label}], article[aria-label=${label}]`)

describe('the composer', () => {
  test('sends with Enter at a desk, and makes a line with Shift', async () => {
    const { root, field, type, key, telegram } = await stage([answered('Hello.')])
    await type('First')
    await key('Enter', { shiftKey: true })
    expect(articles(root, 'Question')).toHaveLength(0)
    await key('Enter')
    expect(articles(root, 'Question')[0]?.textContent).toBe('First')
    expect(articles(root, 'Answer')[0]?.textContent).toContain('Hello.')
    expect(field.value).toBe('')
    expect(telegram.touches).toEqual(['send'])
  })

  test('leaves Enter to the keyboard of a phone', async () => {
    const { root, type, key, click } = await stage([answered('Hello.')], { platform: 'ios' })
    await type('First')
    await key('Enter')
    expect(articles(root, 'Question')).toHaveLength(0)
    await click('Send')
    expect(articles(root, 'Question')).toHaveLength(1)
  })

  test('does not send what an input method is still composing', async () => {
    const { root, type, key } = await stage([answered('Hello.')])
    await type('に')
    await key('Enter', { isComposing: true })
    expect(articles(root, 'Question')).toHaveLength(0)
  })

  test('turns Send into Stop while an answer comes, and keeps the next draft', async () => {
    const { field, byLabel, type, key, click } = await stage([[...opening(), says('Beginning'), 'forever']])
    expect((byLabel('Send') as HTMLButtonElement).disabled).toBe(true)
    await type('Go')
    expect((byLabel('Send') as HTMLButtonElement).disabled).toBe(false)
    await key('Enter')
    expect(byLabel('Send')).toBeNull()
    await type('Next')
    await key('Enter')
    expect(field.value).toBe('Next')
    await click('Stop')
    expect(byLabel('Stop')).toBeNull()
    expect(byLabel('Send')).not.toBeNull()
    expect(field.value).toBe('Next')
  })

  test('says that it is offline, and keeps the question', async () => {
    const { chat, root, field, type, key } = await stage([answered('Hello.')])
    await type('Later')
    await act(async () => chat.setOnline(false))
    await key('Enter')
    expect(root.textContent).toContain('You are offline. Your question waits here.')
    expect(field.value).toBe('Later')
  })

  test('takes the last question back with Arrow up, and lets go with Escape', async () => {
    const { root, field, type, key } = await stage([answered('One.')])
    await type('Again')
    await key('Enter')
    await key('ArrowUp')
    expect(field.value).toBe('Again')
    expect(root.textContent).toContain('Editing your question')
    await key('Escape')
    expect(field.value).toBe('')
  })
})

describe('the screen', () => {
  test('begins with three ideas, one of them a question that one tap asks', async () => {
    const { root, click, chat } = await stage([answered('Sealed.')])
    expect(root.querySelectorAll('.starters button')).toHaveLength(3)
    await click('Who can read what I ask?')
    expect(chat.state().turns[0]?.question).toBe('Who can read what I ask?')
  })

  test('labels everything that can be pressed or read', async () => {
    const { root, field, type, key } = await stage([answered('```js\n1\n```\n\nText.')])
    expect(field.getAttribute('aria-label')).toBe('Ask privately')
    await type('Hi')
    await key('Enter')
    for (const button of root.querySelectorAll('button')) {
      expect(button.getAttribute('aria-label') ?? button.textContent).toBeTruthy()
    }
    expect(root.querySelector('main')).not.toBeNull()
    expect(root.querySelector('[aria-live=polite]')).not.toBeNull()
    expect(articles(root, 'Answer')[0]?.getAttribute('aria-busy')).toBe('false')
    expect([...root.querySelectorAll('svg')].every((svg) => svg.getAttribute('aria-hidden') === 'true')).toBe(true)
  })

  test('never wears gold for a machine that proved nothing', async () => {
    const { root, type, key } = await stage([answered('Hello.')])
    await type('Hi')
    await key('Enter')
    expect(root.querySelector('.banner')?.textContent).toBe('Development machine, not private')
    expect(root.querySelector('.after')?.textContent).toBe('Not attestedfree')
    expect(root.querySelector('.mark.private')).toBeNull()
    expect(root.querySelector('.after .mark.development')).not.toBeNull()
  })

  test('says proven only of a machine that is', async () => {
    const { root, type, key } = await stage([[...opening(privateNode), says('Hello.'), done(2_100_000n)]], {
      attested: true,
    })
    expect(root.querySelector('.mark.private')).toBeNull()
    await type('Hi')
    await key('Enter')
    expect(root.querySelector('.after')?.textContent).toBe('Proven private0.0021 GRAM')
    expect(root.querySelector('.banner')).toBeNull()
  })

  test('shows one notice for a failure, and one tap asks again', async () => {
    const fails: Scene = [{ type: 'matching' }, new CocoonError('no-node', 'scripted')]
    const { root, type, key, click } = await stage([fails, answered('Here.')])
    await type('Please')
    await key('Enter')
    expect(root.querySelectorAll('[role=alert]')).toHaveLength(1)
    expect(root.querySelector('[role=alert]')?.textContent).toContain('Nothing left this device.')
    expect(articles(root, 'Question')[0]?.textContent).toBe('Please')
    await click('Try again')
    expect(root.querySelector('[role=alert]')).toBeNull()
    expect(articles(root, 'Answer')[0]?.textContent).toContain('Here.')
  })

  test('says that the person is in line, to eyes and ears', async () => {
    const waiting: Scene = [{ type: 'matching' }, { type: 'waiting', code: 'all-busy', retryAfterMs: 4000 }, 'forever']
    const { root, type, key, click } = await stage([waiting])
    await type('Please')
    await key('Enter')
    expect(root.querySelector('.answer .status')?.textContent).toBe('All machines are busy; you are in line')
    expect(root.querySelector('.who .state')?.textContent).toBe('In line')
    expect(root.querySelector('[aria-live=polite]')?.textContent).toBe('All machines are busy; you are in line')
    await click('Stop')
    expect(root.querySelector('.ending')?.textContent).toBe('Stopped')
  })

  test('says that an answer waits, and goes on with it by one tap', async () => {
    const kept = { jobId: 'c0', nodeId: node.nodeId, bytes: Uint8Array.of(1), text: 'Hello', reasoning: '' }
    const cutOff: Scene = [
      ...opening(),
      says('Hello'),
      { type: 'keep', kept },
      new CocoonError('unreachable', 'scripted'),
    ]
    const { root, asking, type, key, click } = await stage([cutOff, [...opening(), says('Hello'), says('.'), done()]])
    await type('Please')
    await key('Enter')
    expect(root.querySelector('[role=alert]')?.textContent).toContain('The answer waits for you, sealed, for a day.')
    expect(articles(root, 'Answer')[0]?.textContent).toContain('Hello')
    await click('Try again')
    expect(asking.resumed).toHaveLength(1)
    expect(articles(root, 'Answer')[0]?.querySelector('.prose')?.textContent?.trim()).toBe('Hello.')
  })

  test('looks for a machine when the composer is touched', async () => {
    const { asking, field, settle } = await stage([answered('Hello.')])
    await act(async () => field.focus())
    await settle()
    expect(asking.prepared).toEqual([{ model: 'cocoon-demo', exclude: [] }])
  })

  test('says where the chat lives, and shows no welcome before it is known', async () => {
    const found = Promise.withResolvers<History | null>()
    const { root, click, settle } = await stage([answered('Hello.')], { history: found.promise })
    expect(root.querySelector('.welcome')).toBeNull()
    found.resolve(null)
    await settle()
    expect(root.querySelector('.welcome')).not.toBeNull()
    await click('Chats')
    await settle()
    expect(root.querySelector('.page .empty')?.textContent).toContain('This chat lives in this window only')
    expect(root.querySelector<HTMLElement>('.screen')?.hidden).toBe(true)
  })

  test('shows a kept chat as soon as it is found', async () => {
    const history = new OpenVault().history()
    const { root, type, key, click, settle } = await stage([answered('Hello.')], { history })
    await type('Hi')
    await key('Enter')
    await click('Chats')
    await settle()
    expect(root.querySelector('.page .row b')?.textContent).toBe('Hi')
    expect(root.querySelector('.page .foot')?.textContent).toContain('Kept on this device, encrypted.')
  })

  test('stops loudly when a check fails', async () => {
    const fails: Scene = [{ type: 'checking', nodeId: 'ab' }, new CocoonError('not-attested', 'scripted')]
    const { root, type, key, telegram } = await stage([fails], { attested: true })
    await type('Secret')
    await key('Enter')
    expect(root.querySelector('.notice.stop h2')?.textContent).toBe('Stopped before sending')
    expect(telegram.touches).toEqual(['send', 'failure'])
  })

  test('opens sheets by name and closes them with Telegram’s Back', async () => {
    const { root, click, telegram, settle } = await stage([answered('Hello.')])
    await click('Prompts')
    expect(root.querySelector('dialog')?.open).toBe(true)
    expect(root.querySelector('dialog h2')?.textContent).toBe('Prompts')
    await act(async () => telegram.back?.())
    await settle()
    expect(root.querySelector('dialog')).toBeNull()
  })

  test('says the answer to those who listen', async () => {
    const { root, type, key } = await stage([answered('It is sealed. Always.')])
    await type('Hi')
    await key('Enter')
    expect(root.querySelector('[aria-live=polite]')?.textContent).toBe('It is sealed.')
  })
})
