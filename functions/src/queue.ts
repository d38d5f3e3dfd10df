import type { Policy } from '@cocoon/protocol'
import type { Candidate } from './matching.ts'

type ServingNode = Pick<Candidate, 'node' | 'free' | 'leased'> & { readonly attested: boolean }

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
export function servedBy<W extends Waiting>(line: readonly W[], node: ServingNode): W[] {
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

/** The line itself: who waits now, and how fast it moves. */
export class Line<W extends Waiting & { readonly id: string }> {
  #waiting: readonly W[] = []
  /** When slots went to those in line. */
  #served: readonly number[] = []

  get length(): number {
    return this.#waiting.length
  }

  /** When the wait of the first is over; undefined when nobody waits. */
  get nextEnd(): number | undefined {
    const [first] = this.#waiting
    return first && first.since + MAX_WAIT
  }

  /** False when there is no room for this one. */
  join(waiting: W): boolean {
    if (!mayWait(this.#waiting, waiting.user)) return false
    this.#waiting = [...this.#waiting, waiting]
    return true
  }

  /** Those whose turn it is, now that this node has free slots. They are in line no more. */
  serve(node: ServingNode, now: number): W[] {
    const served = servedBy(this.#waiting, node)
    for (const _ of served) this.#served = withServed(this.#served, now)
    return this.#leave(served)
  }

  /** Those who have waited long enough. They are in line no more. */
  expire(now: number): W[] {
    return this.#leave(overdue(this.#waiting, now))
  }

  /** Who waits under this name, no more. */
  remove(id: string): W[] {
    return this.#leave(this.#waiting.filter((waiting) => waiting.id === id))
  }

  /** Milliseconds. */
  retryAfter(now: number): number {
    return retryAfter(this.#served, this.#waiting.length, now)
  }

  #leave(gone: W[]): W[] {
    if (gone.length > 0) this.#waiting = this.#waiting.filter((waiting) => !gone.includes(waiting))
    return gone
  }
}
