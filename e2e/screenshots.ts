// `npm run screenshots -w e2e [-- FOLDER]`: pictures of every screen and state, in both themes, from the running system, for
// people to look at beside the design. Phones in both languages; a small phone and a tablet in English.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startSystem } from '@cocoon/localnet'
import { openBrowser, phone } from './browser.ts'
import { type Language, walkScreens } from './screens.ts'

const folder = resolve(process.argv[2] ?? 'screenshots')
const walks: readonly { name: string; size: readonly [number, number]; language: Language }[] = [
  { name: 'phone-en', size: [390, 844], language: 'en' },
  { name: 'phone-ru', size: [390, 844], language: 'ru' },
  { name: 'small-en', size: [360, 640], language: 'en' },
  { name: 'tablet-en', size: [820, 1180], language: 'en' },
]
mkdirSync(folder, { recursive: true })

const system = await startSystem()
const browser = await openBrowser()
let user = 3000
for (const theme of ['light', 'dark'] as const) {
  for (const { name, size, language } of walks) {
    const [width, height] = size
    const page = await (await browser.newContext({ ...phone, viewport: { width, height } })).newPage()
    let number = 0
    const look = async (screen: string) => {
      // What comes in or goes is at rest.
      await page.waitForTimeout(350)
      const place = `${String(number++).padStart(2, '0')}-${screen}`
      await page.screenshot({ path: join(folder, `${name}-${theme}-${place}.png`) })
    }
    await page.goto(`${system.telegram}?theme=${theme}&language=${language}&user=${user++}`)
    await walkScreens(page, language, look)
    await page.context().close()
  }
}
await system.endNode('node-1', 'SIGTERM')
for (const theme of ['light', 'dark'] as const) {
  for (const language of ['en', 'ru'] as const) {
    const page = await (await browser.newContext(phone)).newPage()
    await page.goto(`${system.telegram}?theme=${theme}&language=${language}&user=${user++}`)
    await page.locator('.starters button').last().click()
    await page.getByRole('alert').waitFor()
    await page.screenshot({ path: join(folder, `phone-${language}-${theme}-90-no-machine.png`) })
    await page.context().close()
  }
}
await browser.close()
await system.stop()
console.log(`pictures in ${folder}`)
process.exit(0)
