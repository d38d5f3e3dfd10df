// `npm run vitals -w e2e`: largest paint, layout shift and slowest interaction on a slow phone (1.6 Mbit/s, 150 ms, a quarter
// of this machine's processor), from the running system. One line of JSON.
import { startSystem } from '@cocoon/localnet'
import { openBrowser, phone } from './browser.ts'

/** Milliseconds; bytes a second. */
const LATENCY = 150
const BANDWIDTH = 1_600_000 / 8
const SLOWDOWN = 4

const system = await startSystem()
const browser = await openBrowser()
const page = await (await browser.newContext(phone)).newPage()
const tools = await page.context().newCDPSession(page)
await tools.send('Network.enable')
await tools.send('Network.emulateNetworkConditions', {
  offline: false,
  latency: LATENCY,
  downloadThroughput: BANDWIDTH,
  uploadThroughput: BANDWIDTH,
})
await tools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN })
await page.addInitScript(() => {
  const seen = { lcp: 0, cls: 0, inp: 0 }
  Object.assign(window, { seen })
  const watch = (type: string, take: (entry: PerformanceEntry & Record<string, number>) => void) => {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) take(entry as PerformanceEntry & Record<string, number>)
    })
    observer.observe({ type, buffered: true, durationThreshold: 16 } as PerformanceObserverInit)
  }
  watch('largest-contentful-paint', (entry) => (seen.lcp = entry.startTime))
  watch('layout-shift', (entry) => (seen.cls += entry['hadRecentInput'] ? 0 : (entry['value'] ?? 0)))
  watch('event', (entry) => (seen.inp = Math.max(seen.inp, entry['interactionId'] ? entry.duration : 0)))
})
await page.goto(`${system.telegram}?user=8001`)
await page.getByText('Free · ').waitFor()
await page.waitForTimeout(1000)
const first = await page.evaluate(() => ({ ...(window as unknown as { seen: Record<string, number> }).seen }))
await page.getByRole('button', { name: 'Prompts' }).tap()
await page.getByRole('dialog').getByRole('button', { name: 'Close' }).tap()
await page.getByLabel('Ask privately').tap()
await page.keyboard.type('Tell me a long story about a silkworm', { delay: 40 })
await page.getByRole('button', { name: 'Send' }).tap()
await page.getByRole('article', { name: 'Answer' }).waitFor()
await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached', timeout: 60_000 })
await page.getByRole('button', { name: 'Chats' }).tap()
await page.getByRole('heading', { level: 1 }).waitFor()
await page.waitForTimeout(500)
const { inp } = await page.evaluate(() => (window as unknown as { seen: { inp: number } }).seen)
await browser.close()
await system.stop()
console.log(
  JSON.stringify({
    largestPaintMs: Math.round(first['lcp'] ?? 0),
    layoutShift: Number((first['cls'] ?? 0).toFixed(4)),
    slowestInteractionMs: inp,
  }),
)
process.exit(0)
