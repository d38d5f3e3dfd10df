import type { Meter } from './meter.ts'

/** Everything a log line may hold. There is no field for content, keys or exact token counts, and none is added. */
export interface LogFields {
  readonly job?: string
  readonly model?: string
  readonly code?: string
  readonly status?: string
  readonly milliseconds?: number
  readonly firstTokenMs?: number
  /** Milliseconds from the last byte of a job's body to its start. */
  readonly queued?: number
  /** Of an engine that was measured; never of a job. */
  readonly tokensPerSecond?: number
  readonly slots?: number
  readonly free?: number
  readonly port?: number
  readonly count?: number
  readonly why?: string
}
export type Log = (event: string, fields?: LogFields) => void

/** One line an event: JSON for programs, or columns for a person at a terminal. */
export function createLog(format: 'json' | 'text', write: (line: string) => void, now: () => number): Log {
  return (event, fields = {}) => {
    const at = new Date(now()).toISOString()
    if (format === 'json') return write(JSON.stringify({ at, event, ...fields }))
    const columns = Object.entries(fields).map(([name, value]) => {
      return `${name}=${printable(name === 'job' ? String(value).slice(0, 12) : String(value))}`
    })
    write(`${at.slice(11, 19)} ${event.padEnd(16)} ${columns.join(' ')}`.trimEnd())
  }
}

/** A broker's words may stand in a line: they must not begin another, nor speak to the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

/** The same log, and its events counted. */
export function countedLog(log: Log, meter: Meter): Log {
  return (event, fields = {}) => {
    if (event === 'job.refused') meter.event(`refused ${fields.code ?? 'unknown'}`)
    // Beyond so many a second, refusals have no lines of their own.
    else if (event === 'jobs.refused') meter.event('refused unlogged', fields.count ?? 0)
    else if (event.endsWith('.fault')) meter.event(`fault ${event}`)
    else meter.event(event)
    log(event, fields)
  }
}
