import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  copy,
  decodeMessage,
  encodeMessage,
  frameHead,
  hex,
  type Message,
  networks,
  type SignedStatement,
  statementDigest,
  SUBPROTOCOL,
} from '@cocoon/protocol'
import { WebSocket, WebSocketServer } from 'ws'
import type { SocketInput } from './message-inputs.ts'

/** One node's link, as a relay sees it that joins anybody and then says what it likes. */
export class LyingLink {
  readonly statement: SignedStatement
  closed: number | undefined
  /** Jobs that ended, with a final frame or a refusal, by hex id. */
  readonly ended = new Set<string>()
  #newest: SignedStatement
  readonly #socket: WebSocket
  #changed = Promise.withResolvers<void>()

  constructor(socket: WebSocket, statement: SignedStatement) {
    this.#socket = socket
    this.statement = statement
    this.#newest = statement
    socket.on('message', (data: Buffer, binary) => {
      if (binary) this.#hear(decodeMessage(copy(data)))
    })
    socket.on('close', (code) => {
      this.closed = code
      this.#tell()
    })
  }

  /** What the node offers now. */
  get newest(): SignedStatement {
    return this.#newest
  }

  send(input: SocketInput): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(input)
  }

  drop(): void {
    this.#socket.terminate()
  }

  /** Resolves when something was heard, or the link closed. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  #hear(message: Message): void {
    if (message.kind === 'refusal') this.ended.add(hex(message.jobId))
    if (message.kind === 'statement') this.#newest = message.statement
    if (message.kind === 'frame') {
      const { sequence, final } = frameHead(message.frame)
      if (final) this.ended.add(hex(message.jobId))
      // Mostly honest: a node that is never acknowledged is full after a few hundred jobs.
      this.send(encodeMessage({ kind: 'ack', jobId: message.jobId, next: sequence + 1 }))
    }
    this.#tell()
  }

  #tell(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }
}

/** A broker that real nodes dial: takes every hello as it is. */
export class LyingRelay {
  readonly #server: Server
  readonly #sockets: WebSocketServer
  readonly #links: LyingLink[] = []
  #joined = Promise.withResolvers<void>()

  private constructor(server: Server) {
    this.#server = server
    this.#sockets = new WebSocketServer({ server, handleProtocols: () => SUBPROTOCOL, maxPayload: 16 * 1024 * 1024 })
    this.#sockets.on('connection', (socket) => this.#accept(socket))
  }

  static async start(): Promise<LyingRelay> {
    const server = createServer()
    const relay = new LyingRelay(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return relay
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The next link that joins, or joined and was not asked for yet. */
  async next(): Promise<LyingLink> {
    for (;;) {
      const link = this.#links.shift()
      if (link && link.closed === undefined) return link
      if (!link) await this.#joined.promise
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(socket: WebSocket): void {
    socket.on('error', () => undefined)
    socket.once('message', (data: Buffer) => void this.#join(socket, decodeMessage(copy(data))))
    const nonce = crypto.getRandomValues(new Uint8Array(32))
    socket.send(encodeMessage({ kind: 'challenge', nonce, network: networks.localnet }))
  }

  async #join(socket: WebSocket, hello: Message): Promise<void> {
    if (hello.kind !== 'hello') return socket.terminate()
    const link = new LyingLink(socket, hello.statement)
    socket.send(encodeMessage({ kind: 'joined', statement: await statementDigest(hello.statement.body) }))
    this.#links.push(link)
    const { resolve } = this.#joined
    this.#joined = Promise.withResolvers()
    resolve()
  }
}
