import { readFile } from 'node:fs/promises'
import { startSystem, type System } from '@cocoon/localnet'
import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openBrowser, phone } from './browser.ts'

describe('many conversations, as a person has them', () => {
  let system: System
  let browser: Browser
  let context: BrowserContext
  let user = 7000
  beforeAll(async () => {
    system = await startSystem({ build: false })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
  })
  beforeEach(async () => {
    context = await browser.newContext(phone)
    user += 1
  })
  afterEach(() => context.close())

  async function open(query = ''): Promise<Page> {
    const page = await context.newPage()
    await page.goto(`${system.telegram}?user=${user}${query}`)
    return page
  }
  const answers = (page: Page) => page.getByRole('article', { name: 'Answer' })
  const questions = (page: Page) => page.getByRole('article', { name: 'Question' })
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).first().click()
  async function ask(page: Page, word: string): Promise<void> {
    await page.getByLabel('Ask privately').fill(`Repeat this word: ${word}`)
    await press(page, 'Send')
    await answers(page).getByText(word).waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
  }
  const stored = (page: Page) =>
    page.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((resolve) => {
        const opening = indexedDB.open('cocoon')
        opening.onsuccess = () => resolve(opening.result)
      })
      const rows = await new Promise<Uint8Array[]>((resolve) => {
        const asked = database.transaction('history').objectStore('history').getAll()
        asked.onsuccess = () => resolve(asked.result as Uint8Array[])
      })
      database.close()
      return rows.map((row) => row[0])
    })

  it('finds, opens and exports one of several after a reload', async () => {
    const page = await open()
    await ask(page, 'lantern')
    await press(page, 'Chats')
    await press(page, 'New chat')
    await page.getByText('Ask in private').waitFor()
    await ask(page, 'harbour')
    await page.reload()
    await answers(page).getByText('harbour').waitFor()
    await press(page, 'Chats')
    await page.getByLabel('Search on this device').fill('LANTERN')
    await page.getByRole('status').getByText('1 chat').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      (async () => {
        await page.getByRole('button', { name: /^More about/ }).click()
        await press(page, 'Export as Markdown')
      })(),
    ])
    expect(await readFile((await download.path()) ?? '', 'utf8')).toMatch(
      /^# Repeat this word: lantern\n[\s\S]+lantern/,
    )
    await page
      .getByRole('button', { name: /lantern/ })
      .first()
      .click()
    await answers(page).getByText('lantern').waitFor()
    expect(await questions(page).allInnerTexts()).toEqual(['Repeat this word: lantern'])
  })

  it('branches where a question is edited, and keeps both branches over a reload', async () => {
    const page = await open()
    await ask(page, 'lantern')
    await press(page, 'More')
    await press(page, 'Edit question')
    await ask(page, 'harbour')
    await page.getByLabel('Version 2 of 2').waitFor()
    await page.reload()
    await answers(page).getByText('harbour').waitFor()
    await press(page, 'Earlier version')
    await answers(page).getByText('lantern').waitFor()
    expect(await questions(page).count()).toBe(1)
  })

  it('goes on answering while another chat is read', async () => {
    const page = await open()
    await page.getByLabel('Ask privately').fill('Tell me a long story about a silkworm')
    await press(page, 'Send')
    await answers(page).waitFor()
    await press(page, 'Chats')
    await press(page, 'New chat')
    await ask(page, 'lantern')
    await press(page, 'Chats')
    await page
      .getByRole('button', { name: /long story/ })
      .first()
      .click()
    await answers(page).getByText('the silk worm had wings as well').waitFor()
    expect(await questions(page).count()).toBe(1)
  })

  it('seals them with the phone’s own key, where Telegram has a keychain', async () => {
    await context.addInitScript(() => {
      const keychain: Record<string, unknown> = JSON.parse(localStorage.getItem('test.keychain') ?? '{}')
      const world = window as unknown as {
        TelegramWebviewProxy: object
        Telegram: { WebView: { receiveEvent(name: string, data: object): void } }
      }
      world.TelegramWebviewProxy = {
        postEvent(name: string, text: string) {
          if (!name.startsWith('web_app_secure_storage')) return
          const { req_id, key, value } = JSON.parse(text) as { req_id: string; key: string; value?: string }
          if (name.endsWith('save_key')) keychain[key] = value
          localStorage.setItem('test.keychain', JSON.stringify(keychain))
          const answer = name.endsWith('save_key') ? 'secure_storage_key_saved' : 'secure_storage_key_received'
          setTimeout(() => world.Telegram.WebView.receiveEvent(answer, { req_id, value: keychain[key] ?? null }))
        },
      }
      location.hash = location.hash.replace('tgWebAppPlatform=web', 'tgWebAppPlatform=android')
    })
    const page = await open()
    await ask(page, 'lantern')
    await page.waitForTimeout(300)
    expect(new Set(await stored(page))).toEqual(new Set([2]))
    await page.reload()
    await answers(page).getByText('lantern').waitFor()
    // Without the keychain nothing of it opens, and nothing of it is thrown away.
    const kept = await page.evaluate(() => {
      const before = localStorage.getItem('test.keychain') ?? ''
      localStorage.setItem('test.keychain', '{}')
      return before
    })
    await page.reload()
    await page.getByText('Ask in private').waitFor()
    await page.evaluate((before) => localStorage.setItem('test.keychain', before), kept)
    await page.reload()
    await answers(page).getByText('lantern').waitFor()
  })

  it('follows a link: a preset in the person’s language', async () => {
    const page = await open('&language=ru&start=do_translate')
    await expect.poll(() => page.getByLabel('Спросить приватно').inputValue()).toBe('Переведите на русский:\n\n')
  })
})
