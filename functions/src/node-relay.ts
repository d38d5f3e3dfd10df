import { DurableObject } from 'cloudflare:workers'
import {
  type BrokerCode,
  type Bytes,
  CocoonError,
  decodeMessage,
  encodeMessage,
  frameHead,
  hex,
  isBrokerCode,
  type Message,
  type MessageOf,
  networks,
  PING,
  PONG,
  type SignedStatement,
  SUBPROTOCOL,
  type VerifiedStatement,
} from '@cocoon/protocol'
import { log, logFault } from './log.ts'
import { newChallenge, type NodeAttachment, offeringsOf, verifyHello, verifyOffer } from './node-link.ts'
import { RelayJob } from './relay-job.ts'
import { FRAME_LIFETIME, RelayStore } from './relay-store.ts'
import { type Settings, settingsOf } from './settings.ts'
import { checkOpen, isComplete, type Upload } from './upload.ts'

/** How long a node may be away before its unfinished jobs are given up. Milliseconds. */
const NODE_AWAY = 60_000
/** Jobs one client socket may carry in its life. */
const CLIENT_JOBS = 64
/** Application close codes, beside those of RFC 6455. */
const CLOSE = { malformed: 4400, refused: 4403, replaced: 4409 } as const

interface ClientAttachment {
  readonly role: 'client'
  readonly user: string
  readonly jobs: readonly string[]
}
type Attachment = ClientAttachment | NodeAttachment

/** One per node: its socket, the sockets of those who ask it, and the sealed frames between them. */
export class NodeRelay extends DurableObject<Env> {
  readonly #store: RelayStore
  readonly #settings: Settings
  readonly #jobs = new Map<string, RelayJob>()
  /** Leases whose jobs the node knows of by now, by model: the matcher may end them. */
  #usedLeases: { lease: string; model: string }[] = []

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#settings = settingsOf(env)
    this.#store = new RelayStore(ctx.storage.sql)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
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
    try {
      if (typeof data === 'string') throw new CocoonError('broken-encoding', 'messages are binary')
      const message = decodeMessage(new Uint8Array(data))
      const attachment = socket.deserializeAttachment() as Attachment
      if (attachment.role === 'client') await this.#fromClient(socket, attachment, message)
      else if (attachment.joined) await this.#fromNode(socket, attachment, message)
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
    // 1005 and 1006 say that there was no code; they may not be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code)
    await this.#gone(socket)
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#gone(socket)
  }

