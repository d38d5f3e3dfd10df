import { type Bytes, CocoonError, sealRequest, type SealedRequest, utf8 } from '@cocoon/protocol'
import { AnswerReader } from './answer-reader.ts'
import { AttemptFailed, deltaOf, endOf, readAnswer } from './answering.ts'
import { type AppraisedNode, appraiseNode } from './appraisal.ts'
import { type Candidate, findNode, MACHINES, type Preparations } from './candidates.ts'
import type { AskEvent, AskOptions, KeptAnswer, ResumeOptions } from './events.ts'
import { wrapRequest } from './job.ts'
import { MachineRefused } from './machine-appraiser.ts'
import { readKept } from './kept-answer.ts'
import type { Surroundings } from './surroundings.ts'

const ATTEMPTS = 2

/** Seals once, and tries on up to two nodes. Every end but the event `done` is an exception. */
export async function* ask(
  around: Surroundings,
  preparations: Preparations,
  options: AskOptions,
): AsyncGenerator<AskEvent, void> {
  const { model, signal } = options
  const exclude = [...(options.exclude ?? [])]
  yield { type: 'matching' }
  stopIfCancelled(signal)
  const sealing = sealRequest({ ...around, model, content: contentOf(options) }, around.environment.random)
  // Sealing and matching need nothing of each other. A question that cannot be sealed is refused before anyone is asked.
  await Promise.race([sealing, Promise.resolve()])
  sealing.catch(() => undefined)
  let next = await preparations.take(model, exclude)
  let mayMove = true
  const refused: MachineRefused[] = []
  for (let attempt = 1; ;) {
    let candidate: Candidate
    try {
      candidate = next ?? (yield* findNode(around, model, exclude, signal))
    } catch (error) {
      // Where only refused machines are left, why they were refused says more than that there is no other.
      throw refused.at(-1) ?? error
    }
    const { match } = candidate
    stopIfCancelled(signal)
    yield { type: 'checking', nodeId: match.node }
    let node: AppraisedNode
    try {
      node = candidate.node ?? (await appraiseNode(match, model, around))
    } catch (error) {
      if (!(error instanceof MachineRefused)) throw error
      refused.push(error)
      if (error.concernsAll || refused.length === MACHINES) throw error
      exclude.push(match.node)
      next = undefined
      yield { type: 'refused', nodeId: match.node, code: error.appraisal.code }
      yield { type: 'matching' }
      continue
    }
    yield { type: 'sealing' }
    const { sealed, contentKey } = await sealing
    stopIfCancelled(signal)
    try {
      return yield* attemptAt(around, { sealed, contentKey }, { match, node }, options)
    } catch (error) {
      if (!(error instanceof AttemptFailed) || error.begun || signal?.aborted) throw error
      const free = candidate.prepared === true
      const { to, code, action } = error
      if (action === 'other-node') exclude.push(match.node)
      const follows = to && mayMove && to.node !== match.node && !exclude.includes(to.node)
      // What was found ahead of need may have changed since. That is nobody's attempt: it begins as if for the first time.
      const stale = to !== undefined || code === 'all-busy' || code === 'no-node'
      const again = action === 'other-node' || action === 'fetch-again'
      if (free ? !stale && !again : attempt === ATTEMPTS || !(to ? follows : again)) throw error
      if (!free) attempt += 1
      next = undefined
      if (to && follows) {
        mayMove = false
        next = { match: to }
        yield { type: 'moved', code: error.code as Moved['code'], nodeId: to.node }
      } else {
        yield { type: 'matching' }
      }
    }
  }
}
type Moved = Extract<AskEvent, { type: 'moved' }>

/** Goes on with an answer from where a record left off: what is kept first, then frame by frame. */
export async function* resume(
  around: Surroundings,
  kept: KeptAnswer,
  options: ResumeOptions,
): AsyncGenerator<AskEvent, void> {
  const { text, reasoning, toolCalls = [] } = kept
  const state = readKept(kept.bytes)
  yield { type: 'sealed', jobId: kept.jobId, node: state.view }
  if (text || reasoning || toolCalls.length > 0) yield deltaOf(text, reasoning, toolCalls)
  if (state.final) {
    yield endOf(state, state.final, toolCalls)
    return
  }
  const reader = new AnswerReader(state)
  const socket = await around.sockets.take(state.view.nodeId).catch((error: unknown) => {
    // It may be back in a moment, like any connection that broke.
    if (error instanceof CocoonError && error.code === 'unreachable') return undefined
    throw error
  })
  yield* readAnswer(around, { reader, messages: [], socket, text, reasoning, toolCalls }, options)
}

async function* attemptAt(
  around: Surroundings,
  { sealed, contentKey }: { sealed: SealedRequest; contentKey: Bytes },
  { match, node }: Required<Pick<Candidate, 'match' | 'node'>>,
  options: AskOptions,
): AsyncGenerator<AskEvent, void> {
  const { sockets, environment } = around
  const connecting = sockets.take(match.node)
  const wrapping = wrapRequest(sealed, contentKey, node, match.lease, environment.random)
  // Whichever fails first ends the attempt; a socket that opens all the same is not left behind.
  const [socket, attempt] = await Promise.all([connecting, wrapping]).catch((error: unknown) => {
    connecting.then((late) => sockets.drop(late)).catch(() => undefined)
    throw error
  })
  if (options.signal?.aborted) sockets.release(match.node, socket)
  stopIfCancelled(options.signal)
  const reader = new AnswerReader(attempt.state)
  const { messages } = attempt
  const { proof } = node
  const awaited = { reader, messages, socket, proof, text: '', reasoning: '', toolCalls: [] }
  yield* readAnswer(around, awaited, options)
}

function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CocoonError('cancelled', 'cancelled before anything was sent')
}

/** The OpenAI chat-completions body that is sealed. Nothing in it says who asks. */
function contentOf(options: AskOptions): Bytes {
  const { model, messages, maxTokens, temperature, topP, seed, stop, tools, toolChoice, responseFormat } = options
  const body = {
    model,
    messages,
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    seed,
    stop,
    tools,
    tool_choice: toolChoice,
    response_format: responseFormat,
    stream: true,
  }
  return utf8(JSON.stringify(body))
}
