import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Bytes,
  copy,
  decodeMessage,
  encodeMessage,
  frameHead,
  hex,
  linkChallenge,
  type Message,
  type MessageOf,
  networks,
  nodeIdOf,
  PING,
  PONG,
  type SignedStatement,
  SUBPROTOCOL,
  verifySignature,
  verifyStatement,
} from '@cocoon/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

/** Waits, without a timer that a test may have stopped, until something holds. */
export async function until(holds: () => boolean, what: string, milliseconds = 8_000): Promise<void> {
  const began = process.hrtime.bigint()
  while (!holds()) {
    if (process.hrtime.bigint() - began > BigInt(milliseconds) * 1_000_000n) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A node's relay over real sockets: challenges, checks the hello, stores frames in order, acknowledges them. */
export class Relay {
  readonly hellos: MessageOf<'hello'>[] = []
  readonly loads: MessageOf<'load'>[] = []
  readonly refusals: MessageOf<'refusal'>[] = []
  readonly statements: SignedStatement[] = []
  readonly closes: { code: number; reason: string }[] = []
  /** Every frame message that came, copies included. */
  readonly arrived: { job: string; sequence: number }[] = []
  /** Whether frames are stored and acknowledged as they come. */
  acknowledges = true
  network: number = networks.localnet
  /** What is done with a hello instead of joining. */
  onHello: ((socket: WebSocket) => void) | undefined
  /** The host that a hello should be signed for, if not the one that was dialled. */
  verify: ((host: string) => string) | undefined
  /** Hellos that were not signed for us. */
  forged = 0
  connections = 0
  socket: WebSocket | undefined
  readonly #stored = new Map<string, Bytes[]>()
  #url: string | undefined
  readonly #server: Server
  readonly #sockets: WebSocketServer

  private constructor(server: Server) {
    this.#server = server
    this.#sockets = new WebSocketServer({ server, handleProtocols: () => SUBPROTOCOL })
    this.#sockets.on('connection', (socket, request) => this.#accept(socket, request.headers.host ?? ''))
  }

  static async start(): Promise<Relay> {
    const server = createServer()
    const relay = new Relay(server)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return relay
  }

  get url(): string {
    // Known after the end too.
    return (this.#url ??= `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
  }

  /** Resolves when a node has joined, for the `times`th time. */
  async joined(times = 1): Promise<void> {
    await until(() => this.hellos.length >= times && this.socket !== undefined, `join ${times}`)
  }

  get statement(): SignedStatement {
    const statement = this.statements.at(-1) ?? this.hellos.at(-1)?.statement
    if (!statement) throw new Error('no node has joined')
    return statement
  }

  send(...messages: readonly Message[]): void {
    for (const message of messages) this.socket?.send(encodeMessage(message))
  }

  frames(jobId: Bytes): Bytes[] {
    let frames = this.#stored.get(hex(jobId))
    if (!frames) this.#stored.set(hex(jobId), (frames = []))
    return frames
  }

  ended(jobId: Bytes): boolean {
    const last = this.frames(jobId).at(-1)
    return last !== undefined && frameHead(last).final
  }

  /** All frames of an answer, once the final one is there. */
  async answer(jobId: Bytes): Promise<Bytes[]> {
    await until(() => this.ended(jobId), 'the final frame')
    return this.frames(jobId)
  }

  async refusal(jobId: Bytes): Promise<MessageOf<'refusal'>> {
    const find = () => this.refusals.find((refusal) => hex(refusal.jobId) === hex(jobId))
    await until(() => find() !== undefined, 'the refusal')
    return find() as MessageOf<'refusal'>
  }

  acknowledge(jobId: Bytes): void {
    this.send({ kind: 'ack', jobId, next: this.frames(jobId).length })
  }

  /** Cuts the connection without a word. */
  drop(): void {
    this.socket?.terminate()
    this.socket = undefined
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#sockets.close()
    if (!this.#server.listening) return
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  #accept(socket: WebSocket, host: string): void {
    this.connections += 1
    const nonce = crypto.getRandomValues(new Uint8Array(32))
    socket.on('close', (code, reason) => {
      this.closes.push({ code, reason: reason.toString() })
      if (this.socket === socket) this.socket = undefined
    })
    socket.on('message', (data: Buffer, binary) => {
      if (!binary) return void (data.toString() === PING && socket.send(PONG))
      return void this.#read(socket, decodeMessage(copy(data)), nonce, host)
    })
    socket.send(encodeMessage({ kind: 'challenge', nonce, network: this.network }))
  }

  async #read(socket: WebSocket, message: Message, nonce: Bytes, host: string): Promise<void> {
    switch (message.kind) {
      case 'hello':
        return this.#join(socket, message, linkChallenge(nonce, this.verify?.(host) ?? host))
      case 'load':
        return void this.loads.push(message)
      case 'refusal':
        return void this.refusals.push(message)
      case 'statement':
        return void this.statements.push(message.statement)
      case 'frame':
        return this.#store(message)
      default:
        throw new Error(`a node does not send ${message.kind}`)
    }
  }

  async #join(socket: WebSocket, hello: MessageOf<'hello'>, challenge: Bytes): Promise<void> {
    const { statement, digest, nodeId } = await verifyStatement(hello.statement, networks.localnet)
    const { identity } = statement
    if (!(await verifySignature('cocoon/1 link challenge', identity, hello.signature, challenge))) {
      this.forged += 1
      return socket.close(4403, 'the hello is not signed by the node')
    }
    if (nodeId !== (await nodeIdOf(identity))) throw new Error('another node')
    if (this.onHello) return this.onHello(socket)
    this.socket = socket
    this.hellos.push(hello)
    socket.send(encodeMessage({ kind: 'joined', statement: digest }))
  }

  #store({ jobId, frame }: MessageOf<'frame'>): void {
    const { sequence } = frameHead(frame)
    this.arrived.push({ job: hex(jobId), sequence })
    const stored = this.frames(jobId)
    if (sequence === stored.length) stored.push(frame)
    else if (sequence < stored.length && hex(stored[sequence] ?? frame) !== hex(frame)) {
      throw new Error('a frame was sent again with other bytes')
    }
    if (this.acknowledges) this.acknowledge(jobId)
  }
}
