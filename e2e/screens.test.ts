import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { startSystem, type System } from '@cocoon/localnet'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, phone } from './browser.ts'
import { type Language, names, walkScreens } from './screens.ts'

/** Telegram's own palettes, as its clients send them when the person changes the theme. */
const themes = {
  light: {
    bg_color: '#ffffff',
    secondary_bg_color: '#f1f1f1',
    section_bg_color: '#ffffff',
    text_color: '#000000',
    hint_color: '#999999',
    button_color: '#40a7e3',
    button_text_color: '#ffffff',
    accent_text_color: '#168acd',
    destructive_text_color: '#d14e4e',
  },
  dark: {
    bg_color: '#17212b',
    secondary_bg_color: '#232e3c',
    section_bg_color: '#17212b',
    text_color: '#f5f5f5',
    hint_color: '#708499',
    button_color: '#5288c1',
    button_text_color: '#ffffff',
    accent_text_color: '#6ab2f2',
    destructive_text_color: '#ec3942',
  },
} as const

describe('every screen', () => {
  let system: System
  let browser: Browser
  let user = 6000
  beforeAll(async () => {
    system = await startSystem({ build: false })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
  })

  async function open(query: string, options = {}): Promise<Page> {
    const page = await (await browser.newContext({ ...phone, ...options })).newPage()
    // What moved without a person's doing, as browsers count it.
    await page.addInitScript(() => {
      Object.assign(window, { shifts: [] })
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
          if (!entry.hadRecentInput) (window as unknown as { shifts: number[] }).shifts.push(entry.value)
        }
      }).observe({ type: 'layout-shift', buffered: true })
    })
    await page.goto(`${system.telegram}?user=${user++}&${query}`)
    return page
  }
  const change = (page: Page, theme: keyof typeof themes) =>
    page.evaluate((theme_params) => {
      const { Telegram } = window as unknown as {
        Telegram: { WebView: { receiveEvent(name: string, data: object): void } }
      }
      Telegram.WebView.receiveEvent('theme_changed', { theme_params })
      // Until it is drawn.
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    }, themes[theme])
  const sideways = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  const faults = async (page: Page): Promise<string[]> => {
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate(() => {
      const { axe: checker } = window as unknown as { axe: typeof import('axe-core') }
      return checker.run(document, { resultTypes: ['violations'] })
    })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
  }

  it.each(['en', 'ru'] as const)(
    'is fit for everybody, in both themes, in %s; none moves by itself or scrolls sideways',
    async (language: Language) => {
      const page = await open(`language=${language}`, { reducedMotion: 'reduce' })
      const found: string[] = []
      const seen: string[] = []
      let shifted = 0
      await walkScreens(page, language, async (screen) => {
        seen.push(screen)
        const since = await page.evaluate(() => {
          const { shifts } = window as unknown as { shifts: number[] }
          return shifts.splice(0).reduce((sum, shift) => sum + shift, 0)
        })
        // An answer grows while it is written, and the line below it goes down: that is no jump.
        if (screen !== 'answer' && screen !== 'branches') shifted += since
        for (const theme of ['dark', 'light'] as const) {
          await change(page, theme)
          found.push(...(await faults(page)).map((fault) => `${screen}, ${theme}: ${fault}`))
        }
        if ((await sideways(page)) > 0) found.push(`${screen}: scrolls sideways`)
      })
      expect(found).toEqual([])
      expect(seen.length).toBeGreaterThan(18)
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(language)
      expect(shifted).toBeLessThan(0.05)
      await page.context().close()
    },
    150_000,
  )

  it.each([
    ['320 px wide with 200 % text', { viewport: { width: 320, height: 640 } }, 'html { font-size: 200% }', 'ltr'],
    ['from right to left', {}, '', 'rtl'],
  ] as const)(
    'holds %s',
    async (_what, options, style, dir) => {
      const page = await open('language=en', options)
      await page.evaluate(
        ([text, direction]) => {
          document.documentElement.dir = direction
          const sheet = new CSSStyleSheet()
          sheet.replaceSync(text)
          document.adoptedStyleSheets = [sheet]
        },
        [style, dir] as const,
      )
      const wide: string[] = []
      await walkScreens(page, 'en', async (screen) => {
        if ((await sideways(page)) > 0) wide.push(screen)
      })
      expect(wide).toEqual([])
      await page.context().close()
    },
    120_000,
  )

  it('can be walked with the keyboard alone', async () => {
    const page = await open('language=en', { isMobile: false, hasTouch: false })
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
      )
    const tabTo = async (name: string | RegExp) => {
      for (let tries = 0; tries < 40; tries++) {
        await page.keyboard.press('Tab')
        const at = await focused()
        if (typeof name === 'string' ? at === name : name.test(at)) return
      }
      throw new Error(`the keyboard does not reach ${name}`)
    }
    await page.getByRole('button', { name: names.en.free }).waitFor()
    await tabTo('Ask privately')
    await page.keyboard.type('Repeat this word: lantern')
    await page.keyboard.press('Enter')
    await page.getByRole('article', { name: 'Answer' }).getByText('lantern').waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
    await tabTo('Send').catch(() => tabTo('Chats'))
    await page.locator('body').press('Tab')
    await tabTo(/Change model$/)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Model' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused()).toMatch(/Change model$/)
    await page.context().close()
  })
})

describe('what is loaded before the first paint', () => {
  const folder = fileURLToPath(new URL('../dist/localnet/client/', import.meta.url))
  const index = readFileSync(`${folder}index.html`, 'utf8')
  const size = (path: string) => gzipSync(readFileSync(folder + path)).length
  const named = (ending: string) =>
    [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].flatMap(([, path = '']) =>
      path.endsWith(ending) ? [path] : [],
    )
  const sum = (paths: string[]) => paths.reduce((total, path) => total + size(path), 0)

  it('stays within its budget', () => {
    expect(named('.js').length).toBeGreaterThan(0)
    expect(sum(named('.js'))).toBeLessThanOrEqual(110 * 1024)
    expect(sum(named('.css'))).toBeLessThanOrEqual(12 * 1024)
  })

  it('has neither the reader of formulas nor the client in it', () => {
    const text = named('.js')
      .map((path) => readFileSync(folder + path, 'utf8'))
      .join('')
    expect(text).not.toContain('KaTeX parse error')
    expect(text).not.toContain('cocoon/1 request')
    expect(readdirSync(`${folder}assets`).some((file) => /\.(?:woff2?|ttf|png|jpg)$/.test(file))).toBe(false)
  })
})
