import {
  type AnswerChunk,
  type Bytes,
  CocoonError,
  concat,
  encodeChunk,
  type FailureCode,
  Final,
  type Frame,
  MAX_FRAME_CONTENT,
  type ResponseSealer,
} from '@cocoon/protocol'
import * as v from 'valibot'
import type { ChatRequest } from './engine/chat-request.ts'
import {
  type Delta,
  type Engine,
  EngineError,
  type EngineErrorCode,
  type EngineEvent,
  noUsage,
} from './engine/engine.ts'
import type { Outbox } from './outbox.ts'

/** The first token goes out at once; what follows is gathered for this long. Milliseconds. */
export const COALESCING = 60
/** More than this is not gathered, in characters: what waits here is not held up by a relay that stores nothing. */
const GATHERED = 32 * 1024
/** An answer has a limited number of frames: after so many the time doubles, so that an hour of answering fits. */
const COALESCING_DOUBLES = 1024
/** How long an engine that was told to end may take to do so. Milliseconds. */
export const ENGINE_PATIENCE = 5_000

const failureOf: Record<EngineErrorCode, FailureCode> = {
  'bad-request': 'bad-request',
  'unknown-model': 'bad-request',
  'context-exceeded': 'context-exceeded',
  'engine-unreachable': 'engine-failed',
  'engine-failed': 'engine-failed',
  'engine-busy': 'engine-failed',
  timeout: 'engine-failed',
  truncated: 'engine-failed',
}

/** How long an engine may be silent while it is waited for: also before its first word. Milliseconds. */
export const ENGINE_SILENCE = 120_000

/** Why a running job is ended early: the user cancelled, its time is over, this node stops, or its engine fell silent. */
export type Interruption = 'cancelled' | 'time-limit' | 'node-stopping' | 'engine-failed'

/** What may end an answer early, and the clock it is measured by. */
export interface AnswerLimits {
  /** Aborted by `interrupt`. */
  readonly signal: AbortSignal
  /** Why the signal aborted. */
  readonly interruption: () => Interruption | undefined
  readonly interrupt: (why: Interruption) => void
  /** Milliseconds. */
  readonly monotonic: () => number
  /** Milliseconds; `ENGINE_SILENCE` where absent. */
  readonly silence?: number | undefined
}

export interface AnswerReport {
  readonly final: Final
  /** Milliseconds from the start to the first token; undefined when none came. */
  readonly firstTokenMs: number | undefined
}

/** Streams one answer from the engine into sealed frames, and ends it with exactly one final frame whatever happens. */
export async function streamAnswer(
  engine: Engine,
  /** Reads the opened request. @throws EngineError, which fails the job like any other */
  read: () => ChatRequest,
  sealer: ResponseSealer,
  outbox: Outbox,
  limits: AnswerLimits,
): Promise<AnswerReport> {
  const { signal, silence = ENGINE_SILENCE } = limits
  const began = limits.monotonic()
  const gathered = new GatheredAnswer(sealer, outbox)
  let firstTokenMs: number | undefined
  let end: EngineEnd | undefined
  let code: FailureCode | null = null
  try {
    const fallSilent = (): void => limits.interrupt('engine-failed')
    for await (const event of patiently(engine.chat(read(), { signal }), signal, silence, fallSilent)) {
      if (event.type === 'end') end = event
      else {
        firstTokenMs ??= limits.monotonic() - began
        gathered.add(event.index, event.delta)
        await outbox.room(signal)
      }
    }
  } catch (error) {
    code = codeOf(error)
  }
  // What was said before it failed still belongs to the person.
  await gathered.end().catch((error: unknown) => {
    code ??= codeOf(error)
  })
  const final = finalOf(end, code, limits.interruption())
  for (const frame of await sealer.finish(final)) outbox.push(frame)
  return { final, firstTokenMs }
}

type EngineEnd = Extract<EngineEvent, { type: 'end' }>

function codeOf(error: unknown): FailureCode {
  if (error instanceof EngineError) return failureOf[error.code]
  return error instanceof CocoonError && error.code === 'answer-too-large' ? 'answer-too-large' : 'engine-failed'
}

/** An engine that ended without a reason of its own was told to, or it broke off: that is never a short answer. */
function finalOf(end: EngineEnd | undefined, code: FailureCode | null, interruption: Interruption | undefined): Final {
  const finishReason = end && end.finishReason !== 'cancelled' ? end.finishReason : null
  const usage = end?.usage ?? noUsage
  const cut = finishReason === null ? (interruption ?? 'engine-failed') : undefined
  const failure = code ?? (cut === 'cancelled' ? undefined : cut)
  const final = failure
    ? { status: 'failed', code: failure, finishReason: null, usage, receipt: null }
    : { status: cut === 'cancelled' ? 'cancelled' : 'done', code: null, finishReason, usage, receipt: null }
  if (v.is(Final, final)) return final
  return { status: 'failed', code: 'engine-failed', finishReason: null, usage: noUsage, receipt: null }
}

