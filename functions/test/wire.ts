import { type Bytes, decodeMessage, encodeMessage, type Message, type MessageOf } from '@cocoon/protocol'
import { exports } from 'cloudflare:workers'

export const ORIGIN = 'https://broker.test'

/** How long a test waits for what should come at once. Milliseconds. */
const PATIENCE = 5_000
/** How long a test waits for what should not come. Milliseconds. */
const SILENCE = 40

/** One WebSocket through the real doors, and what arrived on it. */
export class Wire {
  readonly #socket: WebSocket
  readonly #arrived: Message[] = []
  /** Text messages: only pongs have a reason to come. */
  readonly texts: string[] = []
  #wake = Promise.withResolvers<void>()
  readonly closed: Promise<{ code: number; reason: string }>
  /** The subprotocol the broker chose. */
  readonly protocol: string | null

  constructor(socket: WebSocket, protocol: string | null) {
    this.#socket = socket
    this.protocol = protocol
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') {
        this.texts.push(data)
        return
      }
      this.#arrived.push(decodeMessage(new Uint8Array(data as ArrayBuffer)))
      this.#wake.resolve()
      this.#wake = Promise.withResolvers()
    })
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
    })
    socket.accept()
  }

  /** Null when the door answered with something else than a socket. */
  static async open(path: string, protocols = ''): Promise<Wire> {
    const response = await dial(path, protocols)
    if (!response.webSocket) throw new Error(`no socket: ${await response.text()}`)
    return new Wire(response.webSocket, response.headers.get('sec-websocket-protocol'))
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send(message: Message): void {
    this.#socket.send(encodeMessage(message))
  }

  sendRaw(data: string | Bytes): void {
    this.#socket.send(data)
  }

  close(code?: number): void {
    this.#socket.close(code)
  }

  /** The next message of this kind; those of other kinds before it stay unread. */
  async next<K extends Message['kind']>(kind: K, patience = PATIENCE): Promise<MessageOf<K>> {
    const deadline = performance.now() + patience
    for (;;) {
      const at = this.#arrived.findIndex((message) => message.kind === kind)
      if (at >= 0) return this.#arrived.splice(at, 1)[0] as MessageOf<K>
      const left = deadline - performance.now()
      const kinds = this.#arrived.map((message) => message.kind).join(', ')
      const over = left <= 0 || this.#socket.readyState === WebSocket.CLOSED
      if (over) throw new Error(`no ${kind} came; unread: ${kinds || 'nothing'}`)
      await Promise.race([this.#wake.promise, scheduler.wait(left)])
    }
  }

  /** What is unread after a moment in which something unwanted could have come. */
  async quiet(): Promise<readonly Message[]> {
    await scheduler.wait(SILENCE)
    return [...this.#arrived]
  }
}

export function dial(path: string, protocols: string): Promise<Response> {
  const headers = { upgrade: 'websocket', ...(protocols ? { 'sec-websocket-protocol': protocols } : {}) }
  return exports.default.fetch(`${ORIGIN}${path}`, { headers })
}
