import { DurableObject } from 'cloudflare:workers'
import {
  CocoonError,
  decodeMessage,
  encodeMessage,
  hex,
  MAX_MESSAGE_BYTES,
  type Message,
  networks,
  PING,
  PONG,
  type SignedStatement,
  SUBPROTOCOL,
  type VerifiedStatement,
} from '@cocoon/protocol'
import { Answers } from './answers.ts'
import { type ClientAttachment, clientOf, isOpen, sendTo } from './client-link.ts'
import { Endings } from './endings.ts'
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
import { socketLimits } from './rate-limits.ts'
import type { RelayJob } from './relay-job.ts'
import { RelayJobs, type RelayParts } from './relay-jobs.ts'
import { FRAME_LIFETIME, RelayStore } from './relay-store.ts'
import { Room } from './room.ts'
import { type Settings, settingsOf } from './settings.ts'
import { SocketBudgets } from './socket-budgets.ts'
import { UPLOAD_PATIENCE, Uploads } from './uploads.ts'

/** How long a node may be away before its jobs are given up: those with frames, and those with none. Milliseconds. */
const NODE_AWAY = 60_000
const NODE_AWAY_UNBEGUN = 10_000
/** A relay whose node stays away for so long, with no job left, leaves nothing behind. Milliseconds. */
const RELAY_LIFETIME = 24 * 60 * 60 * 1000
/** After which a question that could not be given back is tried again. Milliseconds. */
const OWED_RETRY = 60_000
/** Close codes: of RFC 6455, and of this application. */
const CLOSE = {
  tooBig: 1009,
  fault: 1011,
  malformed: 4400,
  refused: 4403,
  late: 4408,
  replaced: 4409,
  flood: 4429,
} as const

