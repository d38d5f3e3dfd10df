import type { ErrorCode } from '@cocoon/protocol'

/** How a job ended here. What is inside the seal, a failure of the engine too, the broker cannot know. */
export type Outcome =
  /** Its final frame came. */
  | 'answered'
  /** The node's signed refusal. */
  | 'refused'
  /** The node vanished before the end. */
  | 'lost'
  /** Its user was sent to another node. */
  | 'moved'
  /** Its user cancelled it or left before it was whole. */
  | 'cancelled before sent'
  /** The broker said no. */
  | 'stopped'

/** Everything a log line may hold. There is no field for content, tokens, users or exact sizes, and none is added. */
export interface LogFields {
  readonly job?: string
  readonly node?: string
  readonly model?: string
  readonly region?: string
  readonly code?: ErrorCode
  readonly outcome?: Outcome
  readonly route?: string
  readonly status?: number
  /** Which limit; a name of rate-limits.ts. */
  readonly limit?: string
  /** Waited in line before the match. */
  readonly queuedMs?: number
  /** From the first message of a job to the first frame of its answer. */
  readonly firstFrameMs?: number
  readonly milliseconds?: number
  readonly count?: number
  /** A closed code: of an appraisal that failed, of a statement that is not on the chain. */
  readonly why?: string
  /** The class of an unforeseen error, and where it was thrown: never its message, which may quote input. */
  readonly fault?: string
  readonly where?: string
}

/** One line of JSON an event, so that a job can be followed by its id. docs/operating.md says what each event means. */
export function log(event: string, fields: LogFields = {}): void {
  console.log(JSON.stringify({ event, ...fields }))
}

export function logFault(event: string, error: unknown, fields: LogFields = {}): void {
  const known = error instanceof Error
  const where = known ? /at .*?([\w-]+\.[jt]s:\d+:\d+)/.exec(error.stack ?? '')?.[1] : undefined
  log(event, { ...fields, fault: known ? error.name : typeof error, ...(where ? { where } : {}) })
}
