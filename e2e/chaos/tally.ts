import type { ErrorCode } from '@cocoon/protocol'

/** Something that must never be. */
export interface Breach {
  readonly what: string
  readonly client?: string
  readonly nodes?: readonly string[]
  readonly from?: number
  readonly to?: number
}

/** An answer that was read to its end, and whose reader said so to the relay of this node. */
export interface Acknowledged {
  readonly jobId: string
  readonly nodeId: string
  readonly client: string
  /** Unix milliseconds. */
  readonly at: number
}

/** What came of all questions. */
export class Tally {
  asked = 0
  answered = 0
  cancelled = 0
  /** Left in the middle by a device that was switched off, for good. */
  abandoned = 0
  /** Gone on with from a record, after the device was switched off or the broker stayed away. */
  pickedUp = 0
  /** Second attempts, at another node or with a fresh lease. */
  retries = 0
  /** Of them, those at a node that the broker named. */
  moved = 0
  /** Turns in the line before busy nodes. */
  waitedInLine = 0
  /** Connections picked up again within a question. */
  resumed = 0
  worstWaitMs = 0
  readonly errors: Partial<Record<ErrorCode, number>> = {}
  readonly breaches: Breach[] = []
  readonly acknowledged: Acknowledged[] = []

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
