import type { LlamaModel, Token } from 'node-llama-cpp'

const REPLACEMENT = '\uFFFD'
/** Tokens of one unfinished character that are held back at most; four bytes make a character, one token at least one byte. */
const MAX_PENDING = 16
/** Tokens of context that some tokenisers need to decide about a leading space. */
const LOOKBACK = 4

/**
 * Turns tokens into text as they come, in time linear in their number. A character whose bytes come in several tokens is
 * held back until it is whole.
 */
export class TokenText {
  readonly #model: Pick<LlamaModel, 'detokenize'>
  readonly #before: Token[] = []
  #pending: Token[] = []
  /** Characters of the pending tokens' text that were handed out already. */
  #shown = 0

  constructor(model: Pick<LlamaModel, 'detokenize'>) {
    this.#model = model
  }

  push(token: Token): string {
    this.#pending.push(token)
    const text = this.#model.detokenize(this.#pending, false, this.#before)
    // An unfinished character decodes to exactly one replacement character, at the end.
    if (text.endsWith(REPLACEMENT) && this.#pending.length < MAX_PENDING) {
      const shown = text.slice(this.#shown, -REPLACEMENT.length)
      this.#shown = Math.max(this.#shown, text.length - REPLACEMENT.length)
      return shown
    }
    return this.#settle(text)
  }

  /** The replacement character of what turned out to be broken, not unfinished; mostly nothing. */
  flush(): string {
    return this.#pending.length === 0 ? '' : this.#settle(this.#model.detokenize(this.#pending, false, this.#before))
  }

  #settle(text: string): string {
    const shown = text.slice(this.#shown)
    this.#before.push(...this.#pending)
    this.#before.splice(0, this.#before.length - LOOKBACK)
    this.#pending = []
    this.#shown = 0
    return shown
  }
}

/**
 * Ends a text before its first stop string, wherever the pieces are cut. Text that may still turn out to be the beginning
 * of a stop string is held back, so that no part of one is ever shown. The first stop string is the one complete first.
 */
export class StopScanner {
  readonly #stops: readonly string[]
  readonly #longest: number
  #held = ''
  #stopped = false

  constructor(stops: readonly string[]) {
    this.#stops = stops
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length))
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** Text that can be shown now; nothing after a stop string was found. */
  push(text: string): string {
    if (this.#stopped) return ''
    if (this.#longest === 0) return text
    const window = this.#held + text
    const cut = this.#firstStop(window)
    if (cut !== undefined) {
      this.#stopped = true
      this.#held = ''
      return window.slice(0, cut)
    }
    const keep = this.#possibleStart(window)
    this.#held = keep === 0 ? '' : window.slice(-keep)
    return window.slice(0, window.length - keep)
  }

  /** What was held back, when the text ended by itself. */
  flush(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  #firstStop(window: string): number | undefined {
    let first: { start: number; end: number } | undefined
    for (const stop of this.#stops) {
      const start = window.indexOf(stop)
      if (start < 0) continue
      const end = start + stop.length
      if (!first || end < first.end || (end === first.end && start < first.start)) first = { start, end }
    }
    return first?.start
  }

  #possibleStart(window: string): number {
    for (let length = Math.min(this.#longest - 1, window.length); length > 0; length--) {
      const tail = window.slice(-length)
      if (this.#stops.some((stop) => stop.startsWith(tail))) return length
    }
    return 0
  }
}
