/** One way in which a server between a program and the chain fails. */
export type Fault = (
  | { readonly kind: 'status'; readonly status: number }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Breaks the connection and does nothing. */
  | { readonly kind: 'cut' }
  /** Does what was asked, then breaks the connection: the caller cannot tell it from `cut`. */
  | { readonly kind: 'lose-reply' }
  /** Says yes to a message and throws it away. */
  | { readonly kind: 'swallow' }
  /** Answers late, by so many milliseconds. */
  | { readonly kind: 'slow'; readonly ms: number }
) & {
  /** Names of methods; all of them unless given. */
  readonly methods?: readonly string[]
  /** How many requests fail so; all until cleared unless given. */
  readonly count?: number
}

export const faultKinds = ['status', 'hang', 'cut', 'lose-reply', 'swallow', 'slow'] as const

/** Faults in force. Of several that fit a request, the first. */
export class Faults {
  #list: { readonly fault: Fault; left: number }[] = []

  set(faults: readonly Fault[]): void {
    this.#list = faults.map((fault) => ({ fault, left: fault.count ?? Number.POSITIVE_INFINITY }))
  }

  /** The fault of this request, counted as used. */
  take(method: string): Fault | undefined {
    const found = this.#list.find(
      ({ fault, left }) => left > 0 && (fault.methods === undefined || fault.methods.includes(method)),
    )
    if (!found) return undefined
    found.left -= 1
    return found.fault
  }
}
