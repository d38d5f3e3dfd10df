// Where a Chromium may be: an explicit path, the distributions' packages, then whatever Playwright installed for itself.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright'

const known = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** @returns {string | undefined} the path of a browser that exists */
export function findBrowser() {
  return [process.env['CHROMIUM_PATH'], ...known, chromium.executablePath()].find((path) => path && existsSync(path))
}

/** No sandbox as root, and no calls home: tests must run without any network. */
export const browserArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
