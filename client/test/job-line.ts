import {
  type BrokerCode,
  type Bytes,
  concat,
  copy,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  equal,
  type Final,
  type Frame,
  type MatchResponse,
  type Message,
  type MessageOf,
  type RefusalCode,
  signRefusal,
} from '@cocoon/protocol'
import type { WebSocket } from 'ws'
import { type AnsweringNode, DONE, type OpenedJob } from './answering-node.ts'
import { until } from './until.ts'

/** Bytes of frames that are sent beyond what was read (SPEC.md, section 11). */
export const WINDOW = 256 * 1024

/** One attempt at the broker: what its client sent, and the frames that are kept for it. */
export class JobLine {
  readonly node: AnsweringNode
  readonly open: MessageOf<'open'>
  /** Everything the client sent about it, the first message included. */
  readonly messages: Message[] = []
  /** Frames wait here until they are acknowledged. */
  stored: Frame[] = []
  /** The last word about the job that is no frame: whoever resumes gets it after the frames. */
  word: Message | undefined
  /** Frames below this were acknowledged. */
  acknowledged = 0
  /** The most bytes of frames that were ever sent beyond what was read. */
  mostUnread = 0
  /** The end was acknowledged: the broker knows nothing of this job any more. */
  forgotten = false
  #end = Infinity
  #held: Frame[] = []
  #unread: Frame[] = []
  socket: WebSocket
  /** The sealed body, whole. */
  body: Bytes
  opened!: OpenedJob

  private constructor(socket: WebSocket, node: AnsweringNode, open: MessageOf<'open'>) {
    this.socket = socket
    this.node = node
    this.open = open
    this.body = open.body
  }

  /** Reads one message of a client. Returns the job once its body is whole. */
  static receive(lines: JobLine[], socket: WebSocket, node: AnsweringNode, bytes: Bytes): JobLine | undefined {
    const message = decodeMessage(bytes)
    if (message.kind === 'open') {
      const line = new JobLine(socket, node, message)
      lines.push(line)
      line.messages.push(message)
      return line.#whole()
    }
    const jobId = 'jobId' in message ? message.jobId : new Uint8Array(0)
    const line = lines.findLast((one) => one.node === node && equal(one.open.jobId, jobId))
    if (!line || (line.forgotten && message.kind === 'resume')) {
      if (message.kind === 'resume') tell(socket, { kind: 'stopped', jobId, code: 'unknown-job', retryAfterMs: null })
      return undefined
    }
    line.messages.push(message)
    if (message.kind === 'chunk') {
      line.body = concat(line.body, message.body)
      return line.#whole()
    }
    if (message.kind === 'resume') line.#resume(socket, message.from)
    else if (message.kind === 'ack' || message.kind === 'read') line.#readTo(message.next)
    if (message.kind === 'ack') {
      line.acknowledged = Math.max(line.acknowledged, message.next)
      line.forgotten ||= message.next >= line.#end
      line.stored = line.stored.filter((frame) => frame.sequence >= message.next)
    }
    return undefined
  }

  #resume(socket: WebSocket, from: number): void {
    this.socket = socket
    ;[this.#held, this.#unread] = [[], []]
    for (const frame of this.stored) if (frame.sequence >= from) this.#offer(frame)
    if (this.word) this.tell(this.word)
  }

  #readTo(next: number): void {
    this.#unread = this.#unread.filter((frame) => frame.sequence >= next)
    for (const frame of this.#held.splice(0)) this.#offer(frame)
  }

  /** Sends a frame now, or when enough of those before it was read. */
  #offer(frame: Frame): void {
    const unread = [...this.#unread, frame].reduce((sum, one) => sum + encodeFrame(one).length, 0)
    if (this.#held.length > 0 || unread > WINDOW) return void this.#held.push(frame)
    this.#unread.push(frame)
    this.mostUnread = Math.max(this.mostUnread, unread)
    this.deliver(frame)
  }

  #whole(): JobLine | undefined {
    return this.body.length === this.open.bodyLength ? this : undefined
  }

  async begin(): Promise<void> {
    this.opened = await this.node.open(this.open, this.body)
  }

  kinds(): string[] {
    return this.messages.map(({ kind }) => kind)
  }

  heard(kind: Message['kind'], times = 1): Promise<void> {
    return until(() => this.kinds().filter((one) => one === kind).length >= times, `${kind} from the client`)
  }

  tell(message: Message): void {
    tell(this.socket, message)
  }

  deliver(frame: Frame): void {
    this.tell({ kind: 'frame', jobId: this.open.jobId, frame: encodeFrame(frame) })
  }

  /** Stores a frame and sends it. */
  push(...frames: Frame[]): void {
    for (const frame of frames) {
      this.stored.push(frame)
      if (frame.final) this.#end = frame.sequence + 1
      this.#offer(frame)
    }
  }

  async say(...texts: string[]): Promise<void> {
    for (const text of texts) this.push(await this.opened.words(text))
  }

  async finish(final: Final = DONE): Promise<void> {
    this.push(...(await this.opened.sealer.finish(final)))
  }

  async refuse(code: RefusalCode, signer = this.node.signer, binding = this.opened.binding): Promise<void> {
    const refusal = await signRefusal(binding, code, signer)
    this.#conclude({ kind: 'refusal', ...refusal, jobId: this.open.jobId })
  }

  stop(code: BrokerCode, retryAfterMs: number | null = null): void {
    this.#conclude({ kind: 'stopped', jobId: this.open.jobId, code, retryAfterMs })
  }

  /** Names another candidate. */
  move(code: BrokerCode, to: MatchResponse): void {
    this.#conclude({ kind: 'moved', jobId: this.open.jobId, code, to })
  }

  #conclude(word: Message): void {
    this.word = word
    this.tell(word)
  }

  drop(): void {
    this.socket.terminate()
  }
}

/** The frame, with one bit of its ciphertext turned. */
export function bent(frame: Frame): Frame {
  const ciphertext = copy(frame.ciphertext)
  ciphertext[7] = (ciphertext[7] ?? 0) ^ 1
  return { ...frame, ciphertext }
}

function tell(socket: WebSocket, message: Message): void {
  socket.send(encodeMessage(message))
}
