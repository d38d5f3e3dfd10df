import { DurableObject } from 'cloudflare:workers'
import {
  CocoonError,
  decodeMessage,
  encodeMessage,
  hex,
  type Message,
  networks,
  PING,
  PONG,
  type SignedStatement,
  SUBPROTOCOL,
  type VerifiedStatement,
} from '@cocoon/protocol'
import { type ClientAttachment, sendTo } from './client-link.ts'
import { Listing } from './listing.ts'
import { log, logFault } from './log.ts'
import {
  loadOf,
  newChallenge,
  type NodeAttachment,
  nodeOf,
  offeringsOf,
  verifyHello,
  verifyOffer,
} from './node-link.ts'
import { RelayJobs } from './relay-jobs.ts'
import { FRAME_LIFETIME, RelayStore } from './relay-store.ts'
import { type Settings, settingsOf } from './settings.ts'

/** How long a node may be away before its unfinished jobs are given up. Milliseconds. */
const NODE_AWAY = 60_000
/** Application close codes, beside those of RFC 6455. */
const CLOSE = { malformed: 4400, refused: 4403, replaced: 4409 } as const

/** One per node: its socket, the sockets of those who ask it, and the sealed frames between them. */
export class NodeRelay extends DurableObject<Env> {
  readonly #store: RelayStore
  readonly #settings: Settings
  readonly #listing: Listing
  readonly #jobs: RelayJobs

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#settings = settingsOf(env)
    this.#store = new RelayStore(ctx.storage.sql)
    this.#listing = new Listing(env.MATCHER, this.#store)
    this.#jobs = new RelayJobs(this.#store, this.#settings, this.#listing, env.ACCOUNT, {
      node: () => this.#node(),
      clients: () => ctx.getWebSockets('client'),
    })
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
    // After a deploy or a crash nobody told us that the node's socket broke.
    if (this.#store.link()?.gone === null && !this.#node()) {
      this.#store.setGone(Date.now())
      void ctx.blockConcurrencyWhile(() => this.#arm())
    }
  }

  /** Sockets come through the door in app.ts, which has checked the session and says who it is in headers of its own. */
  override async fetch(request: Request): Promise<Response> {
    const { 0: outer, 1: inner } = new WebSocketPair()
    const from = (name: string): string => request.headers.get(`x-cocoon-${name}`) ?? ''
    const role = from('role') === 'node' ? 'node' : 'client'
    this.ctx.acceptWebSocket(inner, [role])
    if (role === 'client') {
      inner.serializeAttachment({ role, user: from('user'), jobs: [] } satisfies ClientAttachment)
    } else {
      const { bytes: nonce, text: challenge } = newChallenge()
      const { host } = new URL(request.url)
      const load = { joined: false, slots: 0, free: 0, draining: false }
      const identity = { role, node: from('node'), host, region: from('region'), challenge } as const
      inner.serializeAttachment({ ...identity, ...load } satisfies NodeAttachment)
      const network = networks[this.#settings.NETWORK]
      inner.send(encodeMessage({ kind: 'challenge', nonce, network }))
    }
    return new Response(null, { status: 101, webSocket: outer, headers: { 'sec-websocket-protocol': SUBPROTOCOL } })
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    // What still arrives on a socket that we closed is not for us.
    if (socket.readyState !== WebSocket.OPEN) return
    try {
      if (typeof data === 'string') throw new CocoonError('broken-encoding', 'messages are binary')
      const message = decodeMessage(new Uint8Array(data))
      const attachment = socket.deserializeAttachment() as ClientAttachment | NodeAttachment
      if (attachment.role === 'client') await this.#fromClient(socket, attachment.user, message)
      else if (attachment.joined) await this.#fromNode(socket, message)
      else await this.#join(socket, attachment, message)
    } catch (error) {
      const known = error instanceof CocoonError
      if (known) log('socket.refused', { code: error.code })
      else logFault('socket.fault', error)
      // The reason is our own text about a message's form; it quotes nothing. A close frame holds 123 bytes.
      const code = known && error.code !== 'broken-encoding' ? CLOSE.refused : CLOSE.malformed
      socket.close(known ? code : 1011, known ? error.message.slice(0, 120) : 'broker fault')
      await this.#gone(socket)
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    // 1005 and 1006 say that there was no code, others are reserved: none of them may be sent.
    socket.close(code === 1001 || (code >= 3000 && code <= 4999) ? code : 1000)
    await this.#gone(socket)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#gone(socket)
  }

  override async alarm(): Promise<void> {
    const now = Date.now()
    this.#jobs.expire(now)
    const gone = this.#store.link()?.gone ?? null
    if (gone !== null && now - gone >= NODE_AWAY) await this.#jobs.giveUp()
    await this.#arm()
  }

  async #fromClient(socket: WebSocket, user: string, message: Message): Promise<void> {
    switch (message.kind) {
      case 'open':
        await this.#jobs.inTurn(message.jobId, () => this.#jobs.open(socket, user, message))
        return this.#arm()
      case 'chunk':
        return this.#jobs.inTurn(message.jobId, () => this.#jobs.chunk(socket, user, message))
      case 'resume':
        return this.#jobs.inTurn(message.jobId, () => this.#jobs.resume(socket, user, message.jobId, message.from))
      case 'ack':
        return this.#jobs.inTurn(message.jobId, () => this.#jobs.acknowledged(user, message))
      case 'cancel':
        return this.#jobs.inTurn(message.jobId, () => this.#jobs.cancel(user, message))
      default:
        throw new CocoonError('broken-encoding', `a client does not send ${message.kind}`)
    }
  }

  async #join(socket: WebSocket, node: NodeAttachment, message: Message): Promise<void> {
    if (message.kind !== 'hello') throw new CocoonError('broken-encoding', 'a node says hello first')
    const verified = await verifyHello(message, node, this.#settings)
    if (nodeOf(socket).joined) throw new CocoonError('broken-encoding', 'a node says hello once')
    const load = loadOf({ ...message, draining: false })
    const offerings = offeringsOf(verified, message.statement, load, this.#settings, Date.now())
    // What the node does not know of never reached it, or was lost with it. From here on it may get new jobs.
    const known = new Set(message.jobs.map(hex))
    const lost = this.#store.jobsIn('sent').filter(({ job }) => !known.has(job))
    for (const other of this.ctx.getWebSockets('node')) {
      if (other !== socket && nodeOf(other).joined) other.close(CLOSE.replaced, 'this node connected again')
    }
    socket.serializeAttachment({ ...node, joined: true, ...load } satisfies NodeAttachment)
    await this.#listing.offer(node.node, node.region, offerings)
    for (const { job } of lost) await this.#jobs.lose(job)
    for (const jobId of message.jobs) {
      const job = this.#store.job(hex(jobId))
      if (!job || job.state === 'lost') sendTo(socket, { kind: 'forget', jobId })
    }
    sendTo(socket, { kind: 'joined', statement: verified.digest })
    log('node.joined', { node: node.node, region: node.region })
  }

  async #fromNode(socket: WebSocket, message: Message): Promise<void> {
    switch (message.kind) {
      case 'frame':
        return this.#jobs.frame(socket, message)
      case 'refusal':
        return this.#jobs.refusal(message)
      case 'statement': {
        const verified = await verifyOffer(message.statement, nodeOf(socket).node, this.#settings)
        return this.#renew(socket, message.statement, verified)
      }
      case 'load': {
        const load = loadOf(message)
        socket.serializeAttachment({ ...nodeOf(socket), ...load } satisfies NodeAttachment)
        return this.#listing.load(load.slots, load.free)
      }
      default:
        throw new CocoonError('broken-encoding', `a node does not send ${message.kind}`)
    }
  }

  async #renew(socket: WebSocket, statement: SignedStatement, verified: VerifiedStatement): Promise<void> {
    const node = nodeOf(socket)
    const offerings = offeringsOf(verified, statement, node, this.#settings, Date.now())
    await this.#listing.offer(node.node, node.region, offerings)
    sendTo(socket, { kind: 'joined', statement: verified.digest })
  }

  #node(): WebSocket | undefined {
    return this.ctx.getWebSockets('node').find((socket) => {
      return socket.readyState === WebSocket.OPEN && nodeOf(socket).joined
    })
  }

  async #gone(socket: WebSocket): Promise<void> {
    const attachment = socket.deserializeAttachment() as ClientAttachment | NodeAttachment
    if (attachment.role === 'client') return this.#jobs.leave(socket, attachment.jobs)
    if (!attachment.joined || this.#node()) return
    this.#store.setGone(Date.now())
    await this.#listing.withdraw()
    await this.#arm()
    log('node.gone', { node: attachment.node })
  }

  async #arm(): Promise<void> {
    const oldest = this.#store.oldest()
    if (oldest === null) return
    const gone = this.#store.link()?.gone ?? null
    const unfinished = gone !== null && this.#store.jobsIn('sent').length + this.#store.jobsIn('receiving').length > 0
    const next = Math.min(oldest + FRAME_LIFETIME, unfinished ? gone + NODE_AWAY : Infinity)
    const armed = await this.ctx.storage.getAlarm()
    if (armed === null || armed > next) await this.ctx.storage.setAlarm(next)
  }
}
