import type { ToolCallDelta } from './engine.ts'

/** Around a call, in the words of Hermes, which Qwen and others were trained on too. */
export const CALL_OPEN = '<tool_call>'
export const CALL_CLOSE = '</tool_call>'
/** Characters before a call's arguments that are looked at; a name has 64 at most. */
const MAX_HEAD = 512

const head = /^\s*\{\s*"name"\s*:\s*"([\w.-]{1,64})"\s*,\s*"arguments"\s*:\s*(?=\{)/

/**
 * Tells tool calls from text, wherever the pieces are cut. What begins like a call and is none stays text, for the person
 * to read.
 */
export class ToolCallText {
  readonly #newId: () => string
  readonly #calls: ToolCallDelta[] = []
  #state: 'text' | 'head' | 'arguments' | 'close' = 'text'
  #held = ''
  #count = 0
  #end = new ValueEnd()
  /** Nothing of this call stood there when its mark was complete: a grammar can lead it from its first character. */
  #whole = false

  /** `inside`: the mark was written already, by the prompt. */
  constructor(newId: () => string, inside: boolean) {
    this.#newId = newId
    if (inside) this.#open()
  }

  /** Calls begun. */
  get count(): number {
    return this.#count
  }

  /** The number of the call that is being written and that a grammar can lead; undefined between calls. */
  get writing(): number | undefined {
    if (!this.#whole || this.closed) return undefined
    return this.#state === 'head' ? this.#count : this.#count - 1
  }

  /** True when nothing of a call is open. */
  get closed(): boolean {
    return this.#state === 'text' || this.#state === 'close'
  }

  /** Text that is no call; calls wait in `take`. */
  push(text: string): string {
    this.#held += text
    let shown = ''
    for (;;) {
      const before = this.#state
      shown += this.#step()
      if (this.#state === before) return shown
    }
  }

  take(): ToolCallDelta[] {
    return this.#calls.splice(0)
  }

  /** What was held back, when the text ended: the beginning of a mark, or of what never became a call. */
  flush(): string {
    const rest = this.#state === 'head' ? `${CALL_OPEN}${this.#held}` : this.#state === 'text' ? this.#held : ''
    this.#held = ''
    return rest
  }

  #step(): string {
    switch (this.#state) {
      case 'text':
        return this.#text()
      case 'head':
        return this.#head()
      case 'arguments':
        return this.#arguments()
      case 'close':
        return this.#close()
    }
  }

  #text(): string {
    const at = this.#held.indexOf(CALL_OPEN)
    if (at >= 0) {
      const shown = this.#held.slice(0, at)
      this.#held = this.#held.slice(at + CALL_OPEN.length)
      this.#open()
      this.#whole = this.#held.trim() === ''
      // White space between answer and call is no part of either.
      return shown.trimEnd()
    }
    const keep = overlap(this.#held, CALL_OPEN)
    const shown = this.#held.slice(0, this.#held.length - keep)
    this.#held = keep === 0 ? '' : this.#held.slice(-keep)
    return shown
  }

  #open(): void {
    this.#state = 'head'
    this.#whole = true
  }

  #head(): string {
    const found = head.exec(this.#held)
    if (found?.[1] !== undefined) {
      this.#held = this.#held.slice(found[0].length)
      const called = { name: found[1], arguments: '' }
      this.#calls.push({ index: this.#count, id: this.#newId(), type: 'function', function: called })
      this.#count++
      this.#end = new ValueEnd()
      this.#state = 'arguments'
      return ''
    }
    if (this.#held.length <= MAX_HEAD && !this.#held.includes(CALL_CLOSE)) return ''
    const shown = this.flush()
    this.#state = 'text'
    return shown
  }

  #arguments(): string {
    const end = this.#end.push(this.#held)
    const written = this.#held.slice(0, end)
    this.#held = this.#held.slice(written.length)
    if (written !== '') this.#calls.push({ index: this.#count - 1, function: { arguments: written } })
    if (end !== undefined) this.#state = 'close'
    return ''
  }

  /** What stands between the arguments and the next text: a brace, the mark, white space. */
  #close(): string {
    const found = /^\s*\}?\s*(<\/tool_call>)?\s*/.exec(this.#held)
    const rest = this.#held.slice(found?.[0].length ?? 0)
    // Half a mark may still become a whole one.
    if (rest === '' || (found?.[1] === undefined && CALL_CLOSE.startsWith(rest))) return ''
    this.#held = rest
    this.#state = 'text'
    return ''
  }
}

/** Finds where a JSON object ends, in time linear in its length. */
class ValueEnd {
  #depth = 0
  #inString = false
  #escaped = false

  /** How much of this piece belongs to the object; undefined while it is not complete. */
  push(text: string): number | undefined {
    for (let i = 0; i < text.length; i++) {
      const character = text[i]
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (character === '\\') this.#escaped = true
        else if (character === '"') this.#inString = false
      } else if (character === '"') this.#inString = true
      else if (character === '{' || character === '[') this.#depth++
      else if ((character === '}' || character === ']') && --this.#depth === 0) return i + 1
    }
    return undefined
  }
}

/** How much of a text's end is the beginning of the mark. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (mark.startsWith(text.slice(-length))) return length
  }
  return 0
}
