// `npm run screenshots -w e2e [-- FOLDER]`: takes pictures of the chat in both themes and three sizes, from the running
// system, for people to look at beside the design.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startSystem } from '@cocoon/localnet'
import type { Page } from 'playwright'
import { openBrowser, phone } from './browser.ts'

const folder = resolve(process.argv[2] ?? 'screenshots')
const sizes = { phone: [390, 844], small: [360, 640], tablet: [820, 1180] } as const
mkdirSync(folder, { recursive: true })

async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Ask privately').fill(question)
  await page.getByRole('button', { name: 'Send' }).click()
}
const untilDone = (page: Page) => page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })

const system = await startSystem()
const browser = await openBrowser()
let user = 3000
for (const theme of ['light', 'dark'] as const) {
  for (const [name, [width, height]] of Object.entries(sizes)) {
    const page = await (await browser.newContext({ ...phone, viewport: { width, height } })).newPage()
    const shoot = (state: string) => page.screenshot({ path: join(folder, `chat-${state}-${name}-${theme}.png`) })
    await page.goto(`${system.telegram}?theme=${theme}&user=${user++}`)
    await page.getByText('Free · ').waitFor()
    await shoot('empty')
    await ask(page, 'Tell me a long story about a silkworm')
    await page.getByRole('article', { name: 'Answer' }).getByText(/\w{3}/).first().waitFor()
    await shoot('streaming')
    await untilDone(page)
    await ask(page, 'Show me a table of who sees what')
    await untilDone(page)
    await page.waitForTimeout(400)
    await shoot('answer')
    await page.context().close()
  }
}
await system.endNode('node-1', 'SIGTERM')
for (const theme of ['light', 'dark'] as const) {
  const page = await (await browser.newContext(phone)).newPage()
  await page.goto(`${system.telegram}?theme=${theme}&user=${user++}`)
  await ask(page, 'Who can read what I ask?')
  await page.waitForTimeout(1500)
  await page.screenshot({ path: join(folder, `chat-failed-phone-${theme}.png`) })
}
await browser.close()
await system.stop()
console.log(`pictures in ${folder}`)
process.exit(0)
