import {
  type Bytes,
  cancelToken,
  equal,
  type Exporter,
  type Random,
  ResponseSealer,
  responseSecret,
  type MessageOf,
} from '@cocoon/protocol'
import type { Interruption } from './answer.ts'
import { type ChatRequest, parseChatRequest } from './engine/chat-request.ts'
import { EngineError } from './engine/engine.ts'
import { Outbox } from './outbox.ts'

/** A job that was opened: what seals its answer, what holds its frames, and what may end it early. */
export class RunningJob {
  readonly outbox: Outbox
  readonly sealer: ResponseSealer
  readonly #cancelToken: Bytes
  readonly #abort = new AbortController()
  /** When its final frame was sealed, on the monotonic clock; undefined while it runs. */
  ended: number | undefined
  #interruption: Interruption | undefined

  private constructor(outbox: Outbox, sealer: ResponseSealer, token: Bytes) {
    this.outbox = outbox
    this.sealer = sealer
    this.#cancelToken = token
  }

  static async begin(
    { jobId, wrap }: MessageOf<'job'>,
    exporter: Exporter,
    send: (message: Bytes) => void,
    random: Random,
  ): Promise<RunningJob> {
    const sealer = ResponseSealer.create(jobId, wrap.enc, await responseSecret(exporter), random)
    return new RunningJob(new Outbox(jobId, send), sealer, await cancelToken(exporter))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Why the signal aborted. */
  get interruption(): Interruption | undefined {
    return this.#interruption
  }

  interrupt(why: Interruption): void {
    this.#interruption ??= why
    this.#abort.abort()
  }

  /** Only who sealed the job knows the token. Anything else is ignored; the right one may come again. */
  cancel(token: Bytes): void {
    if (equal(this.#cancelToken, token)) this.interrupt('cancelled')
  }
}

/**
 * `temperature` is for requests that bring none.
 * @throws EngineError `bad-request` also when the sealed body names another model than the header that was priced.
 */
export function readRequest(
  content: Bytes,
  model: string,
  engineModel: string,
  temperature: number | undefined,
): ChatRequest {
  const request = parseChatRequest(content)
  if (request.model !== model) throw new EngineError('bad-request', 'model is not the one in the header')
  return { ...(temperature === undefined ? {} : { temperature }), ...request, model: engineModel }
}
