import { type Bytes, FRAME_UNIT, fromHex, limits } from '@cocoon/protocol'
import { sendTo } from './client-link.ts'
import type { JobRow, RelayStore } from './relay-store.ts'

/** Frames are stored in batches of so many, or so many bytes, whichever comes first; the final frame at once. */
const BATCH_FRAMES = 16
const BATCH_BYTES = 32 * 1024
/** No honest answer has more sealed bytes than this: content and final frame, and what sealing adds to each frame. */
const MAX_ANSWER_BYTES = limits.answer + limits.object + limits.frames * (FRAME_UNIT + 64)

/**
 * One job as a waking relay works on it: what is stored, plus the frames that arrived since. The frames not yet stored
 * may be lost with this object, because the node keeps them until they are acknowledged.
 */
export class RelayJob {
  readonly id: string
  readonly idBytes: Bytes
  readonly row: JobRow
  readonly #store: RelayStore
  #pending: Bytes[] = []
  #pendingBytes = 0
  /** The socket that reads the answer now. */
  client: WebSocket | undefined
  /** The frame last asked for again: a gap shows with each of the frames behind it. */
  asked = -1

  constructor(row: JobRow, store: RelayStore) {
    this.id = row.job
    this.idBytes = fromHex(row.job)
    this.row = row
    this.#store = store
  }

  /** The sequence number of the frame that comes next. */
  get received(): number {
    return this.row.stored + this.#pending.length
  }

  /** False when the node sends more than any answer has. */
  hasRoom(frame: Bytes): boolean {
    return this.row.bytes + this.#pendingBytes + frame.length <= MAX_ANSWER_BYTES
  }

  /** Takes the next frame; true when it made a batch full, which then is stored. */
  take(frame: Bytes, final: boolean): boolean {
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    if (!final && this.#pending.length < BATCH_FRAMES && this.#pendingBytes < BATCH_BYTES) return false
    if (final) this.row.state = 'ended'
    this.flush()
    return true
  }

  /** Stores what is pending. */
  flush(): void {
    if (this.#pending.length === 0) return
    this.#store.addFrames(this.row, this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
  }

  /** Sends every frame from `from` on that is here. */
  replay(socket: WebSocket, from: number): void {
    for (const frame of this.#store.framesFrom(this.id, from)) this.#sendFrame(socket, frame)
    const firstPending = this.row.stored
    this.#pending.forEach((frame, index) => {
      if (firstPending + index >= from) this.#sendFrame(socket, frame)
    })
  }

  #sendFrame(socket: WebSocket, frame: Bytes): void {
    sendTo(socket, { kind: 'frame', jobId: this.idBytes, frame })
  }
}
