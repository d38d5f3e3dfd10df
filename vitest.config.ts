import { cloudflareTest } from '@cloudflare/vitest-plugin'
import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { browserArgs, findBrowser } from './scripts/browser.mjs'

const browser = findBrowser()
const wrangler = { configPath: './wrangler.toml' }
const development = { conditions: ['cocoon-development'] }
const workerd = () => cloudflareTest({ wrangler })
// A broker of a development network; its secrets are worth nothing.
const broker = () =>
  cloudflareTest({
    wrangler,
    miniflare: {
      bindings: {
        NETWORK: 'localnet',
        REGIONS: 'world',
        MODELS: JSON.stringify([{ id: 'cocoon-demo', name: 'Demo', about: 'A small model for tests' }]),
        TRIAL_QUESTIONS: '10',
        TRIAL_FOR_KEYS: '100',
        // Answered by the tests of attestation themselves; see functions/test/machine-room.ts.
        REGISTRY_SOURCE: 'https://owners.test/standing.cbor',
        ENDORSEMENT_SOURCE: 'https://makers.test',
        CHAIN_API: 'https://chain.test',
        REGISTRY_ADDRESS: `0:${'5e'.repeat(32)}`,
        SESSION_SECRET: 'a secret of the tests, and of nobody else',
        BOT_TOKEN: '123456:a-token-of-the-tests-and-of-nobody-else',
      },
    },
  })
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
    // The broker's own log lines, one an event, would bury the results.
    onConsoleLog: (line) => !line.startsWith('{"event":'),
    projects: [
      { test: { name: 'protocol', include: conformance } },
      // One isolate for all files: nothing here keeps state, and a fresh workerd for each takes six times as long.
      {
        plugins: [workerd()],
        test: { name: 'protocol-workerd', include: conformance, exclude: nodeOnly, isolate: false },
      },
      { test: { name: 'protocol-chromium', include: conformance, exclude: nodeOnly, browser: chromium() } },
      { test: { name: 'contracts', include: ['contracts/test/**/*.test.ts'], testTimeout: 30_000 } },
      {
        resolve: development,
        ssr: { resolve: development },
        test: { name: 'client', include: ['client/test/**/*.test.ts'] },
      },
      {
        plugins: [broker()],
        // Simulated machines are appraised here, so the build has their roots.
        resolve: development,
        ssr: { resolve: development },
        test: { name: 'functions', include: ['functions/test/**/*.test.ts'], isolate: false },
      },
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
