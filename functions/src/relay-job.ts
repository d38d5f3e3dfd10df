import { type Bytes, encodeMessage, FRAME_UNIT, fromHex, limits } from '@cocoon/protocol'
import { changeReader, isOpen } from './client-link.ts'
import { ReadWindow } from './read-window.ts'
import type { JobRow, RelayStore } from './relay-store.ts'

/** Frames are stored in batches of so many, or so many bytes, whichever comes first. */
const BATCH_FRAMES = 512
const BATCH_BYTES = 128 * 1024
/**
 * While somebody reads, a frame may be in memory alone for so long, and the final one for so long: then node and reader
 * have it too, and most answers are acknowledged before they cost a row. Milliseconds.
 */
const STORE_AFTER = 30_000
const STORE_FINAL_AFTER = 3_000
/** Where the frame begins in a `frame` message: behind its kind and the job id (SPEC.md, section 14). */
const FRAME_AT = 33
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
  /** Frames before this one are stored, here or by the reader. */
  #stored: number
  #storedBytes: number
  /** The node's own messages: its frames are passed on as they came. */
  #pending: Bytes[] = []
  #pendingBytes = 0
  #pendingSince = 0
  #final: boolean
  /** The socket that reads the answer now. */
  #reader: WebSocket | undefined
  #window = new ReadWindow(0)
  /** Bytes of the frame that waits for the window to open: until then nothing is looked up. */
  #waiting = 0
  #told = false
  /** True while its question is being taken: the node has not heard of it. */
  handing = false
  /** True when a question may have been taken for it. */
  taken: boolean
  /** True when an earlier object knew this job, whose frames in memory may be lost. */
  readonly #recalled: boolean
  /** The same, until the node showed how far it is. */
  woken: boolean
  /** The frame last asked for again: a gap shows with each of the frames behind it. */
  asked = -1
  /** Its reader has every frame before this one, by its own word. */
  readerHas: number
  /** The same, stored for good: it never asks for them again. */
  acknowledged: number
  /** Unix milliseconds. */
  firstFrameAt: number | undefined
  endedAt: number | undefined

  constructor(row: JobRow, store: RelayStore, recalled = false) {
    this.id = row.job
    this.idBytes = fromHex(row.job)
    this.row = row
    this.#store = store
    this.#recalled = recalled
    this.woken = recalled
    const { next, bytes, final } = store.storedFrames(row.job)
    this.#stored = Math.max(row.acknowledged, next ?? 0)
    this.#storedBytes = bytes ?? 0
    this.#final = final === 1
    this.taken = row.state === 'sent'
    this.readerHas = row.acknowledged
    this.acknowledged = row.acknowledged
  }

  /** Frames before this one are stored: the node may forget them. */
  get stored(): number {
    return this.#stored
  }

  /** The sequence number of the frame that comes next. */
  get received(): number {
    return this.#stored + this.#pending.length
  }

  /** True when the final frame is here. */
  get final(): boolean {
    return this.#final
  }

  /** True while frames of its answer are expected. */
  get running(): boolean {
    return this.row.state === 'sent' && !this.#final
  }

  /** True once a frame came, or its reader has one that this object forgot. */
  get begun(): boolean {
    return this.received > 0 || this.readerHas > 0
  }

  get reader(): WebSocket | undefined {
    return isOpen(this.#reader) ? this.#reader : undefined
  }

  /** False when the node sends more than any answer has. */
  hasRoom(message: Bytes): boolean {
    return this.#storedBytes + this.#pendingBytes + message.length <= MAX_ANSWER_BYTES
  }

  take(message: Bytes, final: boolean, now: number): void {
    if (this.#pending.length === 0) this.#pendingSince = now
    this.#pending.push(message)
    this.#pendingBytes += message.length
    this.#final = final
    if (final) this.endedAt = now
  }

  /** True when what is pending should be stored now: there is much of it, or nobody will soon say that he has it. */
  get full(): boolean {
    if (this.#pending.length >= BATCH_FRAMES || this.#pendingBytes >= BATCH_BYTES) return true
    return this.#final && !this.reader
  }

  /** True when what is pending has waited long enough in memory, or nobody is there who would take it from there. */
  overdue(now: number): boolean {
    if (this.#pending.length === 0) return false
    if (!this.reader) return true
    if (this.endedAt !== undefined) return now - this.endedAt >= STORE_FINAL_AFTER
    return now - this.#pendingSince >= STORE_AFTER
  }

  /** Stores what is pending. */
  flush(): void {
    if (this.#pending.length === 0) return
    const frames = this.#pending.map((message) => message.subarray(FRAME_AT))
    this.#store.addFrames(this.id, this.#stored, frames, this.#final)
    this.#stored = this.received
    this.#storedBytes += this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
  }

  /** From now on this socket reads the answer, from this frame on. */
  attach(socket: WebSocket, from: number): void {
    changeReader(this.#reader, socket, this.id, from)
    this.adopt(socket, from)
  }

  /** A socket of which this is known already. */
  adopt(socket: WebSocket, from: number): void {
    this.#reader = socket
    this.#window = new ReadWindow(from)
    this.#waiting = 0
    this.#told = false
    this.readerHas = Math.max(this.readerHas, from)
  }

  /** False when another socket reads the answer. */
  detach(socket: WebSocket): boolean {
    if (this.#reader !== undefined && this.#reader !== socket) return false
    this.#reader = undefined
    return true
  }

  /** The reader has every frame before `next`. */
  read(said: number): void {
    const next = this.#heard(said)
    this.#window.read(next)
    this.readerHas = Math.max(this.readerHas, next)
    if (this.reader) changeReader(undefined, this.reader, this.id, this.#window.begin)
  }

  /** The reader has stored every frame before `next`; what is wholly before it is let go of. */
  acknowledge(said: number): void {
    const next = this.#heard(said)
    this.read(next)
    this.acknowledged = Math.max(this.acknowledged, next)
    const stored = Math.min(next, this.#stored)
    if (this.#store.dropFrames(this.id, stored)) this.row.acknowledged = stored
  }

  /** Sends the reader what it may have now, and behind the last frame how the job ended, if it did without a final one. */
  deliver(): void {
    const socket = this.reader
    if (!socket || !this.#window.admits(this.#waiting)) return
    this.#waiting = 0
    if (this.#window.next < this.received) {
      for (const message of this.#messagesFrom(this.#window.next)) {
        const bytes = message.length - FRAME_AT
        if (!this.#window.admits(bytes)) {
          this.#waiting = bytes
          return
        }
        socket.send(message)
        this.#window.sent(bytes)
      }
    }
    if (this.row.ending === null || this.#told) return
    this.#told = true
    socket.send(this.row.ending)
  }

  /** Nobody has frames that did not come yet, unless they came before this object slept. */
  #heard(next: number): number {
    return this.#recalled ? next : Math.min(next, this.received)
  }

  *#messagesFrom(from: number): Generator<Bytes> {
    if (from < this.#stored) {
      for (const frame of this.#store.framesFrom(this.id, from)) {
        yield encodeMessage({ kind: 'frame', jobId: this.idBytes, frame })
      }
    }
    for (let at = Math.max(0, from - this.#stored); at < this.#pending.length; at++) yield this.#pending[at] as Bytes
  }
}
