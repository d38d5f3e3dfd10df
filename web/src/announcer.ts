import { spoken } from './summary.ts'

/** Says a growing answer to screen readers by whole sentences, at most every two seconds. */
export const EVERY_MS = 2000

export class Announcer {
  readonly #say: (text: string) => void
  readonly #now: () => number
  #said = 0
  #lastAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined
  #text = ''

  constructor(say: (text: string) => void, now: () => number = () => Date.now()) {
    this.#say = say
    this.#now = now
  }

  /** Says nothing more. */
  end(): void {
    clearTimeout(this.#timer)
  }

  /** The whole text so far; `complete` says what has no sentence end too. */
  push(text: string, complete = false): void {
    this.#text = text
    clearTimeout(this.#timer)
    // Only what is new is looked at: a long answer must not cost more with every word.
    const end = complete ? text.length : this.#said + sentenceEnd(text.slice(this.#said))
    if (end <= this.#said) return
    const wait = this.#lastAt + EVERY_MS - this.#now()
    if (wait > 0) {
      this.#timer = setTimeout(() => this.push(this.#text, complete), wait)
      return
    }
    this.#lastAt = this.#now()
    this.#say(spoken(text.slice(this.#said, end)))
    this.#said = end
  }
}

function sentenceEnd(text: string): number {
  const ends = [...text.matchAll(/[.!?…:]["'”’)]?(?=\s)|\n+|[。！？]/g)]
  const last = ends.at(-1)
  return last ? last.index + last[0].length : 0
}
