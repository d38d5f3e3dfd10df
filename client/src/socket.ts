import { type Bytes, CocoonError, PING } from '@cocoon/protocol'

/** One open socket, told apart from any runtime's own class. Messages are binary. */
export interface ClientSocket {
  send(message: Bytes): void
  close(): void
  /** The messages in order; ends when the socket closes. */
  readonly messages: AsyncIterableIterator<Bytes>
  /** False once it closed. A socket that does not say serves one question and no other. */
  readonly open?: boolean
  /** Resolves once it closed. */
  readonly closed?: Promise<void>
  /** Asks for a sign of life now, and closes the socket when none comes. */
  probe?(): void
}

/** Milliseconds in which a socket must open. */
const CONNECT_TIMEOUT = 15_000
/** An open socket is asked for a sign of life this often; one that stays silent for as long is dead. Milliseconds. */
const PING_INTERVAL = 20_000
/** A socket that is probed answers within this time or is dead; one heard from more lately than `QUIET` is not asked. */
const PROBE_TIMEOUT = 5_000
const QUIET = 1_000
/**
 * Bytes that may wait to be read. An honest broker sends 256 KiB more than was read and then waits; for one that does
 * not, the socket closes, and the rest is asked for again when these are read.
 */
export const MAX_QUEUED = 512 * 1024

/** A WebSocket of the runtime: browsers, Node and workerd have the same one. */
export function connectSocket(url: string, protocols: string[]): Promise<ClientSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols)
    socket.binaryType = 'arraybuffer'
    const queue = new MessageQueue(() => close())
    const closed = Promise.withResolvers<void>()
    let open = false
    let silent = false
    let heard = performance.now()
    let pings: ReturnType<typeof setInterval> | undefined
    let probing: ReturnType<typeof setTimeout> | undefined
    const late = setTimeout(() => close(), CONNECT_TIMEOUT)
    const end = (): void => {
      open = false
      clearTimeout(late)
      if (probing !== undefined) clearTimeout(probing)
      if (pings !== undefined) clearInterval(pings)
      queue.end()
      closed.resolve()
      reject(new CocoonError('unreachable', 'the socket to the broker did not open'))
    }
    // A dead connection never says that it closed, so nobody waits for that.
    const close = (): void => {
      socket.close()
      end()
    }
    const probe = (): void => {
      if (!open || probing !== undefined || performance.now() - heard < QUIET) return
      probing = setTimeout(close, PROBE_TIMEOUT)
      socket.send(PING)
    }
    socket.addEventListener('open', () => {
      clearTimeout(late)
      open = true
      heard = performance.now()
      pings = setInterval(() => {
        if (silent) return close()
        silent = true
        socket.send(PING)
      }, PING_INTERVAL)
      resolve({
        send: (message) => {
          // What is sent to a closed socket is lost, as it would be a moment later on the way.
          if (open) socket.send(message)
        },
        close,
        probe,
        messages: queue,
        closed: closed.promise,
        get open() {
          return open
        },
      })
    })
    socket.addEventListener('message', (event: MessageEvent) => {
      silent = false
      heard = performance.now()
      if (probing !== undefined) clearTimeout(probing)
      probing = undefined
      // Text is a pong; everything else of this protocol is binary.
      if (!(event.data instanceof ArrayBuffer)) return
      queue.push(new Uint8Array(event.data))
      if (queue.bytes > MAX_QUEUED) close()
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
  #bytes = 0
  #ended = false

  constructor(close: () => void) {
    this.#close = close
  }

  /** Bytes that nobody took yet. */
  get bytes(): number {
    return this.#bytes
  }

  push(message: Bytes): void {
    if (this.#ended) return
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) return waiting({ value: message, done: false })
    this.#queue.push(message)
    this.#bytes += message.length
  }

  end(): void {
    this.#ended = true
    this.#waiting?.({ value: undefined, done: true })
    this.#waiting = undefined
  }

  next(): Promise<IteratorResult<Bytes, undefined>> {
    const message = this.#queue.shift()
    if (message) {
      this.#bytes -= message.length
      return Promise.resolve({ value: message, done: false })
    }
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
