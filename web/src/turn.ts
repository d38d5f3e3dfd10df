import type { Action, ErrorCode } from '@cocoon/protocol'
import type { AskEvent, ChatMessage, KeptAnswer, NodeView, Refusal } from './asking.ts'

type Done = Extract<AskEvent, { type: 'done' }>

/** Where an answer is in its life. `done`, `stopped` and `failed` are ends. */
export type Phase =
  | 'matching'
  /** In line: every machine is busy. */
  | 'waiting'
  | 'checking'
  | 'sealing'
  | 'sealed'
  | 'streaming'
  | 'done'
  | 'stopped'
  | 'failed'

/** `unexpected`: an error of this app's own, which no code names. `closed`: the app was, before the question left. */
export type FailureReason = ErrorCode | 'unexpected' | 'closed'
export interface Failure {
  readonly code: FailureReason
  readonly action: Action
  readonly retryAfterMs: number | null
  /** The answer waits, sealed, and this device can still open it. */
  readonly waits: boolean
  /** Of a machine that was refused: the check that failed, and its code. */
  readonly refusal?: { readonly step: string; readonly code: string }
}

export interface Answer {
  readonly phase: Phase
  readonly text: string
  readonly reasoning: string
  /** The connection is broken now; it broke, and came back. */
  readonly lost: boolean
  readonly resumed: boolean
  /** The machine being checked or asked; known before it is trusted. */
  readonly nodeId: string | null
  readonly node: NodeView | null
  /** What the machine's appraisal looked at, as text; also of one that was refused. */
  readonly proof?: string
  /** Whether the sealed question left the device. */
  readonly sent: boolean
  readonly end: Pick<Done, 'finishReason' | 'usage' | 'cost'> | null
  readonly failure: Failure | null
}

export interface Turn {
  readonly id: number
  /** The turn before it; null at the beginning. Turns of one parent are branches. */
  readonly parent: number | null
  /** When it was asked, Unix milliseconds. */
  readonly at: number
  readonly question: string
  readonly model: string
  /** Machines that failed this question. */
  readonly avoid: readonly string[]
  readonly answer: Answer
}

export const noAnswer: Answer = {
  phase: 'matching',
  text: '',
  reasoning: '',
  lost: false,
  resumed: false,
  nodeId: null,
  node: null,
  sent: false,
  end: null,
  failure: null,
}

export function isRunning(answer: Answer): boolean {
  return answer.phase !== 'done' && answer.phase !== 'stopped' && answer.phase !== 'failed'
}

/** What an event makes of an answer. A stopped one takes in nothing more than its price. */
export function advance(answer: Answer, event: AskEvent): Answer {
  if (event.type === 'done') {
    const end = { finishReason: event.finishReason, usage: event.usage, cost: event.cost }
    const phase = event.status === 'cancelled' || answer.phase === 'stopped' ? 'stopped' : 'done'
    return { ...answer, phase, end, lost: false, resumed: false }
  }
  return isRunning(answer) ? { ...answer, ...changeOf(answer, event) } : answer
}

function changeOf(answer: Answer, event: Exclude<AskEvent, Done>): Partial<Answer> {
  const { type } = event
  if (type === 'lost' || type === 'resumed') return { lost: type === 'lost', resumed: type === 'resumed' }
  if (type === 'waiting') return { phase: event.code === 'all-busy' ? 'waiting' : 'matching', lost: false }
  // Another machine is checked next.
  if (type === 'refused') return { phase: 'matching', nodeId: event.nodeId, node: null, lost: false }
  if (type === 'moved') return { phase: 'matching', nodeId: event.nodeId, node: null, lost: false }
  if (type === 'checking') return { phase: type, nodeId: event.nodeId, lost: false }
  if (type === 'sealed') {
    const proof = event.proof === undefined ? {} : { proof: event.proof }
    return { phase: type, node: event.node, nodeId: event.node.nodeId, sent: true, lost: false, ...proof }
  }
  if (type === 'delta') {
    const text = answer.text + event.text
    return { phase: 'streaming', text, reasoning: answer.reasoning + event.reasoning, lost: false }
  }
  return { phase: type, lost: false }
}

