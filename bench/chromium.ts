import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { build, type Rolldown } from 'vite'
import { browserArgs, findBrowser } from '../scripts/browser.mjs'

/** An isolated page has a clock of 5 microseconds; any other has one of 100, in which a signature takes no time. */
const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/** Runs one exported function of a module of this room in Chromium, as a page would, and returns what it returns. */
export async function inChromium<T>(module: string, name: string): Promise<T> {
  const page = await bundle(module)
  // WebCrypto exists on secure origins only, and loopback is one.
  const server = createServer((request, response) => {
    const script = request.url === '/module.js'
    response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html', ...isolated })
    response.end(script ? page : '<!doctype html><title>bench</title>')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const executablePath = findBrowser()
  const browser = await chromium.launch({ args: browserArgs, ...(executablePath ? { executablePath } : {}) })
  try {
    const tab = await browser.newPage()
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    return (await tab.evaluate(
      async ([path, exported]) => ((await import(path)) as Record<string, () => Promise<unknown>>)[exported]?.(),
      ['/module.js', name] as const,
    )) as T
  } finally {
    await browser.close()
    server.close()
  }
}

async function bundle(module: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('..', import.meta.url)),
    build: {
      write: false,
      lib: { entry: fileURLToPath(new URL(module, import.meta.url)), formats: ['es'] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  })
  const { output } = (Array.isArray(built) ? built[0] : built) as Rolldown.RolldownOutput
  return output[0].code
}
