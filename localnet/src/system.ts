import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, type WriteStream, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ChainControl } from './chain/control.ts'
import { type SimulatedTee, simulatedTeeFlags } from './attested-node.ts'
import { bundleDigest, bundleFiles } from '../../scripts/bundle.mjs'
import { Supervisor } from './supervisor.ts'
import { serveTelegram, TEST_BOT_TOKEN } from './telegram.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Whose machines a build trusts: simulated ones, or real ones as every build for people does. */
export type Roots = 'development' | 'production'
const folderOf = (roots: Roots): string => (roots === 'development' ? 'dist/localnet' : 'dist/localnet-production')
const PATIENCE = 30_000
const BLOCK_MS = 2_000

/** The one model of a localnet, as the broker describes it. */
export const DEMO_MODEL = {
  id: 'cocoon-demo',
  name: 'Cocoon demo',
  about: 'A tiny model for trying the app. It knows a few things about Cocoon and may be wrong about them.',
}

export interface SystemOptions {
  /** All broker storage and every log land here, and stay. Without it a temporary folder is used and removed. */
  readonly state?: string
  readonly nodes?: number
  readonly build?: boolean
  readonly port?: number
  /** Gets every line of every process. */
  readonly line?: (name: string, line: string) => void
  /** Settings of the broker, over those of localnet. */
  readonly settings?: Readonly<Record<string, string>>
  /** Called when a process ends by itself after the start; how it ended, and its last lines. */
  readonly failed?: (how: string) => void
  /** What the nodes connect to instead of the broker itself. */
  readonly nodeBroker?: (origin: string) => Promise<string>
  /** Starts a development chain too, with a block every two seconds and the Registry on it. */
  readonly chain?: boolean
  /** Nodes show evidence of simulated machines; makers and owners are simulated too. */
  readonly attested?: boolean
  /** `production`: broker and Mini App trust no simulated machine. */
  readonly roots?: Roots
}

export interface System {
  /** The Mini App and its API. */
  readonly origin: string
  /** Opens the Mini App as Telegram would. */
  readonly telegram: string
  readonly state: string
  /** The development chain, if one was asked for. */
  readonly chain: ChainControl | undefined
  /** Where simulated makers and owners are (run-makers.ts), if nodes are attested. */
  readonly makers: string | undefined
  /** `tee`: what its simulated machine is like; null for a node that shows nothing. */
  startNode(name: string, args?: readonly string[], tee?: SimulatedTee | null): Promise<void>
  endNode(name: string, signal: NodeJS.Signals): Promise<void>
  /** Ends the broker, as a crash (SIGKILL) or a stop would. Nothing listens at its address then. */
  endBroker(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again where it was: same address, same storage, same secrets. Resolves when it listens. */
  startBroker(): Promise<void>
  /** Both. Nodes and clients come back by themselves. */
  restartBroker(signal?: NodeJS.Signals): Promise<void>
  stop(): Promise<void>
}

/** Builds, then starts broker, node and test Telegram on free ports. Rejects, with everything stopped, when one fails. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { nodes = 1, build = true, port = 0, roots = 'development' } = options
  const temporary = options.state === undefined
  const state = options.state ? resolve(options.state) : mkdtempSync(join(tmpdir(), 'cocoon-localnet-'))
  mkdirSync(join(state, 'logs'), { recursive: true })
  const logs = new Map<string, WriteStream>()
  const line = (name: string, text: string): void => {
    if (!logs.has(name)) logs.set(name, createWriteStream(join(state, 'logs', `${name}.log`), { flags: 'a' }))
    logs.get(name)?.write(`${text}\n`)
    options.line?.(name, text)
  }
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  let up = false
  const supervisor = new Supervisor((_, how) => {
    failure.reject(new Error(how))
    if (up) options.failed?.(how)
  })
  let telegram: Awaited<ReturnType<typeof serveTelegram>> | undefined
  const stop = async (): Promise<void> => {
    await supervisor.stop()
    telegram?.server.closeAllConnections()
    telegram?.server.close()
    await Promise.all([...logs.values()].map((log) => new Promise((done) => log.end(done))))
    if (temporary) rmSync(state, { recursive: true, force: true })
  }
  const startUp = async (): Promise<System> => {
    if (build) await buildBundle(line, roots)
    const digest = options.attested ? bundleDigest(bundleFiles(resolve(root, folderOf(roots), 'client'))) : ''
    const makers = options.attested ? await startMakers(supervisor, line, digest) : undefined
    // A chain takes longer to come up than anything else here, and waits for nothing else.
    const chainPort = options.chain ? await freePort() : 0
    const chainUp = options.chain ? startChain(supervisor, line, { port: chainPort, makers }) : undefined
    chainUp?.catch((error: unknown) => failure.reject(error instanceof Error ? error : new Error(String(error))))
    const bindings = {
      NETWORK: 'localnet',
      MODELS: JSON.stringify([DEMO_MODEL]),
      TRIAL_QUESTIONS: '1000',
      TRIAL_FOR_KEYS: '1000',
      SESSION_SECRET: randomBytes(32).toString('hex'),
      BOT_TOKEN: TEST_BOT_TOKEN,
      ...(makers ? { REGISTRY_SOURCE: `${makers}/standing.cbor`, ENDORSEMENT_SOURCE: `${makers}/makers` } : {}),
      ...(makers && options.chain ? await chainSettings(chainPort) : {}),
      ...options.settings,
    }
    const env = {
      BUNDLE: resolve(root, folderOf(roots)),
      STATE: join(state, 'storage'),
      BINDINGS: JSON.stringify(bindings),
    }
    const listen = (at: string): Promise<string> =>
      supervisor.start('broker', resolve(root, 'localnet/src/run-broker.ts'), {
        env: { ...env, PORT: at },
        line,
        announces: true,
      })
    const origin = await listen(String(port))
    const endBroker = (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => supervisor.end('broker', signal)
    const startBroker = async (): Promise<void> => void (await listen(new URL(origin).port))
    const nodeBroker = (await options.nodeBroker?.(origin)) ?? origin
    const startNode = async (
      name: string,
      args: readonly string[] = [],
      tee: SimulatedTee | null = makers ? {} : null,
    ): Promise<void> => {
      const shown = tee ? await simulatedTeeFlags(state, tee) : []
      const common = ['--broker', nodeBroker, '--network', 'localnet', '--log', 'json', '--benchmark', 'off']
      await supervisor.start(name, resolve(root, 'worker-node/src/main.ts'), {
        args: [...common, ...shown, ...args],
        line,
      })
    }
    for (let n = 1; n <= nodes; n++) await startNode(`node-${n}`)
    await untilServed(origin, nodes)
    telegram = await serveTelegram(origin)
    return {
      origin,
      telegram: telegram.url,
      state,
      chain: await chainUp,
      makers,
      startNode,
      endNode: (name, how) => supervisor.end(name, how),
      endBroker,
      startBroker,
      async restartBroker(signal) {
        await endBroker(signal)
        await startBroker()
      },
      stop,
    }
  }
  try {
    const system = await Promise.race([startUp(), failure.promise])
    up = true
    return system
  } catch (error) {
    await stop()
    throw error
  }
}

type Line = (name: string, text: string) => void

function startMakers(supervisor: Supervisor, line: Line, bundle: string): Promise<string> {
  const file = resolve(root, 'localnet/src/run-makers.ts')
  return supervisor.start('makers', file, { line, announces: true, env: { BUNDLE_DIGEST: bundle } })
}

/** What makes the broker compare the owners' statement with what the chain announces. */
async function chainSettings(port: number): Promise<Record<string, string>> {
  const { developmentRegistry } = await import('./chain/deployment.ts')
  return { CHAIN_API: `http://127.0.0.1:${port}`, REGISTRY_ADDRESS: await developmentRegistry() }
}

/** The broker has to know where the chain will be before either is up. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

async function startChain(
  supervisor: Supervisor,
  line: Line,
  { port, makers }: { port: number; makers: string | undefined },
): Promise<ChainControl> {
  const announced = makers && (await (await fetch(`${makers}/admin/anchor`)).text())
  const env = { PACE: String(BLOCK_MS), PORT: String(port), ...(announced ? { ANNOUNCE: announced } : {}) }
  const file = resolve(root, 'localnet/src/run-chain.ts')
  return new ChainControl(await supervisor.start('chain', file, { env, line, announces: true }))
}

/** Vite runs in a process of its own: it would keep hundreds of megabytes here. */
export async function buildBundle(line: Line, roots: Roots = 'development'): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      resolve(root, 'node_modules/vite/bin/vite.js'),
      'build',
      '--logLevel',
      'warn',
      '--outDir',
      `../${folderOf(roots)}`,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Whoever starts it (a test runner says `test`), what is built is what people get.
      env: { ...process.env, NODE_ENV: 'production', COCOON_NETWORK: 'localnet', COCOON_ROOTS: roots },
    },
  )
  const last: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (text) => {
      last.push(text)
      line('build', text)
    })
  }
  const code = await new Promise((done) => child.on('exit', done))
  if (code !== 0) throw new Error(`the build failed:\n${last.slice(-20).join('\n')}`)
}

async function untilServed(origin: string, nodes: number): Promise<void> {
  const began = Date.now()
  while (Date.now() - began < PATIENCE) {
    const response = await fetch(`${origin}/api/models`)
    const { models } = (await response.json()) as { models?: { nodes: number }[] }
    if (models === undefined) throw new Error(`the broker failed its first request with status ${response.status}`)
    if ((models[0]?.nodes ?? 0) >= nodes) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`no node joined within ${PATIENCE / 1000} s`)
}

/** Where the running system can be found by `npm run ask`. */
export const RUNNING_FILE = resolve(root, '.state/running.json')

export function announceRunning(origin: string): () => void {
  mkdirSync(resolve(root, '.state'), { recursive: true })
  writeFileSync(RUNNING_FILE, JSON.stringify({ origin, network: 'localnet', pid: process.pid }))
  return () => rmSync(RUNNING_FILE, { force: true })
}
