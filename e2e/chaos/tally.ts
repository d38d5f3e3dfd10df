import type { ErrorCode } from '@cocoon/protocol'

/** Something that must never be. */
export interface Breach {
  readonly what: string
  readonly client?: string
  readonly nodes?: readonly string[]
  readonly from?: number
  readonly to?: number
}

/** What came of all questions. */
export class Tally {
  asked = 0
  answered = 0
  cancelled = 0
  /** Left in the middle by a device that was switched off, for good. */
  abandoned = 0
  /** Switched off in the middle, and picked up again by its records. */
  pickedUp = 0
  /** Second attempts at another node. */
  retries = 0
  /** Connections picked up again within a question. */
  resumed = 0
  worstWaitMs = 0
  readonly errors: Partial<Record<ErrorCode, number>> = {}
  readonly breaches: Breach[] = []
  /** Jobs whose end was read and acknowledged. */
  readonly acknowledged = new Set<string>()

  failed(code: ErrorCode): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1
  }

  waited(milliseconds: number): void {
    this.worstWaitMs = Math.max(this.worstWaitMs, Math.round(milliseconds))
  }

  breach(breach: Breach): void {
    this.breaches.push(breach)
  }
}
