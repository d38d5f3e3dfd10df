import {
  type AnswerChunk,
  type Bytes,
  ChunkDecoder,
  CocoonError,
  decodeFrame,
  decodeMessage,
  encodeMessage,
  equal,
  type Final,
  type MessageOf,
  ResponseOpener,
  verifyRefusal,
} from '@cocoon/protocol'
import type { Attempt } from './job.ts'

/** Frames that do not open before the reader stops: the honest ones may still come. */
const FORGERIES = 3

export type Reading =
  | { readonly kind: 'chunks'; readonly chunks: readonly AnswerChunk[] }
  | { readonly kind: 'final'; readonly final: Final; readonly frames: number }
  /** Nothing to show; `reply` goes back to the relay when there is one. */
  | { readonly kind: 'nothing'; readonly reply?: Bytes }

/**
 * Reads what a relay sends about one attempt. Only frames and refusals that prove to be the node's own count; the
 * broker's own word can end the reading and nothing else.
 */
export class AnswerReader {
  readonly #attempt: Attempt
  readonly #opener: ResponseOpener
  readonly #chunks = new ChunkDecoder()
  #forgeries = 0
  #askedFrom = -1

  constructor(attempt: Attempt) {
    this.#attempt = attempt
    this.#opener = ResponseOpener.start(attempt.jobId, attempt.enc, attempt.secret)
  }

  /** True once an authentic frame was opened. */
  get begun(): boolean {
    return this.#opener.state.next > 0
  }

  /** Asks for the frames that are missing. */
  resumeMessage(): Bytes {
    this.#askedFrom = -1
    return encodeMessage({ kind: 'resume', jobId: this.#attempt.jobId, from: this.#opener.state.next })
  }

  /** Says that everything was read, so that nothing more is kept for us. */
  ackMessage(): Bytes {
    return encodeMessage({ kind: 'ack', jobId: this.#attempt.jobId, next: this.#opener.state.next })
  }

  /** @throws CocoonError with the code the node or the broker gave, or the device's own. */
  async read(bytes: Bytes): Promise<Reading> {
    const message = decodeMessage(bytes)
    if (!('jobId' in message) || !equal(message.jobId, this.#attempt.jobId)) return { kind: 'nothing' }
    switch (message.kind) {
      case 'frame':
        return this.#frame(message)
      case 'refusal':
        return this.#refusal(message)
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
    // From here on the node itself is speaking: what is wrong now stays wrong, and is not passed over.
    if (opened.kind === 'content') return { kind: 'chunks', chunks: this.#chunks.push(opened.content) }
    if (opened.final.status === 'done' && !this.#chunks.empty) {
      throw new CocoonError('truncated', 'the answer ends within a chunk')
    }
    return { kind: 'final', final: opened.final, frames: this.#opener.state.next }
  }

  /** A gap or a frame that does not open changes nothing: the right one is asked for again, once for each place. */
  #missed(error: unknown): Reading {
    if (!(error instanceof CocoonError)) throw error
    if (error.code !== 'frame-gap' && ++this.#forgeries >= FORGERIES) throw error
    const { next } = this.#opener.state
    if (this.#askedFrom === next && error.code === 'frame-gap') return { kind: 'nothing' }
    const reply = this.resumeMessage()
    this.#askedFrom = next
    return { kind: 'nothing', reply }
  }

  async #refusal(message: MessageOf<'refusal'>): Promise<Reading> {
    const { identity } = this.#attempt.node.verified.statement
    // A node truly refuses a copy of a job it is answering, and a broker can send it one: no reason to stop reading.
    if (this.begun) return { kind: 'nothing' }
    if (!(await verifyRefusal(message, this.#attempt.binding, identity))) {
      throw new CocoonError('forged-refusal', 'the refusal is not by the node that was asked')
    }
    throw new CocoonError(message.code, 'the node refused the job before opening it')
  }
}
