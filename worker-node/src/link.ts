import {
  type Bytes,
  CocoonError,
  decodeMessage,
  encodeMessage,
  linkChallenge,
  type Message,
  PING,
  type SignedStatement,
  type Signer,
  signFor,
  SUBPROTOCOL,
} from '@cocoon/protocol'
import type { Log } from './log.ts'

/** Waits before the link is opened again: the first, and the longest. Milliseconds. */
const FIRST_WAIT = 300
const LONGEST_WAIT = 30_000
/** A link that stood this long forgives the failures before it. Milliseconds. */
const FORGIVEN_AFTER = 60_000
const PING_INTERVAL = 20_000
const PONG_PATIENCE = 10_000
/** A broker that answers pings but never takes our hello is left too. Milliseconds. */
const JOIN_PATIENCE = 30_000
/** Bytes that may wait in the socket: what does not fit stays in its outbox and is sent again later. */
const BUFFERED = 8 * 1024 * 1024
/** The broker refused who we are or what we offer (functions/src/node-relay.ts): asking again soon changes nothing. */
const REFUSED = 4403

export interface LinkOptions {
  /** `https://…` or `http://…` */
  readonly broker: string
  readonly nodeId: string
  readonly signer: Signer
  readonly network: number
  readonly log: Log
  /** [0, 1) */
  chance(): number
  /** Milliseconds. */
  monotonic(): number
  hello(): { statement: SignedStatement; slots: number; free: number; jobs: Bytes[] }
  /** A message of the joined relay. May throw CocoonError. */
  receive(message: Message): void
  /** The relay took our statement; frames may flow. */
  joined(): void
}

/** The node's one outbound socket. Opens it, proves who we are, and opens it again whenever it breaks. */
export class Link {
  readonly #options: LinkOptions
  #socket: WebSocket | undefined
  /** The socket whose challenge was answered: each asks once. */
  #challenged: WebSocket | undefined
  #joined = false
  #closed = false
  #failures = 0
  #timers = new Set<NodeJS.Timeout>()

  constructor(options: LinkOptions) {
    this.#options = options
  }

  get up(): boolean {
    return this.#joined
  }

  open(): void {
    if (this.#closed) return
    const { broker, nodeId, log } = this.#options
    const monotonic = (): number => this.#options.monotonic()
    const url = new URL(`/api/nodes/${nodeId}/link`, broker)
    url.protocol = url.protocol.replace('http', 'ws')
    const socket = new WebSocket(url, SUBPROTOCOL)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    let openedAt: number | undefined
    let pongDue: NodeJS.Timeout | undefined
    const joinDue = setTimeout(() => {
      if (!this.#joined) leave()
    }, JOIN_PATIENCE)
    const end = (code: number, reason: string): void => {
      clearInterval(pings)
      clearTimeout(pongDue)
      clearTimeout(joinDue)
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#joined = false
      if (this.#closed) return
      if (openedAt !== undefined && monotonic() - openedAt > FORGIVEN_AFTER) this.#failures = 0
      const wait = this.#nextWait(code)
      const why = reason || (openedAt === undefined ? 'the broker does not answer' : 'the connection broke')
      log('link.down', { why, milliseconds: wait })
      this.#later(wait, () => this.open())
    }
    // A dead connection never says that it closed, so it is left rather than waited for.
    const leave = (): void => {
      socket.close()
      end(1006, 'the broker is silent')
    }
    const pings = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return leave()
      socket.send(PING)
      pongDue ??= setTimeout(leave, PONG_PATIENCE)
    }, PING_INTERVAL)
    socket.addEventListener('message', (event: MessageEvent<string | ArrayBuffer>) => {
      clearTimeout(pongDue)
      pongDue = undefined
      if (typeof event.data === 'string' || this.#socket !== socket) return
      openedAt ??= monotonic()
      void this.#receive(socket, new Uint8Array(event.data), url.host)
    })
    socket.addEventListener('close', (event) => end(event.code, event.reason))
    // Node's own socket says only this, and never that it closed, when it could not be opened.
    socket.addEventListener('error', () => end(1006, ''))
  }

  send(message: Message): void {
    if (this.#joined) this.#socket?.send(encodeMessage(message))
  }

  /** Sends an encoded message; false when it could not be, and must be sent again after the next join. */
  sendBytes(message: Bytes): boolean {
    if (!this.#joined || this.#socket?.readyState !== WebSocket.OPEN) return false
    if (this.#socket.bufferedAmount > BUFFERED) return false
    this.#socket.send(message)
    return true
  }

  /** Breaks the link, so that the next hello tells the relay which jobs are still here. */
  rejoin(): void {
    this.#socket?.close(4001, 'a job was lost here')
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#joined = false
    this.#socket?.close(1000)
  }

  /** Doubles with every failure, and takes a random half of it: all nodes reconnect at once after a deploy. */
  #nextWait(code: number): number {
    const grown = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++)
    const longest = code === REFUSED ? LONGEST_WAIT : grown
    return Math.round(longest * (0.5 + this.#options.chance() / 2))
  }

  #later(milliseconds: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      then()
    }, milliseconds)
    this.#timers.add(timer)
  }

  async #receive(socket: WebSocket, bytes: Bytes, host: string): Promise<void> {
    const { log } = this.#options
    try {
      const message = decodeMessage(bytes)
      if (message.kind === 'challenge') await this.#answer(socket, message.nonce, message.network, host)
      else if (message.kind === 'joined') this.#join(socket)
      else this.#options.receive(message)
    } catch (error) {
      log('link.fault', { why: error instanceof CocoonError ? error.message : 'unexpected message' })
      socket.close(4400, 'not understood')
    }
  }

  #join(socket: WebSocket): void {
    if (this.#challenged !== socket) throw new CocoonError('broken-encoding', 'joined without a hello')
    // Also comes after each newer statement.
    if (this.#joined) return
    this.#joined = true
    this.#options.joined()
  }

  async #answer(socket: WebSocket, nonce: Bytes, network: number, host: string): Promise<void> {
    const { signer } = this.#options
    if (this.#challenged === socket) throw new CocoonError('broken-encoding', 'a second challenge')
    this.#challenged = socket
    if (network !== this.#options.network) throw new CocoonError('wrong-broker', 'this broker is on another network')
    const signature = await signFor('cocoon/1 link challenge', signer, linkChallenge(nonce, host))
    if (socket.readyState === WebSocket.OPEN)
      socket.send(encodeMessage({ kind: 'hello', signature, ...this.#options.hello() }))
  }
}
