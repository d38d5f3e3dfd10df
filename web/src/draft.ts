const key = 'cocoon.draft'

/**
 * The unsent question outlives a reload of this tab. It is written with every keystroke, so that none is lost; the chat
 * itself is kept elsewhere (conversation.ts).
 */
export const draft = {
  read(): string {
    try {
      return sessionStorage.getItem(key) ?? ''
    } catch {
      return '' // Storage may be switched off; the draft then lives as long as the page.
    }
  },
  write(text: string): void {
    try {
      if (text === '') sessionStorage.removeItem(key)
      else sessionStorage.setItem(key, text)
    } catch {
      // As above.
    }
  },
}
