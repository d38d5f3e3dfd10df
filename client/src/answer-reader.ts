import {
  type AnswerChunk,
  type BrokerCode,
  type Bytes,
  ChunkDecoder,
  CocoonError,
  concat,
  decodeFrame,
  decodeMessage,
  encodeMessage,
  equal,
  type Final,
  type MatchResponse,
  MAX_FRAME_BYTES,
  type MessageOf,
  ResponseOpener,
  verifyRefusal,
} from '@cocoon/protocol'
import type { ReadingState } from './kept-answer.ts'

/** Frames that do not open before the reader stops: the honest ones may still come. */
const FORGERIES = 3
/** `read` is said before 128 KiB of frames were read since it was last said (SPEC.md, section 11). */
const READ_EVERY = 128 * 1024 - MAX_FRAME_BYTES

export type Reading =
  | { readonly kind: 'chunks'; readonly chunks: readonly AnswerChunk[] }
  | { readonly kind: 'final'; readonly final: Final }
  /** The broker says that the node cannot take the job, and names another. */
  | { readonly kind: 'moved'; readonly code: BrokerCode; readonly to: MatchResponse }
  /** Nothing to show; `reply` goes back to the relay when there is one. */
  | { readonly kind: 'nothing'; readonly reply?: Bytes }

/**
 * Reads what a relay sends about one attempt. Only frames and refusals that prove to be the node's own count; the
 * broker's own word can end the reading and nothing else.
 */
export class AnswerReader {
  readonly #start: ReadingState
  readonly #opener: ResponseOpener
  readonly #chunks = new ChunkDecoder()
  /** What `#chunks` holds of a line that is not complete. */
  #line: Bytes
  #final: Final | null
  #forgeries = 0
  #askedFrom = -1
  /** Bytes of frames since the broker was last told what was read. */
  #untold = 0

  /** Goes on where `state` was taken. */
  constructor(state: ReadingState) {
    this.#start = state
    this.#opener = new ResponseOpener(state.response)
    this.#line = state.line
    this.#chunks.push(state.line)
    this.#final = state.final
  }

  /** All it takes to go on from here with another reader. */
  get state(): ReadingState {
    return { ...this.#start, response: this.#opener.state, line: this.#line, final: this.#final }
  }

  get jobId(): Bytes {
    return this.#start.response.jobId
  }

  /** Frames below this number were opened. */
  get next(): number {
    return this.#opener.state.next
  }

  /** True once an authentic frame was opened. */
  get begun(): boolean {
    return this.next > 0
  }

  /** Asks for the frames that are missing. */
  resumeMessage(): Bytes {
    this.#askedFrom = -1
    this.#untold = 0
    return encodeMessage({ kind: 'resume', jobId: this.jobId, from: this.next })
  }

  /** Says that everything below `next` is not needed again, so that nothing of it is kept for us. */
  ackMessage(next: number): Bytes {
    if (next === this.next) this.#untold = 0
    return encodeMessage({ kind: 'ack', jobId: this.jobId, next })
  }

  cancelMessage(): Bytes {
    return encodeMessage({ kind: 'cancel', jobId: this.jobId, token: this.#start.cancelToken })
  }

  /** Says what was read, when it is time to: without it the broker sends no more. */
  readMessage(): Bytes | undefined {
    if (this.#untold <= READ_EVERY || this.#final) return undefined
    this.#untold = 0
    return encodeMessage({ kind: 'read', jobId: this.jobId, next: this.next })
  }

  /** @throws CocoonError with the code the node or the broker gave, or the device's own. */
  async read(bytes: Bytes): Promise<Reading> {
    const message = decodeMessage(bytes)
    if (!('jobId' in message) || !equal(message.jobId, this.jobId)) return { kind: 'nothing' }
    switch (message.kind) {
      case 'frame':
        return this.#frame(message)
      case 'refusal':
        return this.#refusal(message)
      case 'moved':
        return { kind: 'moved', code: message.code, to: message.to }
      case 'stopped': {
        const retryAfterMs = message.retryAfterMs ?? undefined
        throw new CocoonError(message.code, 'the broker stopped the job', { retryAfterMs })
      }
      default:
        return { kind: 'nothing' }
    }
  }

  async #frame(message: MessageOf<'frame'>): Promise<Reading> {
    let opened
    try {
      opened = await this.#opener.open(decodeFrame(message.frame))
    } catch (error) {
      return this.#missed(error)
    }
    if (opened.kind === 'duplicate') return { kind: 'nothing' }
    this.#untold += message.frame.length
    // From here on the node itself is speaking: what is wrong now stays wrong, and is not passed over.
    if (opened.kind === 'content') {
      const chunks = this.#chunks.push(opened.content)
      const lineEnd = opened.content.lastIndexOf(0x0a)
      this.#line = lineEnd === -1 ? concat(this.#line, opened.content) : opened.content.slice(lineEnd + 1)
      return { kind: 'chunks', chunks }
    }
    if (opened.final.status === 'done' && !this.#chunks.empty) {
      throw new CocoonError('truncated', 'the answer ends within a chunk')
    }
    this.#final = opened.final
    return { kind: 'final', final: opened.final }
  }

  /** A gap or a frame that does not open changes nothing: the right one is asked for again, once for each place. */
  #missed(error: unknown): Reading {
    if (!(error instanceof CocoonError)) throw error
    if (error.code !== 'frame-gap' && ++this.#forgeries >= FORGERIES) throw error
    const { next } = this
    if (this.#askedFrom === next && error.code === 'frame-gap') return { kind: 'nothing' }
    const reply = this.resumeMessage()
    this.#askedFrom = next
    return { kind: 'nothing', reply }
  }

  async #refusal(message: MessageOf<'refusal'>): Promise<Reading> {
    const { identity, statement, voucher } = this.#start
    // A node truly refuses a copy of a job it is answering, and a broker can send it one: no reason to stop reading.
    if (this.begun) return { kind: 'nothing' }
    if (!(await verifyRefusal(message, { jobId: this.jobId, statement, voucher }, identity))) {
      throw new CocoonError('forged-refusal', 'the refusal is not by the node that was asked')
    }
    throw new CocoonError(message.code, 'the node refused the job before opening it')
  }
}
