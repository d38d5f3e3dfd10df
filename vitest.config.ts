import { cloudflareTest } from '@cloudflare/vitest-plugin'
import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { browserArgs, findBrowser } from './scripts/browser.mjs'

const browser = findBrowser()
const workerd = () => cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })
// Made afresh for each project: vitest changes the object it is given.
const chromium = () => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({ launchOptions: { args: browserArgs, ...(browser ? { executablePath: browser } : {}) } }),
  instances: [{ browser: 'chromium' as const }],
})
const conformance = ['protocol/test/**/*.test.ts']
// What needs files or foreign vectors runs in Node alone; the rest of the protocol runs on every runtime that ships it.
const nodeOnly = ['protocol/test/node/**']

export default defineConfig({
  test: {
    reporters: ['default', './scripts/tally.mjs'],
    projects: [
      { test: { name: 'protocol', include: conformance } },
      { plugins: [workerd()], test: { name: 'protocol-workerd', include: conformance, exclude: nodeOnly } },
      { test: { name: 'protocol-chromium', include: conformance, exclude: nodeOnly, browser: chromium() } },
      { test: { name: 'client', include: ['client/test/**/*.test.ts'] } },
      { plugins: [workerd()], test: { name: 'functions', include: ['functions/test/**/*.test.ts'] } },
      { test: { name: 'worker-node', include: ['worker-node/test/**/*.test.ts'], testTimeout: 20_000 } },
      { plugins: [react()], test: { name: 'web', include: ['web/test/**/*.test.{ts,tsx}'], environment: 'jsdom' } },
      { test: { name: 'localnet', include: ['localnet/test/**/*.test.ts'] } },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['e2e/build.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
