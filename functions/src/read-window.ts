/** Bytes of an answer's frames that may be on the way to a reader beyond what it says it has read (SPEC.md, section 11). */
export const READ_WINDOW = 256 * 1024

/** How far one reader's socket has been sent an answer, and how far it has read. Pure. */
export class ReadWindow {
  #read: number
  /** Bytes of each frame that was sent and not read yet. */
  readonly #unread: number[] = []
  #bytes = 0

  /** `from`: the reader has, or wants, nothing before this frame. */
  constructor(from: number) {
    this.#read = from
  }

  /** The reader has read every frame before this one. */
  get begin(): number {
    return this.#read
  }

  /** The frame to send next. */
  get next(): number {
    return this.#read + this.#unread.length
  }

  /** True when a frame of so many bytes may be sent now. One always may: a reader who has read all gets the next. */
  admits(bytes: number): boolean {
    return this.#unread.length === 0 || this.#bytes + bytes <= READ_WINDOW
  }

  sent(bytes: number): void {
    this.#unread.push(bytes)
    this.#bytes += bytes
  }

  /** Every frame before `next` was read. The reader may know more of them than this socket carried. */
  read(next: number): void {
    while (this.#read < next) {
      this.#read += 1
      this.#bytes -= this.#unread.shift() ?? 0
    }
  }
}
