import type { Bytes } from '@cocoon/protocol'

/** Cancel tokens kept for a job that is not open yet, so that none can be checked. */
const EARLY_CANCELS = 4

/** What was said about a job while it was being opened. */
export interface Meanwhile {
  /** The relay does not know it any more: nobody waits for an answer. */
  forgotten: boolean
  readonly cancels: readonly Bytes[]
}

interface Waiting {
  last: Promise<void>
  readonly arrivals: Set<Meanwhile>
}

/**
 * Jobs whose bodies are here and that are not open yet. One arrival is taken after another with the same id, so that a
 * copy cannot slip in while the first is opened. There is room for so many arrivals and so many bytes: a relay that sends
 * more than its node can look at costs neither memory nor time.
 */
export class Admitting {
  readonly #room: number
  readonly #roomBytes: number
  readonly #waiting = new Map<string, Waiting>()
  /** Also of jobs whose bodies are still arriving. */
  readonly #cancels = new Map<string, readonly Bytes[]>()
  #count = 0
  #bytes = 0

  constructor(room: number, roomBytes: number) {
    this.#room = room
    this.#roomBytes = roomBytes
  }

  has(id: string): boolean {
    return this.#waiting.has(id)
  }

  get ids(): Iterable<string> {
    return this.#waiting.keys()
  }

  /** Calls `take` once its turn has come; it must not throw. False, and it is never called, when there is no room. */
  add(id: string, bytes: number, take: (meanwhile: Meanwhile) => Promise<void>): boolean {
    if (this.#count >= this.#room || this.#bytes + bytes > this.#roomBytes) return false
    this.#count += 1
    this.#bytes += bytes
    const waiting = this.#waiting.get(id) ?? { last: Promise.resolve(), arrivals: new Set<Meanwhile>() }
    this.#waiting.set(id, waiting)
    const cancelsOf = (): readonly Bytes[] => this.#cancels.get(id) ?? []
    const meanwhile = {
      forgotten: false,
      get cancels() {
        return cancelsOf()
      },
    }
    waiting.arrivals.add(meanwhile)
    waiting.last = waiting.last
      .then(() => take(meanwhile))
      .finally(() => {
        this.#count -= 1
        this.#bytes -= bytes
        waiting.arrivals.delete(meanwhile)
        if (waiting.arrivals.size > 0) return
        this.#waiting.delete(id)
        this.#cancels.delete(id)
      })
    return true
  }

  /** Keeps a token until the job can say whether it is the right one. */
  cancel(id: string, token: Bytes): void {
    this.#cancels.set(id, [...(this.#cancels.get(id) ?? []), token].slice(-EARLY_CANCELS))
  }

  /** What came so far under this id is not wanted any more; what comes from now on is. */
  forget(id: string): void {
    this.#cancels.delete(id)
    for (const meanwhile of this.#waiting.get(id)?.arrivals ?? []) meanwhile.forgotten = true
  }

  /** The link broke: of bodies that were still arriving nothing is left, nor are their cancels. */
  dropStrayCancels(): void {
    for (const id of this.#cancels.keys()) if (!this.#waiting.has(id)) this.#cancels.delete(id)
  }
}
