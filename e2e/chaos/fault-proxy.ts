import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Which way bytes go: `out` from who dialled to the broker, `in` back. */
export type Direction = 'out' | 'in'

/** Bytes that are passed on between two waits of a slow line. */
const SLICE = 256

/**
 * A TCP line to one port that can be cut, frozen, slowed and half-closed at any moment. It reads nothing that passes but
 * whether a connection asked to become a WebSocket, so that open ones can be counted.
 */
export class FaultProxy {
  readonly #server: Server
  readonly #target: number
  readonly #lines = new Set<Line>()
  readonly #state: LineState = { thawed: undefined, bytesPerSecond: Infinity, refusing: false }

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
    server.on('connection', (socket) => this.#accept(socket))
  }

  /** `target`: a port of this machine. */
  static async open(target: number): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true })
    const proxy = new FaultProxy(server, target)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get connections(): number {
    return this.#lines.size
  }

  /** Connections that are WebSockets. */
  get webSockets(): number {
    return [...this.#lines].filter(({ upgraded }) => upgraded).length
  }

  /** Resets every connection; new ones are served. */
  cut(): void {
    for (const line of this.#lines) line.cut()
  }

  /** From now on no byte passes, nor the news that somebody left; nobody is told. */
  freeze(): void {
    this.#state.thawed ??= Promise.withResolvers()
  }

  /** What was held passes. */
  thaw(): void {
    this.#state.thawed?.resolve()
    this.#state.thawed = undefined
  }

  slow(bytesPerSecond: number): void {
    this.#state.bytesPerSecond = bytesPerSecond
  }

  /** Says on every connection that nothing more comes this way, and drops what still does. */
  halfClose(direction: Direction): void {
    for (const line of this.#lines) line.halfClose(direction)
  }

  /** Resets every new connection, as where nobody listens. */
  refuse(): void {
    this.#state.refusing = true
  }

  heal(): void {
    this.thaw()
    this.#state.bytesPerSecond = Infinity
    this.#state.refusing = false
  }

  async close(): Promise<void> {
    this.heal()
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(socket: Socket): void {
    if (this.#state.refusing) return void socket.resetAndDestroy()
    const line = new Line(socket, connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true }), this.#state)
    this.#lines.add(line)
    void line.run().finally(() => this.#lines.delete(line))
  }
}

interface LineState {
  /** Set while frozen. */
  thawed: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  bytesPerSecond: number
  refusing: boolean
}

/** One connection through the proxy: two sockets, and what carries bytes each way. */
class Line {
  upgraded = false
  readonly #near: Socket
  readonly #far: Socket
  readonly #state: LineState
  readonly #muted = new Set<Direction>()

  constructor(near: Socket, far: Socket, state: LineState) {
    this.#near = near
    this.#far = far
    this.#state = state
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      // A reset by either end is news for the other.
      socket.on('error', () => this.cut())
      socket.on('close', () => void this.#closeWhenThawed())
    }
  }

  async run(): Promise<void> {
    await Promise.allSettled([this.#carry('out', this.#near, this.#far), this.#carry('in', this.#far, this.#near)])
    this.#near.destroy()
    this.#far.destroy()
  }

  cut(): void {
    this.#near.resetAndDestroy()
    this.#far.resetAndDestroy()
  }

  halfClose(direction: Direction): void {
    this.#muted.add(direction)
    const to = direction === 'out' ? this.#far : this.#near
    to.end()
  }

  async #closeWhenThawed(): Promise<void> {
    await this.#state.thawed?.promise
    // Both ends said that they have nothing more to say, or one of them is gone.
    if (!this.#near.destroyed || !this.#far.destroyed) this.cut()
  }

  async #carry(direction: Direction, from: Socket, to: Socket): Promise<void> {
    let first = true
    for await (const data of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (first && direction === 'out') this.upgraded = /^upgrade: websocket/im.test(data.toString('latin1'))
      first = false
      for (let at = 0; at < data.length;) {
        await this.#state.thawed?.promise
        const rate = this.#state.bytesPerSecond
        const piece = data.subarray(at, rate === Infinity ? undefined : at + SLICE)
        at += piece.length
        if (rate !== Infinity) await new Promise((resolve) => setTimeout(resolve, (1000 * piece.length) / rate))
        if (this.#muted.has(direction) || to.destroyed) continue
        if (!to.write(piece)) await drained(to)
      }
    }
    await this.#state.thawed?.promise
    if (!to.destroyed) to.end()
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
