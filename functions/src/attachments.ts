import type { ClientAttachment } from './client-link.ts'
import type { NodeAttachment } from './node-link.ts'

/** What survives sleep with a socket. */
export type Attachment = ClientAttachment | NodeAttachment

/** Reading an attachment decodes it, and every message needs one; a woken object begins with none of these. */
const known = new WeakMap<WebSocket, Attachment>()

/** Asked anew each time: another message may have changed it while one was awaiting something. */
export function attachmentOf(socket: WebSocket): Attachment {
  let attachment = known.get(socket)
  if (!attachment) {
    attachment = socket.deserializeAttachment() as Attachment
    known.set(socket, attachment)
  }
  return attachment
}

/** At most 16 KB. */
export function setAttachment(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment)
  known.set(socket, attachment)
}
