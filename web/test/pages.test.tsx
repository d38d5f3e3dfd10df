import { act } from 'react'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { done, opening, says, type Scene } from '../src/dev/scripted-asking.ts'
import { goTo, type PlaceName } from '../src/place.ts'
import { en } from '../src/words/en.ts'
import { ru } from '../src/words/ru.ts'
import { speak } from '../src/words/words.ts'
import { OpenVault } from './open-vault.ts'
import { type Stage, stage, strike, tick } from './stage.tsx'

afterEach(strike)
const answered = (text: string): Scene => [...opening(), says(text), done()]

async function withChats(): Promise<Stage & { vault: OpenVault }> {
  const vault = new OpenVault()
  const staged = await stage([answered('The landlord may enter after notice.'), answered('Ferritin is low.')], {
    history: vault.history(),
  })
  await staged.type('Lease clause 7.2')
  await staged.key('Enter')
  await act(async () => staged.chat.startOver())
  await staged.type('Blood test')
  await staged.key('Enter')
  return { ...staged, vault }
}
const open = (place: PlaceName) =>
  act(async () => {
    goTo(place)
    await tick()
  })
const titles = (root: HTMLElement) => [...root.querySelectorAll('.page .chat-row b')].map((b) => b.textContent)
async function fill(element: Element | null, text: string): Promise<void> {
  const kind = element instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement
  await act(async () => {
    Object.getOwnPropertyDescriptor(kind.prototype, 'value')?.set?.call(element, text)
    element?.dispatchEvent(new Event('input', { bubbles: true }))
  })
}

describe('the chats', () => {
  test('are listed, the newest first, and open where they ended', async () => {
    const { root, click, chat } = await withChats()
    await open('chats')
    expect(titles(root)).toEqual(['Blood test', 'Lease clause 7.2'])
    await act(async () => {
      root.querySelectorAll<HTMLElement>('.row-open')[1]?.click()
      await tick()
      await tick()
    })
    expect(location.pathname).toBe('/')
    expect(chat.state().turns[0]?.question).toBe('Lease clause 7.2')
    await click('Chats')
    expect(root.querySelectorAll('[aria-current=true]')).toHaveLength(1)
  })

  test('are searched through every word, whatever its case', async () => {
    const { root } = await withChats()
    await open('chats')
    await fill(root.querySelector('input[type=search]'), 'LANDLORD clause')
    await act(() => new Promise((resolve) => setTimeout(resolve, 220)))
    expect(titles(root)).toEqual(['Lease clause 7.2'])
    expect(root.querySelector('.page .row-main span')?.textContent).toContain('The landlord may')
    await fill(root.querySelector('input[type=search]'), 'nothing of it')
    await act(() => new Promise((resolve) => setTimeout(resolve, 220)))
    expect(root.querySelector('.page [role=status]')?.textContent).toBe('Nothing found')
  })

  test('are renamed, exported and deleted for good', async () => {
    const { root, click, vault, settle } = await withChats()
    await open('chats')
    await click('More about Blood test')
    await click('Rename')
    await fill(root.querySelector('.line-input'), 'Ferritin')
    await click('Save')
    await settle()
    expect(titles(root)).toEqual(['Ferritin', 'Lease clause 7.2'])

    const files: File[] = []
    vi.stubGlobal(
      'URL',
      Object.assign(URL, { createObjectURL: (file: File) => void files.push(file), revokeObjectURL() {} }),
    )
    await click('More about Ferritin')
    await click('Export as Markdown')
    await settle()
    expect(files[0]?.name).toBe('Ferritin.md')
    expect(await files[0]?.text()).toBe(
      '# Ferritin\n\n## Question\n\nBlood test\n\n## Answer (cocoon-demo)\n\nFerritin is low.\n',
    )
    await click('More about Ferritin')
    await click('Export as JSON')
    await settle()
    expect(JSON.parse((await files[1]?.text()) ?? '')).toMatchObject({
      version: 1,
      conversations: [
        { title: 'Ferritin', turns: [{ question: 'Blood test', answer: 'Ferritin is low.', cost: '0' }] },
      ],
    })
    vi.unstubAllGlobals()

    const before = vault.entries.size
    await click('More about Ferritin')
    await click('Delete for good')
    expect(root.querySelector('dialog h2')?.textContent).toBe('Delete this chat?')
    await click('Delete for good')
    await settle()
    expect(titles(root)).toEqual(['Lease clause 7.2'])
    expect(vault.entries.size).toBe(before - 2)
  })

  test('say what failed when the storage refuses to delete', async () => {
    const { root, click, vault, settle } = await withChats()
    await open('chats')
    vault.full = true
    await click('More about Blood test')
    await click('Delete for good')
    await click('Delete for good')
    await settle()
    expect(root.querySelector('[role=alert]')?.textContent).toContain('The storage of this device refused')
  })
})

