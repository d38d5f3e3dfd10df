import {
  amountOf,
  type Bytes,
  CocoonError,
  type Final,
  hex,
  isBrokerCode,
  isRefusalCode,
  type MatchResponse,
  type ToolCallPiece,
} from '@cocoon/protocol'
import type { Proof } from '@cocoon/protocol/appraisal'
import type { AnswerReader } from './answer-reader.ts'
import type { AskEvent, ResumeOptions } from './events.ts'
import { keepReading, type ReadingState } from './kept-answer.ts'
import { Keeper } from './keeper.ts'
import type { ClientSocket } from './socket.ts'
import type { Surroundings } from './surroundings.ts'
import { joinToolCalls, wholeToolCalls } from './tool-calls.ts'

/** How long the node's own end of a cancelled job is waited for. Milliseconds. */
const CANCEL_PATIENCE = 5_000

/** An answer to be read, from its first frame or from where a record left off. */
export interface AwaitedAnswer {
  readonly reader: AnswerReader
  /** Carry the question to the relay. Empty for an answer that is gone on with. */
  readonly messages: readonly Bytes[]
  /** Undefined: the broker cannot be reached now. */
  readonly socket: ClientSocket | undefined
  /** What was read before. */
  readonly text: string
  readonly reasoning: string
  readonly toolCalls: readonly ToolCallPiece[]
  /** What the appraisal of the machine looked at. */
  readonly proof?: Proof | null
}

/** An attempt that ended without an answer. */
export class AttemptFailed extends CocoonError {
  /** True when an authentic frame had been opened: then only the person retries. */
  readonly begun: boolean
  /** The candidate the broker names instead. */
  readonly to: MatchResponse | undefined

  constructor(error: CocoonError, begun: boolean, to?: MatchResponse) {
    super(error.code, error.message, { cause: error, retryAfterMs: error.retryAfterMs })
    this.begun = begun
    this.to = to
  }
}

/**
 * One attempt from the first message to the authentic end, over as many sockets as it takes.
 * @throws AttemptFailed with the code the node or the broker gave, or the device's own
 */
