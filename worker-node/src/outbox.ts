import { type Bytes, encodeFrame, encodeMessage, type Frame } from '@cocoon/protocol'

/** Bytes a job may have on the way before its engine is held up. */
const UNACKNOWLEDGED_BYTES = 1024 * 1024

/** One job's sealed frames until the relay has stored them. */
export class Outbox {
  readonly jobId: Bytes
  readonly #send: (message: Bytes) => void
  readonly #frames: { sequence: number; message: Bytes }[] = []
  #bytes = 0
  #final: number | undefined
  #room: PromiseWithResolvers<void> | undefined
  readonly #emptied = Promise.withResolvers<void>()
  #dropped = false

  constructor(jobId: Bytes, send: (message: Bytes) => void) {
    this.jobId = jobId
    this.#send = send
  }

  push(frame: Frame): void {
    if (this.#dropped) return
    const message = encodeMessage({ kind: 'frame', jobId: this.jobId, frame: encodeFrame(frame) })
    this.#frames.push({ sequence: frame.sequence, message })
    this.#bytes += message.length
    if (frame.final) this.#final = frame.sequence
    this.#send(message)
  }

  /** Everything before `next` is stored at the relay. */
  acknowledge(next: number): void {
    while (this.#frames[0] && this.#frames[0].sequence < next) this.#bytes -= this.#frames.shift()?.message.length ?? 0
    if (this.#bytes < UNACKNOWLEDGED_BYTES) this.#room?.resolve()
    if (this.empty) this.#emptied.resolve()
  }

  /** Sends again what is not acknowledged, from `next` on. */
  resend(next = 0): void {
    for (const { sequence, message } of this.#frames) if (sequence >= next) this.#send(message)
  }

  /** Sends the oldest frame again, so that the relay acknowledges what it has or asks for what it lacks. */
  nudge(): void {
    const oldest = this.#frames[0]
    if (oldest) this.#send(oldest.message)
  }

  /** Resolves while less is on its way than the limit, or when nothing more will be: a relay that stores nothing holds no slot. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#bytes < UNACKNOWLEDGED_BYTES || signal.aborted) return
    const room = (this.#room ??= Promise.withResolvers())
    const leave = (): void => room.resolve()
    signal.addEventListener('abort', leave, { once: true })
    await room.promise
    signal.removeEventListener('abort', leave)
    this.#room = undefined
  }

  get waiting(): boolean {
    return this.#frames.length > 0
  }

  /** True once the final frame is stored at the relay. */
  get empty(): boolean {
    return this.#final !== undefined && this.#frames.length === 0
  }

  /** Resolves once the final frame is stored at the relay, or nobody wants it any more. */
  get emptied(): Promise<void> {
    return this.#emptied.promise
  }

  /** Nobody waits for these frames. */
  drop(): void {
    this.#dropped = true
    this.#frames.length = 0
    this.#bytes = 0
    this.#room?.resolve()
    this.#emptied.resolve()
  }
}
