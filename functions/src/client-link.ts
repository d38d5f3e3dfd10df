import { encodeMessage, type Message } from '@cocoon/protocol'
import { attachmentOf, setAttachment } from './attachments.ts'

/** Jobs one client socket may carry in its life. */
export const CLIENT_JOBS = 64

/** A job that a socket reads, and the frame before which its reader has read all. */
type ReadJob = readonly [job: string, read: number]

/** What the relay knows of a client's socket; survives sleep as the socket's attachment. */
export interface ClientAttachment {
  readonly role: 'client'
  readonly user: string
  /** Unix milliseconds. */
  readonly opened: number
  /** The jobs this socket opened or resumed last; no other socket has them too. */
  readonly jobs: readonly ReadJob[]
}

export function clientOf(socket: WebSocket): ClientAttachment {
  return attachmentOf(socket) as ClientAttachment
}

/** The socket that reads a job's answer, and how far it has. */
export function readerOf(
  sockets: readonly WebSocket[],
  job: string,
): { readonly socket: WebSocket; readonly read: number } | undefined {
  for (const socket of sockets) {
    const found = isOpen(socket) && clientOf(socket).jobs.find(([id]) => id === job)
    if (found) return { socket, read: found[1] }
  }
  return undefined
}

/** From now on `reader` reads the job's answer, from the frame `read` on, and `before` does not. */
export function changeReader(before: WebSocket | undefined, reader: WebSocket, job: string, read: number): void {
  const jobsOf = (socket: WebSocket): ReadJob[] => clientOf(socket).jobs.filter(([id]) => id !== job)
  if (before && before !== reader) setAttachment(before, { ...clientOf(before), jobs: jobsOf(before) })
  const jobs = [...jobsOf(reader), [job, read] as const].slice(-CLIENT_JOBS)
  setAttachment(reader, { ...clientOf(reader), jobs })
}

export function isOpen(socket: WebSocket | undefined): socket is WebSocket {
  return socket?.readyState === WebSocket.OPEN
}

/** Sends where somebody still listens. False when nobody does; what was sent to a closed socket would be an exception. */
export function sendTo(socket: WebSocket | undefined, message: Message): boolean {
  if (!isOpen(socket)) return false
  socket.send(encodeMessage(message))
  return true
}
