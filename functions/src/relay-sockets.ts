import { encodeMessage } from '@cocoon/protocol'
import { attachmentOf, setAttachment } from './attachments.ts'
import { clientOf, isOpen } from './client-link.ts'
import { newChallenge, nodeOf } from './node-link.ts'
import { socketLimits } from './rate-limits.ts'

/** Close codes: of RFC 6455, and of this application. */
export const CLOSE = {
  tooBig: 1009,
  fault: 1011,
  malformed: 4400,
  refused: 4403,
  late: 4408,
  replaced: 4409,
  flood: 4429,
} as const

/** The sockets of one relay: its node's, those that say they are its node, and those of who asks it. */
export class RelaySockets {
  readonly #ctx: DurableObjectState
  /** Sockets that were closed from this end. */
  readonly #closed = new WeakSet<WebSocket>()
  #node: WebSocket | undefined

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
  }

  /** The node's, joined and open. */
  node(): WebSocket | undefined {
    if (isOpen(this.#node) && nodeOf(this.#node).joined) return this.#node
    this.#node = this.#ctx.getWebSockets('node').find((socket) => isOpen(socket) && nodeOf(socket).joined)
    return this.#node
  }

  clients(): readonly WebSocket[] {
    return this.#ctx.getWebSockets('client')
  }

  /** Those that have not said hello. */
  unjoined(): readonly WebSocket[] {
    return this.#ctx.getWebSockets('node').filter((socket) => isOpen(socket) && !nodeOf(socket).joined)
  }

  /** True while any socket of a node is there. */
  get anyNode(): boolean {
    return this.#ctx.getWebSockets('node').some(isOpen)
  }

  /** `busy`: a socket that somebody waits on is the last to go when there are too many of one user. */
  acceptClient(socket: WebSocket, user: string, busy: (socket: WebSocket) => boolean): void {
    const tag = `user:${user}`
    const others = this.#ctx.getWebSockets(tag).filter(isOpen)
    if (others.length >= socketLimits.client) {
      const idle = others.filter((other) => !busy(other))
      const oldest = oldestOf(idle.length > 0 ? idle : others)
      this.close(oldest, CLOSE.replaced, 'too many sockets of one user: the oldest goes')
    }
    this.#ctx.acceptWebSocket(socket, ['client', tag])
    setAttachment(socket, { role: 'client', user, opened: Date.now(), jobs: [] })
  }

  /** Anybody may knock; what the node has to sign goes out at once. */
  acceptNode(socket: WebSocket, from: { node: string; region: string; host: string }, network: number): void {
    const others = this.unjoined()
    if (others.length >= socketLimits.unjoined) this.close(oldestOf(others), CLOSE.replaced, 'a newer socket came')
    const { bytes: nonce, text: challenge } = newChallenge()
    this.#ctx.acceptWebSocket(socket, ['node'])
    const load = { joined: false, slots: 0, free: 0, draining: false }
    setAttachment(socket, { role: 'node', ...from, challenge, opened: Date.now(), ...load })
    socket.send(encodeMessage({ kind: 'challenge', nonce, network }))
  }

  /** This one is the node's from now on. */
  replaceOthers(socket: WebSocket): void {
    for (const other of this.#ctx.getWebSockets('node')) {
      if (other !== socket && nodeOf(other).joined) this.close(other, CLOSE.replaced, 'this node connected again')
    }
  }

  closeLate(now: number): void {
    for (const socket of this.unjoined()) {
      if (now - nodeOf(socket).opened >= socketLimits.hello) this.close(socket, CLOSE.late, 'no hello came')
    }
  }

  close(socket: WebSocket | undefined, code: number, reason: string): void {
    if (!socket) return
    this.#closed.add(socket)
    socket.close(code, reason)
  }

  /** What still arrives on such a socket is not for us. What its other end sent before it closed is. */
  wasClosedHere(socket: WebSocket): boolean {
    return this.#closed.has(socket)
  }
}

function oldestOf(sockets: readonly WebSocket[]): WebSocket | undefined {
  return [...sockets].sort((a, b) => attachmentOf(a).opened - attachmentOf(b).opened)[0]
}

/** The jobs a client's socket reads. */
export function jobsOn(socket: WebSocket): readonly string[] {
  return clientOf(socket).jobs.map(([job]) => job)
}