export async function* readAnswer(
  { environment, sockets, keepers }: Surroundings,
  { reader, messages, ...awaited }: AwaitedAnswer,
  { signal, keep }: ResumeOptions,
): AsyncGenerator<AskEvent, void> {
  let { socket, text, reasoning, toolCalls } = awaited
  // Changes together with the words that go with it, so that a record taken at any moment is whole.
  let state = reader.state
  const { nodeId } = state.view
  const send = (message: Bytes): void => socket?.send(message)
  const snapshot = () => ({ kept: keepReading(state, { text, reasoning, toolCalls }), next: state.response.next })
  const stored = (next: number): void => {
    if (next > 0 && !state.final) send(reader.ackMessage(next))
  }
  const keeper = keep && new Keeper(keep, environment, snapshot, stored)
  if (keeper) keepers.add(keeper)
  let kept: Promise<boolean> | undefined
  // True when nothing about this job is still to come on the socket.
  let over = false
  const ended = new AbortController()
  const impatience = Promise.withResolvers<never>()
  impatience.promise.catch(() => undefined)
  const cancel = (): void => {
    send(reader.cancelMessage())
    const late = new CocoonError('cancelled', 'cancelled; the node did not confirm it in time')
    void environment.wait(CANCEL_PATIENCE, ended.signal).then(() => impatience.reject(late))
  }
  try {
    const asked = messages.length > 0
    if (asked) keeper?.changed()
    for (const message of asked ? messages : [reader.resumeMessage()]) send(message)
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    if (asked)
      yield {
        type: 'sealed',
        jobId: hex(reader.jobId),
        node: state.view,
        ...(awaited.proof ? { proof: awaited.proof } : {}),
      }
    else if (socket) yield { type: 'resumed' }
    let mayBeLost = false
    for (let reconnects = 0; ;) {
      const next = socket && (await Promise.race([socket.messages.next(), impatience.promise]))
      if (!next || next.done) {
        if (socket) sockets.drop(socket)
        socket = undefined
        void keeper?.flush()
        yield { type: 'lost' }
        const again = sockets.reconnect(nodeId, reconnects++)
        socket = await Promise.race([again, impatience.promise]).catch((error: unknown) => {
          again.then((late) => sockets.drop(late)).catch(() => undefined)
          throw error
        })
        mayBeLost ||= reconnects === 1
        send(reader.resumeMessage())
        if (signal?.aborted) send(reader.cancelMessage())
        yield { type: 'resumed' }
        continue
      }
      let reading
      try {
        reading = await reader.read(next.value)
      } catch (error) {
        if (!(error instanceof CocoonError)) throw error
        // The connection broke before the broker had the whole question: once more, the very same. Nothing runs twice.
        const again = mayBeLost && !reader.begun && error.code === 'unknown-job' && asked
        over = !again && (isBrokerCode(error.code) || isRefusalCode(error.code))
        if (!again) throw error
        mayBeLost = false
        for (const message of messages) send(message)
        if (signal?.aborted) send(reader.cancelMessage())
        continue
      }
      if (reading.kind === 'moved') {
        over = true
        const moved = new CocoonError(reading.code, 'the broker named another node')
        throw new AttemptFailed(moved, reader.begun, reading.to)
      }
      if (reading.kind === 'nothing') {
        if (reading.reply) send(reading.reply)
        continue
      }
      state = reader.state
      if (reading.kind === 'final') {
        over = true
        if (keeper) kept = keeper.finish()
        else if (socket) void sockets.farewell(nodeId, socket, reader.ackMessage(reader.next))
        yield endOf(state, reading.final, toolCalls)
        return
      }
      reconnects = 0
      const deltas = reading.chunks.flatMap(({ choices }) => choices).filter(({ index }) => index === 0)
      text += deltas.map(({ delta }) => delta.content ?? '').join('')
      reasoning += deltas.map(({ delta }) => delta.reasoning ?? '').join('')
      toolCalls = joinToolCalls(
        toolCalls,
        deltas.flatMap(({ delta }) => delta.tool_calls ?? []),
      )
      keeper?.changed()
      for (const { delta } of deltas) {
        const { content, reasoning: thought, tool_calls: calls } = delta
        if (content || thought || calls?.length) yield deltaOf(content ?? '', thought ?? '', calls ?? [])
      }
      // Only now: a slow reader of these events is one who has not read yet.
      const read = reader.readMessage()
      if (read) send(read)
    }
  } catch (error) {
    if (!(error instanceof CocoonError) || error instanceof AttemptFailed) throw error
    throw new AttemptFailed(error, reader.begun)
  } finally {
    ended.abort()
    signal?.removeEventListener('abort', cancel)
    const last = socket
    const letGo = (all: boolean): void => {
      if (keeper) keepers.delete(keeper)
      if (kept && all && last) void sockets.farewell(nodeId, last, reader.ackMessage(reader.next))
      if (last && over) sockets.release(nodeId, last)
      else if (last) sockets.drop(last)
    }
    if (kept) void kept.then(letGo)
    else {
      void keeper?.flush()
      letGo(false)
    }
  }
}

/** @throws CocoonError with the node's code for an answer it could not finish */
export function endOf({ price, response }: ReadingState, final: Final, pieces: readonly ToolCallPiece[]): AskEvent {
  if (final.status === 'failed') {
    throw new CocoonError(final.code ?? 'engine-failed', 'the node could not finish the answer')
  }
  const { finishReason, usage, status } = final
  // A node without a payee works for free; the broker's trial pays otherwise.
  const cost = price === null ? 0n : amountOf(usage, price)
  const toolCalls = wholeToolCalls(pieces, status === 'done' && finishReason !== 'length')
  const called = toolCalls.length > 0 && { toolCalls }
  return { type: 'done', status, finishReason, usage, ...called, cost, frames: response.next }
}

export function deltaOf(text: string, reasoning: string, toolCalls: readonly ToolCallPiece[]): AskEvent {
  return { type: 'delta', text, reasoning, ...(toolCalls.length > 0 && { toolCalls }) }
}
