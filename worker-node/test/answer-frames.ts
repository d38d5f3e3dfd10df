import { type Bytes, decodeFrame, decodeMessage, type Frame, frameHead, type MessageOf } from '@cocoon/protocol'
import { type AnswerReport, type Interruption, streamAnswer } from '../src/answer.ts'
import { parseChatRequest } from '../src/engine/chat-request.ts'
import type { Engine } from '../src/engine/engine.ts'
import { createPrekey, createSigner, openRequest, readHeader, signStatement } from '@cocoon/protocol'
import { RunningJob } from '../src/running-job.ts'
import { chatBody, type OpenedAnswer, openAnswer, sealJob, type SealedJob } from './sealed-job.ts'
import { termsOf } from './terms.ts'

/** One opened job with its outbox, played without a link: what it sends is kept, and acknowledged unless told otherwise. */
export class AnsweredJob {
  readonly sealed: SealedJob
  readonly running: RunningJob
  readonly frames: Bytes[]
  /** Milliseconds since the first, at which each frame was sent. */
  readonly times: number[] = []

  private constructor(sealed: SealedJob, running: RunningJob, frames: Bytes[]) {
    this.sealed = sealed
    this.running = running
    this.frames = frames
  }

  static async open({ acknowledges = true, onFrame = (_frame: Frame): void => undefined } = {}): Promise<AnsweredJob> {
    const signer = await createSigner()
    const prekey = await createPrekey()
    const terms = termsOf()
    const dates = { notBefore: 1_795_000_000, useBy: 1_795_000_600 }
    const statement = { version: 1, ...terms, ...dates, identity: signer.publicKey, prekey: prekey.publicKey } as const
    const sealed = await sealJob(await signStatement(statement, signer), { content: chatBody('hello') })
    const { job } = sealed
    const { commit } = readHeader(job.header, terms.network)
    const binding = { jobId: job.jobId, statement: job.statement, voucher: await voucherless() }
    const { exporter } = await openRequest({ ...sealed.sealed, wrap: job.wrap, commit }, prekey, binding)
    const frames: Bytes[] = []
    const send = (message: Bytes): void => {
      const { frame } = decodeMessage(message) as MessageOf<'frame'>
      frames.push(frame)
      onFrame(decodeFrame(frame))
      if (acknowledges) queueMicrotask(() => running.outbox.acknowledge(frameHead(frame).sequence + 1))
    }
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
    const running = await RunningJob.begin(job, exporter, send, random)
    return new AnsweredJob(sealed, running, frames)
  }

  stream(engine: Engine, monotonic = () => performance.now(), silence?: number): Promise<AnswerReport> {
    const { signal, sealer, outbox } = this.running
    const interruption = (): Interruption | undefined => this.running.interruption
    const read = () => parseChatRequest(chatBody('hello'))
    const interrupt = (why: Interruption): void => this.running.interrupt(why)
    return streamAnswer(engine, read, sealer, outbox, { signal, interruption, interrupt, monotonic, silence })
  }

  get finals(): number {
    return this.frames.filter((frame) => frameHead(frame).final).length
  }

  opened(): Promise<OpenedAnswer> {
    return openAnswer(this.sealed, this.frames)
  }
}

async function voucherless(): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(0)))
}
