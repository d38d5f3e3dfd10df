import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Bytes, copy, decodeMessage, type Message, SUBPROTOCOL } from '@cocoon/protocol'
import { WebSocket } from 'ws'
import type { SocketInput } from './message-inputs.ts'
import { within } from './verdicts.ts'

/** How long a socket may take to open, to answer and to close. Milliseconds. */
const BOUND = 15_000

/** One socket to the broker, with everything it was told. */
export class SocketSession {
  readonly received: Message[] = []
  /** Set once the socket is closed. */
  closed: { code: number; reason: string } | undefined
  /** What the broker said that nobody can read. */
  garbled: string | undefined
  readonly #socket: WebSocket
  readonly #heard = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer, binary) => {
      try {
        if (binary) this.received.push(decodeMessage(copy(data)))
      } catch (error) {
        this.garbled = String(error)
      }
      this.#tell()
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.#tell()
    })
    socket.on('error', () => undefined)
  }

  /** The session, or how the door refused it: status and body, or that it did not answer. */
  static async open(
    url: string,
    protocols: readonly string[],
  ): Promise<SocketSession | { status: number; body: string }> {
    const socket = new WebSocket(url, [SUBPROTOCOL, ...protocols], { perMessageDeflate: false })
    const session = new SocketSession(socket)
    const refused = Promise.withResolvers<{ status: number; body: string }>()
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      let body = ''
      response.on('data', (data: Buffer) => (body += data.toString()))
      response.on('close', () => refused.resolve({ status: response.statusCode ?? 0, body }))
    })
    const opened = once(socket, 'open').then(
      () => session,
      (error: Error) => ({ status: 0, body: error.message }),
    )
    const outcome = await within(BOUND, Promise.race([opened, refused.promise]))
    return outcome === 'late' ? { status: 0, body: 'late' } : outcome
  }

  send(input: SocketInput): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(input)
  }

  /** The same message in pieces, as a WebSocket may be sent. */
  sendFragments(input: Bytes, pieces: number): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    const size = Math.ceil(input.length / pieces)
    for (let at = 0; at < input.length; at += size) {
      this.#socket.send(input.subarray(at, at + size), { binary: true, fin: at + size >= input.length })
    }
  }

  /** Bytes below the level of messages. */
  sendRaw(bytes: Uint8Array): void {
    const { _socket: stream } = this.#socket as unknown as { _socket?: Duplex }
    if (stream?.writable) stream.write(bytes)
  }

  /** True when it held in time; a socket that closed makes it hold too. */
  async until(holds: () => boolean): Promise<boolean> {
    const settled = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.closed || holds()) settled.resolve()
    }
    this.#heard.add(look)
    look()
    const outcome = await within(BOUND, settled.promise)
    this.#heard.delete(look)
    return outcome !== 'late'
  }

  /** True when the socket closed in time. */
  async end(how: 'close' | 'drop'): Promise<boolean> {
    if (how === 'drop') this.#socket.terminate()
    else this.#socket.close(1000)
    const closed = await this.until(() => false)
    if (!closed) this.#socket.terminate()
    return closed
  }

  #tell(): void {
    for (const look of this.#heard) look()
  }
}