  override async alarm(): Promise<void> {
    const now = Date.now()
    for (const row of this.#store.expired(now)) this.#forget(row.job)
    const gone = this.#store.link()?.gone ?? null
    if (gone !== null && now - gone >= NODE_AWAY) {
      for (const row of this.#store.jobsIn('sent')) await this.#lose(row.job)
      for (const row of this.#store.jobsIn('receiving')) this.#forget(row.job)
    }
    await this.#arm()
  }

  // From a client

  async #fromClient(socket: WebSocket, client: ClientAttachment, message: Message): Promise<void> {
    switch (message.kind) {
      case 'open':
        return this.#open(socket, client, message)
      case 'chunk':
        return this.#chunk(socket, client, message)
      case 'resume':
        return this.#resume(socket, client, message.jobId, message.from)
      case 'ack': {
        const job = this.#jobOf(message.jobId, client.user)
        // Its reader has all of it, stored: nothing is left to wait for.
        if (job?.row.state === 'ended' && message.next >= job.row.stored) this.#forget(job.id)
        return
      }
      case 'cancel':
        if (this.#jobOf(message.jobId, client.user)) this.#node()?.send(encodeMessage(message))
        return
      default:
        throw new CocoonError('broken-encoding', `a client does not send ${message.kind}`)
    }
  }

  async #open(socket: WebSocket, client: ClientAttachment, open: MessageOf<'open'>): Promise<void> {
    const { kind: _, lease: token, ...fields } = open
    const upload: Upload = { job: { kind: 'job', ...fields }, chunks: [] }
    const id = hex(open.jobId)
    try {
      const lease = await checkOpen(open, client.user, this.#store.link()?.node, this.#settings)
      // The same job again: nothing runs twice, what there is of its answer is sent again.
      if (this.#store.job(id)) return this.#resume(socket, client, open.jobId, 0)
      if (client.jobs.length >= CLIENT_JOBS) throw new CocoonError('rate-limited', 'open another socket')
      const row = { job: id, user: client.user, lease: lease.id, model: lease.model, stored: 0, created: Date.now() }
      this.#store.addJob({ ...row, state: 'receiving' })
      this.#attach(socket, client, id)
      await this.#arm()
      if (await isComplete(upload)) await this.#submit(id, upload)
      else this.#store.addChunk(id, 0, encodeMessage(upload.job))
    } catch (error) {
      this.#refuse(socket, open.jobId, error)
    }
  }

  async #chunk(socket: WebSocket, client: ClientAttachment, chunk: MessageOf<'chunk'>): Promise<void> {
    const job = this.#jobOf(chunk.jobId, client.user)
    try {
      const [first, ...before] = job?.row.state === 'receiving' ? this.#store.chunks(job.id) : []
      const opened = first && decodeMessage(first)
      if (!job || opened?.kind !== 'job') throw new CocoonError('wrong-order', 'no body is expected for this job')
      this.#store.addChunk(job.id, before.length + 1, chunk.body)
      const upload = { job: opened, chunks: [...before, chunk.body] }
      if (await isComplete(upload)) await this.#submit(job.id, upload)
    } catch (error) {
      this.#refuse(socket, chunk.jobId, error)
    }
  }

  /** The body is here, whole and checked: take the question, hand it to the node. */
  async #submit(id: string, { job: message, chunks }: Upload): Promise<void> {
    const job = this.#jobOf(message.jobId)
    if (!job) return
    const { user } = job.row
    const questions = user.startsWith('telegram:') ? this.#settings.TRIAL_QUESTIONS : this.#settings.TRIAL_FOR_KEYS
    const spent = await this.env.ACCOUNT.getByName(user).hold(this.#attempt(job), questions)
    if (spent) {
      const retryAfterMs = Math.max(0, spent.renews * 1000 - Date.now())
      throw new CocoonError('trial-spent', 'no free question is left', { retryAfterMs })
    }
    const node = this.#node()
    if (!node) {
      await this.#withdraw()
      await this.#settle(job, 'returned')
      throw new CocoonError('node-gone', 'the node is not connected')
    }
    this.#store.dropChunks(id)
    this.#store.setState(id, 'sent')
    job.row.state = 'sent'
    this.#usedLeases.push({ lease: job.row.lease, model: job.row.model })
    node.send(encodeMessage(message))
    for (const body of chunks) node.send(encodeMessage({ kind: 'chunk', jobId: message.jobId, body }))
    log('job.sent', { job: id, model: job.row.model })
  }

  #resume(socket: WebSocket, client: ClientAttachment, jobId: Bytes, from: number): void {
    const job = this.#jobOf(jobId, client.user)
    if (!job) return this.#stop(socket, jobId, 'unknown-job')
    this.#attach(socket, client, job.id)
    job.replay(socket, from)
    if (job.row.state === 'lost') this.#stop(socket, jobId, 'node-lost')
    // Frames that this object forgot while it slept are still with the node.
    if (job.row.state === 'sent' && from > job.received) this.#askAgain(job)
  }

  // From the node

  async #join(socket: WebSocket, node: NodeAttachment, message: Message): Promise<void> {
    if (message.kind !== 'hello') throw new CocoonError('broken-encoding', 'a node says hello first')
    const verified = await verifyHello(message, node, this.#settings)
    for (const other of this.ctx.getWebSockets('node')) {
      if (other !== socket && (other.deserializeAttachment() as NodeAttachment).joined) {
        other.close(CLOSE.replaced, 'this node connected again')
      }
    }
    const joined = { ...node, joined: true, slots: message.slots, free: message.free }
    socket.serializeAttachment(joined)
    await this.#offer(socket, joined, message.statement, verified)
    // What the node does not know of never reached it, or was lost with it.
    const known = new Set(message.jobs.map(hex))
    for (const { job } of this.#store.jobsIn('sent')) if (!known.has(job)) await this.#lose(job)
    for (const jobId of message.jobs) {
      if (!this.#jobOf(jobId)) socket.send(encodeMessage({ kind: 'forget', jobId }))
    }
    log('node.joined', { node: node.node, region: node.region })
  }

  async #fromNode(socket: WebSocket, node: NodeAttachment, message: Message): Promise<void> {
    switch (message.kind) {
      case 'frame':
        return this.#frame(socket, message)
      case 'refusal':
        return this.#refusal(message)
      case 'statement': {
        const verified = await verifyOffer(message.statement, node.node, this.#settings)
        return this.#offer(socket, node, message.statement, verified)
      }
      case 'load': {
        const { slots, draining } = message
        const free = draining ? 0 : Math.min(message.free, slots)
        socket.serializeAttachment({ ...node, slots, free, draining } satisfies NodeAttachment)
        return this.#pushLoad(node, slots, free)
      }
      default:
        throw new CocoonError('broken-encoding', `a node does not send ${message.kind}`)
    }
  }

  async #frame(node: WebSocket, message: MessageOf<'frame'>): Promise<void> {
    const { sequence, final } = frameHead(message.frame)
    const job = this.#jobOf(message.jobId)
    if (job?.row.state !== 'sent') {
      // Acknowledge what is stored already; let the node forget what nobody waits for.
      const jobId = message.jobId
      node.send(encodeMessage(job ? { kind: 'ack', jobId, next: job.row.stored } : { kind: 'forget', jobId }))
      return
    }
    if (sequence > job.received) return this.#askAgain(job)
    let stored = true
    if (sequence === job.received) {
      job.client?.send(encodeMessage(message))
      stored = job.take(message.frame, final)
    } else {
      // Sent again because no acknowledgement came: store what is pending, so that one can.
      job.flush()
    }
    if (stored) node.send(encodeMessage({ kind: 'ack', jobId: message.jobId, next: job.row.stored }))
    if (!final || !stored) return
    log('job.ended', { job: job.id, model: job.row.model, milliseconds: Date.now() - job.row.created })
    await this.#settle(job, 'used')
  }

  async #refusal(message: MessageOf<'refusal'>): Promise<void> {
    const job = this.#jobOf(message.jobId)
    if (job?.row.state !== 'sent' || job.received > 0) return
    job.client?.send(encodeMessage(message))
    log('job.refused', { job: job.id, code: message.code })
    await this.#settle(job, 'returned')
    this.#forget(job.id)
  }

  async #offer(
    socket: WebSocket,
    node: NodeAttachment,
    statement: SignedStatement,
    verified: VerifiedStatement,
  ): Promise<void> {
    const load = { slots: node.slots, free: node.free }
    const offerings = offeringsOf(verified, statement, load, this.#settings, Date.now())
    this.#store.setLink(node.node, node.region, [...offerings.keys()])
    const tell = [...offerings].map(([model, offering]) => this.#matcher(model, node.region).offer(offering))
    await Promise.all(tell)
    socket.send(encodeMessage({ kind: 'joined', statement: verified.digest }))
  }

  async #pushLoad(node: NodeAttachment, slots: number, free: number): Promise<void> {
    const used = this.#usedLeases
    this.#usedLeases = []
    const tell = (this.#store.link()?.models ?? []).map((model) => {
      const ended = used.filter((lease) => lease.model === model).map(({ lease }) => lease)
      return this.#matcher(model, node.region).load(node.node, slots, free, ended)
    })
    await Promise.all(tell)
  }

  // Jobs

  /** The job, if it is here (and this user's, when one is named). */
  #jobOf(jobId: Bytes, user?: string): RelayJob | undefined {
    const id = hex(jobId)
    let job = this.#jobs.get(id)
    if (!job) {
      const row = this.#store.job(id)
      if (!row) return undefined
      job = new RelayJob(row, this.#store)
      job.client = this.ctx.getWebSockets('client').find((socket) => {
        return (socket.deserializeAttachment() as ClientAttachment).jobs.includes(id)
      })
      this.#jobs.set(id, job)
    }
    return user === undefined || job.row.user === user ? job : undefined
  }

  /** From now on this socket reads the job's answer. */
  #attach(socket: WebSocket, client: ClientAttachment, id: string): void {
    const jobs = [...client.jobs.filter((job) => job !== id), id].slice(-CLIENT_JOBS)
    socket.serializeAttachment({ ...client, jobs } satisfies ClientAttachment)
    const job = this.#jobs.get(id)
    if (job) job.client = socket
  }

