// `npm run pack -- --prove`: does what a new provider does. Installs the package in an empty folder far from here, runs
// init, doctor and run there, asks the node a question through a broker, looks at its status, drains it.
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createClient, keySignIn } from '@cocoon/client'
import { createSigner } from '@cocoon/protocol'
import { DEMO_MODEL, startSystem } from './system.ts'

const PATIENCE = 60_000
const INSTALL = 300_000
const run = promisify(execFile)

const dist = resolve('dist')
const tarball = readdirSync(dist).find((name) => /^cocoon-worker-node-.*\.tgz$/.test(name))
if (!tarball) throw new Error('no package in dist: npm run pack')
const folder = mkdtempSync(join(tmpdir(), 'cocoon-provider-'))
const system = await startSystem({ nodes: 0 })
const began = Date.now()
const seconds = (): number => Math.round((Date.now() - began) / 100) / 10
const told: Record<string, number | string> = {}
// As on a machine that knows nothing of this checkout.
const env = { PATH: process.env['PATH'], HOME: folder }
const worker = async (...args: string[]): Promise<string> => {
  return (await run(join(folder, 'node_modules/.bin/worker-node'), args, { cwd: folder, env })).stdout
}
let node: ReturnType<typeof spawn> | undefined
try {
  await run('npm', ['install', '--no-audit', '--no-fund', join(dist, tarball)], { cwd: folder, timeout: INSTALL })
  told['installed'] = seconds()
  const heavy = readdirSync(join(folder, 'node_modules/@node-llama-cpp')).filter((name) => /cuda|vulkan/.test(name))
  if (heavy.length > 0) throw new Error(`nobody asked for ${heavy.join(', ')}`)
  const flags = [
    '--broker',
    system.origin,
    '--state',
    join(folder, 'state'),
    '--health-port',
    '0',
    '--engine',
    'embedded',
  ]
  await worker('init', '--yes', ...flags)
  console.error(await worker('doctor'))
  told['examined'] = seconds()
  node = spawn(join(folder, 'node_modules/.bin/worker-node'), ['run'], { cwd: folder, env, stdio: ['ignore', 2, 2] })
  const ended = new Promise<number | null>((done) => node?.on('exit', done))
  await untilServed()
  told['joined'] = seconds()
  told['answer'] = await question()
  told['answered'] = seconds()
  const status = JSON.parse(await worker('status', '--json')) as { models: { answered: number }[] }
  if (status.models[0]?.answered !== 1) throw new Error('the status does not know of the answer')
  await worker('drain')
  if ((await ended) !== 0) throw new Error('the node did not end well')
  told['drained'] = seconds()
  console.log(JSON.stringify({ ok: true, package: tarball, ...told }))
} finally {
  node?.kill('SIGKILL')
  await system.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function untilServed(): Promise<void> {
  for (const since = Date.now(); Date.now() - since < PATIENCE;) {
    const { models } = (await (await fetch(`${system.origin}/api/models`)).json()) as { models: { nodes: number }[] }
    if ((models[0]?.nodes ?? 0) > 0) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('the node did not join')
}

async function question(): Promise<string> {
  const signIn = keySignIn(await createSigner())
  const client = createClient({ origin: system.origin, network: 'localnet', signIn })
  let text = ''
  const messages = [{ role: 'user' as const, content: 'Repeat this word: package' }]
  for await (const event of client.ask({ model: DEMO_MODEL.id, messages })) {
    if (event.type === 'delta') text += event.text
  }
  client.close()
  if (!text.includes('package')) throw new Error('the answer is another one')
  return text.trim()
}
