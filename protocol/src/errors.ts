/** What the caller should do about an error. Screens and programs switch on this, never on text. */
export type Action =
  /** The request itself is wrong; sending it again changes nothing. */
  | 'fix-call'
  /** What was fetched (statement, lease) is stale: match again, then retry. */
  | 'fetch-again'
  /** This node cannot answer; another one may. */
  | 'other-node'
  /** Nothing is wrong with the request; wait, then retry. */
  | 'wait'
  /** The sign-in ended; sign in, then retry. */
  | 'sign-in'
  /** The free trial is spent. */
  | 'pay'
  /** A check that protects the person failed: stop and say so. Never retried automatically. */
  | 'stop'

/** Why a node refuses a job it has not opened. Signed by the node (SPEC.md, Refusals). */
export const refusalCodes = {
  'too-large': 'fix-call',
  'wrong-version': 'fix-call',
  'wrong-network': 'fix-call',
  'unknown-statement': 'fetch-again',
  'expired-statement': 'fetch-again',
  'wrong-job-id': 'fix-call',
  'already-seen': 'fix-call',
  'bad-money': 'fix-call',
  'unknown-model': 'other-node',
  'wrong-policy': 'other-node',
  'price-changed': 'fetch-again',
  busy: 'other-node',
  draining: 'other-node',
  'cannot-open': 'fix-call',
  'wrong-commit': 'fix-call',
  'bad-padding': 'fix-call',
} as const satisfies Record<string, Action>
export type RefusalCode = keyof typeof refusalCodes

/** How an opened job failed. Travels inside the seal, in the final frame. */
export const failureCodes = {
  'bad-request': 'fix-call',
  'context-exceeded': 'fix-call',
  'answer-too-large': 'fix-call',
  'time-limit': 'other-node',
  'engine-failed': 'other-node',
  'node-stopping': 'other-node',
} as const satisfies Record<string, Action>
export type FailureCode = keyof typeof failureCodes

/** What the broker may say. Nothing it says can do more than make the client wait, stop or try another node. */
export const brokerCodes = {
  malformed: 'fix-call',
  'not-found': 'fix-call',
  'wrong-order': 'fix-call',
  'body-too-large': 'fix-call',
  'signed-out': 'sign-in',
  'sign-in-refused': 'sign-in',
  'sign-in-replayed': 'sign-in',
  'trial-spent': 'pay',
  'rate-limited': 'wait',
  /** No node serves the model now. */
  'no-node': 'wait',
  /** Every node that serves it is busy, and so is the queue before them. */
  'all-busy': 'wait',
  'model-not-served': 'fix-call',
  'lease-expired': 'fetch-again',
  'node-gone': 'other-node',
  'node-lost': 'other-node',
  'unknown-job': 'fix-call',
  'broker-fault': 'wait',
} as const satisfies Record<string, Action>
export type BrokerCode = keyof typeof brokerCodes

/** What the user's own device finds. */
export const deviceCodes = {
  'broken-encoding': 'stop',
  'bad-statement': 'stop',
  'not-attested': 'stop',
  'wrong-node': 'stop',
  'forged-frame': 'stop',
  'forged-refusal': 'stop',
  'frame-gap': 'wait',
  truncated: 'wait',
  unreachable: 'wait',
  'wrong-broker': 'stop',
  cancelled: 'fix-call',
} as const satisfies Record<string, Action>
export type DeviceCode = keyof typeof deviceCodes

const actions = { ...refusalCodes, ...failureCodes, ...brokerCodes, ...deviceCodes } as const
export type ErrorCode = keyof typeof actions

export function actionOf(code: ErrorCode): Action {
  return actions[code]
}

/** The one error type of this protocol. `message` is for developers and never holds content; people read words chosen by `code`. */
export class CocoonError extends Error {
  override readonly name = 'CocoonError'
  readonly code: ErrorCode
  readonly action: Action
  /** Milliseconds after which a retry makes sense, where the other side said so. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.action = actions[code]
    this.retryAfterMs = options.retryAfterMs
  }
}

function isKeyOf<T extends object>(table: T, code: string): code is Extract<keyof T, string> {
  return Object.hasOwn(table, code)
}
export const isRefusalCode = (code: string): code is RefusalCode => isKeyOf(refusalCodes, code)
export const isFailureCode = (code: string): code is FailureCode => isKeyOf(failureCodes, code)
export const isBrokerCode = (code: string): code is BrokerCode => isKeyOf(brokerCodes, code)