  #askAgain(job: RelayJob): void {
    this.#node()?.send(encodeMessage({ kind: 'resend', jobId: job.idBytes, next: job.received }))
  }

  #stop(socket: WebSocket | undefined, jobId: Bytes, code: BrokerCode, retryAfterMs: number | null = null): void {
    socket?.send(encodeMessage({ kind: 'stopped', jobId, code, retryAfterMs }))
  }

  /** A job that never reached the node: say why, keep nothing. */
  #refuse(socket: WebSocket, jobId: Bytes, error: unknown): void {
    const id = hex(jobId)
    if (!(error instanceof CocoonError)) logFault('job.fault', error, { job: id })
    const code = error instanceof CocoonError ? (isBrokerCode(error.code) ? error.code : 'malformed') : 'broker-fault'
    log('job.stopped', { job: id, code })
    const attachment = socket.deserializeAttachment() as ClientAttachment
    const job = this.#jobOf(jobId, attachment.user)
    if (job?.row.state === 'receiving') this.#forget(id)
    this.#stop(socket, jobId, code, (error instanceof CocoonError ? error.retryAfterMs : null) ?? null)
  }

  /** The node will not finish this job. What it sent stays to be read. */
  async #lose(id: string): Promise<void> {
    const row = this.#store.job(id)
    if (!row) return
    const job = this.#jobs.get(id) ?? new RelayJob(row, this.#store)
    job.flush()
    job.row.state = 'lost'
    this.#store.setState(id, 'lost')
    log('job.lost', { job: id, model: row.model })
    this.#stop(job.client, job.idBytes, 'node-lost')
    await this.#settle(job, job.row.stored > 0 ? 'used' : 'returned')
  }

  #forget(id: string): void {
    this.#jobs.delete(id)
    this.#store.removeJob(id)
  }

  #attempt(job: RelayJob): string {
    return `${job.id}:${this.#store.link()?.node ?? ''}`
  }

  async #settle(job: RelayJob, outcome: 'used' | 'returned'): Promise<void> {
    await this.env.ACCOUNT.getByName(job.row.user).settle(this.#attempt(job), outcome)
  }

  // The node's presence

  #node(): WebSocket | undefined {
    return this.ctx.getWebSockets('node').find((socket) => {
      return socket.readyState === WebSocket.OPEN && (socket.deserializeAttachment() as NodeAttachment).joined
    })
  }

  #matcher(model: string, region: string) {
    return this.env.MATCHER.getByName(`${model}|${region}`)
  }

  async #withdraw(): Promise<void> {
    const link = this.#store.link()
    if (!link) return
    await Promise.all(link.models.map((model) => this.#matcher(model, link.region).withdraw(link.node)))
  }

  async #gone(socket: WebSocket): Promise<void> {
    const attachment = socket.deserializeAttachment() as Attachment
    if (attachment.role === 'client') {
      for (const job of this.#jobs.values()) if (job.client === socket) job.client = undefined
      return
    }
    if (!attachment.joined || this.#node()) return
    this.#store.setGone(Date.now())
    await this.#withdraw()
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
