import {
  amountOf,
  CocoonError,
  type ErrorCode,
  type Final,
  hex,
  type Policy,
  sealRequest,
  type SealedRequest,
  utf8,
} from '@cocoon/protocol'
import { AnswerReader } from './answer-reader.ts'
import { type AppraisedNode, appraiseNode } from './appraisal.ts'
import type { Broker } from './broker.ts'
import type { ClientSocket, Environment } from './environment.ts'
import type { AskEvent, AskOptions } from './events.ts'
import { type Attempt, AttemptFailed, prepareAttempt } from './job.ts'

const ATTEMPTS = 2
/** Nodes a match can leave out; the latest matter most. */
const EXCLUDED = 8
/** Waits before each reconnection, in milliseconds. After the last the answer is left to wait at the broker. */
const RECONNECT_WAITS = [200, 1_000, 3_000, 8_000, 15_000]
/** How long the node's own end of a cancelled job is waited for. Milliseconds. */
const CANCEL_PATIENCE = 5_000

/** What one question needs of its surroundings. */
export interface Asking {
  readonly broker: Broker
  readonly network: number
  readonly policy: Policy
  readonly environment: Environment
}

/** Seals once, and tries on up to two nodes. Every end but the event `done` is an exception. */
export async function* ask(asking: Asking, options: AskOptions): AsyncGenerator<AskEvent, void> {
  const { model, signal } = options
  const exclude = [...(options.exclude ?? [])]
  let sealing: Promise<{ sealed: SealedRequest; contentKey: Uint8Array<ArrayBuffer> }> | undefined
  for (let attempt = 1; ; attempt++) {
    yield { type: 'matching' }
    stopIfCancelled(signal)
    const match = await asking.broker.match({ model, policy: asking.policy, exclude: exclude.slice(-EXCLUDED) })
    stopIfCancelled(signal)
    yield { type: 'checking', nodeId: match.node }
    const node = await appraiseNode(match, model, asking.network)
    yield { type: 'sealing' }
    sealing ??= sealRequest({ ...asking, model, content: contentOf(options) }, asking.environment.random)
    const { sealed, contentKey } = await sealing
    stopIfCancelled(signal)
    const prepared = await prepareAttempt(sealed, contentKey, node, match, asking.environment)
    try {
      return yield* run(asking, prepared, signal)
    } catch (error) {
      const retry = error instanceof AttemptFailed && !error.begun && attempt < ATTEMPTS && !signal?.aborted
      if (!retry || (error.action !== 'other-node' && error.action !== 'fetch-again')) throw error
      // A stale lease or statement says nothing against the node itself.
      if (error.action === 'other-node') exclude.push(match.node)
    }
  }
}

function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CocoonError('cancelled', 'cancelled before anything was sent')
}

/** The OpenAI chat-completions body that is sealed. Nothing in it says who asks. */
function contentOf({ model, messages, maxTokens, temperature, seed }: AskOptions): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({ model, messages, max_tokens: maxTokens, temperature, seed, stream: true }))
}

/** One attempt from the first message to the authentic end, over as many sockets as it takes. */
async function* run(
  { broker, environment }: Asking,
  attempt: Attempt,
  signal: AbortSignal | undefined,
): AsyncGenerator<AskEvent, void> {
  const reader = new AnswerReader(attempt)
  const nodeId = attempt.node.view.nodeId
  let socket: ClientSocket | undefined
  const impatience = Promise.withResolvers<'impatient'>()
  const cancel = (): void => {
    socket?.send(attempt.cancel)
    void environment.wait(CANCEL_PATIENCE).then(() => impatience.resolve('impatient'))
  }
  try {
    socket = await broker.connect(nodeId)
    stopIfCancelled(signal)
    for (const message of attempt.messages) socket.send(message)
    signal?.addEventListener('abort', cancel, { once: true })
    yield { type: 'sealed', jobId: hex(attempt.jobId), node: attempt.node.view }
    let mayBeLost = false
    for (let reconnects = 0; ;) {
      const next = await Promise.race([socket.messages.next(), impatience.promise])
      if (next === 'impatient') throw new CocoonError('cancelled', 'cancelled; the node did not confirm it in time')
      if (next.done) {
        yield { type: 'lost' }
        const again = reconnect(broker, environment, nodeId, reconnects++)
        const back = await Promise.race([again, impatience.promise])
        if (back === 'impatient') {
          again.then((late) => late.close()).catch(() => undefined)
          throw new CocoonError('cancelled', 'cancelled while the broker was away')
        }
        socket = back
        mayBeLost ||= reconnects === 1
        socket.send(reader.resumeMessage())
        if (signal?.aborted) socket.send(attempt.cancel)
        yield { type: 'resumed' }
        continue
      }
      let reading
      try {
        reading = await reader.read(next.value)
      } catch (error) {
        // The connection broke before the broker had the whole question: once more, the very same. Nothing runs twice.
        if (!mayBeLost || reader.begun || !(error instanceof CocoonError) || error.code !== 'unknown-job') throw error
        mayBeLost = false
        for (const message of attempt.messages) socket.send(message)
        if (signal?.aborted) socket.send(attempt.cancel)
        continue
      }
      if (reading.kind === 'final') {
        socket.send(reader.ackMessage())
        yield endOf(reading.final, reading.frames, attempt.node)
        return
      }
      if (reading.kind === 'nothing') {
        if (reading.reply) socket.send(reading.reply)
        continue
      }
      reconnects = 0
      for (const { delta, index } of reading.chunks.flatMap(({ choices }) => choices)) {
        if (index === 0 && (delta.content || delta.reasoning)) {
          yield { type: 'delta', text: delta.content ?? '', reasoning: delta.reasoning ?? '' }
        }
      }
    }
  } catch (error) {
    throw error instanceof CocoonError ? new AttemptFailed(error, reader.begun) : error
  } finally {
    signal?.removeEventListener('abort', cancel)
    socket?.close()
  }
}

/** @throws CocoonError `unreachable` when the broker stays away. */
async function reconnect(
  broker: Broker,
  environment: Environment,
  nodeId: string,
  already: number,
): Promise<ClientSocket> {
  for (const wait of RECONNECT_WAITS.slice(already)) {
    // Half to all of the wait: everyone's socket breaks at once when the broker restarts.
    const jitter = 0.5 + (environment.random(1)[0] ?? 0) / 512
    await environment.wait(wait * jitter)
    try {
      return await broker.connect(nodeId)
    } catch (error) {
      if (!(error instanceof CocoonError) || error.code !== 'unreachable') throw error
    }
  }
  throw new CocoonError('unreachable', 'the broker stays away; the answer waits there, sealed, for 24 hours')
}

function endOf(final: Final, frames: number, node: AppraisedNode): AskEvent {
  if (final.status === 'failed') {
    throw new CocoonError((final.code ?? 'engine-failed') satisfies ErrorCode, 'the node could not finish the answer')
  }
  const { finishReason, usage, status } = final
  // A node without a payee works for free; the broker's trial pays otherwise.
  const cost = node.verified.statement.payee === null ? 0n : amountOf(usage, node.offer.price)
  return { type: 'done', status, finishReason, usage, cost, frames }
}
