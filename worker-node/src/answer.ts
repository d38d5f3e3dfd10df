import {
  type AnswerChunk,
  type Bytes,
  CocoonError,
  encodeChunk,
  type FailureCode,
  type Final,
  MAX_FRAME_CONTENT,
  type ResponseSealer,
} from '@cocoon/protocol'
import type { ChatRequest } from './engine/chat-request.ts'
import { type Delta, type Engine, EngineError, type EngineErrorCode, noUsage, type Usage } from './engine/engine.ts'
import type { Outbox } from './outbox.ts'

/** The first token goes out at once; what follows is gathered for this long. Milliseconds. */
export const COALESCING = 60

const failureOf: Record<EngineErrorCode, FailureCode> = {
  'bad-request': 'bad-request',
  'unknown-model': 'bad-request',
  'context-exceeded': 'context-exceeded',
  'engine-unreachable': 'engine-failed',
  'engine-failed': 'engine-failed',
  timeout: 'engine-failed',
  truncated: 'engine-failed',
}

/** Why a running job is ended early: the user cancelled, its time is over, or this node stops. */
export type Interruption = 'cancelled' | 'time-limit' | 'node-stopping'

export interface AnswerReport {
  readonly final: Final
  /** Milliseconds from the start to the first token; undefined when none came. */
  readonly firstTokenMs: number | undefined
}

/**
 * Streams one answer from the engine into sealed frames, and ends it with exactly one final frame whatever happens.
 * `interruption` names why `signal` aborted.
 */
export async function streamAnswer(
  engine: Engine,
  /** Reads the opened request. @throws EngineError, which fails the job like any other */
  read: () => ChatRequest,
  sealer: ResponseSealer,
  outbox: Outbox,
  options: { signal: AbortSignal; interruption(): Interruption | undefined; monotonic(): number },
): Promise<AnswerReport> {
  const began = options.monotonic()
  const gathered = new GatheredAnswer(sealer, outbox)
  let firstTokenMs: number | undefined
  let usage: Usage = noUsage
  let finishReason: Final['finishReason'] = null
  let code: FailureCode | null = null
  try {
    for await (const event of engine.chat(read(), options)) {
      if (event.type === 'delta') {
        firstTokenMs ??= options.monotonic() - began
        gathered.add(event.index, event.delta)
        await outbox.room()
      } else {
        usage = event.usage
        finishReason = event.finishReason === 'cancelled' ? null : event.finishReason
      }
    }
    await gathered.end()
  } catch (error) {
    code = error instanceof EngineError ? failureOf[error.code] : failureOfOurs(error)
    // What was said before it failed still belongs to the person.
    await gathered.end().catch(() => undefined)
  }
  const interruption = options.interruption()
  if (interruption && interruption !== 'cancelled') code ??= interruption
  const cancelled = interruption === 'cancelled' && finishReason === null
  const status = code ? 'failed' : cancelled ? 'cancelled' : 'done'
  const final: Final = { status, code, finishReason: status === 'done' ? finishReason : null, usage, receipt: null }
  for (const frame of await sealer.finish(final)) outbox.push(frame)
  return { final, firstTokenMs }
}

function failureOfOurs(error: unknown): FailureCode {
  return error instanceof CocoonError && error.code === 'answer-too-large' ? 'answer-too-large' : 'engine-failed'
}

/** Gathers deltas into frames by time, so that the size of a frame says little about the words in it. */
class GatheredAnswer {
  readonly #sealer: ResponseSealer
  readonly #outbox: Outbox
  #pending: { index: number; delta: AnswerChunk['choices'][number]['delta'] }[] = []
  #timer: NodeJS.Timeout | undefined
  #started = false
  /** Frames leave in the order they were sealed in. */
  #sent: Promise<void> = Promise.resolve()
  #failure: unknown

  constructor(sealer: ResponseSealer, outbox: Outbox) {
    this.#sealer = sealer
    this.#outbox = outbox
  }

  add(index: number, delta: Delta): void {
    if (this.#failure) throw this.#failure as Error
    this.#merge(index, delta)
    if (!this.#started) {
      this.#started = true
      this.#flush()
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, COALESCING)
  }

  /** Sends the rest. @throws CocoonError `answer-too-large` */
  async end(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flush()
    await this.#sent
    if (this.#failure) throw this.#failure as Error
  }

  /** Neighbouring words of one choice become one chunk: a JSON frame around every token would be most of the answer. */
  #merge(index: number, { content, reasoning, toolCalls }: Delta): void {
    const last = this.#pending.at(-1)
    const delta = compact({ content, reasoning, tool_calls: toolCalls })
    const [kind, ...others] = Object.keys(delta)
    const mergeable = others.length === 0 && (kind === 'content' || kind === 'reasoning')
    if (mergeable && last?.index === index && Object.keys(last.delta).join() === kind) {
      last.delta = { [kind]: `${last.delta[kind] ?? ''}${delta[kind] ?? ''}` }
    } else this.#pending.push({ index, delta })
  }

  #flush(): void {
    if (this.#pending.length === 0) return
    const content = encodeChunk({ choices: this.#pending })
    this.#pending = []
    const frames: Promise<Parameters<Outbox['push']>[0]>[] = []
    try {
      for (const piece of pieces(content)) frames.push(this.#sealer.seal(piece))
    } catch (error) {
      this.#failure ??= error
    }
    this.#sent = this.#sent.then(async () => {
      for (const frame of frames) this.#outbox.push(await frame)
    })
  }
}

function* pieces(content: Bytes): Generator<Bytes> {
  for (let at = 0; at < content.length; at += MAX_FRAME_CONTENT) yield content.slice(at, at + MAX_FRAME_CONTENT)
}

function compact(delta: {
  content?: string | undefined
  reasoning?: string | undefined
  tool_calls?: readonly unknown[] | undefined
}): AnswerChunk['choices'][number]['delta'] {
  return Object.fromEntries(Object.entries(delta).filter(([, value]) => value !== undefined))
}
