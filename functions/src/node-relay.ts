import { DurableObject } from 'cloudflare:workers'
import {
  type Bytes,
  CocoonError,
  decodeMessage,
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
import { NodeAttestation } from './attestation/node-attestation.ts'
import { attachmentOf, setAttachment } from './attachments.ts'
import { sendTo } from './client-link.ts'
import { Deadlines } from './deadlines.ts'
import { Endings } from './endings.ts'
import { Listing } from './listing.ts'
import { log, logFault } from './log.ts'
import { loadOf, type NodeAttachment, nodeOf, offeringsOf, verifyHello, verifyOffer } from './node-link.ts'
import { socketLimits } from './rate-limits.ts'
import { RelayJobs, type RelayParts } from './relay-jobs.ts'
import { CLOSE, jobsOn, RelaySockets } from './relay-sockets.ts'
import { FRAME_LIFETIME, RelayStore } from './relay-store.ts'
import { Room } from './room.ts'
import { settingsOf } from './settings.ts'
import { SocketBudgets } from './socket-budgets.ts'
import { UPLOAD_PATIENCE, Uploads } from './uploads.ts'

/** One per node: its socket, the sockets of those who ask it, and the sealed frames between them. */
export class NodeRelay extends DurableObject<Env> {
  readonly #parts: RelayParts
  readonly #endings: Endings
  readonly #uploads: Uploads
  readonly #answers: Answers
  readonly #deadlines: Deadlines
  readonly #budgets = new SocketBudgets()
  readonly #attestation: NodeAttestation

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const store = new RelayStore(ctx.storage)
    const sockets = new RelaySockets(ctx)
    const room = new Room()
    const listing = new Listing(env.MATCHER, store, room)
    this.#attestation = new NodeAttestation(env, settingsOf(env), store.attested)
    this.#parts = { env, settings: settingsOf(env), store, sockets, room, listing, jobs: new RelayJobs(store, sockets) }
    this.#endings = new Endings(this.#parts)
    this.#uploads = new Uploads(this.#parts, this.#endings)
    this.#answers = new Answers(this.#parts, this.#uploads, this.#endings)
    this.#deadlines = new Deadlines(ctx.storage, this.#parts, this.#uploads, this.#endings)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
    // After a deploy or a crash nobody told us that the node's socket broke.
    if (store.link()?.gone === null && !sockets.node()) {
      const now = Date.now()
      store.setGone(now)
      void ctx.blockConcurrencyWhile(() => this.#deadlines.rearm(now))
      ctx.waitUntil(this.#unlist())
    }
  }

  /** True while the node of this relay is connected; a matcher that woke asks. */
  present(): boolean {
    return this.#parts.sockets.node() !== undefined
  }

  /** What the node showed of its machine, and what vouches for it, by digest (hex). */
  content(digest: string): Bytes | null {
    return this.#attestation.content(digest)
  }

  /** Digests of the collateral for it, hex. */
  collateral(): string[] {
    return this.#attestation.collateral()
  }

  /** Sockets come through the door in app.ts, which has checked the session and says who it is in headers of its own. */
  override async fetch(request: Request): Promise<Response> {
    const { 0: outer, 1: inner } = new WebSocketPair()
    const from = (name: string): string => request.headers.get(`x-cocoon-${name}`) ?? ''
    const { sockets, jobs, settings } = this.#parts
    if (from('role') === 'node') {
      const identity = { node: from('node'), region: from('region'), host: new URL(request.url).host }
      sockets.acceptNode(inner, identity, networks[settings.NETWORK])
      // All that is stored before a hello was verified.
      await this.#deadlines.armBy(Date.now() + socketLimits.hello)
    } else {
      sockets.acceptClient(inner, from('user'), (socket) => jobsOn(socket).some((job) => jobs.find(job)?.running))
    }
    return new Response(null, { status: 101, webSocket: outer, headers: { 'sec-websocket-protocol': SUBPROTOCOL } })
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const { sockets } = this.#parts
    if (sockets.wasClosedHere(socket)) return
    try {
      if (typeof data === 'string') throw new CocoonError('broken-encoding', 'messages are binary')
      if (data.byteLength > MAX_MESSAGE_BYTES) throw new CocoonError('body-too-large', 'message too large')
      const bytes = new Uint8Array(data)
      const message = decodeMessage(bytes)
      this.#budgets.message(socket, message.kind)
      const attachment = attachmentOf(socket)
      if (attachment.role === 'client') await this.#fromClient(socket, attachment.user, message)
      else if (attachment.joined) await this.#fromNode(socket, message, bytes)
      else await this.#join(socket, attachment, message)
    } catch (error) {
      if (error instanceof CocoonError) log('socket.refused', { code: error.code })
      else logFault('socket.fault', error)
      // The reason is our own text about a message's form; it quotes nothing. A close frame holds 123 bytes.
      const reason = error instanceof CocoonError ? error.message.slice(0, 120) : 'broker fault'
      sockets.close(socket, closeCodeOf(error), reason)
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
    await this.#deadlines.ring(Date.now())
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
        return this.#deadlines.armBy(Date.now() + (whole ? FRAME_LIFETIME : UPLOAD_PATIENCE))
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
    const { settings, sockets, jobs, room, listing } = this.#parts
    if (message.kind !== 'hello') throw new CocoonError('broken-encoding', 'a node says hello first')
    const verified = await verifyHello(message, node, settings)
    await this.#attestation.admit(verified, message.attested)
    if (nodeOf(socket).joined) throw new CocoonError('broken-encoding', 'a node says hello once')
    const load = loadOf({ ...message, draining: false })
    const offerings = offeringsOf(verified, message.statement, load, settings, Date.now())
    // What the node does not know of never reached it, or was lost with it. From here on it may get new jobs.
    const known = new Set(message.jobs.map(hex))
    const lost = jobs.running().filter(({ id }) => !known.has(id))
    sockets.replaceOthers(socket)
    setAttachment(socket, { ...node, joined: true, ...load })
    for (const handed of room.joined()) listing.leaseUsed(handed)
    await this.#offer(node, offerings)
    for (const job of lost) await jobs.inTurn(job.idBytes, () => this.#endings.lose(job))
    for (const jobId of message.jobs) {
      if (jobs.find(hex(jobId))?.row.state !== 'sent') sendTo(socket, { kind: 'forget', jobId })
    }
    sendTo(socket, { kind: 'joined', statement: verified.digest })
    log('node.joined', { node: node.node, region: node.region })
  }

  async #fromNode(socket: WebSocket, message: Message, bytes: Bytes): Promise<void> {
    switch (message.kind) {
      case 'frame':
        if (!(await this.#answers.frame(socket, message, bytes))) this.#budgets.stray(socket)
        return
      case 'refusal':
        return this.#meanwhile(this.#answers.refusal(message))
      case 'statement': {
        const verified = await verifyOffer(message.statement, nodeOf(socket).node, this.#parts.settings)
        await this.#attestation.admit(verified, message.attested)
        return this.#renew(socket, message.statement, verified)
      }
      case 'load': {
        const { room, listing } = this.#parts
        const node = nodeOf(socket)
        const load = loadOf(message)
        setAttachment(socket, { ...node, ...load })
        for (const handed of room.reported(node.free, load.free)) listing.leaseUsed(handed)
        return this.#meanwhile(listing.load(load.slots, load.free))
      }
      default:
        throw new CocoonError('broken-encoding', `a node does not send ${message.kind}`)
    }
  }

  async #renew(socket: WebSocket, statement: SignedStatement, verified: VerifiedStatement): Promise<void> {
    const node = nodeOf(socket)
    await this.#offer(node, offeringsOf(verified, statement, node, this.#parts.settings, Date.now()))
    sendTo(socket, { kind: 'joined', statement: verified.digest })
  }

  async #offer({ node, region }: NodeAttachment, offerings: ReturnType<typeof offeringsOf>): Promise<void> {
    const full = await this.#parts.listing.offer(node, region, offerings)
    if (full.length < offerings.size) return
    throw new CocoonError('bad-statement', `this broker lists no more nodes for ${full.join(', ')} in its region`)
  }

  async #gone(socket: WebSocket): Promise<void> {
    const { sockets, store } = this.#parts
    const attachment = attachmentOf(socket)
    if (attachment.role === 'client') return this.#answers.leave(socket, jobsOn(socket))
    if (!attachment.joined || sockets.node() || store.link()?.gone !== null) return
    const now = Date.now()
    store.setGone(now)
    this.#answers.storeAll()
    log('node.gone', { node: attachment.node })
    await this.#deadlines.rearm(now)
    await this.#unlist()
  }

  async #unlist(): Promise<void> {
    try {
      await this.#parts.listing.withdraw()
    } catch (error) {
      // The matcher asks here itself when it wakes, and its statement goes stale.
      logFault('matcher.fault', error)
    }
  }

  /** The messages of a socket are handled one after another: its frames do not wait for other objects. */
  #meanwhile(work: Promise<void>): void {
    void work.catch((error: unknown) => logFault('socket.fault', error))
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
