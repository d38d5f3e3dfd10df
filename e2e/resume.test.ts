import { DEMO_MODEL, startSystem, type System } from '@cocoon/localnet'
import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openBrowser, phone } from './browser.ts'
import { type PacedAnswer, PacedEngine } from './paced-engine.ts'

const FIRST = 'One two three'
const WHOLE = `${FIRST} four five six seven.`
const QUESTION = 'Count to seven, please'

describe('an answer outlives', () => {
  let system: System
  let engine: PacedEngine
  let browser: Browser
  let context: BrowserContext
  let user = 3000
  beforeAll(async () => {
    engine = await PacedEngine.start(DEMO_MODEL.id)
    system = await startSystem({ build: false, nodes: 0 })
    const args = ['--engine', 'openai', '--engine-url', engine.url, '--model', DEMO_MODEL.id, '--slots', '8']
    await system.startNode('paced', args)
    await untilServed()
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
    engine.close()
  })
  beforeEach(async () => {
    context = await browser.newContext(phone)
    user += 1
  })
  afterEach(() => context.close())

  async function untilServed(): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const answer = await fetch(`${system.origin}/api/models`)
      const { models } = (await answer.json()) as { models: { free: number }[] }
      if ((models[0]?.free ?? 0) > 0) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('no node came back')
  }
  async function open(as = user): Promise<Page> {
    const page = await context.newPage()
    await page.goto(`${system.telegram}?user=${as}`)
    return page
  }
  const answers = (page: Page) => page.getByRole('article', { name: 'Answer' })
  const questions = (page: Page) => page.getByRole('article', { name: 'Question' })
  const prose = async (page: Page): Promise<string> => (await answers(page).locator('.prose').innerText()).trim()
  async function send(page: Page, question: string): Promise<void> {
    await page.getByLabel('Ask privately').fill(question)
    await page.getByRole('button', { name: 'Send' }).click()
  }
  const untilDone = (page: Page) => page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })

  /** Asks, and waits until half of the answer is on the screen and stored. */
  async function half(page: Page): Promise<PacedAnswer> {
    const number = engine.answers.length
    await send(page, QUESTION)
    const answer = await engine.answer(number)
    answer.say('One', ' two', ' three')
    await answers(page).getByText(FIRST).waitFor()
    return answer
  }
  const rest = (answer: PacedAnswer): void => {
    answer.say(' four', ' five', ' six', ' seven.')
    answer.end()
  }
  /** What is on the screen once the answer has ended. */
  async function ended(page: Page): Promise<{ asked: string[]; answered: string[] }> {
    await answers(page).getByText('seven.').waitFor()
    await untilDone(page)
    const asked = await questions(page).allInnerTexts()
    const answered = await answers(page).locator('.prose').allInnerTexts()
    return { asked, answered: answered.map((text) => text.trim()) }
  }
  /** Every word exactly once. */
  const once = { asked: [QUESTION], answered: [WHOLE] }
  /** Everything in the page's databases, as text. */
  const stored = (page: Page): Promise<string> =>
    page.evaluate(async () => {
      const done = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve) => request.addEventListener('success', () => resolve(request.result)))
      const texts: string[] = []
      for (const { name = '' } of await indexedDB.databases()) {
        const database = await done(indexedDB.open(name))
        for (const store of database.objectStoreNames) {
          const content = database.transaction(store).objectStore(store)
          for (const key of await done(content.getAllKeys())) texts.push(JSON.stringify(key))
        }
        for (const store of database.objectStoreNames) {
          for (const value of await done(database.transaction(store).objectStore(store).getAll())) {
            texts.push(value instanceof Uint8Array ? String.fromCharCode(...value) : JSON.stringify(value))
          }
        }
        database.close()
      }
      return texts.join('\n')
    })
  const entries = async (page: Page, kind: string): Promise<number> => {
    return (await stored(page))
      .split('\n')
      .filter((line) => line.startsWith('["telegram:') && line.includes(`"${kind}"`)).length
  }

  it('a reload in the middle: it goes on by itself, and every word is there once', async () => {
    const page = await open()
    const answer = await half(page)
    await page.reload()
    await answers(page).getByText(FIRST).waitFor()
    rest(answer)
    expect(await ended(page)).toEqual(once)
    expect(await entries(page, 'answer')).toBe(0)
  })

  it('a reload before the first word', async () => {
    const page = await open()
    const number = engine.answers.length
    await send(page, QUESTION)
    const answer = await engine.answer(number)
    await page.reload()
    await questions(page).waitFor()
    answer.say('One', ' two', ' three')
    rest(answer)
    expect(await ended(page)).toEqual(once)
  })

  it('three reloads', async () => {
    const page = await open()
    const answer = await half(page)
    for (const word of [' four', ' five', ' six']) {
      await page.reload()
      answer.say(word)
      await answers(page).getByText(word.trim()).waitFor()
    }
    answer.say(' seven.')
    answer.end()
    expect(await ended(page)).toEqual(once)
  })

  it('closing: opened again from Telegram, it is there, with what was said meanwhile', async () => {
    const page = await open()
    const answer = await half(page)
    await page.close()
    rest(answer)
    const again = await open()
    expect(await ended(again)).toEqual(once)
    // And once more, when nothing is left to be fetched.
    await again.close()
    const later = await open()
    expect(await ended(later)).toEqual(once)
    const number = engine.answers.length
    await send(later, 'Go on')
    const next = await engine.answer(number)
    expect(engine.asked.at(-1)?.map(({ content }) => content)).toEqual([QUESTION, WHOLE, 'Go on'])
    next.end()
  })

  it('five seconds without a network', async () => {
    const page = await open()
    const answer = await half(page)
    await context.setOffline(true)
    rest(answer)
    await page.waitForTimeout(5_000)
    expect(await answers(page).getByText('seven.').count()).toBe(0)
    await context.setOffline(false)
    expect(await ended(page)).toEqual(once)
  })

  it('a broker that is killed and comes back', async () => {
    const page = await open()
    const answer = await half(page)
    await system.endBroker('SIGKILL')
    rest(answer)
    await answers(page).getByText('Connection lost').waitFor()
    await system.startBroker()
    expect(await ended(page)).toEqual(once)
    await untilServed()
  })

  it('a reload while the broker is away', async () => {
    const page = await open()
    const answer = await half(page)
    // What is on the screen is on the disk a second later; before that the broker still has it.
    await page.waitForTimeout(1_500)
    // The page itself comes from the same address: only the doors are cut, without which no socket opens.
    await page.route('**/api/**', (route) => route.abort())
    await page.reload()
    await answers(page).getByText(FIRST).waitFor()
    rest(answer)
    await page.unrouteAll()
    expect(await ended(page)).toEqual(once)
  })

  it('no second window: that one has its own chat, and nothing is read twice', async () => {
    const page = await open()
    const answer = await half(page)
    const second = await open()
    await second.getByText('Ask in private').waitFor()
    expect(await questions(second).count()).toBe(0)
    const number = engine.answers.length
    await send(second, 'Another thing')
    const other = await engine.answer(number)
    other.say('Something else.')
    other.end()
    await answers(second).getByText('Something else.').waitFor()
    rest(answer)
    expect(await ended(page)).toEqual(once)
    await second.getByRole('button', { name: 'Chats' }).click()
    await second.getByText('This chat lives in this window only.').waitFor()
    await page.getByRole('button', { name: 'Chats' }).click()
    await page.getByText('Kept on this device, encrypted.').waitFor()
  })

  it('stopping and a reload: the machine hears of it, and what was said stays', async () => {
    const page = await open()
    const answer = await half(page)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.reload()
    await answers(page).getByText('Stopped').waitFor()
    expect(await prose(page)).toBe(FIRST)
    await expect.poll(() => answer.heard).toBe(false)
    await expect.poll(() => entries(page, 'answer')).toBe(0)
  })

  it('nobody else: another person of the same browser sees nothing of it', async () => {
    const page = await open()
    const answer = await half(page)
    rest(answer)
    await untilDone(page)
    await page.close()
    const other = await open(user + 500)
    await other.getByText('Ask in private').waitFor()
    expect(await questions(other).count()).toBe(0)
  })

  it('on the disk nothing of it can be read, and deleting it leaves nothing', async () => {
    const page = await open()
    const answer = await half(page)
    expect(await entries(page, 'answer')).toBe(1)
    rest(answer)
    expect(await ended(page)).toEqual(once)
    await expect.poll(() => entries(page, 'turn')).toBe(1)
    const everything = await stored(page)
    expect(everything.length).toBeGreaterThan(200)
    for (const secret of [QUESTION, FIRST, 'seven', 'Count']) expect(everything).not.toContain(secret)
    await page.getByRole('button', { name: 'Chats' }).click()
    await page.getByRole('button', { name: `More about ${QUESTION}` }).click()
    await page.getByRole('button', { name: 'Delete for good' }).click()
    await page
      .getByRole('dialog', { name: 'Delete this chat?' })
      .getByRole('button', { name: 'Delete for good' })
      .click()
    await expect.poll(async () => (await entries(page, 'turn')) + (await entries(page, 'conversation'))).toBe(0)
    await page.reload()
    await page.getByText('No chats yet').waitFor()
    await page.getByRole('button', { name: 'New chat' }).last().click()
    await page.getByText('Ask in private').waitFor()
    expect(await questions(page).count()).toBe(0)
  })

  it('a browser that stores nothing: asking goes on', async () => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      for (const name of ['indexedDB', 'localStorage', 'sessionStorage']) {
        Object.defineProperty(globalThis, name, {
          get: () => {
            throw new DOMException('storage is switched off', 'SecurityError')
          },
        })
      }
    })
    await page.goto(`${system.telegram}?user=${user}`)
    const answer = await half(page)
    rest(answer)
    expect(await ended(page)).toEqual(once)
    await page.getByRole('button', { name: 'Chats' }).click()
    await page.getByText('This chat lives in this window only.').waitFor()
  })

  it('a full disk: asking goes on, and the words about it stay true', async () => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const full = (): never => {
        throw new DOMException('the disk is full', 'QuotaExceededError')
      }
      const put = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'put')?.value as (
        ...row: unknown[]
      ) => IDBRequest
      IDBObjectStore.prototype.put = function (...row) {
        return this.name === 'history' ? full() : put.apply(this, row)
      }
      Storage.prototype.setItem = full
    })
    await page.goto(`${system.telegram}?user=${user}`)
    const answer = await half(page)
    rest(answer)
    expect(await ended(page)).toEqual(once)
    await page.getByRole('button', { name: 'Chats' }).click()
    await page.getByText('This chat lives in this window only.').waitFor()
  })
})
