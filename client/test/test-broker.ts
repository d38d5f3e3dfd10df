import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  copy,
  fromBase64url,
  type MatchResponse,
  networks,
  PING,
  PONG,
  signInMessage,
  statementToText,
  SUBPROTOCOL,
  utf8,
  verifySignature,
} from '@cocoon/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import { type AnsweringNode, MODEL, PRICE } from './answering-node.ts'
import { JobLine } from './job-line.ts'

export interface HttpCall {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}
/** What a door answers instead of its own. */
export interface Door {
  readonly status?: number
  readonly body: string | object
  /** Instead of `body`. */
  readonly bytes?: Uint8Array
}

/** Any way of signing in, unread. */
interface SignInText {
  readonly method: string
  readonly time?: number
  readonly key?: string
  readonly signature?: string
  readonly renewal?: string
  readonly initData?: string
}

/** Seconds: how old a signature may be, and how far ahead. */
const WINDOW = 300
const SKEW = 60
const TRIAL = { left: 20, of: 20, renews: 1_796_000_000 }

/** A broker over real HTTP and real sockets. It relays, stores sealed frames, and can be made to lie. */
export class TestBroker {
  readonly calls: HttpCall[] = []
  /** Every byte that came over sockets, as it came. */
  readonly sent: Buffer[] = []
  readonly jobs: JobLine[] = []
  readonly nodes: AnsweringNode[]
  /** What nodes do with a job, in the order in which jobs come. The last one stays. */
  readonly answers: ((line: JobLine) => unknown)[] = []
  /** Answers a call instead of the door itself. */
  instead: ((call: HttpCall) => Door | undefined | Promise<Door | undefined>) | undefined
  connections = 0
  /** Sockets that are refused from now on. */
  refuses = 0
  /** Swallows the messages of the next sockets, as a connection that breaks at once does. */
  swallows = 0
  networkId: number = networks.localnet
  /** Milliseconds by which this broker's clock is ahead of the machine's. */
  ahead = 0
  sessionSeconds = 3600
  /** How long a lease given out ahead of need is good. */
  aheadSeconds = 600
  sendsDate = true
  readonly sessions = new Set<string>()
  readonly renewals = new Set<string>()
  readonly signIns: string[] = []
  readonly #once = new Set<string>()
  /** Keys by the init data they came with. */
  readonly #holders = new Map<string, string>()
  #tokens = 0
  readonly #server: Server
  readonly #sockets: WebSocketServer
  readonly #faults: unknown[] = []

