import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchUrl, startSystem, type System, testUser } from '@cocoon/localnet'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, phone } from './browser.ts'
import { type Disclosure, disclosures, filesBelow, formsOf } from './disclosure.ts'
import { plantControl } from './planted-control.ts'
import { recordTraffic, type RecordingProxy } from './recording-proxy.ts'

/** Random letters, fresh each run: nothing recorded before can hold them. */
function randomWord(length: number): string {
  return Array.from(
    crypto.getRandomValues(new Uint8Array(length)),
    (byte) => 'abcdefghijklmnopqrstuvwxyz'[byte % 26],
  ).join('')
}

describe('what the broker learns of a conversation', () => {
  const marker = randomWord(9)
  const control = `control-${randomWord(24)}`
  const prompt = `Repeat this word: ${marker}`
  const state = mkdtempSync(join(tmpdir(), 'cocoon-secrecy-'))
  let proxy: RecordingProxy
  let system: System
  let browser: Browser

  const everything = (): Map<string, Buffer> => {
    return new Map([...filesBelow(state), ['what the broker was sent and answered', Buffer.concat(proxy.recorded)]])
  }

  beforeAll(async () => {
    const nodeBroker = async (origin: string): Promise<string> => {
      proxy = await recordTraffic(origin)
      return proxy.origin
    }
    system = await startSystem({ build: false, state, nodeBroker })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
    await proxy.close()
    rmSync(state, { recursive: true, force: true })
  })

  it('holds neither the prompt nor the answer, in any form, while the person reads both', async () => {
    const page = await (await browser.newContext(phone)).newPage()
    await page.goto(launchUrl(proxy.origin, testUser, 'light', Math.floor(Date.now() / 1000)))
    await page.getByLabel('Ask privately').fill(prompt)
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('article', { name: 'Answer' }).getByText(marker).waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })

    // The search must be able to find what there is, in each place and form, or its silence means nothing.
    await plantControl(proxy.origin, formsOf(control))
    const haystacks = everything()
    const planted = disclosures([control], haystacks)
    const formsIn = (place: RegExp): string[] => planted.filter(isIn(place)).map(({ form }) => form)
    for (const form of formsOf(control).keys()) {
      expect(formsIn(/sent and answered/)).toContain(form)
      expect(formsIn(/storage/)).toContain(form)
    }

    expect(Buffer.concat(proxy.recorded).length).toBeGreaterThan(10_000)
    expect(disclosures([marker, prompt, 'Repeat this word'], haystacks)).toEqual([])
  })

  it('leaves the control alone when it is not there', () => {
    expect(disclosures([`control-${randomWord(24)}`], everything())).toEqual([])
  })
})

const isIn = (place: RegExp) => (disclosure: Disclosure) => place.test(disclosure.where)