/**
 * The engine's events, but not for ever: one that says nothing for too long is told to end, and one that is told to end
 * and does not would hold its job and its slot.
 */
async function* patiently(
  events: AsyncIterable<EngineEvent>,
  signal: AbortSignal,
  silence: number,
  fallSilent: () => void,
): AsyncGenerator<EngineEvent, void> {
  const iterator = events[Symbol.asyncIterator]()
  // The clock counts while the engine is waited for, not while whoever reads the answer is.
  let waiting = false
  const silent = setTimeout(() => {
    if (waiting) fallSilent()
  }, silence)
  let deaf = false
  let giveUp: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  const told = (): void => {
    timer = setTimeout(() => {
      deaf = true
      giveUp?.()
    }, ENGINE_PATIENCE)
  }
  if (signal.aborted) told()
  else signal.addEventListener('abort', told, { once: true })
  try {
    for (;;) {
      if (deaf) return
      silent.refresh()
      waiting = true
      const next = await new Promise<IteratorResult<EngineEvent, unknown> | undefined>((resolve, reject) => {
        giveUp = () => resolve(undefined)
        iterator.next().then(resolve, reject)
      })
      waiting = false
      if (!next || next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', told)
    clearTimeout(timer)
    clearTimeout(silent)
    const left = iterator.return?.().catch(() => undefined)
    if (!deaf) await left
  }
}

/** Gathers deltas into frames by time, so that the size of a frame says little about the words in it. */
class GatheredAnswer {
  readonly #sealer: ResponseSealer
  readonly #outbox: Outbox
  #pending: { index: number; delta: AnswerChunk['choices'][number]['delta'] }[] = []
  #pendingLength = 0
  #timer: NodeJS.Timeout | undefined
  #flushed = 0
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
    this.#pendingLength += (delta.content?.length ?? 0) + (delta.reasoning?.length ?? 0)
    for (const call of delta.toolCalls ?? []) this.#pendingLength += call.function?.arguments?.length ?? 0
    if (this.#flushed === 0 || this.#pendingLength > GATHERED) this.#flush()
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#flush()
      },
      COALESCING * 2 ** Math.floor(this.#flushed / COALESCING_DOUBLES),
    )
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
    const merged = last?.index === index ? mergeDeltas(last.delta, delta) : undefined
    if (last && merged) last.delta = merged
    else this.#pending.push({ index, delta })
  }

  #flush(): void {
    // After a failure something is missing already; whatever came behind it would hide that.
    if (this.#pending.length === 0 || this.#failure) return
    this.#flushed += 1
    // A chunk each, as engines send them: within one chunk a choice stands once.
    const content = concat(...this.#pending.map((choice) => encodeChunk({ choices: [choice] })))
    this.#pending = []
    this.#pendingLength = 0
    const frames: Promise<Frame>[] = []
    try {
      for (const piece of pieces(content)) frames.push(this.#sealer.seal(piece))
    } catch (error) {
      this.#failure ??= error
    }
    this.#sent = this.#deliver(this.#sent, frames)
  }

  async #deliver(before: Promise<void>, frames: readonly Promise<Frame>[]): Promise<void> {
    await before
    try {
      for (const frame of frames) this.#outbox.push(await frame)
    } catch (error) {
      this.#failure ??= error
    }
  }
}

function* pieces(content: Bytes): Generator<Bytes> {
  for (let at = 0; at < content.length; at += MAX_FRAME_CONTENT) yield content.slice(at, at + MAX_FRAME_CONTENT)
}

type ChunkDelta = AnswerChunk['choices'][number]['delta']

/** Both as one, where they hold the same one thing; undefined where they do not. */
function mergeDeltas(before: ChunkDelta, next: ChunkDelta): ChunkDelta | undefined {
  const kind = Object.keys(next).join()
  if (Object.keys(before).join() !== kind) return undefined
  if (kind === 'content' || kind === 'reasoning') return { [kind]: `${before[kind] ?? ''}${next[kind] ?? ''}` }
  const [first, second] = [before.tool_calls?.at(-1), next.tool_calls?.[0]]
  // Only what goes on with the arguments of the same call: a piece with an id begins another one.
  if (!first || !second || next.tool_calls?.length !== 1 || second.index !== first.index || second.id !== undefined) {
    return undefined
  }
  const written = `${first.function?.arguments ?? ''}${second.function?.arguments ?? ''}`
  const joined = { ...first, function: { ...first.function, arguments: written } }
  return { tool_calls: [...(before.tool_calls ?? []).slice(0, -1), joined] }
}

function compact(delta: {
  content?: string | undefined
  reasoning?: string | undefined
  tool_calls?: ChunkDelta['tool_calls'] | undefined
}): ChunkDelta {
  return Object.fromEntries(Object.entries(delta).filter(([, value]) => value !== undefined))
}