  private constructor(nodes: AnsweringNode[]) {
    this.nodes = nodes
    this.#server = createServer((request, response) => {
      this.#http(request, response).catch((error: unknown) => this.#faults.push(error))
    })
    const handleProtocols = () => SUBPROTOCOL
    this.#sockets = new WebSocketServer({
      server: this.#server,
      handleProtocols,
      verifyClient: (info, done) => done(this.#admits(info.req), 401),
    })
    this.#sockets.on('connection', (socket, request) => this.#accept(socket, request.url ?? ''))
  }

  static async start(nodes: AnsweringNode[], ...answers: ((line: JobLine) => unknown)[]): Promise<TestBroker> {
    const broker = new TestBroker(nodes)
    broker.answers.push(...answers)
    await new Promise<void>((resolve) => {
      broker.#server.listen(0, '127.0.0.1', resolve)
    })
    return broker
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  seconds(): number {
    return Math.floor((Date.now() + this.ahead) / 1000)
  }

  /** Sockets that are open now. */
  get open(): number {
    return this.#sockets.clients.size
  }

  /** The bodies of all matches. */
  matches(): { exclude: string[]; ahead?: boolean }[] {
    const bodies = this.calls.flatMap(({ path, body }) => (path === '/api/match' ? [body] : []))
    return bodies.map((body) => JSON.parse(body) as { exclude: string[]; ahead?: boolean })
  }

  paths(): string[] {
    return this.calls.map(({ path }) => path)
  }

  /** Cuts every socket. */
  drop(): void {
    for (const socket of this.#sockets.clients) socket.terminate()
  }

  async stop(): Promise<void> {
    this.drop()
    this.#sockets.close()
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
    // What broke in a script would otherwise look like a silent broker.
    for (const fault of this.#faults) throw fault
  }

  // Sockets

  #admits(request: IncomingMessage): boolean {
    const [, token = ''] = (request.headers['sec-websocket-protocol'] ?? '').split(', ')
    if (this.refuses > 0) {
      this.refuses -= 1
      return false
    }
    return this.sessions.has(token)
  }

  #accept(socket: WebSocket, path: string): void {
    this.connections += 1
    const nodeId = /^\/api\/nodes\/([0-9a-f]{64})\/jobs$/.exec(path)?.[1]
    const node = this.nodes.find((one) => one.nodeId === nodeId)
    if (!node) return socket.close(4400, 'no such node')
    const swallowed = this.swallows > 0
    if (swallowed) this.swallows -= 1
    socket.on('message', (data: Buffer, binary) => {
      this.sent.push(data)
      if (!binary) return void (data.toString() === PING && socket.send(PONG))
      if (swallowed) return socket.terminate()
      return this.#read(socket, node, data)
    })
  }

  #read(socket: WebSocket, node: AnsweringNode, data: Buffer): void {
    const line = JobLine.receive(this.jobs, socket, node, copy(data))
    if (!line) return
    const turn = this.jobs.indexOf(line)
    const answer = this.answers[Math.min(turn, this.answers.length - 1)]
    Promise.resolve(line.begin())
      .then(() => answer?.(line))
      .catch((error: unknown) => this.#faults.push(error))
  }

  // HTTP

  async #http(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const { method = '', url: path = '', headers } = request
    const call = { method, path, authorization: headers.authorization, body: Buffer.concat(pieces).toString() }
    this.calls.push(call)
    const door = (await this.instead?.(call)) ?? (await this.#door(call))
    response.sendDate = false
    if (this.sendsDate) response.setHeader('date', new Date(Date.now() + this.ahead).toUTCString())
    if (door.bytes) return void response.writeHead(200, { 'content-type': 'application/cbor' }).end(door.bytes)
    const text = typeof door.body === 'string' ? door.body : JSON.stringify(door.body)
    response.writeHead(door.status ?? 200, { 'content-type': 'application/json' }).end(text)
  }

  async #door(call: HttpCall): Promise<Door> {
    switch (call.path) {
      case '/api/models':
        return { body: { network: this.networkId, models: [modelInfo(this.nodes.length)] } }
      case '/api/sign-in':
        return this.#signIn(JSON.parse(call.body) as SignInText)
      case '/api/account':
        return this.#signedIn(call) ? { body: { trial: TRIAL } } : failure(401, 'signed-out')
      case '/api/match':
        return this.#signedIn(call)
          ? this.#match(JSON.parse(call.body) as { exclude: string[]; ahead?: boolean })
          : failure(401, 'signed-out')
      default:
        return failure(404, 'not-found')
    }
  }

  #signedIn({ authorization }: HttpCall): boolean {
    return this.sessions.has(authorization?.replace('Bearer ', '') ?? '')
  }

  async #signIn(request: SignInText): Promise<Door> {
    const { method, time = 0, key = '', signature = '', renewal = '', initData = '' } = request
    this.signIns.push(method)
    if (method === 'telegram') {
      if (initData !== 'fresh') return failure(401, 'sign-in-refused')
      const holder = this.#holders.get(initData) ?? key
      this.#holders.set(initData, holder)
      // Taken once, and again only from the key it came with.
      return holder === key ? this.#session(key) : failure(401, 'sign-in-replayed')
    }
    if (time > this.seconds() + SKEW || time < this.seconds() - WINDOW) return failure(401, 'sign-in-refused')
    if (this.#once.has(signature)) return failure(401, 'sign-in-replayed')
    this.#once.add(signature)
    if (method === 'renewal' && !this.renewals.has(renewal)) return failure(401, 'sign-in-refused')
    const [purpose, by] =
      method === 'renewal'
        ? (['cocoon/1 session renewal', renewal.split('|')[1] ?? ''] as const)
        : (['cocoon/1 sign-in', key] as const)
    const message = utf8(signInMessage(this.origin, time, method === 'renewal' ? renewal : undefined))
    const signed = await verifySignature(purpose, fromBase64url(by), fromBase64url(signature), message)
    return signed ? this.#session(by) : failure(401, 'sign-in-refused')
  }

  #session(key: string): Door {
    this.#tokens += 1
    const [token, renewal] = [`token-${this.#tokens}`, `renewal-${this.#tokens}|${key}`]
    this.sessions.add(token)
    this.renewals.add(renewal)
    return { body: { token, renewal, expires: this.seconds() + this.sessionSeconds, trial: TRIAL } }
  }

  #match({ exclude, ahead = false }: { exclude: string[]; ahead?: boolean }): Door {
    const node = this.nodes.find(({ nodeId }) => !exclude.includes(nodeId))
    if (!node) return failure(503, 'no-node')
    const expires = this.seconds() + (ahead ? this.aheadSeconds : 30)
    return { body: { ...matchOf(node, `${ahead ? 'ahead' : 'lease'}-${this.calls.length}`), expires } }
  }
}

export function matchOf(node: AnsweringNode, lease = 'lease'): MatchResponse {
  const statement = statementToText(node.signed)
  return { node: node.nodeId, statement, evidence: null, lease, expires: 1_795_000_000 }
}

export function failure(status: number, code: string, more: object = {}): Door {
  return { status, body: { error: { code, message: `words of the broker about ${code}`, ...more } } }
}

function modelInfo(nodes: number) {
  const price = Object.fromEntries(Object.entries(PRICE).map(([name, amount]) => [name, String(amount)]))
  return { id: MODEL, name: 'Test', about: 'A model of a test.', nodes, free: nodes, price, context: 4096 }
}
