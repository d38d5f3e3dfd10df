import { buildBundle, startSystem, type System } from '@cocoon/localnet'
import type { SwitchName } from '@cocoon/localnet/tee'
import { readFile } from 'node:fs/promises'
import { readProof } from '@cocoon/protocol/appraisal'
import { hex, sha256 } from '@cocoon/protocol'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, phone } from './browser.ts'
import { forgeBroker, type ForgedMachine, forgeMachine } from './forged-machine.ts'

const DAY = 86_400

describe('a build for real machines', () => {
  it('refuses a simulated one, and says so', async () => {
    await buildBundle(() => undefined, 'production')
    const system = await startSystem({ build: false, attested: true, roots: 'production', nodes: 0 })
    const browser = await openBrowser()
    try {
      const page = await (await browser.newContext(phone)).newPage()
      const machine = await forgeMachine()
      const { sockets } = await forgeBroker(page, machine)
      await page.goto(`${system.telegram}?user=3301`)
      await page.getByLabel('Ask privately').fill('Anything')
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('alert').getByText('this app trusts real machines only').waitFor()
      await page.getByRole('alert').getByText('Nothing left this device').waitFor()
      expect(sockets.filter((url) => url.includes(machine.nodeId))).toEqual([])
    } finally {
      await browser.close()
      await system.stop()
    }
  })
})

describe('the proof of a machine, as a person sees it', () => {
  let system: System
  let browser: Browser
  beforeAll(async () => {
    system = await startSystem({ build: false, attested: true })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
  })

  async function openChat(user: number): Promise<Page> {
    const page = await (await browser.newContext({ ...phone, acceptDownloads: true })).newPage()
    await page.goto(`${system.telegram}?user=${user}`)
    return page
  }
  const answers = (page: Page) => page.getByRole('article', { name: 'Answer' })
  async function send(page: Page, question: string): Promise<void> {
    await page.getByLabel('Ask privately').fill(question)
    await page.getByRole('button', { name: 'Send' }).click()
  }

  it('is shown under the answer, step by step, stays with the conversation, and can be taken elsewhere', async () => {
    const page = await openChat(3001)
    await send(page, 'Repeat this word: silkworm')
    await answers(page).getByText('silkworm').waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
    await page.getByText('Development machine, not private').first().waitFor()
    await page.reload()
    await answers(page)
      .getByRole('button', { name: /^Development machine/ })
      .click()
    const sheet = page.getByRole('dialog', { name: 'Development machine, not private' })
    const software = sheet.getByRole('button', { name: 'Runs exactly the published software' })
    await software.click()
    await sheet.getByText('workload.register').waitFor()
    expect(await sheet.getByRole('button', { expanded: true }).count()).toBe(1)
    await sheet.getByText('your words too: it is simulated').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      sheet.getByRole('button', { name: 'Export' }).click(),
    ])
    const proof = readProof(await readFile(await download.path(), 'utf8'))
    expect(download.suggestedFilename()).toBe(`cocoon-proof-${hex(await sha256(proof.evidence)).slice(0, 12)}.json`)
  })

  /** Asks at a broker that shows this, and says what the person reads. Nothing may have been sealed to the machine. */
  async function refused(user: number, machine: ForgedMachine, on?: Page): Promise<string> {
    const page = on ?? (await openChat(user))
    const { sockets } = await forgeBroker(page, machine)
    await send(page, 'A question that nobody may read')
    const notice = page.getByRole('alert')
    await notice.waitFor()
    await notice.getByText('Nothing left this device').waitFor()
    expect(sockets.filter((url) => url.includes(machine.nodeId))).toEqual([])
    return (await notice.innerText()).replaceAll('\n', ' ')
  }

  it.each<[what: string, rule: SwitchName, says: RegExp]>([
    ["yesterday's evidence", 'claims-expired', /from another day/],
    ['a debug TD', 'td-debug', /debug mode: its owner can read everything/],
    ['an out-of-date TCB', 'tcb-out-of-date', /firmware of this machine is not up to date/],
    ['a changed workload', 'workload-other', /runs something else than the published software/],
    ['a forged registry statement', 'registry-forged', /not signed by Cocoon’s owners/],
    ['a stale stamp', 'stamp-stale', /sign of life from Cocoon’s owners is too old/],
    ['a revoked machine', 'revoked-node', /took this machine or its software off the list/],
  ])('ends in a refusal that says why: %s', async (_, rule, says) => {
    expect(await refused(3100, await forgeMachine({ broken: [rule] }))).toMatch(says)
  })

  it('refuses evidence that belongs to another machine', async () => {
    const honest = await forgeMachine()
    expect(await refused(3201, await forgeMachine({ evidenceOf: honest }))).toMatch(
      /key that was offered belongs to another machine/,
    )
  })

  it("refuses another node's prekey", async () => {
    const honest = await forgeMachine()
    expect(await refused(3202, await forgeMachine({ nodeId: honest.nodeId }))).toMatch(/another machine/i)
  })

  it('refuses a registry statement that is older than the one it saw, also after a reload', async () => {
    const page = await openChat(3203)
    await send(page, 'Repeat this word: harbour')
    await answers(page).getByText('harbour').waitFor()
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
    await page.reload()
    const older = await forgeMachine({ publishedAgo: DAY + 3600 })
    const fresh = await forgeMachine()
    const machine = { ...fresh, standing: older.standing }
    expect(await refused(3203, machine, page)).toMatch(/older list than the one you saw before/)
    const why = page.getByRole('button', { name: 'What was checked' })
    await why.click()
    await page
      .getByRole('dialog', { name: 'Refused' })
      .getByText(/registry-rollback/)
      .waitFor()
  })

  it('recovers from junk collateral once good comes', async () => {
    const page = await openChat(3204)
    const junk = await forgeMachine({ broken: ['crl-forged'] })
    expect(await refused(3204, junk, page)).toMatch(/firmware|hardware/)
    await page.unrouteAll({ behavior: 'wait' })
    await page.getByRole('button', { name: 'Ask another machine' }).click()
    await answers(page).waitFor()
    await answers(page)
      .getByRole('button', { name: /^Development machine/ })
      .waitFor()
  })
})
