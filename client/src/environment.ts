import { type Bytes, CocoonError, PING, type Random, secureRandom } from '@cocoon/protocol'

/** One open socket, told apart from any runtime's own class. Messages are binary. */
export interface ClientSocket {
  send(message: Bytes): void
  close(): void
  /** The messages in order; ends when the socket closes. */
  readonly messages: AsyncIterableIterator<Bytes>
}

/** What the core needs of the world. Browsers, workerd and Node differ only here; tests bring their own. */
export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>
  connect(url: string, protocols: string[]): Promise<ClientSocket>
  /** Unix milliseconds. */
  now(): number
  random: Random
  wait(milliseconds: number): Promise<void>
}

/** Milliseconds in which a socket must open. */
const CONNECT_TIMEOUT = 15_000
/** An open socket is asked for a sign of life this often; one that stays silent for as long is dead. Milliseconds. */
const PING_INTERVAL = 20_000

export const standardEnvironment: Environment = {
  fetch: (url, init) => fetch(url, init),
  connect: connectSocket,
  now: () => Date.now(),
  random: secureRandom,
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
}

function connectSocket(url: string, protocols: string[]): Promise<ClientSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols)
    socket.binaryType = 'arraybuffer'
    const queue = new MessageQueue(() => close())
    let silent = false
    let pings: ReturnType<typeof setInterval> | undefined
    const late = setTimeout(() => close(), CONNECT_TIMEOUT)
    const end = (): void => {
      clearTimeout(late)
      if (pings !== undefined) clearInterval(pings)
      queue.end()
      reject(new CocoonError('unreachable', 'the socket to the broker did not open'))
    }
    // A dead connection never says that it closed, so nobody waits for that.
    const close = (): void => {
      socket.close()
      end()
    }
    socket.addEventListener('open', () => {
      clearTimeout(late)
      pings = setInterval(() => {
        if (silent) return close()
        silent = true
        socket.send(PING)
      }, PING_INTERVAL)
      resolve({ send: (message) => socket.send(message), close, messages: queue })
    })
    socket.addEventListener('message', (event: MessageEvent) => {
      silent = false
      // Text is a pong; everything else of this protocol is binary.
      if (event.data instanceof ArrayBuffer) queue.push(new Uint8Array(event.data))
    })
    socket.addEventListener('close', end)
    // Node's own socket says only this, and never that it closed, when it could not be opened.
    socket.addEventListener('error', end)
  })
}

/** Turns pushed messages into an iterator that can be waited on. */
class MessageQueue implements AsyncIterableIterator<Bytes> {
  readonly #close: () => void
  #waiting: ((result: IteratorResult<Bytes, undefined>) => void) | undefined
  #queue: Bytes[] = []
  #ended = false

  constructor(close: () => void) {
    this.#close = close
  }

  push(message: Bytes): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting({ value: message, done: false })
    else this.#queue.push(message)
  }

  end(): void {
    this.#ended = true
    this.#waiting?.({ value: undefined, done: true })
    this.#waiting = undefined
  }

  next(): Promise<IteratorResult<Bytes, undefined>> {
    const message = this.#queue.shift()
    if (message) return Promise.resolve({ value: message, done: false })
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  return(): Promise<IteratorResult<Bytes, undefined>> {
    this.#close()
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
