import type { Policy } from '@cocoon/protocol'
import type { Candidate } from './matching.ts'

/**
 * The line before the nodes of one model and region, first come first served. Pure: state in, decision out; times are
 * Unix milliseconds.
 */

/**
 * Who may wait: each is a request held open, some 4 KB of memory and one more search for each slot that frees. In 15 s
 * no more than this get a slot unless nodes answer faster than 17 questions a second; then `retryAfterMs` is short.
 */
export const MAX_WAITING = 256
/** One person's questions in the line, so that nobody fills it alone: the one that is read, and one from another tab. */
export const MAX_WAITING_OF_USER = 2
/** Longer than this a person should be told instead, and a phone's connection may be gone. Milliseconds. */
export const MAX_WAIT = 15_000

export interface Waiting {
  readonly user: string
  readonly policy: Policy
  /** Nodes that were tried already. */
  readonly exclude: ReadonlySet<string>
  readonly since: number
}

/** False when the line, or this user's part of it, is full. */
export function mayWait(line: readonly Waiting[], user: string): boolean {
  if (line.length >= MAX_WAITING) return false
  return line.filter((waiting) => waiting.user === user).length < MAX_WAITING_OF_USER
}

/**
 * Who gets the free slots of a node: the first in line, but for those who may not have this node. They keep their place.
 */
export function servedBy<W extends Waiting>(
  line: readonly W[],
  node: Pick<Candidate, 'node' | 'free' | 'leased'> & { readonly attested: boolean },
): W[] {
  const served: W[] = []
  for (const waiting of line) {
    if (served.length >= node.free - node.leased) break
    if (waiting.exclude.has(node.node) || (waiting.policy === 'private' && !node.attested)) continue
    served.push(waiting)
  }
  return served
}

/** Those who have waited long enough. */
export function overdue<W extends Waiting>(line: readonly W[], now: number): W[] {
  return line.filter(({ since }) => now - since >= MAX_WAIT)
}

const PACE_OVER = 60_000
const PACE_OF = 16
const SHORTEST_RETRY = 1_000

/** The times of the last slots that went to the line, with one more. */
export function withServed(served: readonly number[], now: number): number[] {
  return [...served.filter((at) => now - at < PACE_OVER), now].slice(-PACE_OF)
}

/**
 * When asking again makes sense, from how fast the line moved: the time that as many slots as there are waiting, and one
 * more, took of late. A line that did not move is asked about again after a whole wait.
 */
export function retryAfter(served: readonly number[], waiting: number, now: number): number {
  const recent = served.filter((at) => now - at < PACE_OVER)
  const [oldest] = recent
  if (oldest === undefined) return MAX_WAIT
  const each = (now - oldest) / recent.length
  return Math.round(Math.min(PACE_OVER, Math.max(SHORTEST_RETRY, each * (waiting + 1))))
}