export function stopped(answer: Answer): Answer {
  return isRunning(answer) ? { ...answer, phase: 'stopped', lost: false, resumed: false } : answer
}

export function failed(answer: Answer, error: unknown, waits = false): Answer {
  const failure = { ...failureOf(error), waits }
  if (failure.code === 'cancelled' || answer.phase === 'stopped') return stopped(answer)
  const refusal = refusalOf(error)
  if (!refusal) return { ...answer, phase: 'failed', lost: false, resumed: false, failure }
  const { proof, ...refused } = refusal
  return { ...answer, phase: 'failed', lost: false, resumed: false, failure: { ...failure, refusal: refused }, proof }
}

// By shape too, and for the same reason.
function refusalOf(error: unknown): Refusal | undefined {
  return error instanceof Error && 'refusal' in error ? (error.refusal as Refusal) : undefined
}

// By shape, not by class: the class lives with the protocol, which is not loaded before the first question.
function failureOf(error: unknown): Omit<Failure, 'waits'> {
  if (error instanceof Error && error.name === 'CocoonError' && 'code' in error && 'action' in error) {
    const { code, action, retryAfterMs } = error as Error & { code: ErrorCode; action: Action; retryAfterMs?: number }
    return { code, action, retryAfterMs: retryAfterMs ?? null }
  }
  return { code: 'unexpected', action: 'wait', retryAfterMs: null }
}

/** By shape, as above. */
export function isCode(error: unknown, code: ErrorCode): boolean {
  return failureOf(error).code === code
}

/** Failures of the way to an answer that may be there all the same: what was lost is the connection, or the sign-in. */
export function mayWait(error: unknown): boolean {
  const { code, action } = failureOf(error)
  return (action === 'wait' && code !== 'truncated' && code !== 'unexpected') || action === 'sign-in'
}

/** An answer that was under way when the window closed, and has no record to go on with. One that had ended is as it was. */
export function interrupted(answer: Answer): Answer {
  const ended = { code: answer.sent ? 'truncated' : 'closed', action: 'wait', retryAfterMs: null } as const
  const failure = isRunning(answer) ? { ...ended, waits: false } : answer.failure && { ...answer.failure, waits: false }
  return { ...answer, phase: isRunning(answer) ? 'failed' : answer.phase, lost: false, resumed: false, failure }
}

/** An answer that goes on where its record left off. */
export function goingOn(answer: Answer, kept: Pick<KeptAnswer, 'text' | 'reasoning'>): Answer {
  const { text, reasoning } = kept
  const phase = text === '' && reasoning === '' ? 'sealed' : 'streaming'
  return { ...answer, phase, text, reasoning, lost: false, resumed: false, sent: true, failure: null }
}

/** Machines not to ask when this turn is asked once more: after an answer, the one that gave it. */
export function avoided(turn: Turn): readonly string[] {
  const { failure, nodeId } = turn.answer
  if (!failure) return nodeId === null ? [] : [...turn.avoid.filter((id) => id !== nodeId), nodeId]
  // Everyone was tried: without a clean slate the question could never be asked again.
  if (failure.code === 'no-node') return []
  const failedNode = failure.action === 'other-node' || failure.action === 'stop' ? nodeId : null
  return failedNode === null || turn.avoid.includes(failedNode) ? turn.avoid : [...turn.avoid, failedNode]
}

/** The conversation in the model's words: what was asked and really answered. */
export function messagesOf(turns: readonly Turn[], question: string, instructions = ''): ChatMessage[] {
  const said = turns.filter(({ answer }) => answer.text !== '' && answer.phase !== 'failed')
  return [
    ...(instructions === '' ? [] : [{ role: 'system', content: instructions } as const]),
    ...said.flatMap((turn): ChatMessage[] => [
      { role: 'user', content: turn.question },
      { role: 'assistant', content: turn.answer.text },
    ]),
    { role: 'user', content: question },
  ]
}

/** The events of an answer ended without an end: that is an error, never a short answer. */
export function cut(): Error {
  return Object.assign(new Error('the events ended without an end'), {
    name: 'CocoonError',
    code: 'truncated',
    action: 'wait',
  })
}
