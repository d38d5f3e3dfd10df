import { type Bytes, CocoonError } from '@cocoon/protocol'
import type { Broker } from './broker.ts'
import type { Environment } from './environment.ts'
import type { ClientSocket } from './socket.ts'

/** An unused socket is kept open this long for the next question. Milliseconds. */
export const IDLE_LIFETIME = 180_000
/** Sockets kept for later, over all nodes. */
const MAX_IDLE = 4
/** Questions one socket carries: brokers bound what one of theirs remembers. */
const MAX_QUESTIONS = 32
/** Waits before each reconnection, in milliseconds. After the last the answer is left to wait at the broker. */
const RECONNECT_WAITS = [200, 1_000, 3_000, 8_000, 15_000]
/** What was sent to a socket that dies within this time may never have been heard: that long can a dead line go unnoticed. */
export const UNHEARD = 60_000

interface IdleSocket {
  readonly nodeId: string
  /** May still be opening. */
  readonly socket: Promise<ClientSocket>
  readonly end: AbortController
}

/** The sockets to the relays of nodes. Each carries one question at a time, and several one after another. */
export class NodeSockets {
  readonly #broker: Broker
  readonly #environment: Environment
  readonly #idle: IdleSocket[] = []
  readonly #taken = new Set<ClientSocket>()
  readonly #questions = new WeakMap<ClientSocket, number>()
  /** Closed here, in order: all that was sent before went out. */
  readonly #finished = new WeakSet<ClientSocket>()
  #woken = new AbortController()
  #closed = false

  constructor(broker: Broker, environment: Environment) {
    this.#broker = broker
    this.#environment = environment
  }

  /** A socket for one question: one that waits already, or a new one. @throws CocoonError `unreachable` */
  async take(nodeId: string): Promise<ClientSocket> {
    for (;;) {
      const idle = this.#remove(this.#idle.findLast((candidate) => candidate.nodeId === nodeId))
      if (!idle) return this.#take(await this.#broker.connect(nodeId))
      const socket = await idle.socket.catch(() => undefined)
      if (!socket || socket.open === false) continue
      // It may have died while nobody used it; the answer would not say so for a long time.
      socket.probe?.()
      return this.#take(socket)
    }
  }

  /** Opens a socket that the next question to this node will find. */
  warm(nodeId: string): void {
    if (this.#closed || this.#idle.some((idle) => idle.nodeId === nodeId)) return
    const idle = this.#wait(nodeId, this.#broker.connect(nodeId))
    idle.socket.catch(() => this.#remove(idle))
  }

  /** The question on it ended, and nothing about it is still to come. */
  release(nodeId: string, socket: ClientSocket): void {
    this.#taken.delete(socket)
    const full = this.#closed || this.#idle.length >= MAX_IDLE
    const worn = socket.open !== true || (this.#questions.get(socket) ?? 0) >= MAX_QUESTIONS
    if (full || worn) this.#shut(socket)
    else this.#wait(nodeId, Promise.resolve(socket))
  }

  /**
   * Says the last word about a question, that its answer is stored here. Nothing answers it, so when the socket breaks soon
   * after it is said once more on another one: the broker would keep the answer for a day otherwise. In vain is no harm.
   */
  async farewell(nodeId: string, socket: ClientSocket, message: Bytes): Promise<void> {
    socket.send(message)
    const heard = new AbortController()
    const waited = this.#environment.wait(UNHEARD, heard.signal).then(() => false)
    const broke = await Promise.race([waited, socket.closed?.then(() => true) ?? waited])
    heard.abort()
    if (!broke || this.#closed || this.#finished.has(socket)) return
    const again = await this.reconnect(nodeId, 0).catch(() => undefined)
    again?.send(message)
    if (again) this.release(nodeId, again)
  }

  /** Something about its question may still come, so it serves no other. */
  drop(socket: ClientSocket): void {
    this.#taken.delete(socket)
    this.#shut(socket)
  }

  /**
   * Opens another socket after one broke; `already` says how often that was tried.
   * @throws CocoonError `unreachable` when the broker stays away
   */
  async reconnect(nodeId: string, already: number): Promise<ClientSocket> {
    for (const wait of RECONNECT_WAITS.slice(already)) {
      // Half to all of the wait: everyone's socket breaks at once when the broker restarts.
      const jitter = 0.5 + (this.#environment.random(1)[0] ?? 0) / 512
      await this.#environment.wait(wait * jitter, this.#woken.signal)
      try {
        return this.#take(await this.#broker.connect(nodeId))
      } catch (error) {
        if (!(error instanceof CocoonError) || error.code !== 'unreachable') throw error
      }
    }
    throw new CocoonError('unreachable', 'the broker stays away; the answer waits there, sealed, for 24 hours')
  }

  /** The network may have changed: dead sockets are found out, and who waits to reconnect does so now. */
  wake(): void {
    for (const socket of this.#taken) socket.probe?.()
    for (const { socket } of this.#idle) socket.then((open) => open.probe?.()).catch(() => undefined)
    this.#woken.abort()
    this.#woken = new AbortController()
  }

  /** Closes what no question uses. Sockets in use close when their question ends. */
  close(): void {
    this.#closed = true
    while (this.#idle[0]) this.#end(this.#idle[0])
  }

  #take(socket: ClientSocket): ClientSocket {
    this.#taken.add(socket)
    this.#questions.set(socket, (this.#questions.get(socket) ?? 0) + 1)
    return socket
  }

  #wait(nodeId: string, socket: Promise<ClientSocket>): IdleSocket {
    const idle = { nodeId, socket, end: new AbortController() }
    this.#idle.push(idle)
    void this.#environment.wait(IDLE_LIFETIME, idle.end.signal).then(() => this.#end(idle))
    return idle
  }

  #end(idle: IdleSocket): void {
    if (this.#remove(idle)) idle.socket.then((socket) => this.#shut(socket)).catch(() => undefined)
  }

  #shut(socket: ClientSocket): void {
    if (socket.open === true) this.#finished.add(socket)
    socket.close()
  }

  /** Takes it out of the waiting ones. Undefined when it was none of them. */
  #remove(idle: IdleSocket | undefined): IdleSocket | undefined {
    const at = idle ? this.#idle.indexOf(idle) : -1
    if (at === -1) return undefined
    this.#idle.splice(at, 1)
    idle?.end.abort()
    return idle
  }
}
