// What `npm start`, `npm test` and the other scripts at the root run. Needs nothing but Node 20 and npm: it installs what
// is missing from the lock file, then goes on under the Node version the project pins.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
const bin = resolve('node_modules/.bin')
const node = resolve(bin, process.platform === 'win32' ? 'node.cmd' : 'node')
const [verb, ...args] = process.argv.slice(2)

const tool = (path, ...rest) => ({ command: node, args: [resolve('node_modules', path), ...rest] })
const script = (path, ...rest) => ({ command: node, args: [path, ...rest] })
const vite = () => tool('vite/bin/vite.js', 'build')
const types = () =>
  tool('wrangler/bin/wrangler.js', 'types', 'functions/worker-configuration.d.ts', '--strict-vars=false')
const rooms = [
  'protocol',
  'protocol/test/node',
  'protocol/fuzz',
  'contracts',
  'client',
  'functions',
  'worker-node',
  'web',
  'localnet',
  'e2e',
  'bench',
  '.',
]

/** Each verb is a list of steps; the first that fails ends it. */
const verbs = {
  start: () => [script('localnet/src/start.ts', ...args)],
  smoke: () => [script('localnet/src/smoke.ts', ...args)],
  ask: () => [clientScript('client/src/cli.ts')],
  verify: () => [clientScript('client/src/verify-cli.ts')],
  bench: () => [{ command: node, args: [...rootsOf('localnet'), 'bench/bench.ts', ...args] }],
  build: () => [vite()],
  bundle: () => [
    vite(),
    { command: node, args: [...rootsOf(process.env.COCOON_NETWORK), 'scripts/bundle.mjs', ...args] },
  ],
  // `npm run pack -- --prove` also installs it in an empty folder, and lets it answer a question from there.
  pack: () => [
    script('scripts/pack-node.mjs'),
    ...(args.includes('--prove') ? [script('localnet/src/prove-package.ts')] : []),
  ],
  deploy: () => [vite(), tool('wrangler/bin/wrangler.js', 'deploy', '-c', deployConfig(), ...args)],
  test: () => [{ ...tool('vitest/vitest.mjs', 'run', ...args), browser: true }],
  check: () => [
    { ...types(), quiet: true },
    tool('oxlint/bin/oxlint'),
    tool('oxfmt/bin/oxfmt', '--check'),
    tool('typescript/bin/tsc', '-b', ...rooms),
    tool('knip/bin/knip.js'),
  ],
  fix: () => [tool('oxlint/bin/oxlint', '--fix'), tool('oxfmt/bin/oxfmt')],
}

const plan = verbs[verb]
if (!plan) {
  console.error(`usage: npm run ${Object.keys(verbs).join(' | ')}`)
  process.exit(2)
}
install()
for (const step of plan()) await runStep(step)

function deployConfig() {
  const declared = /^NETWORK = "(\w+)"/m.exec(readFileSync('wrangler.toml', 'utf8'))?.[1]
  const network = process.env.COCOON_NETWORK ?? declared
  return `dist/${network}/cocoon/wrangler.json`
}

/**
 * Where the system that `npm start` runs can be asked. Its network comes with its address and never with another one: a
 * client on localnet accepts nodes that prove nothing.
 */
function running() {
  const elsewhere = process.env.COCOON_BROKER || args.some((argument) => /^--(broker|network)\b/.test(argument))
  if (!['ask', 'verify'].includes(verb) || elsewhere || !existsSync('.state/running.json')) return {}
  const { origin, network } = JSON.parse(readFileSync('.state/running.json', 'utf8'))
  return { COCOON_BROKER: origin, COCOON_NETWORK: network }
}

/** A development network has development roots, and a program has one kind only (docs/decisions/014). */
function clientScript(path) {
  const at = args.findIndex((argument) => /^--network\b/.test(argument))
  const named = at === -1 ? undefined : (args[at].split('=')[1] ?? args[at + 1])
  const network = named ?? running().COCOON_NETWORK ?? process.env.COCOON_NETWORK
  return { command: node, args: [...rootsOf(network), path, ...args] }
}

function rootsOf(network) {
  return network === 'localnet' ? ['--conditions=cocoon-development'] : []
}

/** Installs once for each state of the lock file. */
function install() {
  const stamp = 'node_modules/.lock-digest'
  const digest = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex')
  if (existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  console.error('installing packages, once ...')
  const began = Date.now()
  const npm = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // Standard output is kept for what the verb itself prints: `npm run smoke` ends with a line of JSON.
  const { status } = spawnSync('npm', npm, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (status !== 0) {
    console.error('npm ci failed; the lines above say why')
    process.exit(status ?? 1)
  }
  writeFileSync(stamp, digest)
  console.error(`installed in ${Math.round((Date.now() - began) / 1000)} s`)
}

/** Tests need a Chromium. Root on Debian gets one; everybody else is told how. */
async function needBrowser() {
  const { findBrowser } = await import('./browser.mjs')
  if (findBrowser()) return
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.error("installing Debian's chromium, once ...")
    const apt = (...rest) => spawnSync('apt-get', rest, { stdio: ['ignore', 'ignore', 2] }).status === 0
    if (apt('update') && apt('install', '-y', '--no-install-recommends', 'chromium') && findBrowser()) return
  }
  console.error("No Chromium was found. Install one: `npx playwright install chromium`, or your system's package")
  console.error('(`apt-get install chromium`), or set CHROMIUM_PATH to the browser you have. Then run this again.')
  process.exit(2)
}

async function runStep({ command, args: stepArgs, quiet, browser }) {
  if (browser) await needBrowser()
  const child = spawn(command, stepArgs, {
    stdio: ['inherit', quiet ? 'ignore' : 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      ...running(),
      PATH: bin + delimiter + process.env.PATH,
      // No tool calls home, and none keeps traces of requests.
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_SEND_ERROR_REPORTS: 'false',
      WRANGLER_LOG_PATH: resolve('.wrangler/logs'),
      X_LOCAL_OBSERVABILITY: 'false',
      DO_NOT_TRACK: '1',
    },
  })
  const forward = (signal) => {
    // A terminal sends Ctrl-C to the whole group already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  const parent = process.ppid
  const orphaned = setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM')
  }, 500)
  const code = await new Promise((done) => child.on('exit', (status, signal) => done(status ?? (signal ? 1 : 0))))
  clearInterval(orphaned)
  for (const signal of signals) process.off(signal, forward)
  if (code !== 0) process.exit(code)
}