describe('settings', () => {
  test('change the language at once, everywhere, and remember it', async () => {
    const { root, click, settle } = await stage([answered('Hello.')])
    await open('settings')
    expect(root.querySelector('.page h1')?.textContent).toBe('Settings')
    await click('Русский')
    await settle()
    await settle()
    expect(root.querySelector('.page h1')?.textContent).toBe('Настройки')
    expect(document.documentElement.lang).toBe('ru')
    expect(root.querySelector('textarea')?.getAttribute('aria-label')).toBe('Спросить приватно')
    expect(localStorage.getItem('cocoon.preferences')).toContain('"ru"')
  })

  test('keep instructions, and every answer is told them', async () => {
    const history = new OpenVault().history()
    const { root, click, type, key, asking, settle } = await stage([answered('Hello.')], { history })
    await open('instructions')
    await fill(root.querySelector('.text-input'), ' Be brief. ')
    await click('Save')
    await settle()
    await type('Hi')
    await key('Enter')
    expect(asking.asked[0]?.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ])
  })

  test('delete everything, after asking', async () => {
    const { root, click, vault, settle, chat } = await withChats()
    await open('settings')
    await click('Delete everything')
    expect(root.querySelector('dialog')?.textContent).toContain('Nobody has a copy')
    expect(vault.entries.size).toBeGreaterThan(0)
    await act(async () => root.querySelector<HTMLElement>('dialog .button.danger')?.click())
    await settle()
    expect([vault.entries.size, chat.state().turns]).toEqual([0, []])
    expect(root.querySelector('dialog h2')?.textContent).toBe('Everything was deleted.')
  })

  test('open from Telegram’s own menu', async () => {
    const { root, telegram, settle } = await stage([answered('Hello.')])
    await act(async () => telegram.settings?.())
    await settle()
    expect(root.querySelector('.page h1')?.textContent).toBe('Settings')
    expect(telegram.back).not.toBeNull()
  })
})

describe('prompts', () => {
  test('stand before what is written; a saved one is there the next time', async () => {
    const vault = new OpenVault()
    const first = await stage([answered('Hello.')], { history: vault.history() })
    await first.type('Guten Tag')
    await first.click('Prompts')
    await act(async () => first.root.querySelector<HTMLElement>('dialog .card .row')?.click())
    expect(first.field.value).toBe('Translate into English:\n\nGuten Tag')
    await first.type('Answer as a pirate')
    await first.click('Prompts')
    await first.click('Save what I wrote as a prompt')
    await first.settle()
    const again = await stage([answered('Hello.')], { history: vault.history() })
    await again.settle()
    await again.click('Prompts')
    await again.click('Answer as a pirate')
    expect(again.field.value).toBe('Answer as a pirate\n\n')
    await again.click('Prompts')
    await again.click('Delete the prompt Answer as a pirate')
    await again.settle()
    expect((await vault.history()).prompts()).toEqual([])
  })
})

describe('a link', () => {
  test('opens a new chat with a preset, once', async () => {
    const { field, settle } = await stage([answered('Hello.')], { start: 'do_summarise' })
    await settle()
    expect(field.value).toBe('Summarise the main points briefly:\n\n')
  })

  test('opens a page', async () => {
    const { root, settle } = await stage([answered('Hello.')], { start: 'open_privacy' })
    await settle()
    expect(root.querySelector('.page h1')?.textContent).toBe('Who can see what')
  })
})

describe('an answer', () => {
  test('is shared with a warning, straight to Telegram', async () => {
    const { root, click, type, key, telegram } = await stage([answered('Sealed.')])
    await type('Hi')
    await key('Enter')
    await click('More')
    await click('Share')
    expect(root.querySelector('dialog')?.textContent).toContain('no longer private')
    expect(telegram.shared).toEqual([])
    expect(root.querySelector('dialog .button')?.textContent).toBe('Copy the text')
  })

  test('is reported without a word of it', async () => {
    const { root, click, type, key } = await stage([answered('Something bad.')])
    await type('A private thing')
    await key('Enter')
    await click('More')
    await click('Report this answer')
    const report = root.querySelector('.report')?.textContent ?? ''
    expect(report).toContain('model: cocoon-demo')
    expect(report).not.toMatch(/private thing|Something bad/)
  })

  test('keeps Telegram from closing while it streams', async () => {
    const { type, key, click, telegram } = await stage([[...opening(), says('Beginning'), 'forever']])
    await type('Go')
    await key('Enter')
    expect(telegram.closing).toBe(true)
    await click('Stop')
    expect(telegram.closing).toBe(false)
  })

  test('shows which version it is, and goes between them', async () => {
    const { root, click, type, key } = await stage([answered('One.'), answered('Two.')])
    await type('Hi')
    await key('Enter')
    expect(root.querySelector('.branches')).toBeNull()
    await click('Ask another machine')
    expect(root.querySelector('.branches span')?.textContent).toBe('2/2')
    await click('Earlier version')
    expect(root.querySelector('.prose')?.textContent?.trim()).toBe('One.')
  })
})

describe('the languages', () => {
  test('say the same things, each in its own words', () => {
    const same: string[] = []
    const walk = (a: unknown, b: unknown, path: string) => {
      expect([path, typeof b]).toEqual([path, typeof a])
      if (typeof a === 'string') {
        if (a !== '' && a === b && !path.endsWith('.remedy')) same.push(path)
        expect([path, b === '']).toEqual([path, a === ''])
      } else if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
        expect([path, ...Object.keys(b).toSorted()]).toEqual([path, ...Object.keys(a).toSorted()])
        for (const [name, value] of Object.entries(a))
          walk(value, (b as Record<string, unknown>)[name], `${path}.${name}`)
      }
    }
    walk(en, ru, '')
    expect(same.toSorted()).toEqual([
      '.model.unknown',
      '.privacyPage.table.3.0',
      '.settings.languages.en',
      '.settings.languages.ru',
    ])
    expect(JSON.stringify(ru)).not.toMatch(/!|100\s*%|упс/i)
  })

  test('count as Russian does', async () => {
    await speak('ru')
    expect([1, 3, 5, 21].map((count) => ru.about.tokens(count))).toEqual([
      '1 токен',
      '3 токена',
      '5 токенов',
      '21 токен',
    ])
  })
})
