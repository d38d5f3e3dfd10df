import { startSystem, type System } from '@cocoon/localnet'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, phone } from './browser.ts'

describe('the chat, as a person uses it', () => {
  let system: System
  let browser: Browser
  beforeAll(async () => {
    system = await startSystem({ build: false })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
  })

  async function openChat(user: number): Promise<Page> {
    const page = await (await browser.newContext(phone)).newPage()
    await page.goto(`${system.telegram}?user=${user}`)
    return page
  }
  const answers = (page: Page) => page.getByRole('article', { name: 'Answer' })
  async function send(page: Page, question: string): Promise<void> {
    await page.getByLabel('Ask privately').fill(question)
    await page.getByRole('button', { name: 'Send' }).click()
  }
  const untilDone = (page: Page) => page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })

  it('answers, says that the machine is not attested, and asks no other host', async () => {
    const page = await openChat(2001)
    const hosts = new Set<string>()
    const faults: string[] = []
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    await page.reload()
    await send(page, 'Repeat this word: kitesurf')
    await answers(page).getByText('kitesurf').waitFor()
    await untilDone(page)
    await page.getByText('Development machine, not private').first().waitFor()
    await answers(page).getByText('Not attested').waitFor()
    expect([...hosts]).toEqual([new URL(system.origin).host])
    expect(faults).toEqual([])
  })

  it('streams: words are there before the end', async () => {
    const page = await openChat(2002)
    await send(page, 'Tell me a long story about a silkworm')
    const seen: number[] = []
    await answers(page).waitFor()
    while (await page.getByRole('button', { name: 'Stop' }).isVisible()) {
      seen.push((await answers(page).innerText()).length)
      await page.waitForTimeout(30)
    }
    expect(new Set(seen.filter((length) => length > 0)).size).toBeGreaterThan(2)
  })

  it('stops when told to, keeps what was said, and goes on to the next question', async () => {
    const page = await openChat(2003)
    await send(page, 'Tell me a long story about a silkworm')
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('button', { name: 'Send' }).waitFor()
    await send(page, 'Repeat this word: onwardly')
    await answers(page).getByText('onwardly').waitFor()
    expect(await answers(page).count()).toBe(2)
  })

  it('signs in again after a reload, although the init data was used', async () => {
    const page = await openChat(2004)
    await send(page, 'Repeat this word: mornglow')
    await answers(page).getByText('mornglow').waitFor()
    await untilDone(page)
    await page.reload()
    await answers(page).getByText('mornglow').waitFor()
    await send(page, 'Repeat this word: evenfall')
    await answers(page).getByText('evenfall').waitFor()
    expect(await answers(page).count()).toBe(2)
    await expect.poll(() => page.getByText('Free · 998').count()).toBe(1)
  })

  it('says so when no machine is there, keeps the question, and asks it again with one tap', async () => {
    const page = await openChat(2005)
    await page.getByText('Free · ').waitFor()
    await system.endNode('node-1', 'SIGTERM')
    await send(page, 'Repeat this word: patiencq')
    await page.getByText('No machine is there').waitFor()
    await system.startNode('node-2')
    const freeSlots = async (): Promise<number> => {
      const answer = await fetch(`${system.origin}/api/models`)
      const { models } = (await answer.json()) as { models: { free: number }[] }
      return models[0]?.free ?? 0
    }
    await expect.poll(freeSlots, { timeout: 20_000 }).toBeGreaterThan(0)
    await page
      .getByRole('button', { name: /again|retry/i })
      .first()
      .click()
    await answers(page).getByText('patiencq').waitFor()
  })
})
