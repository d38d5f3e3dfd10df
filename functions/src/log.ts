import type { ErrorCode } from '@cocoon/protocol'

/** Everything a log line may hold. There is no field for content, tokens, users or exact sizes, and none is added. */
export interface LogFields {
  readonly job?: string
  readonly node?: string
  readonly model?: string
  readonly region?: string
  readonly code?: ErrorCode
  readonly route?: string
  readonly status?: number
  readonly milliseconds?: number
  readonly count?: number
  /** The class of an unforeseen error, and where it was thrown: never its message, which may quote input. */
  readonly fault?: string
  readonly where?: string
}

/** One line of JSON an event, so that a job can be followed by its id. */
export function log(event: string, fields: LogFields = {}): void {
  console.log(JSON.stringify({ event, ...fields }))
}

export function logFault(event: string, error: unknown, fields: LogFields = {}): void {
  const known = error instanceof Error
  const where = known ? /at .*?([\w-]+\.[jt]s:\d+:\d+)/.exec(error.stack ?? '')?.[1] : undefined
  log(event, { ...fields, fault: known ? error.name : typeof error, ...(where ? { where } : {}) })
}
