import { chromium, type Browser } from 'playwright'
import { browserArgs, findBrowser } from '../scripts/browser.mjs'

export function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser()
  return chromium.launch({ args: browserArgs, ...(executablePath ? { executablePath } : {}) })
}

/** A phone, as most people will hold it. */
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }
