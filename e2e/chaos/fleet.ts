import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DEMO_MODEL, TEST_BOT_TOKEN } from '@cocoon/localnet'
import { FaultProxy } from './fault-proxy.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** How long a process may take to say that it is there. Milliseconds. */
const START_PATIENCE = 60_000

export interface FleetOptions {
  /** The broker's storage lands here, and stays. */
  readonly state: string
  readonly settings?: Readonly<Record<string, string>>
  /** Gets every line of every process. */
  readonly line?: (name: string, text: string) => void
  /** Settings of every node, as flags. */
  readonly nodeArgs?: readonly string[]
}

/** Every process ends with this one, on any way out but SIGKILL, and then by its IPC channel. */
const running = new Set<Daemon>()
process.on('exit', () => {
  for (const daemon of running) daemon.signal('SIGKILL')
})

/** One process in a group of its own. */
class Daemon {
  readonly name: string
  readonly #child: ChildProcess
  readonly ended: Promise<void>
  alive = true

  constructor(
    name: string,
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    line: (text: string) => void,
  ) {
    this.name = name
    this.#child = spawn(process.execPath, [resolve(root, file), ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface(stream).on('line', line)
    }
    running.add(this)
    this.ended = this.#untilEnded()
  }

  async #untilEnded(): Promise<void> {
    await once(this.#child, 'exit')
    this.alive = false
    running.delete(this)
  }

  /** The first message of the process: where it listens. */
  async announced(): Promise<string> {
    const told = once(this.#child, 'message').then(([message]) => (message as { url: string }).url)
    const gone = this.ended.then(() => Promise.reject(new Error(`${this.name} ended before it listened`)))
    return Promise.race([told, gone])
  }

  tell(message: object): void {
    if (this.alive && this.#child.connected) this.#child.send(message, () => undefined)
  }

  signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid) process.kill(-this.#child.pid, signal)
    } catch {
      // The group is gone.
    }
  }
}

/** A node, behind a line of its own to the broker. */
export class FleetNode {
  readonly name: string
  readonly proxy: FaultProxy
  readonly #daemon: Daemon
  /** First digits of its node id, once it said so. */
  id = ''
  /** All of its node id, once a client saw it. */
  fullId = ''
  /** As its own log says: joined at the broker. */
  up = false
  /** It was up at least once. */
  joined = false
  readonly #line: (text: string) => void

  constructor(name: string, proxy: FaultProxy, args: readonly string[], line: (text: string) => void) {
    this.name = name
    this.proxy = proxy
    this.#line = line
    const common = ['--broker', proxy.origin, '--network', 'localnet', '--log', 'json', '--benchmark', 'off', ...args]
    this.#daemon = new Daemon(name, 'worker-node/src/main.ts', common, {}, (text) => this.#read(text))
  }

  get alive(): boolean {
    return this.#daemon.alive
  }

  get ended(): Promise<void> {
    return this.#daemon.ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#daemon.signal(signal)
  }

  #read(text: string): void {
    this.#line(text)
    if (!text.startsWith('{')) return
    const { event, why } = JSON.parse(text) as { event?: string; why?: string }
    if (event === 'node.started') this.id = /node ([0-9a-f]+)/.exec(why ?? '')?.[1] ?? ''
    if (event === 'link.up') this.up = this.joined = true
    if (event === 'link.down') this.up = false
  }
}

/** The broker and its nodes as processes of this machine, which may be killed, stopped, restarted and evicted. */
export class Fleet {
  readonly nodes: FleetNode[] = []
  readonly #options: FleetOptions
  readonly #settings: Readonly<Record<string, string>>
  /** Those that left too. */
  readonly #known: FleetNode[] = []
  #broker: Daemon | undefined
  #port = 0
  #named = 0

  private constructor(options: FleetOptions) {
    this.#options = options
    this.#settings = {
      NETWORK: 'localnet',
      MODELS: JSON.stringify([DEMO_MODEL]),
      TRIAL_QUESTIONS: '999999',
      TRIAL_FOR_KEYS: '999999',
      // The broker that comes back must know the sessions of the one before.
      SESSION_SECRET: randomBytes(32).toString('hex'),
      BOT_TOKEN: TEST_BOT_TOKEN,
      ...options.settings,
    }
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    mkdirSync(options.state, { recursive: true })
    const fleet = new Fleet(options)
    await fleet.startBroker()
    return fleet
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  /** Where the broker keeps what it stores. */
  get storage(): string {
    return join(this.#options.state, 'storage')
  }

  get brokerAlive(): boolean {
    return this.#broker?.alive ?? false
  }

  /** Starts the broker on the storage and the port it had before. */
  async startBroker(): Promise<void> {
    const env = {
      BUNDLE: resolve(root, 'dist/localnet'),
      STATE: this.storage,
      PORT: String(this.#port),
      BINDINGS: JSON.stringify(this.#settings),
    }
    const line = (text: string): void => this.#options.line?.('broker', text)
    this.#broker = new Daemon('broker', 'e2e/chaos/evicting-broker.ts', [], env, line)
    this.#port = Number(new URL(await this.#broker.announced()).port)
  }

  /** Ends the broker at once, as a crash would, or as told. */
  async endBroker(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#broker?.signal(signal)
    await this.#broker?.ended
  }

  /** Puts objects of the broker to sleep; their sockets stay open. */
  evict(className: string, name: string): void {
    this.#broker?.tell({ evict: { className, name } })
  }

  /** The name of the node with this id; the digits themselves when it has left. */
  nameOf(id: string): string {
    const node = this.#known.find((candidate) => candidate.id !== '' && id.startsWith(candidate.id))
    if (node) node.fullId = id
    return node?.name ?? id.slice(0, 16)
  }

  /** The name of the node with this id, and whether it is there. */
  whereabouts(id: string): string {
    const node = this.#known.find((candidate) => candidate.id !== '' && id.startsWith(candidate.id))
    return node ? `${node.name} (${node.alive ? 'alive' : 'gone'})` : id
  }

  /** Resolves once the node has joined. */
  async startNode(): Promise<FleetNode> {
    const name = `node-${++this.#named}`
    const line = (text: string): void => this.#options.line?.(name, text)
    const node = new FleetNode(name, await FaultProxy.open(this.#port), this.#options.nodeArgs ?? [], line)
    this.nodes.push(node)
    this.#known.push(node)
    void node.ended.then(() => {
      this.nodes.splice(this.nodes.indexOf(node), 1)
      return node.proxy.close()
    })
    const began = Date.now()
    while (!node.joined) {
      if (!node.alive) throw new Error(`${name} ended before it joined`)
      if (Date.now() - began > START_PATIENCE) throw new Error(`${name} did not join`)
      await new Promise((done) => setTimeout(done, 20))
    }
    return node
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) {
      node.signal('SIGCONT')
      node.proxy.heal()
      node.signal('SIGTERM')
    }
    const late = setTimeout(() => {
      for (const node of this.nodes) node.signal('SIGKILL')
    }, 8_000)
    await Promise.all(this.nodes.map(({ ended }) => ended))
    clearTimeout(late)
    await this.endBroker('SIGTERM')
  }
}
