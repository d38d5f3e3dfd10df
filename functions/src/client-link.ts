import { encodeMessage, type Message } from '@cocoon/protocol'

/** Jobs one client socket may carry in its life. */
export const CLIENT_JOBS = 64

/** What the relay knows of a client's socket; survives sleep as the socket's attachment. */
export interface ClientAttachment {
  readonly role: 'client'
  readonly user: string
  /** Ids of the jobs this socket opened or resumed last; no other socket has them too. */
  readonly jobs: readonly string[]
}

/** Read anew each time: another message may have changed it while one was awaiting something. */
export function clientOf(socket: WebSocket): ClientAttachment {
  return socket.deserializeAttachment() as ClientAttachment
}

export function readerOf(sockets: readonly WebSocket[], job: string): WebSocket | undefined {
  return sockets.find((socket) => socket.readyState === WebSocket.OPEN && clientOf(socket).jobs.includes(job))
}

/** From now on `reader` reads the job's answer, and `before` does not. */
export function changeReader(before: WebSocket | undefined, reader: WebSocket, job: string): void {
  const jobsOf = (socket: WebSocket): string[] => clientOf(socket).jobs.filter((id) => id !== job)
  if (before && before !== reader) before.serializeAttachment({ ...clientOf(before), jobs: jobsOf(before) })
  const jobs = [...jobsOf(reader), job].slice(-CLIENT_JOBS)
  reader.serializeAttachment({ ...clientOf(reader), jobs } satisfies ClientAttachment)
}

/** Sends where somebody still listens. False when nobody does; what was sent to a closed socket would be an exception. */
export function sendTo(socket: WebSocket | undefined, message: Message): boolean {
  if (socket?.readyState !== WebSocket.OPEN) return false
  socket.send(encodeMessage(message))
  return true
}