/** One per node: its socket, the sockets of those who ask it, and the sealed frames between them. */
export class NodeRelay extends DurableObject<Env> {
  readonly #store: RelayStore
  readonly #settings: Settings
  readonly #parts: RelayParts
  readonly #endings: Endings
  readonly #uploads: Uploads
  readonly #answers: Answers
  readonly #budgets = new SocketBudgets()
  /** Sockets that were closed from this end. */
  readonly #closed = new WeakSet<WebSocket>()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#settings = settingsOf(env)
    this.#store = new RelayStore(ctx.storage)
    const room = new Room()
    const listing = new Listing(env.MATCHER, this.#store, room)
    const sockets = { node: () => this.#node(), clients: () => ctx.getWebSockets('client') }
    const jobs = new RelayJobs(this.#store, sockets)
    this.#parts = { env, settings: this.#settings, store: this.#store, sockets, room, listing, jobs }
    this.#endings = new Endings(this.#parts)
    this.#uploads = new Uploads(this.#parts, this.#endings)
    this.#answers = new Answers(this.#parts, this.#uploads, this.#endings)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
    // After a deploy or a crash nobody told us that the node's socket broke.
    if (this.#store.link()?.gone === null && !this.#node()) {
      const now = Date.now()
      this.#store.setGone(now)
      void ctx.blockConcurrencyWhile(() => this.#rearm(now))
    }
  }

  /** Sockets come through the door in app.ts, which has checked the session and says who it is in headers of its own. */
  override async fetch(request: Request): Promise<Response> {
    const { 0: outer, 1: inner } = new WebSocketPair()
    const from = (name: string): string => request.headers.get(`x-cocoon-${name}`) ?? ''
    if (from('role') === 'node') await this.#acceptNode(inner, from('node'), from('region'), new URL(request.url).host)
    else this.#acceptClient(inner, from('user'))
    return new Response(null, { status: 101, webSocket: outer, headers: { 'sec-websocket-protocol': SUBPROTOCOL } })
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    // What still arrives on a socket that we closed is not for us. What its other end sent before it closed is.
    if (this.#closed.has(socket)) return
    try {
      if (typeof data === 'string') throw new CocoonError('broken-encoding', 'messages are binary')
      if (data.byteLength > MAX_MESSAGE_BYTES) throw new CocoonError('body-too-large', 'message too large')
      const message = decodeMessage(new Uint8Array(data))
      this.#budgets.message(socket, message.kind)
      const attachment = socket.deserializeAttachment() as ClientAttachment | NodeAttachment
      if (attachment.role === 'client') await this.#fromClient(socket, attachment.user, message)
      else if (attachment.joined) await this.#fromNode(socket, message)
      else await this.#join(socket, attachment, message)
    } catch (error) {
      if (error instanceof CocoonError) log('socket.refused', { code: error.code })
      else logFault('socket.fault', error)
      // The reason is our own text about a message's form; it quotes nothing. A close frame holds 123 bytes.
      const reason = error instanceof CocoonError ? error.message.slice(0, 120) : 'broker fault'
      this.#close(socket, closeCodeOf(error), reason)
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

  /** Everything that time ends. Each part on its own: what one of them throws does not keep the others from happening. */
  override async alarm(): Promise<void> {
    const now = Date.now()
    const parts: (() => void | Promise<void>)[] = [
      () => this.#closeLate(now),
      () => this.#uploads.expire(now),
      () => this.#giveUp(now),
      () => this.#endings.payOwed(),
      () => this.#expire(now),
    ]
    for (const part of parts) {
      try {
        await part()
      } catch (error) {
        logFault('alarm.fault', error)
      }
    }
    await this.#rearm(now)
  }

  async #fromClient(socket: WebSocket, user: string, message: Message): Promise<void> {
    const { jobs } = this.#parts
    switch (message.kind) {
      case 'open': {
        await jobs.inTurn(message.jobId, async () => {
          const taken = await this.#uploads.open(socket, user, message)
          // The same job again: nothing runs twice, what there is of its answer is sent again.
          if (!taken) await this.#answers.resume(socket, user, message.jobId, 0)
        })
        const whole = message.body.length === message.bodyLength
        return this.#armBy(Date.now() + (whole ? FRAME_LIFETIME : UPLOAD_PATIENCE))
      }
      case 'chunk':
        return jobs.inTurn(message.jobId, () => this.#uploads.chunk(socket, user, message))
      case 'resume':
        return jobs.inTurn(message.jobId, () => this.#answers.resume(socket, user, message.jobId, message.from))
      case 'read':
        return jobs.inTurn(message.jobId, () => this.#answers.read(user, message))
      case 'ack':
        return jobs.inTurn(message.jobId, () => this.#answers.acknowledged(user, message))
      case 'cancel':
        return jobs.inTurn(message.jobId, () => this.#answers.cancel(user, message))
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
    const lost = this.#parts.jobs.running().filter(({ id }) => !known.has(id))
    for (const other of this.ctx.getWebSockets('node')) {
      if (other !== socket && nodeOf(other).joined) this.#close(other, CLOSE.replaced, 'this node connected again')
    }
    socket.serializeAttachment({ ...node, joined: true, ...load } satisfies NodeAttachment)
    for (const handed of this.#parts.room.joined()) this.#parts.listing.leaseUsed(handed)
    await this.#offer(node, offerings)
    for (const job of lost) await this.#lose(job)
    for (const jobId of message.jobs) {
      if (this.#parts.jobs.find(hex(jobId))?.row.state !== 'sent') sendTo(socket, { kind: 'forget', jobId })
    }
    sendTo(socket, { kind: 'joined', statement: verified.digest })
    log('node.joined', { node: node.node, region: node.region })
  }

  async #fromNode(socket: WebSocket, message: Message): Promise<void> {
    switch (message.kind) {
      case 'frame':
        if (!(await this.#answers.frame(socket, message))) this.#budgets.stray(socket)
        return
      case 'refusal':
        return this.#answers.refusal(message)
      case 'statement': {
        const verified = await verifyOffer(message.statement, nodeOf(socket).node, this.#settings)
        return this.#renew(socket, message.statement, verified)
      }
      case 'load': {
        const { room, listing } = this.#parts
        const node = nodeOf(socket)
        const load = loadOf(message)
        socket.serializeAttachment({ ...node, ...load } satisfies NodeAttachment)
        for (const handed of room.reported(node.free, load.free)) listing.leaseUsed(handed)
        return listing.load(load.slots, load.free)
      }
      default:
        throw new CocoonError('broken-encoding', `a node does not send ${message.kind}`)
    }
  }

  async #renew(socket: WebSocket, statement: SignedStatement, verified: VerifiedStatement): Promise<void> {
    const node = nodeOf(socket)
    await this.#offer(node, offeringsOf(verified, statement, node, this.#settings, Date.now()))
    sendTo(socket, { kind: 'joined', statement: verified.digest })
  }

  async #offer({ node, region }: NodeAttachment, offerings: ReturnType<typeof offeringsOf>): Promise<void> {
    const full = await this.#parts.listing.offer(node, region, offerings)
    if (full.length < offerings.size) return
    throw new CocoonError('bad-statement', `this broker lists no more nodes for ${full.join(', ')} in its region`)
  }

  #acceptClient(socket: WebSocket, user: string): void {
    const tag = `user:${user}`
    const others = this.ctx.getWebSockets(tag).filter(isOpen)
    if (others.length >= socketLimits.client) {
      const idle = others.filter((other) => clientOf(other).jobs.every(([job]) => !this.#parts.jobs.find(job)?.running))
      const oldest = oldestOf(idle.length > 0 ? idle : others)
      this.#close(oldest, CLOSE.replaced, 'too many sockets of one user: the oldest goes')
    }
    this.ctx.acceptWebSocket(socket, ['client', tag])
    socket.serializeAttachment({ role: 'client', user, opened: Date.now(), jobs: [] } satisfies ClientAttachment)
  }

  /** Anybody may knock. Nothing is stored before a hello was verified but the alarm that ends the waiting for it. */
  async #acceptNode(socket: WebSocket, node: string, region: string, host: string): Promise<void> {
    const opened = Date.now()
    const others = this.#unjoined()
    if (others.length >= socketLimits.unjoined) this.#close(oldestOf(others), CLOSE.replaced, 'a newer socket came')
    const { bytes: nonce, text: challenge } = newChallenge()
    this.ctx.acceptWebSocket(socket, ['node'])
    const load = { joined: false, slots: 0, free: 0, draining: false }
    socket.serializeAttachment({
      role: 'node',
      node,
      host,
      region,
      challenge,
      opened,
      ...load,
    } satisfies NodeAttachment)
    socket.send(encodeMessage({ kind: 'challenge', nonce, network: networks[this.#settings.NETWORK] }))
    await this.#armBy(opened + socketLimits.hello)
  }

  #unjoined(): WebSocket[] {
    return this.ctx.getWebSockets('node').filter((socket) => isOpen(socket) && !nodeOf(socket).joined)
  }

  #node(): WebSocket | undefined {
    return this.ctx.getWebSockets('node').find((socket) => isOpen(socket) && nodeOf(socket).joined)
  }

  async #gone(socket: WebSocket): Promise<void> {
    const attachment = socket.deserializeAttachment() as ClientAttachment | NodeAttachment
    if (attachment.role === 'client') {
      const jobs = attachment.jobs.map(([job]) => job)
      return this.#answers.leave(socket, jobs)
    }
    if (!attachment.joined || this.#node() || this.#store.link()?.gone !== null) return
    const now = Date.now()
    this.#store.setGone(now)
    this.#answers.storeAll()
    log('node.gone', { node: attachment.node })
    await this.#rearm(now)
    await this.#parts.listing.withdraw()
  }

  #close(socket: WebSocket | undefined, code: number, reason: string): void {
    if (!socket) return
    this.#closed.add(socket)
    socket.close(code, reason)
  }

  #lose(job: RelayJob): Promise<void> {
    return this.#parts.jobs.inTurn(job.idBytes, async () => {
      if (job.running && this.#parts.jobs.has(job)) await this.#endings.lose(job)
    })
  }

  #closeLate(now: number): void {
    for (const socket of this.#unjoined()) {
      if (now - nodeOf(socket).opened >= socketLimits.hello) this.#close(socket, CLOSE.late, 'no hello came')
    }
  }

  /** The node stays away. */
  async #giveUp(now: number): Promise<void> {
    const gone = this.#store.link()?.gone ?? null
    if (gone === null || now - gone < NODE_AWAY_UNBEGUN) return
    const { jobs } = this.#parts
    for (const job of jobs.running()) if (!job.begun || now - gone >= NODE_AWAY) await this.#lose(job)
    for (const job of jobs.receiving()) {
      await jobs.inTurn(job.idBytes, async () => {
        if (job.row.state === 'receiving' && jobs.has(job)) await this.#endings.move(job, 'node-gone')
      })
    }
  }

  async #expire(now: number): Promise<void> {
    const { jobs } = this.#parts
    for (const id of this.#store.expired(now)) {
      const job = jobs.find(id)
      if (job) await jobs.inTurn(job.idBytes, () => this.#endings.expire(job))
      else jobs.forget(id)
    }
    const gone = this.#store.link()?.gone ?? null
    const over = this.#store.empty || (gone !== null && now - gone >= RELAY_LIFETIME && this.#store.oldest() === null)
    if (over && this.ctx.getWebSockets('node').length === 0) await this.#store.drop()
  }

  /** The alarm rings by then. One that is set earlier than needed stays: moving it is a row written. */
  async #armBy(at: number): Promise<void> {
    const armed = await this.ctx.storage.getAlarm()
    if (armed === null || armed > at) await this.ctx.storage.setAlarm(at)
  }

  /** The alarm rings when the next thing is due. */
  async #rearm(now: number): Promise<void> {
    const { jobs } = this.#parts
    const due = this.#unjoined().map((socket) => nodeOf(socket).opened + socketLimits.hello)
    due.push(...this.#store.uploads().map(({ at }) => at + UPLOAD_PATIENCE))
    if (this.#store.jobsIn('owed').length > 0) due.push(now + OWED_RETRY)
    const oldest = this.#store.oldest()
    if (oldest !== null) due.push(oldest + FRAME_LIFETIME)
    const gone = this.#store.link()?.gone ?? null
    if (gone !== null) {
      due.push(...jobs.running().map(({ begun }) => gone + (begun ? NODE_AWAY : NODE_AWAY_UNBEGUN)))
      if (jobs.receiving().length > 0) due.push(gone + NODE_AWAY_UNBEGUN)
      if (oldest === null) due.push(gone + RELAY_LIFETIME)
    }
    if (due.length > 0) await this.#armBy(Math.max(now + 1, Math.min(...due)))
  }
}

function closeCodeOf(error: unknown): number {
  if (!(error instanceof CocoonError)) return CLOSE.fault
  switch (error.code) {
    case 'broken-encoding':
      return CLOSE.malformed
    case 'body-too-large':
      return CLOSE.tooBig
    case 'rate-limited':
      return CLOSE.flood
    default:
      return CLOSE.refused
  }
}

function oldestOf(sockets: readonly WebSocket[]): WebSocket | undefined {
  const opened = (socket: WebSocket): number => (socket.deserializeAttachment() as { opened: number }).opened
  return [...sockets].sort((a, b) => opened(a) - opened(b))[0]
}
